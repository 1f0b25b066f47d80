"""How much too large a divergence is because names have cells by their own reference rows.

Names at the floor have too many reference rows, and all others together too few: names that stayed
look rarer than they were, and the others more frequent. How much is known from the reference
alone, whatever the current rows are. If names have rows as Poisson numbers do, those that have a
cell are expected to have together the rows of the ones that are above the floor, so that the rows
of names just at it are the surplus [1].

References:
    [1] Robbins, H. (1956). An empirical Bayes approach to statistics. Proceedings of the Third
        Berkeley Symposium 1, 157-163.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.arrays import Bools, Counts, Floats
from kldrift.statistics.chosen_cells import MANY, floors

NEAR: Final = 2
"""Names with fewer than so many times the rows of the floor are near it."""
WIDTH: Final = 2
"""Deviations above the floor over which rows by name are smoothed."""
LAST_WEIGHT: Final = 0.5
"""Of the last of these, beside 1 of the first."""


def surplus_kl(p: Counts, q: Counts, whole: Counts, category: Bools, other: Bools) -> Floats:
    """By how much the estimate of ``kl`` is too large, in nats; that of ``js`` by a quarter of it.

    With L the reference rows of names just at the floor, and s how much the rows of names of one
    row more are above these, both by a line through the next ones; r the current share of the names
    near the floor over their reference share, and those without a cell having y of m rows::

        P ln((y + L) / y) - r (L + s / 2) / m

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows.
        whole: those of all groups together, on which the cells were chosen.
        category: cells of one name.
        other: the cells of all names that were not chosen.

    Returns:
        0 where fewer than 20 names are near the floor, and in groups that are not the whole.

    Examples:
        >>> names = np.repeat([20, 21, 22, 23, 24, 25, 26, 27], [9, 8, 7, 6, 5, 4, 3, 2])
        >>> q = np.array([[*names, 500]])
        >>> category = np.arange(45)[None] < 44
        >>> surplus_kl(q, q, q, category, ~category).round(3)
        array([-0.04])
    """
    out = np.zeros(len(p))
    floor = floors(q, whole, category, other).max(-1, initial=0)
    near = category & (q >= floor[:, None]) & (q < NEAR * floor[:, None])
    mine = (near.sum(-1) >= MANY) & (q == whole).all(-1) & (p.sum(-1) > 0) & (floor > 0)
    for least in np.unique(floor[mine]).tolist():
        at = np.flatnonzero(mine & (floor == least))
        out[at] = _surplus(p[at], q[at], near[at], category[at], other[at], least)
    return out


def _surplus(
    p: Counts, q: Counts, near: Bools, category: Bools, other: Bools, floor: int
) -> Floats:
    n, m = p.sum(-1), q.sum(-1)
    above = np.arange(int(WIDTH * floor**0.5))
    rows = np.stack([(floor + i) * (category & (q == floor + i)).sum(-1) for i in above])
    level, slope = _line(above, rows)
    level = np.maximum(level, 0.0)
    left = np.maximum(np.where(other, q, 0).sum(-1), 1)
    share = np.where(other, p, 0).sum(-1) / n
    expected = np.maximum(np.where(near, q, 0).sum(-1) - level, 1.0) / m
    ratio = np.where(near, p, 0).sum(-1) / n / expected
    return np.asarray(share * np.log1p(level / left) - ratio * (level + slope / 2) / m)


def _line(x: Counts, y: Counts) -> tuple[Floats, Floats]:
    """Value at 0 and slope of the lines through points, nearer ones counting more."""
    weight = np.linspace(1, LAST_WEIGHT, len(x)) ** 2
    weight /= weight.sum()
    centre = weight @ x
    slope = (weight * (x - centre)) @ y / (weight @ (x - centre) ** 2)
    return weight @ y - slope * centre, slope
