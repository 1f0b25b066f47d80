"""Cells with few rows: pools that expect enough, and exact tests of what is left."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import quick

from kldrift.statistics.sparse_cells import hypergeometric_p_value, moved, pools, rare_p_value

LEAST = 10.0
TWICE_TWO_CELLS = 2 * 2 * math.comb(93, 3) / math.comb(186, 3)  # all 3 marked among 93 of 186 rows


def exactly(x: int, marked: int, drawn: int, rows: int) -> float:
    arguments = (np.array([v]) for v in (x, marked, drawn, rows))
    return float(hypergeometric_p_value(*arguments)[0])


@quick
@given(st.data(), st.integers(2, 5_000))
def test_the_exact_test_is_twice_the_tail_of_scipy(data, rows):
    drawn = data.draw(st.integers(1, rows // 2))
    marked = data.draw(st.integers(1, min(rows, int(20 * rows / drawn))))
    fewest, most = max(0, marked + drawn - rows), min(marked, drawn)
    x = data.draw(st.integers(fewest, min(most, fewest + 60)))
    law = scipy.stats.hypergeom(rows, marked, drawn)
    tail = law.sf(x - 1) if x * rows >= marked * drawn else law.cdf(x)
    assume(tail > 1e-250)
    assert exactly(x, marked, drawn, rows) == pytest.approx(min(1, 2 * tail), rel=1e-5)


def test_the_exact_test_holds_for_billions_of_rows():
    # A draw of 100 from so many is a binomial one to 1e-7.
    law = scipy.stats.binom(100, 0.05)
    found = exactly(14, 50_000_000, 100, 1_000_000_000)
    assert found == pytest.approx(2 * law.sf(13), rel=1e-5)


@quick
@given(st.lists(st.tuples(st.floats(0, 4.9), st.booleans()), min_size=1, max_size=300))
def test_pools_expect_enough_rows_and_no_cell_is_lost(cells):
    expected = np.array([e for e, _ in cells])
    sparse = np.array([s for _, s in cells])
    place = pools(expected, sparse, LEAST)
    k = len(cells)
    assert (place[~sparse] == np.flatnonzero(~sparse)).all()
    assert (place[sparse] >= k).all()
    mass = np.bincount(place[sparse] - k, expected[sparse]) if sparse.any() else np.array([])
    if expected[sparse].sum() >= LEAST:
        assert mass.min() > LEAST / 2 - 1e-9
        assert mass.max() < 2.5 * LEAST + 1e-9
    else:
        assert len(mass) <= 1


def test_neighbours_do_not_share_a_pool():
    place = pools(np.full(1_000, 2.0), np.full(1_000, True), LEAST)
    assert (np.diff(place) == 0).mean() < 0.05


def test_a_pool_does_not_depend_on_cells_that_are_added_behind():
    expected, sparse = np.full(50, 2.0), np.arange(50) % 2 == 0
    short = pools(expected, sparse, LEAST)
    long = pools(np.pad(expected, (0, 30)), np.pad(sparse, (0, 30)), LEAST)
    np.testing.assert_array_equal(short[sparse] - 50, long[:50][sparse] - 80)


def test_moving_counts_loses_none():
    counts = np.array([[1, 2, 3], [4, 5, 6]])
    place = np.array([[0, 3, 3], [5, 1, 5]])
    assert moved(counts, place).tolist() == [[1, 0, 0, 5, 0, 0], [0, 5, 0, 0, 0, 10]]


@pytest.mark.parametrize(
    ("p", "q", "rare", "p_value", "tests"),
    [
        pytest.param([9, 9], [9, 9], [0, 0], 1.0, 0, id="no rare cell"),
        pytest.param([3, 0], [0, 3], [1, 1], 0.1, 1, id="the whole table, asked once"),
        pytest.param([50, 1], [50, 0], [0, 1], 1.0, 1, id="one rare cell"),
        pytest.param([90, 3, 0], [90, 0, 3], [0, 1, 1], TWICE_TWO_CELLS, 2, id="two cells"),
    ],
)
def test_rare_cells_are_tested_each_and_together(p, q, rare, p_value, tests):
    found, asked = rare_p_value(np.array([p]), np.array([q]), np.array([rare], dtype=bool))
    assert asked.tolist() == [tests]
    assert found[0] == pytest.approx(p_value, rel=1e-4)


def test_it_does_not_matter_which_side_is_smaller():
    p, q = np.array([[2, 40]]), np.array([[0, 5_000]])
    rare = np.array([[True, False]])
    assert rare_p_value(p, q, rare)[0] == rare_p_value(q, p, rare)[0]
