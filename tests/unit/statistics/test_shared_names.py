"""Rows that share a new name: how often quiet ones are called more, and what is found."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from test_gone_names import flat, zipf

from kldrift.statistics.shared_names import MOST, SharedNames

DRAWS = 300


def shared(p, q):
    """Of counts of all names, the most frequent new ones, as a scan keeps them."""
    rows = np.sort(p * (q == 0))[::-1][:1_000].astype(float)
    pairs = rows * (rows - 1)
    names = np.bincount(q[q <= MOST], minlength=MOST + 1)[None].astype(float)
    sums = np.array([pairs.sum()]), np.array([(pairs**2).sum()])
    n, m = (np.array([side.sum()]) for side in (p, q))
    return SharedNames(*sums, rows[:1], names, np.ones((1, MOST + 1)), n, m)


def p_value(p, q, limit=0.0):
    return float(shared(p, q).above_p(np.array([limit]))[0])


@pytest.mark.parametrize(
    ("n", "m"), [(300, 300), (1_000, 1_000), (10_000, 10_000), (1_000, 10_000), (10_000, 1_000)]
)
@pytest.mark.parametrize(
    "shares",
    [flat(100), flat(1_000), flat(20_000), zipf(5_000, 1.0), 0.997 ** np.arange(5_000)],
    ids=["100", "1,000", "20,000", "zipf", "geometric"],
)
def test_quiet_names_have_small_p_values_no_more_often_than_meant(shares, n, m):
    rng = np.random.default_rng(n + m)
    shares = shares / shares.sum()
    found = [p_value(*(rng.multinomial(x, shares) for x in (n, m))) for _ in range(DRAWS)]
    for level in (0.01, 0.001):
        hits = int((np.array(found) < level).sum())
        assert scipy.stats.binom.sf(hits - 1, DRAWS, 1.5 * level) > 0.001


@pytest.mark.parametrize(("names", "rows"), [(5_000, 5_000), (10_000, 10_000), (20_000, 10_000)])
def test_half_of_the_names_gone_is_found_and_not_said_to_be_more(names, rows):
    rng = np.random.default_rng(0)
    half = np.where(np.arange(names) % 2 == 0, 2 / names, 0.0)
    for _ in range(10):
        p, q = rng.multinomial(rows, half), rng.multinomial(rows, flat(names))
        assert p_value(p, q) < 0.001
        assert 0 < shared(p, q).share[0] < 0.5


def test_pairs_of_rows_are_expected_by_names_of_two_rows():
    rng = np.random.default_rng(1)
    draws = [shared(*rng.multinomial(1_000, flat(1_000), 2)) for _ in range(200)]
    seen, expected = (np.mean([getattr(s, x) for s in draws]) for x in ("pairs", "expected"))
    assert seen == pytest.approx(expected, rel=0.03)
