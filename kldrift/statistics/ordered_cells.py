"""Is a difference between ordered cells more than chance: neighbours pooled, tails tested apart.

The cells of numbers are chosen on the reference. Its smallest and its largest row bound the tails,
which therefore never have a row of it: a test that takes them for cells like all others calls the
usual few rows beyond the extremes a difference.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import gammaln

from kldrift.arrays import Bools, Counts, Floats
from kldrift.profiles.rebinning import least_rows
from kldrift.statistics.significance import g_test
from kldrift.statistics.sparse_cells import fewest_expected, moved

LEAST: Final = 8.0
"""Expected rows from which G of a cell is about chi-square."""
SURELY: Final = 2.5
"""So many times the rows that a value needs for a cell of its own it has by no chance."""
MOST_POOLED: Final = 0.2
"""Share of the rows that a pool of cells which may be chance holds at most, about."""
FEW: Final = 25.0
FEW_POOLED: Final = 0.4
"""So many rows that pool may hold all the same, up to a larger share of few rows: half a dozen rows
of a value that has a cell by chance would be too many among fewer."""
OF_CELLS: Final = 0.9
OF_TAIL: Final = 0.05
"""Shares of the error rate: of the cells, and of each tail."""


def ordered_p_value(
    p: Counts, q: Counts, inside: Bools, below: Bools, above: Bools, fitted: Bools, values: Bools
) -> Floats:
    """The p-value of "both rows of counts are from one distribution", for cells in order.

    Tails without a reference row go to their neighbours; then neighbours that expect fewer than 8
    rows on either side are pooled until 8 are expected, and tested by :func:`g_test`. What cells
    expect is the reference's share of cells that were made to hold equal shares of just these
    reference rows, and of others that of both sides: pools that end where one side's rows happen to
    be many would differ between the sides without any drift.
    The rows beyond the extremes of the reference are tested apart, by :func:`beyond_p_value`; the
    three share the error rate.

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows per cell.
        inside: cells that have neighbours: those of numbers, tails included. Others, such as nulls,
            are tested as they are.
        below: the cells below the smallest value of the reference.
        above: those above its largest one.
        fitted: cells that are quantiles of these very reference rows.
        values: cells of one value each. Beside cells of several values, those with few rows are
            pooled further: they have cells because these reference rows are many by chance.

    Examples:
        >>> p, q = np.array([[0, 38, 60, 2]]), np.array([[0, 50, 50, 0]])
        >>> first, last = np.eye(4, dtype=bool)[[[0], [3]]]
        >>> every = np.ones((1, 4), dtype=bool)
        >>> ordered_p_value(p, q, every, first, last, every, ~every).round(3)
        array([0.097])
    """
    n, m = (np.where(inside, side, 0).sum(-1) for side in (p, q))
    lower, upper = below & (q == 0), above & (q == 0)
    tails = [beyond_p_value(np.where(tail, p, 0).sum(-1), n, m) for tail in (lower, upper)]
    p = p.copy()
    for tail, step in ((lower, 1), (upper, -1)):
        row, cell = np.nonzero(tail & (p > 0))
        to = cell + step
        kept = (to >= 0) & (to < p.shape[-1])
        row, cell, to = row[kept], cell[kept], to[kept]
        np.add.at(p, (row, to), p[row, cell])
        p[row, cell] = 0
    every = q.sum(-1, keepdims=True)
    few = np.minimum(p.sum(-1, keepdims=True), every)
    expected = fewest_expected(p, q)
    occupied = inside & (p + q > 0)
    needed = least_rows(every) * (few / np.maximum(every, 1))
    by_chance = occupied & values & (expected < SURELY * needed)
    chosen = (by_chance.any(-1) & (occupied & ~values).any(-1))[:, None]
    expected = np.where(fitted & ~chosen, q * (few / np.maximum(every, 1)), expected)
    most = np.maximum(MOST_POOLED * few, np.minimum(FEW_POOLED * few, FEW))
    pooled = np.minimum(2 * SURELY * needed, most)
    least = np.where(chosen, np.maximum(LEAST, pooled), LEAST)
    sparse = occupied & (expected < least)
    rows, cells = sparse.any(-1), np.empty(len(p))
    cells[~rows] = g_test(p[~rows], q[~rows])[2]
    if rows.any():  # these alone: in wider rows, the sums of others would have other last digits
        place = neighbour_pools(expected[rows], sparse[rows], least[rows, 0])
        cells[rows] = g_test(moved(p[rows], place), moved(q[rows], place))[2]
    parts = (cells / OF_CELLS, *(tail / OF_TAIL for tail in tails))
    return np.asarray(np.minimum(1.0, np.minimum.reduce(parts)))


def neighbour_pools(expected: Floats, sparse: Bools, least: Floats) -> Counts:
    """Assign sparse cells to pools of neighbours; other cells keep their index.

    What is left at the end goes to the last pool.

    Args:
        expected: rows that each cell expects on the smaller side, shape ``(n, k)``.
        sparse: the cells to pool.
        least: rows that a pool expects, shape ``(n,)``.

    Returns:
        Places for :func:`kldrift.statistics.sparse_cells.moved`, shape ``(n, k)``.

    Examples:
        >>> neighbour_pools(np.full((1, 6), 3.0), np.ones((1, 6), dtype=bool), np.array([8]))
        array([[6, 6, 6, 7, 7, 7]])
        >>> neighbour_pools(np.full((1, 5), 3.0), np.ones((1, 5), dtype=bool), np.array([8]))
        array([[5, 5, 5, 5, 5]])
    """
    n, k = expected.shape
    pool, rows = np.zeros((n, k), dtype=np.int64), np.where(sparse, expected, 0.0)
    open_pool, held = np.zeros(n, dtype=np.int64), np.zeros(n)
    for cell in range(k):
        pool[:, cell] = open_pool
        held += rows[:, cell]
        full = held >= least
        open_pool += full
        held[full] = 0.0
    last = np.maximum(open_pool - 1, 0)[:, None]
    return np.where(sparse, k + np.minimum(pool, last), np.arange(k))


def beyond_p_value(x: Counts, n: Counts, m: Counts) -> Floats:
    """Probability that the x largest of all rows are current ones, without any difference.

    ``n (n - 1) ... (n - x + 1) / ((n + m) ... (n + m - x + 1))``: any order is equally likely.

    Examples:
        >>> beyond_p_value(np.array([0, 1, 2]), np.array([10]), np.array([10])).round(4)
        array([1.    , 0.5   , 0.2368])
    """
    current = gammaln(n + 1.0) - gammaln(n - x + 1.0)
    return np.asarray(np.exp(current - gammaln(n + m + 1.0) + gammaln(n + m - x + 1.0)))
