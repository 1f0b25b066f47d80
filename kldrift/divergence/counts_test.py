"""The result of a test of row counts, and what such tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, over_cells, unwrap
from kldrift.divergence.near_equal import difference_of_products


@dataclass(frozen=True)
class CountsTest:
    """A test of whether two vectors of row counts come from one distribution.

    Attributes:
        statistic: 0 when the shares are equal; about ``dof`` when only chance differs.
        dof: degrees of freedom: cells that have rows on either side, less one.
        p_value: probability of a statistic at least as large by chance, in large samples.
    """

    statistic: Value
    dof: Value
    p_value: Value

    @classmethod
    def of(cls, statistic: Floats, dof: Floats) -> CountsTest:
        """Return the test with the p-value of its chi-square distribution."""
        # Without degrees of freedom the statistic is 0, whose tail is 1 with any.
        tail = np.asarray(chdtrc(np.maximum(dof, 1), statistic), dtype=np.float64)
        return cls(unwrap(statistic), unwrap(dof), unwrap(tail))


def degrees_of_freedom(current: Floats, reference: Floats) -> Floats:
    """Return the cells that have rows on either side, less one, shape ``(...)``."""
    filled = np.count_nonzero(current + reference, axis=-1)
    return np.asarray(filled - 1, dtype=np.float64)


def surplus(current: Floats, reference: Floats) -> Floats:
    """Return the rows of current above those expected from both together, shape ``(..., k)``.

    ``(current * m - reference * n) / (n + m)`` for totals n and m, with exact products: in large
    tables the shares are equal to many digits.
    """
    n, m = over_cells(current)[..., None], over_cells(reference)[..., None]
    return difference_of_products(current, m, reference, n) / (n + m)
