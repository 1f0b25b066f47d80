"""Cells with too few rows for the chi-square approximation: pooled, or tested exactly.

Tables are pairs of counts p (current) and q (reference) of shape ``(..., k)``, one table per row.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from kldrift.arrays import Counts, Floats
from kldrift.statistics.hashing import scatter
from kldrift.statistics.picked_cells import PickedCells

T = TypeVar("T", np.int64, np.float64)

TERMS: Final = 96
"""Of a hypergeometric tail beyond a mean of at most 20, what follows is below a double's digits."""


def fewest_expected(p: Counts, q: Counts) -> Floats:
    """Expected rows of each cell on the side where they are fewer."""
    n, m = p.sum(-1, keepdims=True), q.sum(-1, keepdims=True)
    both = np.maximum(n + m, 1)
    return np.asarray((p + q) * (np.minimum(n, m) / both))


def pools(expected: Floats, sparse: NDArray[np.bool_], least: float) -> NDArray[np.int64]:
    """Assign sparse cells to pools; other cells keep their index.

    Cells are often in the order of their counts on one side. Pools of neighbours would therefore
    differ between the sides without any drift; scattered cells do not.

    Args:
        expected: rows that each cell expects on the smaller side; in sparse cells, less than half
            of ``least``.
        sparse: the cells to pool.
        least: a pool expects between half and two and a half of it.

    Returns:
        Places ``0 <= place < 2 * k``, shape ``(..., k)``, for :func:`moved`.
    """
    k = expected.shape[-1]
    order = np.argsort(scatter(np.arange(k)))
    rows = np.take(np.where(sparse, expected, 0.0), order, axis=-1)
    upto = np.cumsum(rows, axis=-1)
    last = np.maximum(upto[..., -1:] // least, 1) - 1
    pool = np.minimum((upto - rows) // least, last).astype(np.int64)
    return np.where(sparse, k + np.take(pool, np.argsort(order), axis=-1), np.arange(k))


def moved(values: NDArray[T], place: NDArray[np.int64]) -> NDArray[T]:
    """Sum cells into the pools of :func:`pools`; there are twice as many pools as cells."""
    k = values.shape[-1]
    out = np.zeros((*values.shape[:-1], 2 * k), dtype=values.dtype)
    cells = PickedCells.of(values != 0)
    np.add.at(out.reshape(-1), cells.each(place) + cells.at // k * (2 * k), cells.each(values))
    return out


def rare_p_value(p: Counts, q: Counts, rare: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.int64]]:
    """Exact tests of rare cells against all other rows.

    Args:
        p: current rows per cell.
        q: reference rows per cell.
        rare: the cells to test; together they expect less than 20 rows on the smaller side.

    Returns:
        For each table the smallest p-value, and how many kinds of tests it was chosen from: none,
        each cell by itself (corrected for the number of cells), or also all of them together.
    """
    tables = rare.any(-1)
    if not tables.all():  # those without a rare cell are not tested
        smallest, tests = np.ones(tables.shape), np.zeros(tables.shape, dtype=np.int64)
        if tables.any():
            smallest[tables], tests[tables] = rare_p_value(p[tables], q[tables], rare[tables])
        return smallest, tests
    n, m = p.sum(-1), q.sum(-1)
    few, total = np.minimum(n, m), p + q
    x = np.where((n <= m)[..., None], p, q)
    cells = rare.sum(-1)
    # With x = 0 where less than 1 row is expected there is nothing to see.
    at = np.nonzero(rare & ((x > 0) | (total * few[..., None] > (n + m)[..., None])))
    table = at[:-1]
    single = np.ones(p.shape)
    single[at] = hypergeometric_p_value(x[at], total[at], few[table], (n + m)[table])
    # Two cells that are the whole table are one question, asked twice.
    asked = np.where((total > 0).sum(-1) == 2, 1, np.maximum(cells, 1))
    best = np.minimum(1.0, single.min(-1, initial=1.0) * asked)

    several = (cells > 1) & ((total * ~rare).sum(-1) > 0)
    mass, drawn = (total * rare).sum(-1), (x * rare).sum(-1)
    together = np.ones(n.shape)
    together[several] = hypergeometric_p_value(
        drawn[several], mass[several], few[several], (n + m)[several]
    )
    return np.minimum(best, together), (cells > 0).astype(np.int64) + several


def hypergeometric_p_value(x: Counts, marked: Counts, drawn: Counts, rows: Counts) -> Floats:
    """Two-sided p-value of x marked rows among those drawn: twice the tail, shape ``(n,)``.

    At most 20 marked ones are expected among these.

    Examples:
        >>> hypergeometric_p_value(*(np.array([v]) for v in (3, 3, 3, 6)))
        array([0.1])
    """
    at, t, s, total = (v.astype(np.float64) for v in (x, marked, drawn, rows))
    term = np.exp(_log_choose(t, at) + _log_choose(total - t, s - at) - _log_choose(total, s))
    tail = term.copy()
    up = at * total >= t * s
    rest = total - t - s
    for _ in range(TERMS):
        above = np.where(up, (t - at) * (s - at), at * (rest + at))
        below = np.where(up, (at + 1) * (rest + at + 1), (t - at + 1) * (s - at + 1))
        term *= above / below
        at += np.where(up, 1, -1)
        longer = tail + term
        if (longer == tail).all():  # nor would later terms show: they only become smaller
            break
        tail = longer
    return np.asarray(np.minimum(1.0, 2 * tail))


def _log_choose(n: Floats, k: Floats) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
