"""Builds the sketch of a feature batch by batch; every row of a new reference passes here once.

A task keeps one accumulator per feature. Numbers are not sorted: a sample of the first batch shows
which cells the feature fills, and all rows are counted there, see
:mod:`kldrift.binning.sketch_slots`. Text is counted by dictionary code, and names are compared only
where a dictionary ends. What comes out is the sum of the sketches of the batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.binning.numeric_sketch import LIMIT, NumericSketch
from kldrift.binning.sketch_slots import Slots, certain_level
from kldrift.binning.text_sketch import TextSketch
from kldrift.features.keys import EncodedColumn, KeyType, decoded, number_keys
from kldrift.profiles.support import Keys


def sketcher(key_type: KeyType, limit: int = LIMIT) -> NumberSketcher | TextSketcher:
    """A new accumulator, for numbers or for text."""
    if key_type in (KeyType.TEXT, KeyType.PRESENCE):
        return TextSketcher(key_type, limit)
    return NumberSketcher(key_type, limit)


class NumberSketcher:
    """Adds up batches of numbers."""

    def __init__(self, key_type: KeyType, limit: int) -> None:
        self._key_type = key_type
        self._limit = limit
        kind = np.dtype(np.float64 if key_type is KeyType.FLOAT else np.int64)
        self._sum = NumericSketch.empty(kind, limit)
        self._slots: Slots | None = None
        self._waiting: list[Keys] = []  # too few to be worth a call
        self._strays: list[Keys] = []  # those without a slot
        self._null = 0
        self._flow = np.zeros(3, dtype=np.int64)

    def add(self, column: pa.Array) -> None:
        """Add a batch."""
        keys = number_keys(column, self._key_type)
        self._null += len(column) - len(keys)
        if self._key_type is KeyType.FLOAT and not (finite := np.isfinite(keys)).all():
            odd = keys[~finite]
            self._flow += [np.isnan(odd).sum(), (odd == -np.inf).sum(), (odd == np.inf).sum()]
            keys = keys[finite]
        self._waiting.append(keys)
        if _held(self._waiting) >= self._limit:
            self._count(_taken(self._waiting))
        else:
            self._waiting[-1] = keys.copy()  # a view would keep the whole batch

    def _count(self, keys: Keys) -> None:
        if self._slots is None or not self._slots.suit(keys):
            self._slots = self._renewed(keys)
        if len(strays := self._slots.add(keys)):
            self._strays.append(strays)
        if _held(self._strays) >= self._limit:
            self._sum += self._sorted(_taken(self._strays))
            if self._slots.full or self._slots.level < self._sum.level:
                self._slots = self._renewed(keys[:0])

    def _renewed(self, keys: Keys) -> Slots:
        """New slots for the cells counted so far and for those of some more numbers."""
        self._sum = layout = self._so_far()
        self._strays = []
        if len(keys):
            most = self._limit // 4 if layout.level else 2 * self._limit
            layout += self._sorted(keys[:: max(1, len(keys) // most)])
            layout = layout.coarsened(certain_level(keys, layout.level, self._limit))
        return Slots(layout)

    def _so_far(self) -> NumericSketch:
        parts = [self._sorted(_joined(self._strays))] if self._strays else []
        if self._slots is not None:
            parts.append(self._slots.sketch())
        return self._sum.plus(parts) if parts else self._sum

    def _sorted(self, keys: Keys) -> NumericSketch:
        level = self._slots.level if self._slots is not None else 0
        return NumericSketch.of(np.sort(keys), 0, self._limit, max(level, self._sum.level))

    def sketch(self) -> NumericSketch:
        """The sketch of all rows that were added."""
        result = self._so_far()
        if self._waiting:
            result += self._sorted(_joined(self._waiting))
        nan, low, high = self._flow.tolist()
        return replace(result, null=self._null, flow=(nan, low, high))


class TextSketcher:
    """Adds up batches of text, or of presence alone."""

    def __init__(self, key_type: KeyType, limit: int) -> None:
        self._key_type = key_type
        self._limit = limit
        self._sum = TextSketch.empty(limit)
        self._parts: list[TextSketch] = []
        self._dictionary: pa.Array | None = None
        self._rows = np.empty(0, dtype=np.int64)  # of each value of the dictionary
        self._null = 0

    def add(self, column: pa.Array) -> None:
        """Add a batch."""
        if self._key_type is KeyType.PRESENCE:
            null = decoded(column).null_count
            self._sum = replace(
                self._sum, rows=self._sum.rows + len(column) - null, null=self._sum.null + null
            )
        elif not pa.types.is_dictionary(column.type):
            encoded = EncodedColumn(column)
            self._add_part(encoded.names, *encoded.counts())
        else:
            self._add_coded(column)

    def _add_coded(self, column: pa.Array) -> None:
        """Row groups have dictionaries of their own, but the batches of one share it."""
        if self._dictionary is None or not self._dictionary.equals(column.dictionary):
            self._end_dictionary()
            self._dictionary = column.dictionary
            self._rows = np.zeros(len(column.dictionary), dtype=np.int64)
        codes = column.indices
        self._null += codes.null_count
        if codes.null_count:
            codes = codes.drop_null()
        codes = codes.to_numpy().astype(np.int64, copy=False)
        self._rows += np.bincount(codes, minlength=len(self._rows))
        if len(self._rows) > self._limit:
            self._end_dictionary()  # it is too large to be kept

    def _end_dictionary(self) -> None:
        if self._dictionary is None:
            return
        each = pa.array(np.arange(len(self._dictionary)))
        encoded = EncodedColumn(pa.DictionaryArray.from_arrays(each, self._dictionary))
        rows = np.bincount(encoded.codes + 2, self._rows, len(encoded.names) + 2).astype(np.int64)
        self._add_part(encoded.names, rows[2:], int(rows[1]) + self._null, int(rows[0]))
        self._dictionary, self._rows, self._null = None, self._rows[:0].copy(), 0

    def _add_part(self, names: pa.Array, rows: Ints, null: int, nan: int) -> None:
        used = rows > 0  # a dictionary may hold values that no row has
        if not used.all():
            names, rows = names.filter(pa.array(used)), rows[used]
        self._parts.append(TextSketch(self._limit, names, rows, 0, int(rows.sum()), null, nan))
        if sum(len(part.counts) for part in self._parts) > self._limit:
            self._merge()

    def _merge(self) -> None:
        # Adding also merges names that two different values share.
        self._sum = self._sum.plus(self._parts)
        self._parts = []

    def sketch(self) -> TextSketch:
        """The sketch of all rows that were added."""
        self._end_dictionary()
        self._merge()
        return self._sum


def _held(batches: Sequence[Keys]) -> int:
    return sum(map(len, batches))


def _joined(batches: Sequence[Keys]) -> Keys:
    return batches[0] if len(batches) == 1 else np.concatenate(batches)


def _taken(batches: list[Keys]) -> Keys:
    """Join the pending batches and clear the list."""
    keys = _joined(batches)
    batches.clear()
    return keys
