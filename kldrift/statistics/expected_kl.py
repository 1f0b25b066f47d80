"""The ``kl`` to expect without any drift, against which a score of few rows is read."""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.arrays import Counts, Floats, Ints
from kldrift.divergence.probabilities import rows_added
from kldrift.statistics.picked_cells import PickedCells

SUMMED: Final = 16.0
"""Cells that expect fewer rows are summed over all numbers of rows; of others, a series is used."""
TERMS: Final = 48
"""Of a hypergeometric distribution with a mean below 16, what lies beyond is below 1e-10."""
SPREAD: Final = 16
"""Integers below so many times their number are found without sorting."""
LEAST: Final = 0.5
"""Rows that a cell without any is taken to have where nothing is added to it."""


def expected_kl(p: Counts, q: Counts, pseudocount: float) -> Floats:
    """The mean of the smoothed plug-in divergence over all ways to deal the rows to two sides.

    Without drift any n of the n + m rows may be the current ones. X of the t rows of a cell are
    then hypergeometric; with c and d rows added to each of K cells::

        sum over cells of E[(X + c) / (n + c K) ln((X + c) (m + d K) / ((t - X + d) (n + c K)))]

    That is about ``(K - 1) / 2 (1 / n + 1 / m)`` where every cell has many rows.

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows.
        pseudocount: rows added to each cell that has rows on either side, at most.

    Returns:
        Nats, shape ``(n,)``; NaN where a side has no rows.

    Examples:
        >>> rows = np.full((1, 20), 100), np.full((1, 20), 100)
        >>> expected_kl(*rows, 0.5).round(4), round(19 / 2 * (1 / 2_000 + 1 / 2_000), 4)
        (array([0.0095]), 0.0095)
        >>> expected_kl(*(side // 50 for side in rows), 0.5).round(4)
        array([0.3725])
    """
    occupied = (p + q) > 0
    n, m = p.sum(-1, keepdims=True), q.sum(-1, keepdims=True)
    both = (n > 0) & (m > 0)
    cells = PickedCells.of(occupied & both)
    c, d = (cells.every(rows_added(side, occupied, pseudocount)) for side in (p, q))
    n_at, m_at = (cells.every(total).astype(np.float64) for total in (n, m))
    sizes = cells.every(occupied.sum(-1))
    current, reference = n_at + c * sizes, m_at + d * sizes
    total = cells.each(p + q).astype(np.float64)
    many = total * np.minimum(n_at, m_at) >= SUMMED * (n_at + m_at)
    ratio = np.log(reference / current)
    mean = np.empty(len(total))
    mean[many] = _series(*(x[many] for x in (total, n_at, m_at, c, d, ratio)))
    few = np.flatnonzero(~many)
    # Cells of one table that have as many rows have the same mean: there are few different ones.
    key = cells.at[few] // p.shape[-1] * (int(total[few].max(initial=0)) + 1) + total[few].astype(
        np.int64
    )
    first, same = _different(key)
    mean[few] = _sum(*(x[few[first]] for x in (total, n_at, m_at, c, d, ratio)))[same]
    return np.where(both[..., 0], np.maximum(cells.summed(mean / current), 0.0), np.nan)


def _different(keys: Ints) -> tuple[Ints, Ints]:
    """Where each different key stands, and the place of each key among these; 0 or more each."""
    size = int(keys.max(initial=-1)) + 1
    if size > SPREAD * len(keys):
        _, first, same = np.unique(keys, return_index=True, return_inverse=True)
        return first, same
    where = np.full(size, -1)
    where[keys] = np.arange(len(keys))
    known = where >= 0
    return where[known], (np.cumsum(known) - 1)[keys]


def _series(t: Floats, n: Floats, m: Floats, c: Floats, d: Floats, ratio: Floats) -> Floats:
    """The mean of ``f = a (ln a - ln b + ratio)``, a = X + c and b = t - X + d, by four moments."""
    rows = n + m
    mean = t * (n / rows)
    v = mean * (m / rows) * ((rows - t) / (rows - 1))
    skew = v * ((rows - 2 * n) / rows) * ((rows - 2 * t) / (rows - 2))
    a, b = mean + c, t - mean + d
    f = a * (np.log(a / b) + ratio)
    second = 1 / a + 2 / b + a / b**2
    third = -1 / a**2 + 3 / b**2 + 2 * a / b**3
    fourth = 2 / a**3 + 8 / b**3 + 6 * a / b**4
    return np.asarray(f + v * second / 2 + skew * third / 6 + v**2 * fourth / 8)


def _sum(t: Floats, n: Floats, m: Floats, c: Floats, d: Floats, ratio: Floats) -> Floats:
    """The mean of ``f`` as a sum over all numbers of rows that the smaller side may have."""
    few, other = np.minimum(n, m), np.maximum(n, m)
    x = np.maximum(t - other, 0.0)  # the fewest there can be
    chance = np.ones(len(t))  # times that of the fewest, which the sum of all tells
    smaller = n <= m
    out, whole = np.zeros((2, len(t)))
    for _ in range(TERMS):
        y = t - x
        a, b = np.where(smaller, x, y) + c, np.where(smaller, y, x) + d
        inside = np.log(np.where(a > 0, a, LEAST) / np.where(b > 0, b, LEAST)) + ratio
        out += chance * a * inside
        whole += chance
        # 0 from the largest number that there can be on
        chance = chance * ((y * (few - x)) / ((x + 1) * (other - y + 1)))
        x = np.minimum(x + 1, np.minimum(t, few))
    return np.asarray(out / whole)
