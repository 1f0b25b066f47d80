"""Is a difference between counts of names more than chance, where the cells were chosen by them?

Names with many reference rows have cells, which makes their rows a little too many there, and those
of all others too few. So only those names are tested by themselves that are frequent on both sides
together: each of them would have a cell whatever the draw, so that nothing leans to one side. And a
name that was never seen has no reference row by construction: rows of names that came once stand
for these (Good and Turing), as each would be unseen beside the others.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from kldrift.profiles.rebinning import least_rows
from kldrift.statistics.significance import g_test

Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

SURELY: Final = 2.5
"""A name that expects so many times the reference rows that a cell needs has one, whatever the
draw, and is tested by itself."""
NEVER_BY_CHANCE: Final = 5
"""So many times as many reference rows no such name has; it is tested though it is gone."""
MOST_OTHER: Final = 0.2
"""Share of rows in ``other`` from which too few cells are better than such as were chosen."""
DISPERSION: Final = 2.0
"""How much more than a count of rows the number of names that came once varies, at most about."""
OF_CELLS: Final = 0.8
OF_NEVER: Final = 0.2
"""Shares of the error rate."""


def named_p_value(p: Counts, q: Counts, category: Bools, other: Bools, never: Bools) -> Floats:
    """The p-value of "both rows of counts are from one distribution", for cells of names.

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows.
        category: cells of one name.
        other: the cell of all names that the reference had and that have none; one in each row.
        never: the cell of names that it never had, which holds the reference's names of one row.

    Examples:
        >>> q = np.array([[600, 300, 80, 20]])
        >>> kinds = [np.array([[c == kind for c in "ccon"]]) for kind in "con"]
        >>> named_p_value(q, q, *kinds).round(2)
        array([1.])
        >>> named_p_value(np.array([[600, 300, 0, 100]]), q, *kinds) < 1e-4
        array([ True])
    """
    n, m = p.sum(-1), q.sum(-1)
    sides = pooled(p, q, category, other, never)[:2]
    cells = g_test(*sides)[2]
    there = never.any(-1)
    if not there.any():
        return np.asarray(cells)
    unseen = never_seen_p_value((p * never).sum(-1), n, (q * never).sum(-1), m)
    both = np.minimum(1.0, np.minimum(cells / OF_CELLS, unseen / OF_NEVER))
    several = ((sides[0] + sides[1]) > 0).sum(-1) > 1
    both = np.where(several, both, unseen)  # one cell alone says nothing
    return np.where(there, both, cells)


def pooled(
    p: Counts, q: Counts, category: Bools, other: Bools, never: Bools
) -> tuple[Counts, Counts, Bools]:
    """Both sides with the rows of names that may have a cell by chance in that of all others.

    Args:
        p: current rows per cell, shape ``(n, k)``.
        q: reference rows.
        category: as in :func:`named_p_value`, and so are the other two.
        other: the cell that takes the rows.
        never: joins it.

    Returns:
        Current and reference rows, and which cells were pooled.
    """
    n, m = p.sum(-1, keepdims=True), q.sum(-1, keepdims=True)
    chosen = (q * (other | never)).sum(-1, keepdims=True)
    expected = (p + q) * (m / np.maximum(n + m, 1))
    needed = least_rows(m)
    small = category & (expected < SURELY * needed) & (q < NEVER_BY_CHANCE * needed) & (chosen > 0)
    left = ((category & ~small) & (p + q > 0)).sum(-1, keepdims=True) + 1
    moved = never | (small & ~((left < 2) & (chosen < MOST_OTHER * m)))
    now, before = (
        np.where(moved, 0, side) + other * np.where(moved, side, 0).sum(-1, keepdims=True)
        for side in (p, q)
    )
    return now, before, moved


def never_seen_p_value(x: Counts, n: Counts, once: Counts, m: Counts) -> Floats:
    """The p-value of so many rows of names that the reference never had; two-sided.

    The share of unseen names has about a gamma distribution around ``once / m`` [1]; rows among n
    are then negative binomial.

    Args:
        x: current rows of such names.
        n: current rows.
        once: reference names of one row.
        m: reference rows.

    References:
        [1] Good, I. J. (1953). The population frequencies of species and the estimation of
            population parameters. Biometrika 40(3-4), 237-264.
    """
    shape, odds = (once + 0.5) / DISPERSION, n / (n + m / DISPERSION)
    with np.errstate(invalid="ignore"):
        above = np.where(x > 0, betainc(np.maximum(x, 1), shape, odds), 1.0)
        below = 1 - betainc(x + 1, shape, odds)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(above, below)))
