"""Is a difference more than chance: G-test of homogeneity and false discovery rate.

See docs/decisions/significance.md.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import chdtrc, xlogy

from kldrift.arrays import Counts, Floats, Ints
from kldrift.statistics.picked_cells import PickedCells
from kldrift.statistics.sparse_cells import fewest_expected, moved, pools, rare_p_value

SPARSE: Final = 5.0
SCARCE: Final = 1.0
SPARSE_SHARE: Final = 0.2
RARE: Final = 20.0
"""Sparse cells that expect less than this together are too few rows for two pools."""


def g_test(p: Counts, q: Counts) -> tuple[Floats, Ints, Floats]:
    """G-test of homogeneity of two rows of counts: could both come from one distribution?

    ``G = 2 sum(O * log(O / E))`` over both rows, compared with chi-square of ``k - 1`` degrees of
    freedom, ``k`` the cells where either row has counts [1].

    The chi-square approximation needs enough rows per cell: thousands of rare categories would
    make identical data look different, and one row of a value that a large reference has never
    seen would hide every other difference. Where Cochran's rule [2] is violated (an expected count
    below 1, or more than a fifth of them below 5), cells that expect fewer than 5 rows on either
    side are treated apart. If they expect 20 rows or more together, they are pooled, some at a time
    until at least 5 are expected; which ones are pooled together has nothing to do with their
    counts. Otherwise they leave the G-test and are tested exactly, each by itself and all together;
    the smallest p-value is then taken times the number of tests. G is divided by Williams'
    correction [1] in both cases.

    Args:
        p: current rows per cell, shape ``(..., k)``.
        q: reference rows per cell, shape ``(..., k)``.

    Returns:
        G, degrees of freedom and p-value, each of shape ``(...)``. The p-value is 1 where there is
        one cell or none, or no row on one side. Without degrees of freedom it may be smaller: then
        all of the table was tested exactly.

    References:
        [1] Sokal, R. R. and Rohlf, F. J. (1995). Biometry, 3rd ed., ch. 17.
        [2] Cochran, W. G. (1954). Some methods for strengthening the common chi-square tests.
            Biometrics 10(4), 417-451.

    Examples:
        >>> g, dof, p_value = g_test(np.array([30, 70]), np.array([50, 50]))
        >>> round(float(g), 4), int(dof), round(float(p_value), 6)
        (8.4024, 1, 0.003747)
    """
    p, q = np.broadcast_arrays(p, q)
    shape = p.shape[:-1]
    p, q = (side.reshape(math.prod(shape), side.shape[-1]) for side in (p, q))
    expected = fewest_expected(p, q)
    occupied = (p + q) > 0
    sparse = occupied & (expected < SPARSE)
    scarce = (occupied & (expected < SCARCE)).any(-1)
    violated = scarce | (sparse.sum(-1) > SPARSE_SHARE * occupied.sum(-1))
    sparse &= violated[..., None]
    few = (expected * sparse).sum(-1) < RARE
    rare, pooled = sparse & few[..., None], sparse & ~few[..., None]
    exact, tests = rare_p_value(p, q, rare)
    p, q = np.where(rare, 0, p), np.where(rare, 0, q)
    g, k, correction = np.zeros(len(p)), np.zeros(len(p), dtype=np.int64), np.ones(len(p))
    rows = pooled.any(-1)
    # One after the other: in wider rows, the sums of others would have other last digits.
    for some in (~rows, rows):
        both = p[some], q[some]
        if some is rows and rows.any():
            place = pools(expected[rows], pooled[rows], 2 * SPARSE)
            both = moved(both[0], place), moved(both[1], place)
        g[some], k[some], correction[some] = _g(*both)
    g = np.where(violated, g / correction, g)
    dof = np.maximum(k - 1, 0)
    testable = (dof > 0) & (p.sum(-1) > 0) & (q.sum(-1) > 0)
    p_value = np.where(testable, chdtrc(np.maximum(dof, 1), g), 1.0)
    p_value = np.minimum(1.0, np.minimum(p_value, exact) * np.maximum(tests + testable, 1))
    return g.reshape(shape)[()], dof.reshape(shape)[()], p_value.reshape(shape)[()]


def _g(p: Counts, q: Counts) -> tuple[Floats, Ints, Floats]:
    """G of tables of 2 rows and k columns, k, and Williams' correction of G."""
    n, m = p.sum(-1), q.sum(-1)
    both = n + m
    occupied = (p + q) > 0
    cells, k = PickedCells.of(occupied), occupied.sum(-1)
    x, y = cells.each(p), cells.each(q)
    total = x + y
    # Ratios, not products: of billions of rows these do not fit into 64 bits.
    g = xlogy(x, x / total * cells.every(both / np.maximum(n, 1)))
    g = g + xlogy(y, y / total * cells.every(both / np.maximum(m, 1)))
    rows = both * (1.0 / np.maximum(n, 1) + 1.0 / np.maximum(m, 1)) - 1
    columns = both * cells.summed(1.0 / total) - 1
    correction = 1 + rows * columns / (6.0 * np.maximum(both, 1) * np.maximum(k - 1, 1))
    return np.maximum(2 * cells.summed(g), 0.0), k, correction


def q_values(p_values: Floats) -> Floats:
    """Benjamini-Hochberg adjusted p-values: rejecting q < alpha keeps the share of false alarms.

    ``q_(i) = min over j >= i of p_(j) * m / j`` for the p-values in increasing order [1].

    Args:
        p_values: of all tests of a run, shape ``(m,)``; NaN (no test) stays NaN and does not count.

    References:
        [1] Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of
            the Royal Statistical Society B 57(1), 289-300.

    Examples:
        >>> q_values(np.array([0.01, 0.04, np.nan, 0.03]))
        array([0.03, 0.04,  nan, 0.04])
    """
    out = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    m = len(tested)
    order = tested[np.argsort(-p_values[tested], kind="stable")]
    factors = m / np.arange(m, 0, -1)
    out[order] = np.minimum(1.0, np.minimum.accumulate(p_values[order] * factors))
    return out
