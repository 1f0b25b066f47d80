"""Chi-square test of row counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import counts, over_cells
from kldrift.divergence.counts_test import CountsTest, degrees_of_freedom, surplus


def chi_square(current: ArrayLike, reference: ArrayLike) -> CountsTest:
    """Pearson's chi-square test of whether two vectors of row counts share a distribution.

    ``sum((observed - expected)**2 / expected)`` over the cells of both sides, where expected are
    the rows that the shares of both together would give [1]. Large tables make every difference
    significant; read it together with the size of a divergence.

    Args:
        current: row counts, shape ``(..., k)``.
        reference: row counts of the same cells; leading axes broadcast.

    Returns:
        The statistic in [0, n + m], its degrees of freedom and the p-value, each of shape
        ``(...)``, floats for 1-D arguments. Cells that are empty on both sides do not count; with
        only one cell left the statistic is 0 and the p-value 1. Below about 5 expected rows a
        cell the p-value is rough.

    Raises:
        ValueError: counts are negative, not whole or above 2**53, a side has no rows, or the cells
            differ.

    References:
        [1] Pearson, K. (1900). On the criterion that a given system of deviations [...].
            Philosophical Magazine 50(302), 157-175. doi:10.1080/14786440009463897

    Examples:
        >>> test = chi_square([10, 10, 20], [20, 20, 20])
        >>> round(test.statistic, 4), test.dof, round(test.p_value, 4)
        (2.7778, 2.0, 0.2494)
    """
    a, b = counts(current, reference)
    return CountsTest.of(chi_square_formula(a, b), degrees_of_freedom(a, b))


def chi_square_formula(current: Floats, reference: Floats) -> Floats:
    """The statistic, shape ``(...)``; the counts are not checked."""
    n, m = over_cells(current), over_cells(reference)
    both = current + reference
    # a cell adds surplus**2 / expected on both sides, and expected is both * n / (n + m)
    square = np.square(surplus(current, reference))
    ratio = np.divide(square, both, out=np.zeros_like(both), where=both > 0)
    return over_cells(ratio) * (n + m) * (1 / n + 1 / m)
