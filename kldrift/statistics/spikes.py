"""Spikes: one value or narrow range of numbers that many more, or many fewer, rows have.

A shift of all numbers changes each of a hundred narrow cells a little, and is judged by distances;
a spike changes one of them a lot. A value that moves to its neighbour, as a price does, is none:
both together have as many rows as before.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kldrift.arrays import Bools, Counts, Floats, Values
from kldrift.statistics.effect_tests import share_p


def largest_spike(p: Counts, q: Counts, judged: Bools, ranges: Bools) -> Floats:
    """The largest change of the share of a cell that its neighbours do not take back.

    Args:
        p: current rows per cell, in their order, shape ``(r, k)``.
        q: reference rows.
        judged: the cells that are looked at.
        ranges: the cells of several values. Of two neighbours of which the reference has rows in
            such a one, the change is also that of both together, if that is smaller; values beside
            values, such as 0 and 1, are apart.

    Returns:
        Shape ``(r,)``; 0.01 is one point.

    Examples:
        >>> before, now = np.array([[5, 0, 90, 5]]), np.array([[5, 3, 87, 5]])
        >>> every, none = np.ones((1, 4), dtype=bool), np.zeros((1, 4), dtype=bool)
        >>> largest_spike(now, before, every, none), largest_spike(now, before, every, every)
        (array([0.03]), array([0.]))
    """
    return np.asarray(np.where(judged, spikes(p, q, ranges), 0.0).max(-1))


def spike_above_p(p: Counts, q: Counts, judged: Bools, ranges: Bools, limit: Floats) -> Floats:
    """The p-value of "the largest spike is above the limit".

    Of a cell alone and beside its neighbours the least sure change counts; of all cells the surest,
    times their number (Bonferroni). Beside its neighbours only those can be wrong that changed by
    more than the limit alone, and these are few.
    """
    at = np.nonzero(judged & (spikes(p, q, ranges) > limit[:, None]))
    n, m = (side.sum(-1)[at[0]] for side in (p, q))
    alone, *beside = (share_p(x[at], n, y[at], m, limit[at[0]]) for x, y in _windows(p, q, ranges))
    change = abs(p / p.sum(-1, keepdims=True) - q / q.sum(-1, keepdims=True))
    tested, changed = (
        (judged & some).sum(-1)[at[0]] for some in (p + q > 0, change > limit[:, None])
    )
    each = np.ones(p.shape)
    each[at] = np.maximum(alone * tested, np.maximum(*beside) * changed)
    return np.asarray(np.minimum(1.0, each.min(-1)))


def spikes(p: Counts, q: Counts, ranges: Bools) -> Floats:
    """The least change of each cell alone and with either neighbour; 0 if their signs differ."""
    n, m = (np.maximum(1, side.sum(-1, keepdims=True)) for side in (p, q))
    # As doubles: they would become such at each division.
    sides = p.astype(np.float64), q.astype(np.float64)
    alone, *beside = (x / n - y / m for x, y in _windows(*sides, ranges))
    way = np.sign(alone)
    least = way * alone
    for change in beside:
        np.minimum(least, way * change, out=least)
    return np.asarray(np.maximum(0.0, least))


def _windows(p: Values, q: Values, ranges: Bools) -> Iterator[tuple[Values, Values]]:
    """Rows of each cell: alone, with the cell before it, and with the one behind it."""
    yield p, q
    wide = ranges & (q > 0)
    together = wide[:, 1:] | wide[:, :-1]
    for to, of in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[:, :-1], np.s_[:, 1:])):
        both = p.copy(), q.copy()
        for side, rows in zip(both, (p, q), strict=True):
            side[to] += np.where(together, rows[of], 0)
        yield both
