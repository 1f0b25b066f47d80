"""Spikes: one value or narrow range of numbers that many more, or many fewer, rows have.

A shift of all numbers changes each of a hundred narrow cells a little, and is judged by distances;
a spike changes one of them a lot. A value that moves to its neighbour, as a price does, is none:
both together have as many rows as before. Nor is one of few values that has so many times as many
rows as those around it, or as a line through all others says at an end: all of them moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from scipy import special

from kldrift.arrays import Bools, Counts, Floats, Ints, Values
from kldrift.statistics.effect_tests import normal_p, share_p

HARDLY: Final = 0.005
"""A share that changed by less is no spike, whatever its neighbours did."""
MOSTLY: Final = 0.5
"""Of the other rows, the part that single values have where numbers have few of them."""


def largest_spike(p: Counts, q: Counts, judged: Bools, ranges: Bools) -> Floats:
    """The largest change of the share of a cell that its neighbours do not take back.

    Args:
        p: current rows per cell, in their order, shape ``(r, k)``.
        q: reference rows.
        judged: the cells that are looked at.
        ranges: the cells of several values. Of two neighbours of which the reference has rows in
            such a one, the change is also that of both together, if that is smaller; of values
            it is also what is beyond the ratio of those around it.

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
    beyond, error = (each[at] for each in _beyond_neighbours(p, q, ranges))
    alone = np.maximum(alone, normal_p(abs(beyond) - limit[at[0]], error))
    each = np.ones(p.shape)
    each[at] = np.maximum(alone * tested, np.maximum(*beside) * changed)
    return np.asarray(np.minimum(1.0, each.min(-1)))


def spikes(p: Counts, q: Counts, ranges: Bools) -> Floats:
    """The least change of each cell, alone and beside its neighbours; 0 if their signs differ."""
    n, m = (np.maximum(1, side.sum(-1, keepdims=True)) for side in (p, q))
    # As doubles: they would become such at each division.
    sides = p.astype(np.float64), q.astype(np.float64)
    alone, *beside = (x / n - y / m for x, y in _windows(*sides, ranges))
    way = np.sign(alone)
    least = way * alone
    for change in (*beside, _beyond_neighbours(p, q, ranges)[0]):
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


def _beyond_neighbours(p: Counts, q: Counts, ranges: Bools) -> tuple[Floats, Floats]:
    """By how much more the share of a value changed than those before and behind it say.

    Of these, as many are taken as have the value's rows in the reference: few would be too unsure.
    The geometric mean of the ratios of both sides is what all numbers that are shifted have about.
    The first and the last of few values have others on one side alone, and a line tells.

    Returns:
        The change, and its standard error; 0 for ranges and what hardly changed, shape ``(r, k)``.
    """
    n, m = (np.maximum(1, side.sum(-1, keepdims=True)) for side in (p, q))
    change, error = p / n - q / m, np.zeros(p.shape)
    row, at = np.nonzero(~ranges & (abs(change) > HARDLY))
    now, before = (
        np.pad(np.where(q > 0, side, 0).cumsum(-1), ((0, 0), (1, 0)))[row] for side in (p, q)
    )
    own, each = q[row, at], np.arange(len(row))
    first = (before <= (before[each, at] - own)[:, None]).sum(-1) - 1
    last = (before < (before[each, at + 1] + own)[:, None]).sum(-1)
    sides, logarithm, variance = np.zeros((3, len(row)))
    for start, stop in ((np.maximum(first, 0), at), (at + 1, np.minimum(last, p.shape[1]))):
        x, y = (rows[each, stop] - rows[each, start] for rows in (now, before))
        sides += y > 0
        logarithm += (y > 0) * (np.log((x + 0.5) / n[row, 0]) - np.log((y + 0.5) / m[row, 0]))
        variance += (y > 0) * (1 / (x + 0.5) + 1 / (y + 0.5))
    size = np.maximum(1, sides)
    expected = own / m[row, 0] * np.where(sides > 0, np.exp(logarithm / size), 1.0)
    share = p[row, at] / n[row, 0]
    change[row, at] = share - expected
    spread = expected**2 * (1 / np.maximum(1, own) + variance / size**2)
    error[row, at] = np.sqrt((share + 1 / n[row, 0]) / n[row, 0] + spread)
    values = ~ranges & (q > 0)
    others = values[row] & (np.arange(p.shape[1]) != at[:, None])
    few = (q[row] * others).sum(-1) >= MOSTLY * (q[row].sum(-1) - own)
    end = (sides == 1) & few & (others.sum(-1) > 1)
    row, at, others = row[end], at[end], others[end]
    change[row, at], error[row, at] = _beyond_line(p, q, row, at, others)
    return change, error


def _beyond_line(p: Counts, q: Counts, row: Ints, at: Ints, others: Bools) -> tuple[Floats, Floats]:
    """By how much more the share of a value changed than a line through the others says.

    The logarithms of the ratios of shares are on a line if all numbers shifted: of counts at their
    places, of ratings at the normal scores of their ranks. The least change counts.

    Returns:
        The change of cell ``at`` of each ``row``, and its standard error.
    """
    n, m = (np.maximum(1, side.sum(-1, keepdims=True))[row] for side in (p, q))
    each, own = np.arange(len(row)), q[row, at]
    share, (x, y) = p[row, at] / n[:, 0], (side[row] + 0.5 for side in (p, q))
    weight = others / (1 / x + 1 / y)
    total, ratio = weight.sum(-1), np.log(x / n) - np.log(y / m)
    scores = special.ndtri((q[row].cumsum(-1) - q[row] / 2) / m)
    places = (q[row] > 0).cumsum(-1)
    way = np.sign(share - own / m[:, 0])
    least, error = np.full((2, len(row)), np.inf)
    for place in (places, np.where(others, scores, scores[each, at, None])):
        off = place - (weight * place).sum(-1, keepdims=True) / total[:, None]
        squares = (weight * off**2).sum(-1)
        slope, mine = (weight * off * ratio).sum(-1) / squares, off[each, at]
        grown = (weight * ratio).sum(-1) / total + slope * mine
        expected = np.exp(np.minimum(0.0, np.log(own / m[:, 0]) + grown))
        spread = expected**2 * (1 / own + 1 / total + mine**2 / squares)
        beyond = way * np.maximum(0.0, way * (share - expected))
        smaller = abs(beyond) < abs(least)
        least = np.where(smaller, beyond, least)
        error = np.where(smaller, np.sqrt((share + 1 / n[:, 0]) / n[:, 0] + spread), error)
    return least, error
