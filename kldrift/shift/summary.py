"""The compared rows of one window and segment, counted in a form that adds up."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from kldrift.shift.row_divergence_cells import (
    LOW_BITS,
    ZERO,
    Floats,
    Ints,
    exponents,
    lower,
    offset_part,
    offsets,
    split,
    squares,
    summed,
)

WORST: Final = 20
"""Examples that are kept of each window and segment."""
FIRST: Final = -10
"""Exponent of the first bound of the cells that are written, 2 ** -10 nats, about 0.001."""
LAST: Final = 6
"""Exponent of the last one, 64 nats; between them each cell is twice as wide as the one before."""


class Outcome(IntEnum):
    """What became of a row."""

    FINITE = 0
    INFINITE = 1  # the challenger allows a class that the champion masks
    NULL = 2
    LENGTH = 3
    NUMBER = 4
    MASKED = 5
    PROBABILITY = 6


LEFT_OUT: Final = {
    Outcome.NULL: "null",
    Outcome.LENGTH: "empty or of two lengths",
    Outcome.NUMBER: "with null, NaN or infinity inside",
    Outcome.MASKED: "with every class masked",
    Outcome.PROBABILITY: "no probabilities",
}
"""Outcomes of rows that cannot be compared, in words."""


@dataclass(frozen=True)
class Example:
    """One row: its divergence in nats, its key, and both top classes by number."""

    kl: float
    key: str | None
    champion: int
    challenger: int

    @property
    def rank(self) -> tuple[float, bool, str]:
        """The worst first; among equals by key, without a key last."""
        return -self.kl, self.key is None, self.key or ""


@dataclass(frozen=True, eq=False)
class Shift:
    """Rows by outcome and by divergence; a commutative monoid under ``+``, to the bit.

    Attributes:
        outcomes: rows of each :class:`Outcome`.
        changed: compared rows whose top class differs.
        cells: occupied cells of the finite divergences, increasing, shape ``(k,)``.
        rows: rows of each.
        high: with ``low``, the sum of their distances to the cell's lower bound.
        low: see :func:`kldrift.shift.row_divergence_cells.split`.
        squared: the sum of the squares of these distances.
        worst: the rows of the largest divergence, worst first.

    Examples:
        >>> both = Shift.of(np.array([0.5, 0.25])) + Shift.of(np.array([0.75, np.inf]))
        >>> both.summary().kl, both.summary().infinite
        (0.5, 1)
    """

    outcomes: Ints
    changed: int
    cells: Ints
    rows: Ints
    high: Ints
    low: Ints
    squared: Ints
    worst: tuple[Example, ...] = ()

    @classmethod
    def of(cls, kl: Floats) -> Shift:
        """Rows of these divergences, in nats, 0 or more; shape ``(n,)``."""
        finite = kl[np.isfinite(kl)]
        cell, *parts = split(finite)
        outcomes = np.zeros(len(Outcome), dtype=np.int64)
        outcomes[:2] = len(finite), len(kl) - len(finite)
        return cls.counted(outcomes, 0, summed(cell, np.ones_like(cell), *parts))

    @classmethod
    def counted(
        cls, outcomes: Ints, changed: int, sums: tuple[Ints, ...], worst: tuple[Example, ...] = ()
    ) -> Shift:
        """Counts, and the sums of cells: cells, rows, high, low, squared."""
        cells, rows, high, low, squared = sums
        return cls(outcomes, changed, cells, rows, high, low, squared, worst)

    def __add__(self, other: Shift) -> Shift:
        cells = np.concatenate([self.cells, other.cells])
        parts = (
            np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("rows", "high", "low", "squared")
        )
        return Shift.counted(
            self.outcomes + other.outcomes,
            self.changed + other.changed,
            summed(cells, *parts),
            worst_of([*self.worst, *other.worst]),
        )

    def summary(self) -> Summary:
        """The numbers that the tables hold."""
        total = _sum(self._sums())
        finite = int(self.outcomes[Outcome.FINITE])
        mean = total / finite if finite else math.nan
        median, p90, p99 = (self.quantile(share) for share in (0.5, 0.9, 0.99))
        return Summary(
            outcomes=tuple(int(n) for n in self.outcomes),
            changed=self.changed,
            kl=mean,
            variance=self._variance(mean, finite),
            median=median,
            p90=p90,
            p99=p99,
            cells=self._written(finite),
            worst=self.worst,
        )

    def quantile(self, share: float) -> float:
        """The smallest divergence that at least a share of the finite rows does not exceed.

        Args:
            share: above 0, at most 1.

        Returns:
            Nats, within 0.8 % of the row's own value; NaN without a row.
        """
        if not len(self.rows):
            return math.nan
        reached = np.cumsum(self.rows)
        place = int(np.searchsorted(reached, math.ceil(share * reached[-1])))
        at = slice(place, place + 1)
        beyond = offsets(self.cells[at], self.high[at], self.low[at]) / self.rows[at]
        return float((lower(self.cells[at]) + beyond)[0])

    def _sums(self) -> Floats:
        """The sum of all finite divergences, in parts that are exact."""
        return np.concatenate(
            [
                self.rows * lower(self.cells),
                offset_part(self.cells, self.high, LOW_BITS),
                offset_part(self.cells, self.low, 0),
            ]
        )

    def _variance(self, mean: float, finite: int) -> float:
        """Sample variance of the finite divergences; NaN for fewer than two."""
        if finite < 2:
            return math.nan
        start = lower(self.cells) - mean
        with np.errstate(over="ignore", invalid="ignore"):
            terms = self.rows * start * start
            terms += 2 * start * offsets(self.cells, self.high, self.low)
            terms += squares(self.cells, self.squared)
        return max(0.0, _sum(terms)) / (finite - 1)

    def _written(self, finite: int) -> tuple[WrittenCell, ...]:
        sums = self.rows * lower(self.cells) + offsets(self.cells, self.high, self.low)
        place = np.where(self.cells == ZERO, FIRST, np.clip(exponents(self.cells), FIRST, LAST + 1))
        found = []
        for e in np.unique(place).tolist():
            here = place == e
            found.append(
                WrittenCell(
                    "bin",
                    0.0 if e == FIRST else 2.0 ** (e - 1),
                    None if e > LAST else 2.0**e,
                    int(self.rows[here].sum()),
                    _sum(sums[here]) / finite,
                )
            )
        if self.outcomes[Outcome.INFINITE]:
            rows = int(self.outcomes[Outcome.INFINITE])
            found.append(WrittenCell("infinite", None, None, rows, 0.0))
        return tuple(found)


_NONE: Final = np.zeros(0, dtype=np.int64)
NO_ROWS: Final = Shift(np.zeros(len(Outcome), dtype=np.int64), 0, _NONE, _NONE, _NONE, _NONE, _NONE)


@dataclass(frozen=True)
class WrittenCell:
    """A cell of the distribution of divergences over rows, as it stands in ``drift_cells``.

    Attributes:
        kind: ``bin`` or ``infinite``.
        lower: in nats, inclusive.
        upper: in nats, exclusive; None where it is open.
        rows: rows in the cell.
        contribution: the sum of their divergences divided by all finite rows, in nats.
    """

    kind: str
    lower: float | None
    upper: float | None
    rows: int
    contribution: float


@dataclass(frozen=True)
class Summary:
    """The numbers of one window and segment; this is what leaves the executors.

    Attributes:
        outcomes: rows of each :class:`Outcome`.
        changed: compared rows whose top class differs.
        kl: mean divergence of the finite rows, in nats; NaN without one.
        variance: sample variance of their divergences, squared nats; NaN for fewer than two.
        median: of the finite rows, nats; NaN without one, as the next two.
        p90: 90 % of them have no larger divergence.
        p99: 99 % of them have no larger divergence.
        cells: the distribution.
        worst: the rows of the largest divergence, worst first.
    """

    outcomes: tuple[int, ...]
    changed: int
    kl: float
    variance: float
    median: float
    p90: float
    p99: float
    cells: tuple[WrittenCell, ...]
    worst: tuple[Example, ...]

    @property
    def rows(self) -> int:
        """All rows, also those left out."""
        return sum(self.outcomes)

    @property
    def finite(self) -> int:
        """Rows of a finite divergence."""
        return self.outcomes[Outcome.FINITE]

    @property
    def infinite(self) -> int:
        """Rows of an infinite divergence: compared, but not in the mean."""
        return self.outcomes[Outcome.INFINITE]

    @property
    def compared(self) -> int:
        """Rows that could be compared."""
        return self.finite + self.infinite

    @property
    def left_out(self) -> int:
        """Rows that could not be compared."""
        return self.rows - self.compared


def _sum(parts: Floats) -> float:
    """The sum, rounded once; inf where it is beyond a double."""
    if not np.isfinite(parts).all():
        return math.inf
    try:
        return math.fsum(parts)
    except OverflowError:
        return math.inf


def worst_of(examples: Iterable[Example]) -> tuple[Example, ...]:
    """The worst examples, worst first; 20 at most."""
    return tuple(heapq.nsmallest(WORST, examples, key=lambda e: e.rank))
