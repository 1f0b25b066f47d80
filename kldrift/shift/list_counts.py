"""Counts of the compared rows of two models, by group; they add up."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints, Texts
from kldrift.execution.wire import Packed, packed, unpacked
from kldrift.profiles.counted import Counted, merged
from kldrift.profiles.group_keys import REST, GroupKeys
from kldrift.shift.class_pairs import ClassPairs
from kldrift.shift.row_kinds import with_kinds, without_kinds
from kldrift.shift.worst_rows import KEY_COLUMNS, ROW_SCHEMA, group_keys_of, keyed, worst_of

Names = tuple[str | None, ...]
"""The segments of a list, by place; None is the one of all rows."""


@dataclass(frozen=True, eq=False)
class ListCounts:
    """Counts of the rows of one list's groups; a commutative monoid under ``+``.

    Segments have places of their own in each part, and are told by their names.

    Attributes:
        names: of the segments, by place.
        divergence: mantissas by group and kind, see :mod:`kldrift.shift.row_kinds`.
        changed: rows by group whose top class is the same, whose top class differs, and that
            cannot be compared.
        pairs: of classes, by window; none for a list of segments.
    """

    names: Names
    divergence: Counted
    changed: Counted
    worst: pa.Table
    pairs: ClassPairs

    def __add__(self, other: Self) -> ListCounts:
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        both = self._under(names), other._under(names)
        added = merged((i, c) for p in both for i, c in enumerate((p.divergence, p.changed)))
        worst = worst_of(pa.concat_tables([p.worst for p in both]), KEY_COLUMNS)
        return ListCounts(names, added[0], added[1], worst, self.pairs + other.pairs)

    def _under(self, names: Names) -> ListCounts:
        """The groups of the named segments, renumbered by the position of their names."""
        place = {name: i for i, name in enumerate(names)}
        new = np.array([*(place.get(name, REST) for name in self.names), REST], dtype=np.int32)

        def moved(keys: GroupKeys) -> tuple[Ints, GroupKeys]:
            segment = new[keys.segment]
            which = np.flatnonzero(segment != REST)
            return which, GroupKeys(keys.window[which], keys.list[which], segment[which])

        of_kinds, kinds = without_kinds(self.divergence.keys)
        _, counts, moments = self.divergence
        which, keys = moved(of_kinds)
        assert moments is not None
        divergence = Counted(with_kinds(keys, kinds[which]), counts[which], moments.take(which))
        which, keys = moved(self.changed.keys)
        changed = Counted(keys, self.changed.counts[which], None)
        which, keys = moved(group_keys_of(self.worst))
        worst = keyed(self.worst.take(pa.array(which)), keys)
        pairs = self.pairs if None in names else ClassPairs.none()
        return ListCounts(names, divergence, changed, worst, pairs)

    def shares(self, buckets: int) -> Iterator[tuple[int, ListCounts]]:
        """Split the segments into buckets by a hash of their names, the same in every part."""
        of_name = [zlib.crc32((name or "").encode()) % buckets for name in self.names]
        for bucket in sorted(set(of_name)):
            mine = zip(self.names, of_name, strict=True)
            share = self._under(tuple(name for name, b in mine if b == bucket))
            if len(share.changed.keys):
                yield bucket, share

    def segments(self, keys: GroupKeys) -> Texts:
        """The names of the segments of groups."""
        return np.array([*self.names, None], dtype=object)[keys.segment]

    def worst_rows(self) -> pa.Table:
        """The worst rows, with the windows and the names of their segments."""
        keys = group_keys_of(self.worst)
        segments = pa.array(self.segments(keys), pa.string())
        columns = {"window": pa.array(keys.window), "segment": segments}
        return pa.table(columns | {name: self.worst[name] for name in ROW_SCHEMA.names})

    def packed(self) -> bytes:
        """Serialise to bytes."""
        rows = tuple(packed(self.divergence)), tuple(packed(self.changed))
        return pickle.dumps((self.names, *rows, self.worst, self.pairs), 5)

    @classmethod
    def unpacked(cls, payload: bytes) -> Self:
        """Deserialise from bytes."""
        names, divergence, changed, *others = pickle.loads(payload)
        return cls(names, unpacked(Packed(*divergence)), unpacked(Packed(*changed)), *others)
