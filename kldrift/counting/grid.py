"""Finds the interval that a number falls into in constant time, without a search.

The range of the edges is cut into slots; a number's slot is computed in a few steps, see
:mod:`kldrift.counting.slot_maps`. Only in the slots that hold an edge, a few per cent of the
numbers, is anything compared. The counts are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from kldrift.arrays import Ints
from kldrift.counting.slot_maps import SLOTS, best
from kldrift.profiles.support import Keys, step

CHUNK: Final = 65_536
"""Numbers that are looked up together: they stay in a core's cache."""
MOST_EDGES: Final = 2
"""Edges in a slot that numbers are compared with one by one; with more, they are searched."""
CROWDED: Final = 1 / 8
"""From this share in slots with an edge on, numbers may be those that have cells of their own."""

Ends = tuple[float, float]


class Grid:
    """Counts numbers between edges."""

    def __init__(self, edges: Keys) -> None:
        self._edges = edges
        self._padded = np.append(edges, edges[-1:])
        self._slot_map = best(edges)
        self._exact = self._slot_map.exact
        room = np.empty(len(edges), dtype=np.int64)
        slots = self._slot_map.slots(edges, edges[0], edges[-1], room)
        held = np.bincount(slots, minlength=SLOTS)
        # Where a slot is one number, it is on or above the edge that it holds.
        below = np.cumsum(held) - (0 if self._exact else held)
        self._starts = np.flatnonzero(np.diff(below, prepend=-1))
        narrow = np.int16 if len(edges) < 2**15 else np.int32
        self._before = np.append(below, len(edges)).astype(narrow)
        if self._exact:
            held[:] = 0
        self._odd = held > 0
        self._odd_slots = np.flatnonzero(self._odd)
        self._most = int(held.max())
        # Edges v and the next number enclose v alone: most numbers in its slot may be v.
        points = np.flatnonzero(edges[1:] == step(edges[:-1]))
        self._point_slots, first = np.unique(slots[points], return_index=True)
        self._points = points[first]

    def count(self, values: Keys, between: Ends | None = None) -> Ints:
        """How many values lie below the first edge, between each two, and from the last on.

        They are finite, of the edges' type and in any order, and lie ``between`` two of them
        exactly, if these are known.

        Returns:
            Counts, shape ``(m + 1,)``; an edge belongs to the interval that begins with it.
        """
        size = len(self._edges) + 1
        counts = np.zeros(size, dtype=np.int64)
        filled = np.zeros(SLOTS, dtype=np.int64)
        compared = [np.empty(0, dtype=np.int64)]
        for chunk, slots, odd in self._chunks(values, between):
            filled += np.bincount(slots, minlength=SLOTS)
            if len(odd):
                compared.append(slots[odd])
                counts += np.bincount(self._places(chunk[odd], compared[-1]), minlength=size)
        if filled[self._odd_slots].sum() > sum(map(len, compared)):
            filled -= np.bincount(np.concatenate(compared), minlength=SLOTS)
            counts[self._points + 1] += filled[self._point_slots]
        filled[self._odd_slots] = 0
        counts[self._before[self._starts]] += np.add.reduceat(filled, self._starts)
        return counts

    def cells(self, values: Keys, between: Ends | None = None) -> Ints:
        """The index of each value's interval, ``0 <= i <= m``; arguments as for :meth:`count`."""
        cells = np.empty(len(values), dtype=np.int64)
        own = self._before.astype(np.int64)
        own[self._point_slots] = self._points + 1
        start = 0
        for chunk, slots, odd in self._chunks(values, between):
            part = cells[start : start + len(chunk)]
            np.take(own, slots, out=part, mode="clip")  # which is faster than to raise
            if len(odd):
                part[odd] = self._places(chunk[odd], slots[odd])
            start += len(chunk)
        return cells

    def _chunks(self, values: Keys, between: Ends | None) -> Iterator[tuple[Keys, Ints, Ints]]:
        """The values in chunks, each with its slots and the places of those that must be compared.

        Of those in a slot with an edge, the others are the number that has a cell of its own.
        """
        if not len(values):
            return
        low, high = between or (values.min(), values.max())
        room = np.empty(min(len(values), CHUNK), dtype=np.int64)
        beside = np.zeros(len(room), dtype=np.bool_)
        for start in range(0, len(values), CHUNK):
            chunk = values[start : start + CHUNK]
            slots = self._slot_map.slots(chunk, low, high, room[: len(chunk)])
            odd = beside[:0].astype(np.int64)
            if self._most:
                flags = self._odd.take(slots, out=beside[: len(chunk)], mode="clip")
                odd = np.flatnonzero(flags)
                if len(self._points) and len(odd) > CROWDED * len(chunk):
                    flags &= chunk != self._point_of_slot()[slots]
                    odd = np.flatnonzero(flags)
            yield chunk, slots, odd

    def _point_of_slot(self) -> Keys:
        """By slot: the number in it with a cell of its own; if none, that of another slot."""
        points = self._edges[self._points]
        point_of = np.full(SLOTS, points[0])
        point_of[self._point_slots] = points
        return point_of

    def _places(self, values: Keys, slots: Ints) -> Ints:
        """The intervals of values whose slots hold an edge, by comparing them with it."""
        before = self._before[slots].astype(np.int64)
        places = before + (values >= self._padded[before])
        if self._most > 1:
            held = self._before[slots + 1].astype(np.int64) - before
            places += (held > 1) & (values >= self._padded[before + 1])
            crowd = np.flatnonzero(held > MOST_EDGES)
            if len(crowd):
                places[crowd] = np.searchsorted(self._edges, values[crowd], "right")
        return places
