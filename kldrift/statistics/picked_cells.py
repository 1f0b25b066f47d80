"""A sparse selection of the cells of tables, so that nothing is computed for the others.

In a segment most names have no rows, and logarithms of nothing take as long as any.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Floats, Ints


class PickedCells(NamedTuple):
    """The flat indices of the selected cells of tables of a shape, increasing.

    Examples:
        >>> rows = np.array([[3, 0], [0, 5]])
        >>> picked = PickedCells.of(rows > 0)
        >>> picked.each(rows).tolist(), picked.every(rows.sum(-1)).tolist()
        ([3, 5], [3, 5])
        >>> picked.summed(np.array([0.5, 1.0])).tolist()
        [0.5, 1.0]
    """

    at: Ints
    shape: tuple[int, ...]

    @classmethod
    def of(cls, cells: Bools) -> Self:
        """Select the cells at which a mask is true."""
        return cls(np.flatnonzero(cells), cells.shape)

    def only(self, some: Bools) -> Self:
        """Select some of the selected cells."""
        return self._replace(at=self.at[some])

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values of the selected cells."""
        return values.reshape(-1)[self.at]

    def every(self, totals: NDArray[Any]) -> NDArray[Any]:
        """Repeat one value for each table over its selected cells."""
        return totals.reshape(-1)[self.at // self.shape[-1]]

    def placed(self, values: Floats) -> Floats:
        """Scatter the values into tables, 0 in all other cells."""
        out = np.zeros(self.shape)
        out.reshape(-1)[self.at] = values
        return out

    def summed(self, values: Floats) -> Floats:
        """The sums of the values of each table, bit for bit those over whole tables."""
        return np.asarray(self.placed(values).sum(-1))
