"""Drifts that are planted into stored profiles: what would a rule have seen, and how late?

Counts of a window are dealt anew over its cells; how many rows it has stays, and nothing is drawn,
so that the same drift gives the same counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import ndtri

from kldrift.arrays import Floats, Ints
from kldrift.errors import ConfigError
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import NumericSupport

USUAL: Final = ("shift 0.1", "shift 0.3", "shift 0.6", "new 1", "nulls 1")
"""Drifts of the sizes that one asks about."""
_DRIFT: Final = re.compile(r"(shift|new|nulls) (-?[0-9]+(?:\.[0-9]+)?)")
_WHOLE: Final = 100.0


@dataclass(frozen=True)
class PlantedDrift:
    """A drift to plant.

    Attributes:
        kind: ``shift`` of the mean, ``new`` values, or more ``nulls``.
        size: in standard deviations of the reference, per cent of the rows, or points.
    """

    kind: str
    size: float

    @classmethod
    def of(cls, text: str) -> Self:
        """The drift that is written as ``shift 0.3``, ``new 1`` or ``nulls 1``.

        Raises:
            ConfigError: it is no such text.

        Examples:
            >>> str(PlantedDrift.of("shift 0.3")), str(PlantedDrift.of("new 1"))
            ('shift 0.3', 'new 1')
        """
        match = _DRIFT.fullmatch(text)
        size = float(match[2]) if match else 0.0
        if match is None or (match[1] != "shift" and not 0 < size < _WHOLE):
            raise ConfigError(
                f"{text!r}: expected such as 'shift 0.3' (deviations), 'new 1' (per cent of the "
                "rows) or 'nulls 1' (points)"
            )
        return cls(match[1], size)

    def __str__(self) -> str:
        return f"{self.kind} {self.size:g}"

    def into(self, profile: Profile, reference: Ints) -> Profile | None:
        """A profile of one group with the drift in it; None where it cannot have such a drift.

        ``reference`` are the rows of the reference in each cell.
        """
        counts = profile.counts[0]
        rows = int(counts.sum())
        shares = counts / max(1, rows)
        if self.kind == "shift":
            support = profile.support
            if not isinstance(support, NumericSupport):
                return None
            moved = _shifted(shares, reference, support.intervals, self.size)
        else:
            cell = _cell(profile, self.kind)
            if cell is None:
                return None
            moved = shares * (1 - self.size / _WHOLE)
            moved[cell] += self.size / _WHOLE
        dealt = _dealt(moved, rows).reshape(1, -1)
        return Profile(profile.support, profile.keys, dealt, profile.moments)


def _shifted(shares: Floats, reference: Ints, intervals: int, size: float) -> Floats:
    """Shares of cells in order, tilted so that the mean moves by about so many deviations."""
    q = reference[:intervals] / max(1, int(reference[:intervals].sum()))
    places = ndtri(np.clip(q.cumsum() - q / 2, 1e-9, 1 - 1e-9))
    places = places - (q * places).sum()
    places /= max(np.sqrt((q * places**2).sum()), 1e-9)
    moved = shares.copy()
    tilted = moved[:intervals] * np.exp(size * places)
    total = tilted.sum()
    moved[:intervals] = tilted * (moved[:intervals].sum() / total if total > 0 else 1)
    return np.asarray(moved)


def _cell(profile: Profile, kind: str) -> int | None:
    """The cell that gains rows: that of nulls, or of new values."""
    codes = profile.support.codes
    if kind == "nulls":
        return len(codes) - 1
    for wanted in (CellKind.NEVER_SEEN, CellKind.OTHER):
        there: Any = np.flatnonzero(codes == CODES[wanted])
        if len(there):
            return int(there[0])
    return None


def _dealt(shares: Floats, rows: int) -> Ints:
    """Round shares to whole rows by largest remainders."""
    exact = shares * rows
    counts = np.floor(exact).astype(np.int64)
    left = rows - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:left]] += 1
    return counts
