"""The kl without drift is the mean over all ways to deal the rows to two sides."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from mpmath import mp

from kldrift.divergence import kl_divergence
from kldrift.divergence.probabilities import probabilities
from kldrift.statistics.expected_kl import expected_kl

ROWS = [(30, 30), (30, 10_000), (10_000, 30), (1_000, 1_000)]


def kl(p, q, pseudocount):
    occupied = (p + q) > 0
    sides = (probabilities(side, occupied, pseudocount=pseudocount) for side in (p, q))
    return kl_divergence(*sides)


@pytest.mark.parametrize("pseudocount", [0.5, 2.0])
def test_it_is_the_mean_over_every_way_to_deal_few_rows(pseudocount):
    p, q = np.array([2, 0, 1, 1]), np.array([1, 3, 0, 2])
    values = np.repeat(np.arange(4), p + q)
    deals = [np.bincount(values[list(some)], minlength=4) for some in combinations(range(10), 4)]
    exact = np.mean([kl(now, p + q - now, pseudocount) for now in deals])
    assert expected_kl(p[None], q[None], pseudocount) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), ROWS)
@pytest.mark.parametrize("cells", [5, 20, 113])
def test_it_is_the_mean_of_quiet_pairs_of_few_and_of_many_rows_per_cell(n, m, cells):
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, cells + 1)
    p, q = (rng.multinomial(rows, shares / shares.sum(), 1_000) for rows in (n, m))
    found = kl(p, q, 0.5)
    error = found.std() / np.sqrt(len(found))
    assert expected_kl(p, q, 0.5).mean() == pytest.approx(found.mean(), abs=4 * error)


def test_the_series_of_many_rows_goes_on_where_the_sum_of_few_ends():
    p, q = np.array([[15, 500], [16, 500]]), np.array([[15, 500], [16, 500]])
    below, above = expected_kl(p, q, 0.5)
    assert 0 < below - above < 2e-5


def test_billions_of_rows_keep_their_digits():
    p, q = np.full((1, 20), 10**9), np.full((1, 20), 2 * 10**9)
    first_order = 19 / 2 * (1 / (20 * 10**9) + 1 / (40 * 10**9))
    assert expected_kl(p, q, 0.5) == pytest.approx(first_order, rel=1e-3)


def test_few_rows_beside_billions_keep_their_digits():
    n, m, cells = 12, 750_000_000, [(8, 499_999_992), (4, 249_999_996)]
    assert n == sum(p for p, _ in cells)
    p, q = (np.array([side]) for side in zip(*cells, strict=True))
    m = int(q.sum())
    exact = {}
    for t in (p + q)[0].tolist():
        for x in range(n + 1):
            ways = mp.binomial(t, x) * mp.binomial(n + m - t, n - x)
            a, b = (x + mp.mpf("0.5")) / (n + 1), (t - x + mp.mpf("0.5")) / (m + 1)
            exact[t, x] = ways / mp.binomial(n + m, n) * a * mp.log(a / b)
    mean = float(mp.fsum(exact.values()))
    assert expected_kl(p, q, 0.5)[0] == pytest.approx(mean, rel=1e-11)


def test_nothing_is_expected_of_one_cell_or_without_rows():
    p = np.array([[30, 0], [0, 0]])
    assert expected_kl(p, p, 0.5).tolist() == pytest.approx([0.0, np.nan], nan_ok=True)
    assert expected_kl(p[:1], np.array([[0, 5]]), 0.0) >= 0


def test_a_table_expects_the_same_to_the_bit_beside_one_of_other_sizes():
    rng = np.random.default_rng(3)
    p, q = rng.poisson(2, (2, 60, 30))
    far = np.full((1, 30), 2), np.full((1, 30), 10**7)  # cells that are few beside many rows
    alone = expected_kl(p, q, 0.5)
    beside = expected_kl(*(np.concatenate(sides) for sides in zip((p, q), far, strict=True)), 0.5)
    np.testing.assert_array_equal(beside[:-1], alone)
