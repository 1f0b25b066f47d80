"""G-test of row counts."""

from __future__ import annotations

from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import counts, over_cells
from kldrift.divergence.counts_test import CountsTest, degrees_of_freedom, surplus
from kldrift.divergence.kl import kl_excess


def g_statistic(current: ArrayLike, reference: ArrayLike) -> CountsTest:
    """G-test (likelihood ratio) of whether two vectors of row counts share a distribution.

    ``2 * sum(observed * log(observed / expected))`` over the cells of both sides [1], where
    expected are the rows that the shares of both together would give. With p and q the shares, n
    and m the totals and r the shares of both together, it is a divergence times rows:
    ``2 * (n * D(p || r) + m * D(q || r))`` in nats.

    Args:
        current: row counts, shape ``(..., k)``.
        reference: row counts of the same cells; leading axes broadcast.

    Returns:
        The statistic in [0, inf), its degrees of freedom and the p-value, each of shape ``(...)``,
        floats for 1-D arguments. Cells that are empty on both sides do not count; with only one
        cell left the statistic is 0 and the p-value 1. Below about 5 expected rows a cell the
        p-value is rough.

    Raises:
        ValueError: as for `chi_square`.

    References:
        [1] Wilks, S. S. (1938). The large-sample distribution of the likelihood ratio for testing
            composite hypotheses. Annals of Mathematical Statistics 9(1), 60-62.
            doi:10.1214/aoms/1177732360

    Examples:
        >>> test = g_statistic([10, 10, 20], [20, 20, 20])
        >>> round(test.statistic, 4), test.dof, round(test.p_value, 4)
        (2.7689, 2.0, 0.2505)
    """
    a, b = counts(current, reference)
    return CountsTest.of(g_statistic_formula(a, b), degrees_of_freedom(a, b))


def g_statistic_formula(current: Floats, reference: Floats) -> Floats:
    """The statistic, shape ``(...)``; the counts are not checked."""
    n, m = over_cells(current)[..., None], over_cells(reference)[..., None]
    both, above = (current + reference) / (n + m), surplus(current, reference)
    excess = kl_excess(current, both * n, -above) + kl_excess(reference, both * m, above)
    return 2 * over_cells(excess)
