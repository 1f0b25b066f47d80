"""Is a difference between counts of names more than chance, where the cells were chosen by them?

Names with many reference rows have cells, which makes their rows a little too many there, and those
of all others too few: :mod:`kldrift.statistics.chosen_cells` says by how much. And a name that was
never seen has no reference row by construction: rows of names that came once stand for these (Good
and Turing), as each would be unseen beside the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betainc

from kldrift.arrays import Bools, Counts, Floats, OfRows
from kldrift.statistics.chosen_cells import chosen_law, chosen_p_value, floors, rest_share_p
from kldrift.statistics.effect_tests import share_above_p
from kldrift.statistics.significance import g_test

LEAST_TWICE: Final = 0.5
"""Names of two rows for each of one row, at least, where they were not counted."""
OF_CELLS: Final = 0.8
OF_NEVER: Final = 0.2
"""Shares of the error rate."""


@dataclass(frozen=True, eq=False)
class CellChoice(OfRows):
    """The counts by which names got cells of their own.

    Attributes:
        rows: the reference rows of all groups in each cell, shape ``(n, k)``.
        left: how many names of the reference have no cell, shape ``(n,)``; infinite if unknown.
        twice: how many of them have two rows; NaN if unknown.
    """

    rows: Counts
    left: Floats
    twice: Floats


def named_p_value(
    p: Counts,
    q: Counts,
    category: Bools,
    other: Bools,
    never: Bools,
    choice: CellChoice | None = None,
) -> Floats:
    """The p-value of "both rows of counts are from one distribution", for cells of names.

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows.
        category: cells of one name.
        other: the cell of all names that the reference had and that have none; one in each row.
        never: the cell of names that it never had, which holds the reference's names of one row.
        choice: what the cells were chosen on; None for q, and very many names besides.

    Examples:
        >>> q = np.array([[600, 300, 80, 20]])
        >>> kinds = [np.array([[c == kind for c in "ccon"]]) for kind in "con"]
        >>> named_p_value(q, q, *kinds).round(2)
        array([1.])
        >>> named_p_value(np.array([[600, 300, 0, 100]]), q, *kinds) < 1e-4
        array([ True])
    """
    n, m = p.sum(-1), q.sum(-1)
    current, reference = (_in_other(side, other, never) for side in (p, q))
    cells = g_test(current, reference)[2]
    if choice is None:
        unknown = np.full(len(q), np.inf)
        choice = CellChoice(q, unknown, np.full(len(q), np.nan))
    floor = floors(q, choice.rows, category, other | never)
    law = chosen_law(current, reference, floor)
    at = np.flatnonzero(law.near.any(-1))
    if len(at):
        few = current[at], reference[at], law.take(at), other[at]
        cells[at] = chosen_p_value(*few)
    there = never.any(-1)
    if not there.any():
        return np.asarray(cells)
    x, once = ((side * never).sum(-1) for side in (p, q))
    twice = _twice(q, once, other | never, choice)
    unseen = never_seen_p_value(x, n, once, m, twice)
    both = np.minimum(1.0, np.minimum(cells / OF_CELLS, unseen / OF_NEVER))
    several = ((current + reference) > 0).sum(-1) > 1
    both = np.where(several, both, unseen)  # one cell alone says nothing
    return np.where(there, both, cells)


def named_share_p(
    p: Counts,
    q: Counts,
    category: Bools,
    other: Bools,
    never: Bools,
    choice: CellChoice,
    judged: Bools,
    limit: Floats,
) -> Floats:
    """The p-value of "the share of one of some cells has changed by more than the limit".

    Cells that surely are there are tested with all others; then those that chance may have chosen,
    the share of names without a cell beside these, and that of names that were never seen, which is
    an estimate in the reference and less sure than a count. The smallest p-value of those that
    there are counts, times their number. The arguments are those of :func:`named_p_value`; there
    may be no cells that were never seen.
    """
    current, reference = (_in_other(side, other, never) for side in (p, q))
    law = chosen_law(current, reference, floors(q, choice.rows, category, other | never))
    chosen = np.asarray(law.near.any(-1))
    sure = judged & ~law.near & ~(other & chosen[:, None])
    every = share_above_p(current, reference, sure, limit)
    new = (never & (p + q > 0)).any(-1)
    if not (chosen | new).any():
        return every
    alone = share_above_p(p, q, judged & law.near, limit)
    rest = np.where(chosen, rest_share_p(current, reference, law, other, limit), 1.0)
    x, once = ((side * never).sum(-1) for side in (p, q))
    twice = _twice(q, once, other | never, choice)
    unseen = never_seen_p_value(x, p.sum(-1), once, q.sum(-1), twice)
    unseen = np.maximum(unseen, share_above_p(p, q, judged & never, limit))
    surest = np.minimum.reduce([every, alone, rest, unseen])
    return np.asarray(np.minimum(1.0, surest * (1 + 2 * chosen + new)))


def _in_other(side: Counts, other: Bools, never: Bools) -> Counts:
    """Rows with those of names that were never seen among all others."""
    unseen = np.where(never, side, 0).sum(-1, keepdims=True)
    return np.asarray(np.where(never, 0, side) + other * unseen)


def _twice(q: Counts, once: Counts, rest: Bools, choice: CellChoice) -> Floats:
    """How many names have two rows; where that is not known, rather too many.

    Of equally frequent names, those of one row times half the rows of a name; of others fewer.
    """
    rows = np.where(rest, q, 0).sum(-1) / np.maximum(choice.left, 1)
    most = once * np.maximum(LEAST_TWICE, rows / 2)
    return np.where(np.isnan(choice.twice), most, choice.twice)


def never_seen_p_value(x: Counts, n: Counts, once: Counts, m: Counts, twice: Floats) -> Floats:
    """The p-value of so many rows of names that the reference never had; two-sided.

    The share of unseen names is about ``once / m`` [1], with the variance ``(once (1 - once / m) +
    2 twice) / m^2`` [2]. The smaller one of the shares of unseen and of seen rows has about a gamma
    distribution; rows among n are then negative binomial. So many (``once``, ``twice``) reference
    names have one row and two.

    References:
        [1] Good, I. J. (1953). The population frequencies of species and the estimation of
            population parameters. Biometrika 40(3-4), 237-264.
        [2] Esty, W. W. (1983). A normal limit law for a nonparametric estimator of the coverage of
            a random sample. The Annals of Statistics 11(3), 905-912.

    Examples:
        >>> never_seen_p_value(np.array([230, 260, 300]), 300, 222, 300, 33).round(4)
        array([0.5975, 0.0021, 0.    ])
    """
    variance = once * (1 - once / np.maximum(m, 1)) + 2 * twice
    mostly = 2 * once > m
    rows, usual = np.where(mostly, n - x, x), np.where(mostly, m - once, once) + 0.5
    spread = np.maximum((variance + 1) / usual, 1.0)
    shape, odds = usual / spread, n / (n + m / spread)
    with np.errstate(invalid="ignore"):
        above = np.where(rows > 0, betainc(np.maximum(rows, 1), shape, odds), 1.0)
        below = 1 - betainc(rows + 1, shape, odds)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(above, below)))
