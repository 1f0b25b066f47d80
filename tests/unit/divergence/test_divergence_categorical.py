"""Kullback-Leibler divergence of logits."""

import math

import numpy as np
import pytest
from divergence_oracles import LAWS, normalised
from hypothesis import given
from hypothesis import strategies as st
from mpmath import exp, log, mp, mpf
from scipy.special import log_softmax, softmax

from kldrift.divergence import categorical_kl, kl_divergence

INF = math.inf
LEAST = float(np.finfo(np.float64).min)  # a usual mask
widths = st.integers(1, 8)


def logits(scale):
    return st.floats(-scale, scale)


def rows(k, scale):
    return st.lists(logits(scale), min_size=k, max_size=k)


def oracle(p_logits, q_logits):
    p, q = ([mpf(float(x)) for x in side if x > -INF] for side in (p_logits, q_logits))
    p_all, q_all = (log(mp.fsum(exp(x) for x in side)) for side in (p, q))
    pairs = zip(p_logits, q_logits, strict=True)
    terms = [(mpf(float(a)) - p_all, mpf(float(b)) - q_all) for a, b in pairs if a > -INF]
    return mp.fsum(exp(a) * (a - b) for a, b in terms)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
@LAWS
@given(st.data())
def test_logits_of_any_size_give_what_50_digits_give(scale, data):
    k = data.draw(widths)
    p, q = data.draw(rows(k, scale)), data.draw(rows(k, scale))
    # below 1e-28 the sum over classes of 50 digits is rounding
    assert abs(categorical_kl([p], [q]) - oracle(p, q)) <= 1e-9 * oracle(p, q) + 1e-28


@pytest.mark.parametrize("shift", [0.0, 7000.25], ids=["as they are", "shifted"])
@LAWS
@given(st.data())
def test_nearly_equal_rows_of_large_logits_keep_nine_digits(shift, data):
    k = data.draw(st.integers(2, 8))
    p = np.array(data.draw(rows(k, 1e4)))
    p[1] = p[0] - data.draw(st.floats(0, 3))  # two likely classes, or nothing can change
    q = p + shift + 1e-4 * np.array(data.draw(rows(k, 1.0)))
    assert abs(categorical_kl([p], [q]) - oracle(p, q)) <= 1e-9 * oracle(p, q) + 1e-28


@LAWS
@given(st.data())
def test_it_is_the_mean_over_rows_of_the_sum_over_classes(data):
    k = data.draw(widths)
    tables = st.lists(rows(k, 10), min_size=3, max_size=3)
    p, q = np.array(data.draw(tables)), np.array(data.draw(tables))
    expected = (softmax(p, axis=1) * (log_softmax(p, axis=1) - log_softmax(q, axis=1))).sum(axis=1)
    by_row = categorical_kl(p, q, reduction="none")
    np.testing.assert_allclose(by_row, expected, rtol=1e-9, atol=1e-14)
    assert categorical_kl(p, q) == categorical_kl(p, q, reduction="mean") == by_row.mean()
    assert categorical_kl(p, q, reduction="batchmean") == by_row.mean()
    assert categorical_kl(p, q, reduction="sum") == by_row.sum()


def test_logs_of_probabilities_are_logits():
    p, q = np.array([[0.4, 0.4, 0.2]]), np.array([[0.5, 0.1, 0.4]])
    # torch.nn.functional.kl_div(q.log(), p, reduction="batchmean"): target * (log(target) - input)
    by_torch = (p * (np.log(p) - np.log(q))).sum() / p.shape[0]
    assert categorical_kl(np.log(p), np.log(q)) == pytest.approx(by_torch, rel=1e-12)
    assert categorical_kl(np.log(p), np.log(q)) == pytest.approx(kl_divergence(p, q)[0], rel=1e-12)


@LAWS
@given(st.data())
def test_logits_and_probabilities_give_one_number(data):
    k = data.draw(widths)
    p, q = (np.array(data.draw(rows(k, 20))) for _ in "pq")
    expected = kl_divergence(normalised(np.exp(p)), normalised(np.exp(q)))
    assert categorical_kl([p], [q]) == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        ([5.0, LEAST], [LEAST, 5.0], -LEAST),
        ([1e308, -1e308], [0.0, 0.0], math.log(2)),
        ([0.0, 1.0, LEAST], [LEAST, 0.0, 1.0], -LEAST / (1 + math.e)),
        ([-LEAST, LEAST], [-LEAST, LEAST], 0.0),
        ([-LEAST, LEAST], [LEAST, -LEAST], INF),
    ],
    ids=["another mask", "far apart", "mask of one", "farthest", "beyond a double"],
)
def test_differences_beyond_a_double_are_numbers(p, q, expected):
    assert categorical_kl([p], [q]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("p", "q", "expected"),
    [
        ([0, -INF, 0], [0, -INF, 0], 0),
        ([0, -INF, 0], [0, 0, 0], math.log(3 / 2)),
        ([0, 0, 0], [0, -INF, 0], INF),
        ([0, -1e4, 0], [0, -INF, 0], INF),
        ([5, 0, 0], [-INF, 0, 0], INF),
        ([-INF, 5, -INF], [-INF, -5, -INF], 0),
        ([1e4, -1e4], [-1e4, 1e4], 2e4),
        ([1e4, -1e4], [1e4, 1e4], math.log(2)),
        ([3], [-8], 0),
    ],
    ids=[
        "masked in both",
        "in p",
        "in q",
        "in q, tiny in p",
        "the top",
        "one left",
        "swapped",
        "half",
        "single",
    ],
)
def test_masks_and_extremes_have_their_limits(p, q, expected):
    assert categorical_kl([p], [q]) == pytest.approx(expected, rel=1e-12)


@LAWS
@given(st.data())
def test_a_class_that_is_masked_in_both_changes_nothing(data):
    k = data.draw(widths)
    p, q = data.draw(rows(k, 100)), data.draw(rows(k, 100))
    place = data.draw(st.integers(0, k))
    masked = categorical_kl([np.insert(p, place, -INF)], [np.insert(q, place, -INF)])
    assert masked == pytest.approx(categorical_kl([p], [q]), rel=1e-12)


@LAWS
@given(st.data())
def test_it_is_never_negative_and_0_for_equal_rows(data):
    p, q = data.draw(rows(4, 1e4)), data.draw(rows(4, 1e4))
    assert categorical_kl([p], [q]) >= 0
    assert categorical_kl([p], [p]) == 0


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([[0, math.nan]], [[0, 0]], r"p_logits must not be NaN or inf, got nan at \(0, 1\)"),
        ([[0, 0]], [[INF, 0]], r"q_logits must not be NaN or inf, got inf at \(0, 0\)"),
        (
            [[0, 0], [-INF, -INF]],
            [[0, 0]] * 2,
            r"leave a class of each row unmasked, got -inf at 1",
        ),
        ([0, 0], [0, 0], r"p_logits must have shape \(batch, classes\), got \(2,\)"),
        (np.zeros((0, 3)), np.zeros((0, 3)), r"p_logits must have shape .* got \(0, 3\)"),
        ([[0, 0]], [[0, 0, 0]], r"p_logits has shape \(1, 2\) and q_logits has \(1, 3\)"),
    ],
    ids=["NaN", "inf", "all masked", "one axis", "no rows", "classes"],
)
def test_what_are_no_logits_is_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        categorical_kl(p, q)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(
        ValueError, match="reduction must be none, mean, sum or batchmean, got 'max'"
    ):
        categorical_kl([[0, 0]], [[0, 0]], reduction="max")
