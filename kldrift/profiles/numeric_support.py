"""Support of an ordered feature: intervals between edges, and cells for what is no number."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Floats, PickledFields
from kldrift.profiles.cells import CODES, KINDS, CellKind, Cells, among
from kldrift.profiles.number_text import length_of_time

Keys = NDArray[Any]
"""int64 or float64."""

LOWEST = float(np.finfo(np.float64).min)
"""The smallest finite double; below it there is only minus infinity."""
LARGEST_EXACT: Final = 2.0**53
"""Up to which doubles hold whole numbers."""

HAS_LOWER: Final = among(CellKind.BIN, CellKind.OVERFLOW)
HAS_UPPER: Final = among(CellKind.BIN, CellKind.UNDERFLOW)


class Unit(StrEnum):
    """What an integer or float key of a feature stands for."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    SECONDS = "seconds"  # a point in time; the key counts microseconds since 1970
    DAYS = "days"  # a date; the key counts days since 1970
    CLOCK = "time of day"  # the key counts parts of seconds since midnight
    DURATION = "duration"  # the key counts parts of seconds
    UNSIGNED = "unsigned"  # an integer without a sign; the key is 2**63 lower


TIMES: Final = (Unit.SECONDS, Unit.DAYS, Unit.CLOCK, Unit.DURATION)
"""Units of what a reader wants as a date, by the clock, or in hours and minutes."""
NUMBERS: Final = (Unit.NUMBER, Unit.UNSIGNED, Unit.DURATION)
"""Units of amounts, of which there are twice as much: neither points in time nor booleans."""


def unsigned(keys: Keys) -> NDArray[np.uint64]:
    """The integers that keys of ``Unit.UNSIGNED`` stand for, which no int64 holds.

    Examples:
        >>> unsigned(np.array([-(2**63), 0])).tolist()
        [0, 9223372036854775808]
    """
    return np.asarray(keys, dtype=np.int64).view(np.uint64) ^ np.uint64(2**63)


def step(keys: Keys) -> Keys:
    """The next larger key that the type holds: the interval from v to it holds v alone."""
    if keys.dtype == np.int64:
        return np.where(keys == np.iinfo(np.int64).max, keys, keys + 1)
    with np.errstate(over="ignore"):  # infinity follows the largest double
        return np.nextafter(keys, np.inf)


@dataclass(frozen=True, eq=False)
class NumericSupport(PickledFields):
    """Half-open intervals between edges, with open tails, and cells for what is no number.

    Attributes:
        edges: increasing keys, shape ``(m,)``; int64 keys are exact, also beyond 2**53. A value
            with a cell of its own is the interval ``[v, step(v))``.
        scale: keys per unit: ``10**s`` for a decimal with s digits, 1,000,000 for timestamps.
        unit: what a key stands for.
        pivot: a number in the midst of the reference, which moments are taken about: a key, or
            what it stands for where that has no sign.
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
    def points(self) -> Bools:
        """Which intervals hold a single value, shape ``(intervals,)``."""
        if not len(self.edges):
            return np.array([False])
        inner = self.edges[1:] == step(self.edges[:-1])
        last = self.integral and self.edges[-1] == np.iinfo(np.int64).max  # nothing lies above
        return np.concatenate([[False], inner, [last]])

    @cached_property
    def codes(self) -> NDArray[np.int8]:
        """Kind of each cell as a place in ``KINDS``, in the order of the counts."""
        codes = np.empty(self.size, dtype=np.int8)
        codes[: self.intervals] = np.where(self.points, CODES[CellKind.VALUE], CODES[CellKind.BIN])
        codes[-1] = CODES[CellKind.NULL]
        inner = codes[: self.intervals]
        if not self.integral:
            codes[-2] = CODES[CellKind.NAN]
            # edges[0] is LOWEST and edges[-1] is +inf: the outermost intervals are the infinities.
            inner[0] = CODES[CellKind.NEGATIVE_INFINITY]
            inner[-1] = CODES[CellKind.POSITIVE_INFINITY]
            inner = inner[1:-1]
        if len(inner) == 1:
            inner[0] = CODES[CellKind.OTHER]
        else:
            # The smallest and the largest key leave no room for a tail, and stay values.
            for end, tail in ((0, CellKind.UNDERFLOW), (-1, CellKind.OVERFLOW)):
                if inner[end] == CODES[CellKind.BIN]:
                    inner[end] = CODES[tail]
        return codes

    @cached_property
    def kinds(self) -> tuple[CellKind, ...]:
        """Kind of each cell, in the order of the counts."""
        return tuple(KINDS[code] for code in self.codes)

    def exact(self, keys: Keys) -> Keys:
        """Keys as exact numbers in the unit of the feature."""
        return unsigned(keys) if self.unit is Unit.UNSIGNED else keys

    def text(self, key: float) -> str:
        """A key as a reader writes it, exact for integers and decimals."""
        if self.unit is Unit.BOOLEAN:
            return "true" if key else "false"
        if self.unit is Unit.SECONDS:
            return str(np.datetime64(int(key), "us")).removesuffix(".000000")
        if self.unit is Unit.DAYS:
            return str(np.datetime64(int(key), "D"))
        digits = len(str(self.scale)) - 1
        if self.unit is Unit.CLOCK:
            second, part = divmod(int(key), self.scale)
            text = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            return f"{text}.{part:0{digits}}" if part else text
        if self.integral:
            amount = Decimal(self.exact(np.array(key, np.int64)).item()).scaleb(-digits)
            return length_of_time(amount) if self.unit is Unit.DURATION else f"{amount:f}"
        return repr(float(key)).removesuffix(".0")

    def texts(self, keys: Keys) -> list[str]:
        """Keys as a reader writes them."""
        if self.unit is Unit.NUMBER and not self.integral:
            return [repr(key).removesuffix(".0") for key in keys.tolist()]
        return [self.text(key) for key in keys.tolist()]

    @cached_property
    def cells(self) -> Cells:
        """The cells, in the order of the counts."""
        n, kinds = self.intervals, self.codes
        below, above = np.full((2, self.size), np.nan)
        labels = np.full(self.size, None, dtype=object)
        amounts = self.exact(self.edges) / self.scale
        low = np.arange(n - 1)
        if not self.integral:
            low -= self.points[:-1]  # right behind a value: show that value, not its neighbour
        below[1:n], above[: n - 1] = amounts[low], amounts
        lower = np.where(HAS_LOWER[kinds], below, np.nan)
        upper = np.where(HAS_UPPER[kinds], above, np.nan)
        values = np.flatnonzero(self.points)
        if len(values):
            lower[values] = upper[values] = amounts[values - 1]
            labels[values] = self.texts(self.edges[values - 1])
        return Cells(kinds, lower, upper, labels)

    @cached_property
    def positions(self) -> Floats:
        """Where each interval lies, shape ``(intervals,)``, in the unit of the feature.

        The middle of a bin, the value of a point, and for the open tails the nearest edge: a
        distance never claims more than the counts know. NaN for the infinities.
        """
        if not len(self.edges):
            return np.zeros(1)
        edges = self.exact(self.edges).astype(np.float64)
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
