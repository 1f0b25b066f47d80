"""The cell and the number of each row of a batch, for features that are counted by groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kldrift.arrays import Ints
from kldrift.profiles.support import Keys


@dataclass(frozen=True, eq=False)
class RowCells:
    """The cell of each row of a batch, and its number.

    Attributes:
        keys: the number of each row, shape ``(n,)``; any finite one where it has none. None for
            categories.
        apart: the indices of the rows without a finite number, increasing; None for
            categories.
    """

    cells: Ints
    keys: Keys | None = None
    apart: Ints | None = None


@dataclass(frozen=True, eq=False)
class RowCodes:
    """A small code per row that determines its cell, for batches of few distinct values.

    Attributes:
        cells: the cell of each code, shape ``(m,)``.
        first: the number that code 0 stands for; the next ones follow, and the last code is that
            of no number. None for categories.
    """

    codes: Ints
    cells: Ints
    first: int | None = None

    @property
    def of_rows(self) -> RowCells:
        """The cell of each row, without codes."""
        cells = np.take(self.cells, self.codes, mode="clip")
        if self.first is None:
            return RowCells(cells)
        return RowCells(cells, self.codes + self.first, np.flatnonzero(self.codes == self.behind))

    @property
    def behind(self) -> int:
        """The largest code."""
        return len(self.cells) - 1
