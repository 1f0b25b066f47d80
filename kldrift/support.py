"""The cells that a feature's values fall into.

A support is the ordered set of cells over which one feature is counted. Every row falls into
exactly one cell, also a null, a NaN or a value never seen before, so the counts over a support add
up to the number of rows. The reference freezes the support; both sides are counted on it.

Flow cells (null, NaN, infinities, underflow, overflow, other) have a kind of their own: a category
that is called "null" is not a null.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldrift.errors import SupportMismatchError

Keys = NDArray[Any]
"""int64 or float64."""

LOWEST = float(np.finfo(np.float64).min)
"""The smallest finite double; below it there is only minus infinity."""


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
    NAN = "nan"
    NULL = "null"


@dataclass(frozen=True)
class Cell:
    """One cell: ``lower <= value < upper`` (None is open) or the values called ``label``."""

    kind: CellKind
    lower: float | None = None
    upper: float | None = None
    label: str | None = None


class Unit(StrEnum):
    """What an integer or float key of a feature stands for."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    SECONDS = "seconds"  # a point in time; the key counts microseconds since 1970
    DAYS = "days"  # a date; the key counts days since 1970


def step(keys: Keys) -> Keys:
    """The next larger key that the type holds: the interval from v to it holds v alone."""
    if keys.dtype == np.int64:
        return np.where(keys == np.iinfo(np.int64).max, keys, keys + 1)
    with np.errstate(over="ignore"):  # infinity follows the largest double
        return np.nextafter(keys, np.inf)


@dataclass(frozen=True, eq=False)
class NumericSupport:
    """Half-open intervals between edges, with open tails, and cells for what is no number.

    Attributes:
        edges: increasing keys, shape ``(m,)``; int64 keys are exact, also beyond 2**53. A value
            with a cell of its own is the interval ``[v, step(v))``.
        scale: keys per unit: ``10**s`` for a decimal with s digits, 1,000,000 for timestamps.
        unit: what a key stands for.
        pivot: a key in the midst of the reference, which moments are taken about.
    """

    edges: Keys
    scale: int = 1
    unit: Unit = Unit.NUMBER
    pivot: float = 0.0

    def __post_init__(self) -> None:
        edges = np.array(self.edges)
        if edges.dtype not in (np.dtype(np.int64), np.dtype(np.float64)):
            raise ValueError(f"edges must be int64 or float64, got {edges.dtype}")
        if edges.ndim != 1 or (edges[1:] <= edges[:-1]).any() or np.isnan(edges).any():
            raise ValueError(f"edges must be increasing numbers, got {self.edges!r}")
        if edges.dtype == np.float64:
            # Infinities get cells of their own: the tails hold finite values only.
            # + 0.0 makes -0.0 the zero that it equals, so that equal edges have equal bytes.
            edges = np.unique(np.concatenate([[LOWEST], edges + 0.0, [np.inf]]))
        edges.flags.writeable = False
        object.__setattr__(self, "edges", edges)

    def __getstate__(self) -> dict[str, Any]:
        """What travels: not what is worked out from it."""
        return {f.name: self.__dict__[f.name] for f in fields(self)}

    @property
    def integral(self) -> bool:
        """Whether keys are integers."""
        return bool(self.edges.dtype == np.int64)

    @property
    def intervals(self) -> int:
        """Number of cells that hold numbers; they come first, in increasing order."""
        return len(self.edges) + 1

    @cached_property
    def size(self) -> int:
        """Number of cells."""
        return self.intervals + (1 if self.integral else 2)

    @cached_property
    def points(self) -> NDArray[np.bool_]:
        """Which intervals hold a single value, shape ``(intervals,)``."""
        if not len(self.edges):
            return np.array([False])
        inner = self.edges[1:] == step(self.edges[:-1])
        last = self.integral and self.edges[-1] == np.iinfo(np.int64).max  # nothing lies above
        return np.concatenate([[False], inner, [last]])

    @cached_property
    def kinds(self) -> tuple[CellKind, ...]:
        """Kind of each cell, in the order of the counts."""
        inner = [CellKind.VALUE if p else CellKind.BIN for p in self.points[1:-1]]
        if self.integral:
            if not len(self.edges):
                return (CellKind.OTHER, CellKind.NULL)
            last = CellKind.VALUE if self.points[-1] else CellKind.OVERFLOW
            return (CellKind.UNDERFLOW, *inner, last, CellKind.NULL)
        # edges[0] is LOWEST and edges[-1] is +inf: the outermost intervals are the infinities.
        if len(self.edges) == 2:
            inner = [CellKind.OTHER]
        else:
            # The smallest and the largest double leave no room for a tail, and stay values.
            inner[0] = inner[0] if self.points[1] else CellKind.UNDERFLOW
            inner[-1] = inner[-1] if self.points[-2] else CellKind.OVERFLOW
        infinities = (CellKind.NEGATIVE_INFINITY, CellKind.POSITIVE_INFINITY)
        return (infinities[0], *inner, infinities[1], CellKind.NAN, CellKind.NULL)

    def amount(self, key: float) -> float:
        """A key in the unit of the feature."""
        return float(key) / self.scale if self.scale != 1 else float(key)

    def text(self, key: float) -> str:
        """A key as a reader writes it, exact for integers and decimals."""
        if self.unit is Unit.BOOLEAN:
            return "true" if key else "false"
        if self.unit is Unit.SECONDS:
            return str(np.datetime64(int(key), "us")).removesuffix(".000000")
        if self.unit is Unit.DAYS:
            return str(np.datetime64(int(key), "D"))
        if self.integral:
            digits = len(str(self.scale)) - 1
            return f"{Decimal(int(key)).scaleb(-digits):f}"
        return repr(float(key)).removesuffix(".0")

    def cell(self, i: int) -> Cell:
        """The cell at a place in the counts."""
        kind = self.kinds[i]
        if kind in (CellKind.BIN, CellKind.UNDERFLOW, CellKind.OVERFLOW):
            low = i - 1
            if not self.integral and i and self.points[i - 1]:
                low = i - 2  # right behind a value: show that value, not its neighbour
            lower = None if kind is CellKind.UNDERFLOW or low < 0 else self.edges[low]
            upper = None if kind is CellKind.OVERFLOW or i >= len(self.edges) else self.edges[i]
            return Cell(
                kind,
                None if lower is None else self.amount(lower),
                None if upper is None else self.amount(upper),
            )
        if kind is CellKind.VALUE:
            key = self.edges[i - 1].item()
            amount = self.amount(key)
            return Cell(kind, amount, amount, self.text(key))
        return Cell(kind)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, in the order of the counts."""
        return tuple(self.cell(i) for i in range(self.size))

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Where each interval lies, shape ``(intervals,)``, in the unit of the feature.

        The middle of a bin, the value of a point, and for the open tails the nearest edge: a
        distance never claims more than the counts know. NaN for the infinities.
        """
        if not len(self.edges):
            return np.zeros(1)
        edges = self.edges.astype(np.float64)
        out = np.empty(self.intervals)
        out[1:-1] = np.where(self.points[1:-1], edges[:-1], edges[:-1] / 2 + edges[1:] / 2)
        out[0], out[-1] = edges[0], edges[-1]
        if not self.integral:
            out[0] = out[-1] = np.nan
            if self.intervals > 3:
                out[1], out[-2] = edges[1], edges[-2]
            else:
                out[1] = 0.0
        return out / self.scale

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, NumericSupport)
            and (self.scale, self.unit, self.integral) == (other.scale, other.unit, other.integral)
            and np.array_equal(self.edges, other.edges)
        )

    def __hash__(self) -> int:
        return hash((self.edges.tobytes(), self.scale, self.unit))

    @property
    def identity(self) -> bytes:
        """Bytes that are equal for equal supports."""
        about = f"{self.edges.dtype}\0{self.scale}\0{self.unit}\0{len(self.edges)}\0"
        return about.encode() + self.edges.tobytes()

    def __str__(self) -> str:
        edges = self.edges if self.integral else self.edges[1:-1]
        if not len(edges):
            return "no edges"
        return f"{len(edges)} edges over [{self.text(edges[0])}, {self.text(edges[-1])}]"


@dataclass(frozen=True)
class CategoricalSupport:
    """One cell per category, then ``other`` for every value that is none of them, then null.

    Attributes:
        categories: the values as text, exact: what a reader sees and what is compared.
        floats: whether the values were floats, which have a NaN cell.
    """

    categories: tuple[str, ...]
    floats: bool = False

    def __post_init__(self) -> None:
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"categories must be distinct, got {self.categories!r}")

    def __getstate__(self) -> dict[str, Any]:
        """What travels: not what is worked out from it."""
        return {f.name: self.__dict__[f.name] for f in fields(self)}

    @cached_property
    def size(self) -> int:
        """Number of cells."""
        return len(self.categories) + (3 if self.floats else 2)

    @cached_property
    def kinds(self) -> tuple[CellKind, ...]:
        """Kind of each cell, in the order of the counts."""
        flow = (CellKind.NAN, CellKind.NULL) if self.floats else (CellKind.NULL,)
        return (*[CellKind.CATEGORY] * len(self.categories), CellKind.OTHER, *flow)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells, in the order of the counts."""
        labels = [*self.categories, *[None] * (self.size - len(self.categories))]
        return tuple(
            Cell(kind, label=label) for kind, label in zip(self.kinds, labels, strict=True)
        )

    @property
    def identity(self) -> bytes:
        """Bytes that are equal for equal supports."""
        names = [name.encode(errors="surrogatepass") for name in self.categories]
        sizes = ",".join(str(len(name)) for name in names)
        return f"text\0{self.floats}\0{sizes}\0".encode() + b"".join(names)

    def __str__(self) -> str:
        return f"{len(self.categories)} categories"


Support = NumericSupport | CategoricalSupport


def pivot_of(support: Support) -> float:
    """What moments on a support are taken about."""
    return support.pivot if isinstance(support, NumericSupport) else 0.0


def require_same(left: Support, right: Support) -> None:
    """Check that two profiles can be added or compared.

    Raises:
        SupportMismatchError: the supports differ. Counts cannot be moved between cells exactly.
    """
    if left != right:
        raise SupportMismatchError(
            f"cannot put {left} and {right} on one support; "
            "profile the current dataset with the support of the reference"
        )
