"""Joint scores: the formula, its split over features and pairs, and its evidence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_sample import moments

from kldrift.divergence import frechet_distance, gaussian_kl, multivariate_gaussian_kl
from kldrift.statistics.joint_gaussian import Unscorable, joint_score


def sample(n, seed, k=3, shift=0.0, mix=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) @ (np.eye(k) + mix * np.tri(k, k, -1)) + shift


def gaussian(values):
    return values.mean(0), np.cov(values.T, bias=True)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.floats(-2, 2), st.floats(-1.5, 1.5))
def test_features_and_pairs_add_up_to_the_divergence_of_the_gaussians(seed, k, shift, mix):
    now, before = sample(200, seed, k, shift, mix), sample(300, seed + 1, k)
    score = joint_score(moments(now), moments(before))
    expected = multivariate_gaussian_kl(*gaussian(now), *gaussian(before))
    assert score.kl == pytest.approx(expected, rel=1e-9)
    assert score.features.sum() + score.pairs.sum() == pytest.approx(score.kl, rel=1e-12)
    alone = gaussian_kl(now.mean(0), now.std(0), before.mean(0), before.std(0))
    np.testing.assert_allclose(score.features, alone, rtol=1e-8, atol=1e-13)


def test_a_pair_that_moved_has_the_share_and_the_others_have_none():
    before = np.random.default_rng(0).normal(size=(200_000, 3))
    now = np.random.default_rng(1).normal(size=(200_000, 3))
    now[:, 1] = 0.8 * now[:, 0] + 0.6 * now[:, 1]
    score = joint_score(moments(now), moments(before))
    assert score.pairs[0, 1] == pytest.approx(-np.log(1 - 0.8**2) / 2, rel=0.02)
    assert abs(score.pairs[0, 2]) + abs(score.pairs[1, 2]) < 1e-3
    assert score.features.max() < 1e-4
    assert score.p_value < 1e-100


def test_the_split_holds_before_rounding_is_spread_over_it():
    from kldrift.statistics.joint_gaussian import _pairs

    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 4, 4))
    cov_p, cov_q, shift = a @ a.T + np.eye(4), b @ b.T + np.eye(4), rng.normal(size=4)
    std_p, std_q = np.sqrt(np.diag(cov_p)), np.sqrt(np.diag(cov_q))
    pairs, mean = _pairs(shift / std_q, cov_p, cov_q, std_p, std_q)
    joint = multivariate_gaussian_kl(shift, cov_p, np.zeros(4), cov_q)
    alone = gaussian_kl(shift, std_p, np.zeros(4), std_q).sum()
    assert pairs.sum() == pytest.approx(joint - alone, rel=1e-12)
    assert mean == pytest.approx(shift @ np.linalg.inv(cov_q) @ shift / 2, rel=1e-12)


def test_variances_alone_have_no_pairs_and_a_frechet_distance():
    now, before = sample(500, 1, shift=0.3), sample(700, 2)
    score = joint_score(moments(now, diagonal=True), moments(before, diagonal=True))
    sides = [(v.mean(0), v.var(0)) for v in (now, before)]
    assert score.kl == pytest.approx(multivariate_gaussian_kl(*sides[0], *sides[1]), rel=1e-9)
    assert score.frechet == pytest.approx(frechet_distance(*sides[0], *sides[1]), rel=1e-9)
    assert not score.pairs.size


def test_one_enormous_value_is_no_evidence():
    now, before = sample(5000, 1), sample(5000, 2)
    now[17, 1] = 1e9
    score = joint_score(moments(now), moments(before))
    assert score.kl > 1e6
    assert score.p_value > 0.01


def one_lognormal(n, seed, k=20):
    values = np.random.default_rng(seed).normal(size=(n, k))
    values[:, -1] = np.exp(2 * values[:, -1])
    return values


def test_a_heavy_tail_hides_no_change_of_the_other_features():
    before, shifted, together = (one_lognormal(10_000, seed) for seed in range(3))
    assert joint_score(moments(shifted), moments(before)).p_value > 0.01
    shifted[:, :3] += 0.3
    together[:, 1] = 0.6 * together[:, 0] + 0.8 * together[:, 1]
    for now in (shifted, together):
        score = joint_score(moments(now), moments(before))
        assert score.heavy == (19,)
        assert score.p_value < 1e-10


def test_what_a_heavy_tail_adds_is_told_apart():
    before, now = (one_lognormal(1000, seed, 3) for seed in range(2))
    now[17, 2] = 1e6
    score = joint_score(moments(now), moments(before))
    rest = joint_score(moments(now[:, :2]), moments(before[:, :2]))
    assert score.unjudged == pytest.approx(score.kl - rest.kl, rel=1e-9)
    assert score.unjudged > 100
    assert rest.heavy == ()
    assert rest.unjudged == 0


def test_a_feature_whose_fourth_powers_overflow_is_not_judged():
    before, now = sample(1000, 0), sample(1000, 1)
    before[:, 2] *= 1e80
    now[:, 2] *= 3e80
    score = joint_score(moments(now), moments(before))
    assert score.heavy == (2,)
    assert score.unjudged > 1
    assert np.isfinite([score.p_value, score.kl_expected]).all()


@pytest.mark.parametrize(
    ("change", "what", "which"),
    [
        (lambda x: x[:, [0, 0]], "ridge.*condition number", (0, 1)),
        (lambda x: x[:, [0, 1, 0]], "determined by the others", (0, 2)),
        (lambda x: x * [1, 0], "no spread", (1,)),
        (lambda x: x * [1, 1e200], "beyond 1e150", (1,)),
    ],
    ids=["one feature twice", "two of three", "a constant", "too large"],
)
def test_what_has_no_divergence_says_why_and_which_features_it_is_about(change, what, which):
    values = change(sample(100, 0, 2))
    with pytest.raises(Unscorable, match=what) as error:
        joint_score(moments(values), moments(values))
    assert error.value.features == which


def test_a_ridge_makes_a_singular_covariance_a_score():
    now, before = sample(100, 0, 2)[:, [0, 0]], sample(100, 1, 2)[:, [0, 0]]
    assert 0 < joint_score(moments(now), moments(before), ridge=1e-4).kl < 1
