"""The arrays of numbers and texts that functions take and return, by what they hold.

Shapes stand in the docstrings of those functions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]
"""Texts of Python, and None."""

Counts = NDArray[np.signedinteger[Any]]
"""Numbers of rows, of 64 bits, or of 32 where many are kept; what makes shares of them is
`kldrift.divergence.probabilities` alone."""
Hashes = NDArray[np.uint64]
Values = NDArray[Any]
"""Numbers or texts of any kind."""


@dataclass(frozen=True, eq=False)
class OfRows:
    """Arrays with one value, or one row of values, for each of the same rows."""

    def take(self, rows: Any) -> Self:
        """Select rows by index or by a mask."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))


class PickledFields:
    """A dataclass that is pickled without the values that are computed from its fields."""

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
