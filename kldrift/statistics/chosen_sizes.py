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

        P ln((y + L) / y) - r c (L + s / 2) / m

    A segment has a part of L and s, as of the rows of the names near the floor. Of a name at the
    floor it may have no row at all, of which c is the chance that it has one.

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows.
        whole: those of all groups together, on which the cells were chosen.
        category: cells of one name.
        other: the cells of all names that were not chosen.

    Returns:
        0 where fewer than 20 names are near the floor.

    Examples:
        >>> names = np.repeat([20, 21, 22, 23, 24, 25, 26, 27], [9, 8, 7, 6, 5, 4, 3, 2])
        >>> q = np.array([[*names, 500]])
        >>> category = np.arange(45)[None] < 44
        >>> surplus_kl(q, q, q, category, ~category).round(3)
        array([-0.04])
    """
    # The groups of a feature stand together, and were chosen on the same rows.
    first = np.ones(len(p), dtype=np.bool_)
    first[1:] = (whole[1:] != whole[:-1]).any(-1) | (category[1:] != category[:-1]).any(-1)
    of, same = np.cumsum(first) - 1, np.flatnonzero(first)
    floor = floors(whole[same], whole[same], category[same], other[same]).max(-1, initial=0)
    near = category[same] & (whole[same] >= floor[:, None]) & (whole[same] < NEAR * floor[:, None])
    lines = np.zeros((2, len(same)))
    for least in np.unique(floor[(near.sum(-1) >= MANY) & (floor > 0)]).tolist():
        at = np.flatnonzero((floor == least) & (near.sum(-1) >= MANY))
        lines[:, at] = _at_floor(whole[same[at]], category[same[at]], least)
    out = np.zeros(len(p))
    mine = np.flatnonzero((lines != 0).any(0)[of] & (p.sum(-1) > 0) & (q.sum(-1) > 0))
    rows = p[mine], q[mine], whole[mine], near[of[mine]], other[mine]
    level, slope = lines[:, of[mine]]
    out[mine] = _surplus(*rows, level, slope, floor[of[mine]])
    return out


def _at_floor(whole: Counts, category: Bools, floor: int) -> tuple[Floats, Floats]:
    """The rows of names just at the floor, and how much more those of one row more have."""
    above = np.arange(int(WIDTH * floor**0.5))
    rows = np.stack([(floor + i) * (category & (whole == floor + i)).sum(-1) for i in above])
    level, slope = _line(above, rows)
    return np.maximum(level, 0.0), slope


def _surplus(
    p: Counts,
    q: Counts,
    whole: Counts,
    near: Bools,
    other: Bools,
    level: Floats,
    slope: Floats,
    floor: Counts,
) -> Floats:
    n, m = p.sum(-1), q.sum(-1)
    rows = np.where(near, q, 0).sum(-1)
    part = rows / np.where(near, whole, 0).sum(-1)
    level, slope = level * part, slope * part
    left = np.maximum(np.where(other, q, 0).sum(-1), 1)
    share = np.where(other, p, 0).sum(-1) / n
    ratio = np.where(near, p, 0).sum(-1) / n / (np.maximum(rows - level, 1.0) / m)
    there = np.where(part < 1, -np.expm1(-part * floor), 1.0)
    return np.asarray(share * np.log1p(level / left) - ratio * there * (level + slope / 2) / m)


def _line(x: Counts, y: Counts) -> tuple[Floats, Floats]:
    """Value at 0 and slope of the lines through points, nearer ones counting more."""
    weight = np.linspace(1, LAST_WEIGHT, len(x)) ** 2
    weight /= weight.sum()
    centre = weight @ x
    lean = weight * (x - centre) / (weight @ (x - centre) ** 2)
    slope = (lean[:, None] * y).sum(0)  # not a product of matrices, whose bits depend on its size
    return (weight[:, None] * y).sum(0) - slope * centre, slope
