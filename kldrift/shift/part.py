"""What is known of some rows of two models, by group, in a form that adds up."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.execution.wire import Packed, packed, unpacked
from kldrift.profiles.counted import Counted, merged
from kldrift.profiles.group_keys import REST, GroupKeys
from kldrift.shift.row_kinds import with_kinds, without_kinds
from kldrift.shift.worst_rows import KEYS, ROW, keyed, keys_of, worst_of

Ints = NDArray[np.int64]

HOUR: Final = 3_600_000_000
"""Microseconds; the shortest window."""


@dataclass(frozen=True, eq=False)
class Part:
    """Counts of the rows of groups; a commutative monoid under ``+``.

    Segments have places of their own in each part, and are told by their names.

    Attributes:
        names: of the segments of each list, by place.
        divergence: mantissas by group and kind, see :mod:`kldrift.shift.row_kinds`.
        changed: rows by group whose top class is the same, whose top class differs, and that
            cannot be compared.
        worst: the worst rows of each group, see :mod:`kldrift.shift.worst_rows`.
    """

    names: Sequence[tuple[str, ...]]
    divergence: Counted
    changed: Counted
    worst: pa.Table

    def __add__(self, other: Self) -> Part:
        names = [tuple(sorted({*a, *b})) for a, b in zip(self.names, other.names, strict=True)]
        both = self._under(names), other._under(names)
        added = merged(
            (i, c) for part in both for i, c in enumerate((part.divergence, part.changed))
        )
        worst = worst_of(pa.concat_tables([part.worst for part in both]), KEYS)
        return Part(names, added[0], added[1], worst)

    def _under(self, names: Sequence[tuple[str, ...]]) -> Part:
        """The same groups where segments have the places of some names, all used ones at least."""
        places = []
        for mine, wanted in zip(self.names, names, strict=True):
            place = {name: i for i, name in enumerate(wanted)}
            places.append(np.array([place.get(name, REST) for name in mine], dtype=np.int64))
        base, kinds = without_kinds(self.divergence.keys)
        return Part(
            names,
            self.divergence._replace(keys=with_kinds(base.renumbered(places), kinds)),
            self.changed._replace(keys=self.changed.keys.renumbered(places)),
            keyed(self.worst, keys_of(self.worst).renumbered(places)),
        )

    def segments(self, keys: GroupKeys) -> NDArray[np.object_]:
        """The names of the segments of groups; None for all rows."""
        found = np.full(len(keys), None, dtype=object)
        for k, names in enumerate(self.names):
            mine = np.flatnonzero((keys.list == k) & (keys.segment != REST))
            found[mine] = np.array(names, dtype=object)[keys.segment[mine]]
        return found

    def worst_rows(self) -> pa.Table:
        """The worst rows, with the windows and the names of their segments."""
        keys = keys_of(self.worst)
        columns = {
            "window": pa.array(keys.window),
            "segment": pa.array(self.segments(keys), pa.string()),
        }
        columns |= {name: self.worst[name] for name in ROW.names}
        return pa.table(columns).filter(pa.array(~keys.is_rest))

    def shares(self, buckets: int) -> Iterator[tuple[int, Part]]:
        """The groups in shares, by number; a group is in the same share in every part.

        Args:
            buckets: how many shares there are.
        """
        hashes = [
            np.array([*(zlib.crc32(n.encode()) for n in of_list), 0], dtype=np.int64)
            for of_list in self.names
        ]

        def bucket(keys: GroupKeys) -> Ints:
            code = keys.window // HOUR
            for k, hashed in enumerate(hashes):
                mine = keys.list == k
                code[mine] += hashed[keys.segment[mine]]  # the last one is that of REST
            return code % buckets

        of_kinds = bucket(without_kinds(self.divergence.keys)[0])
        of_groups, of_worst = bucket(self.changed.keys), bucket(keys_of(self.worst))
        for number in np.unique(of_groups).tolist():
            share = Part(
                self.names,
                _taken(self.divergence, of_kinds == number),
                _taken(self.changed, of_groups == number),
                self.worst.filter(pa.array(of_worst == number)),
            )
            yield number, share._with_its_names()

    def _with_its_names(self) -> Part:
        """The same groups, without the names of others."""
        keys = self.changed.keys
        used = [
            keys.segment[(keys.list == k) & (keys.segment != REST)] for k in range(len(self.names))
        ]
        return self._under(
            [
                tuple(of_list[i] for i in np.unique(mine).tolist())
                for of_list, mine in zip(self.names, used, strict=True)
            ]
        )

    def packed(self) -> bytes:
        """Serialise to bytes."""
        rows = tuple(packed(self.divergence)), tuple(packed(self.changed))
        return pickle.dumps((self.names, *rows, self.worst), 5)

    @classmethod
    def unpacked(cls, payload: bytes) -> Self:
        """Deserialise from bytes."""
        names, divergence, changed, worst = pickle.loads(payload)
        return cls(names, unpacked(Packed(*divergence)), unpacked(Packed(*changed)), worst)


def _taken(counted: Counted, which: NDArray[np.bool_]) -> Counted:
    keys, counts, moments = counted
    return Counted(
        keys.take(which), counts[which], None if moments is None else moments.take(which)
    )
