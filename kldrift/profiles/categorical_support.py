"""Support of a categorical feature: a cell per category, and the values that have none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Hashes, PickledFields
from kldrift.profiles.cells import CODES, KINDS, CellKind, Cells


@dataclass(frozen=True, eq=False)
class KnownNames:
    """Hashes of the values of a reference that have no cell of their own.

    Of very many values there is a sample: all whose hash is at most ``cutoff``. Values with a
    larger hash cannot be told from those that the reference had, and count as known. The hashes
    increase; ``cutoff`` is the largest that is looked up.
    """

    hashes: Hashes
    cutoff: int = 2**64 - 1

    @property
    def share(self) -> float:
        """The share of unknown values that the sample of hashes can recognise as new."""
        return (self.cutoff + 1) / 2**64

    def unseen(self, hashes: Hashes) -> Bools:
        """Whether each value is absent from the reference."""
        if not len(self.hashes):
            return hashes <= np.uint64(self.cutoff)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.asarray((self.hashes[at] != hashes) & (hashes <= np.uint64(self.cutoff)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, KnownNames)
            and self.cutoff == other.cutoff
            and np.array_equal(self.hashes, other.hashes)
        )

    def __hash__(self) -> int:
        return hash((self.hashes.tobytes(), self.cutoff))


@dataclass(frozen=True)
class CategoricalSupport(PickledFields):
    """One cell per category, then ``other``, what was never seen, NaN for floats, and null.

    Attributes:
        categories: the values as text, exact: what a reader sees and what is compared.
        floats: whether the values were floats, which have a NaN cell.
        known: the reference's other values; None if a value that it never had is ``other`` too.
        rare: how many of the last categories have too few rows for a cell that is scored: they are
            counted, to see how many are gone, and scored as ``other``.
    """

    categories: tuple[str, ...]
    floats: bool = False
    known: KnownNames | None = None
    rare: int = 0

    def __post_init__(self) -> None:
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"categories must be distinct, got {self.categories!r}")

    @property
    def frequent(self) -> int:
        """Number of categories that are scored in a cell of their own; they come first."""
        return len(self.categories) - self.rare

    @cached_property
    def size(self) -> int:
        """Number of cells."""
        return len(self.categories) + len(self._flow)

    @property
    def _flow(self) -> tuple[CellKind, ...]:
        """The cells that follow the categories."""
        never = (CellKind.NEVER_SEEN,) if self.known is not None else ()
        nan = (CellKind.NAN,) if self.floats else ()
        return (CellKind.OTHER, *never, *nan, CellKind.NULL)

    @cached_property
    def codes(self) -> NDArray[np.int8]:
        """Kind of each cell as a place in ``KINDS``, in the order of the counts."""
        codes = np.full(self.size, CODES[CellKind.CATEGORY], dtype=np.int8)
        codes[len(self.categories) :] = [CODES[kind] for kind in self._flow]
        return codes

    @cached_property
    def kinds(self) -> tuple[CellKind, ...]:
        """Kind of each cell, in the order of the counts."""
        return tuple(KINDS[code] for code in self.codes)

    @cached_property
    def cells(self) -> Cells:
        """The cells, in the order of the counts."""
        labels = np.full(self.size, None, dtype=object)
        labels[: len(self.categories)] = self.categories
        return Cells.without_bounds(self.codes, labels)

    @property
    def identity(self) -> bytes:
        """Bytes that are equal for equal supports."""
        names = [name.encode(errors="surrogatepass") for name in self.categories]
        sizes = ",".join(str(len(name)) for name in names)
        known = b""
        if self.known is not None:
            known = f"{self.known.cutoff}\0".encode() + self.known.hashes.tobytes()
        rare = f"{self.rare} rare\0" if self.rare else ""
        return f"text\0{self.floats}\0{sizes}\0{rare}".encode() + b"".join(names) + known

    def __str__(self) -> str:
        return f"{len(self.categories)} categories"
