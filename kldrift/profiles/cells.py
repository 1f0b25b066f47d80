"""Cells: sets of values that are counted together, and their kinds.

See docs/decisions/flow-cells.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, overload

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Floats, OfRows, Texts


class CellKind(StrEnum):
    """What kind of values a cell holds."""

    BIN = "bin"
    VALUE = "value"
    CATEGORY = "category"
    UNDERFLOW = "underflow"
    OVERFLOW = "overflow"
    NEGATIVE_INFINITY = "negative_infinity"
    POSITIVE_INFINITY = "positive_infinity"
    OTHER = "other"
    NEVER_SEEN = "never_seen"
    NAN = "nan"
    NULL = "null"


KINDS: Final = tuple(CellKind)
CODES: Final = {kind: code for code, kind in enumerate(KINDS)}
"""The place of a kind in ``KINDS``: what an array holds of it."""


def among(*kinds: CellKind) -> Bools:
    """Whether each kind of ``KINDS`` is one of the given kinds, as a lookup table.

    Examples:
        >>> among(CellKind.NULL)[[CODES[CellKind.BIN], CODES[CellKind.NULL]]].tolist()
        [False, True]
    """
    return np.array([kind in kinds for kind in KINDS])


@dataclass(frozen=True)
class Cell:
    """One cell: ``lower <= value < upper`` (None is open) or the values called ``label``."""

    kind: CellKind
    lower: float | None = None
    upper: float | None = None
    label: str | None = None


@dataclass(frozen=True, eq=False)
class Cells(OfRows, Sequence[Cell]):
    """Cells as columns; a ``Cell`` is made on demand.

    Wide tables have a million cells, of which a reader sees a few.

    Attributes:
        codes: their kinds, as places in ``KINDS``.
        lower: NaN is open, or says that the kind has no bounds.
        labels: text, or None where there is none.
    """

    codes: NDArray[np.int8]
    lower: Floats
    upper: Floats
    labels: Texts

    @classmethod
    def without_bounds(cls, codes: NDArray[np.int8], labels: Texts) -> Self:
        """Cells without bounds: categories, null, NaN and the like."""
        nothing = np.full(len(codes), np.nan)
        return cls(codes, nothing, nothing, labels)

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> Cell: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Cell, ...]: ...
    def __getitem__(self, place: int | slice) -> Cell | tuple[Cell, ...]:
        if isinstance(place, slice):
            return tuple(self[i] for i in range(*place.indices(len(self))))
        lower, upper = self.lower[place], self.upper[place]
        return Cell(
            KINDS[self.codes[place]],
            None if np.isnan(lower) else float(lower),
            None if np.isnan(upper) else float(upper),
            self.labels[place],
        )

    def __iter__(self) -> Iterator[Cell]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells | tuple) and self[:] == tuple(other)

    __hash__ = None  # type: ignore[assignment]
