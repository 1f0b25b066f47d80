"""Names that are gone together: how often quiet ones are called so, and what is found."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats

from kldrift.statistics.gone_names import (
    NameSample,
    gone_above_p,
    gone_chance,
    gone_share,
    priorities,
)
from kldrift.statistics.hashing import text_hashes

DRAWS = 300
MOST = 256


def flat(names: int) -> np.ndarray:
    return np.full(names, 1 / names)


def zipf(names: int, power: float) -> np.ndarray:
    weights = np.arange(1.0, names + 1) ** -power
    return weights / weights.sum()


def p_value(p: np.ndarray, q: np.ndarray, whole: np.ndarray, limit: float) -> float:
    """The p-value of one draw, with cells for a sample of the names of two to 19 rows."""
    n, m = (np.array([side.sum()]) for side in (p, q))
    now, before, sample = sampled(p, q, whole)
    stands_for = sample.stand_for(now, before)
    chance = gone_chance(now, before, sample.floors(before), n, m)
    unit = sample.unit(m)
    return float(gone_above_p(now, stands_for, chance, m, np.array([limit]), unit)[0])


def sampled(p: np.ndarray, q: np.ndarray, whole: np.ndarray) -> tuple:
    """The rows of both sides of the names that have cells, and what these are a sample of."""
    hashes = text_hashes(pa.array([f"v{i}" for i in range(len(whole))]))
    own, rest = (np.flatnonzero(x) for x in (whole >= 20, (whole >= 2) & (whole < 20)))
    rare = rest[np.argsort(-priorities(whole[rest], hashes[rest]))][:MOST]
    left = int(whole[rest].sum() - whole[rare].sum())
    cells = np.concatenate([own, rare])
    sample = NameSample.of(whole[cells], len(rare), left, hashes[cells], int(whole.sum()))
    now, before = p[None, cells], q[None, cells]
    if left:
        now[0, -1] = before[0, -1] = 0
    return now, before, sample


@pytest.mark.parametrize(("n", "m"), [(1_000, 1_000), (10_000, 10_000), (1_000, 10_000)])
@pytest.mark.parametrize(
    "shares", [flat(400), flat(1_000), flat(5_000), zipf(1_000, 1.0), zipf(5_000, 1.1)]
)
@pytest.mark.parametrize("apart", [0, 5_000])
def test_quiet_names_are_called_gone_no_more_often_than_meant(shares, n, m, apart):
    rng = np.random.default_rng(n + m + apart)
    found = []
    for _ in range(DRAWS):
        p, q, others = (rng.multinomial(size, shares) for size in (n, m, apart))
        found.append(p_value(p, q, q + others, 0.0))
    for level in (0.05, 0.01):
        hits = int((np.array(found) < level).sum())
        assert scipy.stats.binom.sf(hits - 1, DRAWS, 1.5 * level) > 0.001


def test_a_share_at_the_limit_is_called_above_it_no_more_often_than_meant():
    rng = np.random.default_rng(0)
    shares, now = flat(1_000), np.append(np.full(980, 1 / 980), np.zeros(20))
    draws = ((rng.multinomial(5_000, s) for s in (now, shares)) for _ in range(DRAWS))
    found = np.array([p_value(p, q, q, 0.02) for p, q in draws])
    assert (found < 0.05).mean() < 0.075


@pytest.mark.parametrize("names", [2_000, 5_000])
def test_a_sample_of_names_tells_how_many_rows_are_gone(names):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(50):
        q = rng.permutation(np.tile([8, 12], names // 2))
        p = np.where(rng.random(names) < 0.3, 0, 12)
        now, before, sample = sampled(p, q, q)
        n, m = (np.array([side.sum()]) for side in (p, q))
        chance = gone_chance(now, before, sample.floors(before), n, m)
        found.append(gone_share(now, sample.stand_for(now, before), chance, m)[0])
    assert 0.24 < np.mean(found) < 0.31  # what may be chance is taken off


def test_the_tail_of_the_sum_is_that_of_all_its_terms():
    """Oracle: all 2 ** 12 sets of names that may be gone, listed."""
    rng = np.random.default_rng(1)
    q = rng.integers(2, 9, 12)
    p = np.where(np.arange(12) < 5, 0, rng.integers(1, 9, 12))
    n, m = np.array([p.sum()]), np.array([q.sum()])
    chance = gone_chance(p[None], q[None], np.zeros((1, 12), dtype=np.int64), n, m)
    gone, total = q[p == 0].sum(), p + q
    exact = sum(
        np.prod(np.where(some, chance[0], 1 - chance[0]))
        for some in itertools.product([False, True], repeat=12)
        if total[list(some)].sum() >= gone
    )
    (found,) = gone_above_p(p[None], (p + q)[None], chance, m, np.zeros(1), m // m)
    assert exact < 0.01
    assert 0.7 * exact < found < 1.5 * exact


def test_the_chance_that_a_name_is_gone_allows_for_its_cell():
    """Oracle: binomial numbers that are not below a floor, drawn."""
    rng = np.random.default_rng(2)
    rows = rng.binomial(4, 0.4, 200_000)
    sides = (np.array([[x]]) for x in (1, 3, 2))
    (chance,) = gone_chance(*sides, np.array([600]), np.array([400]))[0]
    assert chance == pytest.approx((rows == 4).sum() / (rows >= 2).sum(), rel=0.05)


def test_names_that_all_stayed_have_no_share_that_is_gone():
    p = q = np.full((1, 50), 10)
    size = np.array([500])
    chance = gone_chance(p, q, np.zeros_like(q), size, size)
    assert gone_share(p, p + q, chance, size).tolist() == [0.0]
    assert gone_above_p(p, p + q, chance, size, np.zeros(1), size // size).tolist() == [1.0]


def test_of_many_names_that_are_all_gone_the_p_value_is_zero_without_a_sign():
    q = np.full((1, 256), 10)
    p, n = np.zeros_like(q), np.array([50000])
    chance = gone_chance(p, q, q * 0, n, n)
    p_value = gone_above_p(p, q, chance, n, np.zeros(1), n // n)
    assert p_value == 0
    assert not np.signbit(p_value)
