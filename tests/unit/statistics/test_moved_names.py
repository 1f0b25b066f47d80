"""Rows that move among rare names: how often quiet ones are called so, and what is found."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from test_gone_names import flat, sampled, zipf

from kldrift.statistics.moved_names import moved_names

DRAWS = 200


def moved(p, q, limit=0.0, stands_for=None):
    """The share and its p-value, of counts of all names."""
    now, before, sample = sampled(p, q, q)
    n, m = p.sum(), q.sum()
    sides = (np.append(x, [[rows - x.sum()]], -1) for x, rows in ((now, n), (before, m)))
    bounds = sample.floors(before), sample.ceilings(before)
    names = sample.names(now, before) if stands_for is None else stands_for
    found = moved_names(*sides, *bounds, names)
    return float(found.share[0]), float(found.above_p(np.array([limit]))[0])


@pytest.mark.parametrize(
    ("n", "m"), [(300, 300), (1_000, 1_000), (10_000, 10_000), (1_000, 10_000), (10_000, 1_000)]
)
@pytest.mark.parametrize(
    "shares",
    [flat(300), flat(500), flat(5_000), zipf(5_000, 1.0), 0.99 ** np.arange(2_000) / 100],
    ids=["300", "500", "5,000", "zipf", "geometric"],
)
def test_quiet_names_have_small_p_values_no_more_often_than_meant(shares, n, m):
    rng = np.random.default_rng(n + m)
    shares = shares / shares.sum()
    p_values = np.array(
        [moved(*(rng.multinomial(x, shares) for x in (n, m)))[1] for _ in range(DRAWS)]
    )
    for level in (0.05, 0.01):
        hits = int((p_values < level).sum())
        assert scipy.stats.binom.sf(hits - 1, DRAWS, 1.5 * level) > 0.001


@pytest.mark.parametrize(("names", "rows"), [(500, 5_000), (1_000, 10_000), (1_500, 15_000)])
def test_rows_that_move_to_a_tenth_of_the_names_are_surely_more_than_a_few(names, rows):
    rng = np.random.default_rng(0)
    now = np.where(np.arange(names) < names / 10, 3.7, 0.7) / names
    for _ in range(10):
        share, p_value = moved(
            rng.multinomial(rows, now), rng.multinomial(rows, flat(names)), 0.005
        )
        assert 0.02 < share < 0.27  # which is what moved
        assert p_value < 0.001


def test_the_share_is_not_above_what_moved_more_often_than_meant():
    rng = np.random.default_rng(1)
    names, rows = 1_000, 10_000
    now = np.where(np.arange(names) < names / 10, 1.18, 0.98) / names  # 1.8 % of the rows moved
    found = [
        moved(rng.multinomial(rows, now), rng.multinomial(rows, flat(names)), 0.018)[1]
        for _ in range(DRAWS)
    ]
    assert (np.array(found) < 0.05).mean() < 0.075


def test_one_name_that_rose_is_found_beside_the_most_rows_that_a_rare_name_has():
    q = np.full(250, 8)
    p = q.copy()
    p[3] += 120
    share, p_value = moved(p, q, 0.02)
    assert share == pytest.approx(128 / p.sum() - 8 / q.sum(), abs=1e-9)
    assert p_value < 1e-6
    assert moved(q, q) == (0.0, 1.0)
