"""Which interval a number falls into, without searching for it.

The range of the edges is cut into slots that a number's slot is computed for in a few vectorised
steps, each of which keeps the order of its input, rounding included. So a number in a slot left of
an edge's slot is below that edge, and one to the right of it above: only in the slots that hold an
edge, a few per cent of the numbers, is anything compared. The counts are exact.

Slots are evenly wide, or evenly wide over the order-preserving bits of a double where that parts
the edges better: for data over many orders of magnitude.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.sketch import order_key
from kldrift.support import Keys

SLOTS: Final = 4096
CHUNK: Final = 32_768
"""Numbers that are looked up together: they stay in a core's cache."""
MOST_EDGES: Final = 2
"""Edges in a slot that numbers are compared with one by one; with more, they are searched."""

Int64s = NDArray[np.int64]


class Grid:
    """Counts numbers between edges.

    Args:
        edges: increasing and finite, int64 or float64, shape ``(m,)``, one at least.
    """

    def __init__(self, edges: Keys) -> None:
        self._edges = edges
        self._padded = np.append(edges, edges[-1:])
        even = _Even.over(edges) if edges.dtype == np.float64 else None
        shifted = _Shifted(edges)
        # Even slots take fewer steps, so they are preferred.
        ways: list[_Even | _Shifted] = [shifted] if even is None else [even, shifted]
        crowds = [_crowded(w.slots(edges)) for w in ways]
        self._way = ways[int(np.argmin(crowds))]
        self._exact = self._way.exact
        held = np.bincount(self._way.slots(edges), minlength=SLOTS)
        # Where a slot is one number, it is on or above the edge that it holds.
        below = np.cumsum(held) - (0 if self._exact else held)
        self._before = below.astype(np.int32)
        if self._exact:
            held[:] = 0
        self._held = np.minimum(held, MOST_EDGES + 1).astype(np.uint8)
        self._odd = self._held > 0

    def count(self, values: Keys) -> Int64s:
        """How many values lie below the first edge, between each two, and from the last on.

        Args:
            values: finite, of the edges' type, in any order, shape ``(n,)``.

        Returns:
            Counts, shape ``(m + 1,)``; an edge belongs to the interval that begins with it.
        """
        size = len(self._edges) + 1
        filled = np.zeros(SLOTS, dtype=np.int64)
        counts = np.zeros(size, dtype=np.int64)
        for start in range(0, len(values), CHUNK):
            chunk = values[start : start + CHUNK]
            slots = self._way.slots(chunk)
            filled += np.bincount(slots, minlength=SLOTS)
            if not self._exact:
                odd = np.flatnonzero(self._odd[slots])
                if len(odd):
                    found = self._compared(chunk[odd], slots[odd])
                    counts += np.bincount(found, minlength=size)
        filled[self._odd] = 0
        return counts + np.bincount(self._before, filled, size).astype(np.int64)

    def cells(self, values: Keys) -> Int64s:
        """Which interval each value lies in: 0 below the first edge, m from the last on.

        Args:
            values: finite, of the edges' type, in any order, shape ``(n,)``.
        """
        out = np.empty(len(values), dtype=np.int64)
        for start in range(0, len(values), CHUNK):
            chunk = values[start : start + CHUNK]
            slots = self._way.slots(chunk)
            found = self._before[slots]
            if not self._exact:
                odd = np.flatnonzero(self._odd[slots])
                found[odd] = self._compared(chunk[odd], slots[odd])
            out[start : start + CHUNK] = found
        return out

    def _compared(self, values: Keys, slots: Int64s) -> Int64s:
        before, held = self._before[slots], self._held[slots]
        found = before.astype(np.int64) + (values >= self._padded[before])
        found += (held > 1) & (values >= self._padded[before + 1])
        crowd = np.flatnonzero(held > MOST_EDGES)
        if len(crowd):
            found[crowd] = np.searchsorted(self._edges, values[crowd], "right")
        return found


def _crowded(slots: Int64s) -> int:
    """Edges in slots that hold more than can be compared one by one."""
    held = np.bincount(slots, minlength=1)
    return int(held[held > MOST_EDGES].sum())


class _Even:
    """Evenly wide slots between two numbers."""

    exact: bool = False

    def __init__(self, low: float, scale: float) -> None:
        self._low = low
        self._scale = scale

    @classmethod
    def over(cls, edges: Keys) -> _Even | None:
        """Slots over the edges; None where they lie too near or too far for a double."""
        with np.errstate(over="ignore", divide="ignore"):
            scale = np.float64(SLOTS - 2) / (edges[-1] - edges[0])
        return cls(float(edges[0]), float(scale)) if 0 < scale < np.inf else None

    def slots(self, values: Keys) -> Int64s:
        """The slot of each value; the first and the last hold what is outside of the edges."""
        with np.errstate(over="ignore"):
            places = values - self._low
            places *= self._scale  # an infinity is outside, as it should be
        places += 1.0
        np.clip(places, 0.0, SLOTS - 1, out=places)
        return places.astype(np.int64)


class _Shifted:
    """Slots of 2**shift whole numbers: integers, or the order-preserving bits of doubles."""

    def __init__(self, edges: Keys) -> None:
        self._bits = edges.dtype == np.float64
        keys = self._keys(edges[[0, -1]])
        low, high = int(keys[0]), int(keys[1])
        shift = 0
        while (high >> shift) - (low >> shift) + 3 > SLOTS:
            shift += 1
        self._shift = shift
        least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
        self._low = max((low >> shift) - 1, int(least))
        self._high = min((high >> shift) + 1, int(most))
        self.exact = shift == 0

    def _keys(self, values: Keys) -> Int64s:
        return order_key(values) if self._bits else values

    def slots(self, values: Keys) -> Int64s:
        """The slot of each value; the first and the last hold what is outside of the edges."""
        keys = self._keys(values)
        slots: Any = keys >> self._shift if self._shift else keys
        slots = np.clip(slots, self._low, self._high)
        slots -= self._low
        return np.asarray(slots)
