"""Monotonic maps from numbers to slots, in a few vectorised steps.

A step may round, but never so that a larger number comes before a smaller one. So a number in a
slot left of an edge's slot is below that edge, and one in a slot to the right is above it.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from kldrift.arrays import Ints
from kldrift.profiles.support import Keys

SLOTS: Final = 8_192
"""A power of two. Their counts, of 64 KB, stay in a core's cache beside the numbers."""
UNITS: Final = (0.05, 0.25)
"""Which quantiles of the edges' absolute values may be small among them."""
BASE: Final = 2.0**52
"""From here on, doubles are whole numbers, and their lowest bits are those of the number."""


class SlotMap(Protocol):
    """Maps numbers to slots without changing their order."""

    exact: bool
    """Whether a slot is one number, the first and the last aside."""

    def slots(self, values: Keys, low: Any, high: Any, room: Ints) -> Ints:
        """The slot of each value; the first and the last also hold what is farther out.

        They are finite and of the edges' type, between ``low`` and ``high``; ``room`` is an array
        of their shape that may be written to, and is returned.
        """


def best(edges: Keys) -> SlotMap:
    """Choose the map by which few numbers share a slot with an edge, if edges are quantiles."""
    even = LinearSlotMap.over(edges) if edges.dtype == np.float64 else IntegerSlotMap(edges)
    sizes = np.abs(edges.astype(np.float64))
    units = np.quantile(sizes[sizes > 0], UNITS).tolist() if sizes.any() else []
    bits = (ExponentSlotMap(edges, unit) for unit in (0.0, *units))
    slot_maps = [slot_map for slot_map in (even, *bits) if slot_map is not None]
    # The first ones take fewer steps.
    costs = [_beside_edges(edges, slot_map) + 0.02 * i for i, slot_map in enumerate(slot_maps)]
    return slot_maps[int(np.argmin(costs))]


def _beside_edges(edges: Keys, slot_map: SlotMap) -> float:
    """The share of the numbers between edges that lie in a slot with an edge."""
    if slot_map.exact or len(edges) < 2:
        return 0.0
    gaps = np.diff(slot_map.slots(edges, edges[0], edges[-1], np.empty(len(edges), np.int64)))
    return float(np.mean(1 / np.maximum(gaps, 1)))


class LinearSlotMap:
    """Evenly wide slots over some doubles."""

    exact = False

    def __init__(self, scale: float, offset: float) -> None:
        self._scale = scale
        self._offset = offset

    @classmethod
    def over(cls, edges: Keys) -> LinearSlotMap | None:
        """Slots over the edges; None where they lie too near or too far for a double."""
        margin = SLOTS // 16  # numbers a little farther out need no clipping
        with np.errstate(all="ignore"):
            # Halves: the distance of two doubles may be none.
            scale = np.float64(SLOTS / 2 - margin) / (edges[-1] / 2 - edges[0] / 2)
            offset = BASE + margin - edges[0] * scale
        fits = 0 < scale < np.inf and np.isfinite(offset)
        return cls(float(scale), float(offset)) if fits else None

    def slots(self, values: Keys, low: Any, high: Any, room: Ints) -> Ints:
        """The slot of each value."""
        places = room.view(np.float64)
        last = BASE + SLOTS - 1
        with np.errstate(over="ignore"):  # an infinity is outside, as it should be
            np.multiply(values, self._scale, out=places)
            places += self._offset
        ends = (float(end) * self._scale + self._offset for end in (low, high))
        if not all(BASE <= end <= last for end in ends):
            np.clip(places, BASE, last, out=places)
        return np.bitwise_and(room, SLOTS - 1, out=room)


class IntegerSlotMap:
    """Slots of 2**shift whole numbers."""

    def __init__(self, edges: Ints) -> None:
        first, last = int(edges[0]), int(edges[-1])
        shift = 0
        while (last >> shift) - (first >> shift) + 3 > SLOTS:
            shift += 1
        first, last = first >> shift, last >> shift
        self._shift = shift
        least, most = (int(end) >> shift for end in (-(2**63), 2**63 - 1))
        self._low = max(first - (SLOTS - 1 - (last - first)) // 2, least)
        self._high = min(self._low + SLOTS - 1, most)
        self.exact = shift == 0

    def slots(self, values: Keys, low: Any, high: Any, room: Ints) -> Ints:
        """The slot of each value."""
        if self._shift:
            values = np.right_shift(values, self._shift, out=room)
        if not self._low <= int(low) >> self._shift <= int(high) >> self._shift <= self._high:
            values = np.clip(values, self._low, self._high, out=room)
        return np.subtract(values, self._low, out=room)


class ExponentSlotMap:
    """Slots evenly wide over the bits of a double, with its sign: over orders of magnitude.

    Integers are rounded to doubles first.

    Args:
        edges: what the slots lie over.
        unit: what is added to each absolute value, so that the many small doubles beside zero
            take few slots: numbers of less than that are parted evenly.
    """

    def __init__(self, edges: Keys, unit: float) -> None:
        self._unit = unit
        self._bits_of_unit = np.float64(unit).view(np.int64)
        keys = self._keys(edges, edges[0], np.empty(len(edges), np.int64))
        self._whole = IntegerSlotMap(keys)
        self.exact = self._whole.exact and unit == 0 and edges.dtype == np.float64

    def slots(self, values: Keys, low: Any, high: Any, room: Ints) -> Ints:
        """The slot of each value."""
        least, most = self._keys(np.array([low, high]), low, np.empty(2, np.int64))
        return self._whole.slots(self._keys(values, low, room), least, most, room)

    def _keys(self, values: Keys, low: Any, room: Ints) -> Ints:
        """Integers in the order of the values; zeros of both signs have the same."""
        if low > 0 and self._unit == 0 and values.dtype == np.float64:
            return values.view(np.int64)
        floats = room.view(np.float64)
        with np.errstate(over="ignore"):
            sizes = np.abs(values, out=floats, dtype=np.float64) if low < 0 else values
            np.add(sizes, self._unit, out=floats)
        if self._unit:
            room -= self._bits_of_unit
        if low < 0:
            room ^= -(values < 0).astype(np.int64)
        return room
