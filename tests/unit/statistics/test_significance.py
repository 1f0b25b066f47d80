"""Evidence: the G-test against scipy, its false alarms and its power, and false discovery rates."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.statistics.effect_tests import rise_p, share_above_p
from kldrift.statistics.significance import g_test, q_values
from kldrift.statistics.tails import tail_rise_p

tables = st.integers(2, 12).flatmap(
    lambda k: st.tuples(*[st.lists(st.integers(0, 400), min_size=k, max_size=k)] * 2)
)


def by_scipy(p: np.ndarray, q: np.ndarray) -> tuple[float, int, float]:
    occupied = (p + q) > 0
    found = scipy.stats.chi2_contingency(
        np.stack([p, q])[:, occupied], correction=False, lambda_="log-likelihood"
    )
    return found.statistic, found.dof, found.pvalue


def expected(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return (p + q) * min(p.sum(), q.sum()) / (p.sum() + q.sum())


@quick
@given(tables)
def test_where_every_cell_expects_5_rows_it_is_the_test_of_scipy(table):
    p, q = np.array(table) + 20
    if expected(p, q).min() < 5:
        q = q + p
    g, dof, p_value = g_test(p, q)
    statistic, degrees, exact = by_scipy(p, q)
    assert dof == degrees
    assert g == pytest.approx(statistic, rel=1e-10, abs=1e-10)
    assert p_value == pytest.approx(exact, rel=1e-9, abs=1e-300)


def test_a_fifth_of_the_cells_may_expect_1_to_5_rows_as_cochran_says():
    p, q = np.array([50, 60, 70, 80, 2]), np.array([55, 66, 65, 90, 3])
    assert g_test(p, q) == pytest.approx(by_scipy(p, q), rel=1e-12)
    few = np.array([50, 60, 70, 2, 2])
    assert g_test(few, few + 1)[0] < by_scipy(few, few + 1)[0]


@quick
@given(tables)
def test_the_order_of_the_sides_does_not_matter(table):
    p, q = np.array(table)
    assert g_test(p, q) == pytest.approx(g_test(q, p), rel=1e-12, abs=1e-12)


@quick
@given(tables, st.integers(1, 20))
def test_cells_that_are_empty_on_both_sides_change_nothing(table, more):
    padded = np.pad(np.array(table), [(0, 0), (0, more)])
    assert g_test(*padded) == pytest.approx(g_test(*np.array(table)), rel=1e-12, abs=1e-12)


@quick
@given(st.lists(tables, min_size=1, max_size=5))
def test_many_tables_at_once_are_tested_each_as_if_alone(some):
    width = max(len(p) for p, _ in some)
    padded = np.array([[np.pad(side, (0, width - len(side))) for side in t] for t in some])
    g, dof, p_value = g_test(padded[:, 0], padded[:, 1])
    assert g.shape == dof.shape == p_value.shape == (len(some),)
    for i, (p, q) in enumerate(some):
        alone = g_test(np.array(p), np.array(q))
        assert (g[i], dof[i], p_value[i]) == pytest.approx(alone, rel=1e-12, abs=1e-12)


def test_the_result_has_the_shape_of_the_leading_axes():
    p = np.full((3, 1, 4), 10)
    assert [x.shape for x in g_test(p, np.full((2, 4), 9))] == [(3, 2)] * 3
    assert [np.shape(x) for x in g_test(p[0, 0], p[0, 0])] == [()] * 3
    assert g_test(p[0], p[0])[0].shape == (1,)


@pytest.mark.parametrize(
    ("p", "q"),
    [([5], [7]), ([0, 0], [3, 4]), ([3, 4], [0, 0]), ([0, 0], [0, 0]), ([9, 0], [4, 0])],
    ids=["one cell", "nothing current", "nothing reference", "nothing", "one occupied cell"],
)
def test_where_there_is_nothing_to_compare_there_is_no_evidence(p, q):
    assert g_test(np.array(p), np.array(q))[2] == 1


def test_billions_of_rows_are_tested_like_thousands():
    p, q = np.array([3_000_000, 2_000_000]), np.array([3_001_000, 2_000_000])
    thousand = g_test(1_000 * p, 1_000 * q)[0]
    assert thousand == pytest.approx(1_000 * g_test(p, q)[0], rel=1e-6)
    assert g_test(np.array([3, 2]) * 10**9, np.array([2, 3]) * 10**9)[2] == 0


def test_drift_among_rare_categories_alone_is_seen():
    rng = np.random.default_rng(0)
    shares = np.append(np.full(1_000, 4), 4_000)
    p = rng.poisson(shares * np.append(np.tile([1.6, 0.4], 500), 1))
    _, dof, p_value = g_test(p, rng.poisson(shares))
    assert p_value < 1e-6
    assert 50 < dof < 1_000


def test_one_row_that_a_large_reference_has_never_seen_does_not_hide_a_drift():
    p, q = np.array([500, 499, 1]), np.array([90_000_000, 10_000_000, 0])
    assert g_test(p, q)[2] < 1e-100


def test_the_better_of_two_tests_counts_twice():
    g, dof, p_value = g_test(np.array([60, 40, 1]), np.array([40, 60, 0]))
    assert dof == 1
    assert p_value == pytest.approx(2 * scipy.stats.chi2.sf(g, 1))


@pytest.mark.parametrize("reference", [10**6, 10**9])
@pytest.mark.parametrize("n", [2, 8, 20, 1_000])
def test_rows_that_the_reference_has_never_seen_are_evidence_however_few(n, reference):
    assert g_test(np.array([0, n]), np.array([reference, 0]))[2] < 1e-9


def test_the_same_few_rows_are_no_evidence():
    assert g_test(np.array([2, 1, 0, 1]), np.array([2, 1, 1, 0]))[2] == 1


# ----------------------------------------------------------------------------- false discoveries

p_lists = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.05, 1.0]), max_size=40)


@quick
@given(p_lists.filter(bool))
def test_q_values_are_those_of_scipy(p_values):
    exact = scipy.stats.false_discovery_control(p_values)
    np.testing.assert_allclose(q_values(np.array(p_values)), exact, rtol=1e-14)


@quick
@given(p_lists, st.lists(st.integers(0, 40), max_size=5))
def test_what_was_not_tested_does_not_count(p_values, gaps):
    with_gaps = list(p_values)
    for at in gaps:
        with_gaps.insert(at, np.nan)
    found = q_values(np.array(with_gaps))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(with_gaps))
    np.testing.assert_array_equal(found[~np.isnan(found)], q_values(np.array(p_values)))


def test_no_tests_have_no_q_values():
    assert q_values(np.array([])).shape == (0,)
    assert np.isnan(q_values(np.array([np.nan]))).all()


@pytest.mark.parametrize("rows", [10**11, 10**13])
def test_a_share_of_billions_of_rows_is_above_a_limit_or_not(rows):
    """Rows times rows do not fit into 64 bits: the p-value was NaN, or 0 without any change."""
    limit, every = np.array([0.005]), np.ones((1, 2), dtype=np.bool_)
    before = np.array([[rows // 25, rows - rows // 25]])
    for change, p_value in ((0, 1.0), (rows // 250, 1.0), (rows // 100, 0.0)):
        now = before + np.array([change, -change])
        assert share_above_p(now, before, every, limit) == pytest.approx(p_value)
        assert tail_rise_p(now, before, limit) == 1.0  # so many rows are no tail
        x, n, y, m = now[:, 0], now.sum(-1), before[:, 0], before.sum(-1)
        assert rise_p(x, n, y, m, limit) == pytest.approx(p_value)
