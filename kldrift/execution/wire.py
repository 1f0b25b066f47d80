"""Serialises counts: how they travel from a task, a row for the whole and one for each list.

The support stays behind, as adding counts needs none: what travels is which groups there are,
their rows per cell, and the sums behind their moments. Joint features travel pickled.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.profiles.counted import Counted
from kldrift.profiles.group_keys import WHOLE, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import PowerSums

COUNTS: Final = pa.schema(
    [
        ("feature", pa.int32()),
        ("groups", pa.binary()),
        ("counts", pa.binary()),
        ("moments", pa.binary()),
    ]
)
COUNTS_DDL: Final = "feature int, groups binary, counts binary, moments binary"

_POWER_SUMS: Final = struct.Struct("<q6d")
_HEAD: Final = struct.Struct("<Bq")
"""Bytes of a count, and of all of them."""
_CODEC: Final = pa.Codec("zstd", compression_level=1)


class Packed(NamedTuple):
    """The three columns of a row, as bytes; no groups stand for the whole, no moments for none."""

    groups: bytes | None
    counts: bytes
    moments: bytes | None


def packed_whole(counts: Ints, sums: PowerSums | None) -> Packed:
    """Serialise the counts and sums of the whole."""
    return Packed(None, counts.tobytes(), None if sums is None else _POWER_SUMS.pack(*sums))


def packed(counted: Counted) -> Packed:
    """Serialise the counts of groups; those of segments, mostly small or zero, are compressed."""
    keys, counts, moments = counted
    sums = None if moments is None else b"".join(a.tobytes() for a in moments.arrays)
    if keys == WHOLE:
        return Packed(None, counts.tobytes(), sums)
    narrow = counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
    # All lower bytes, then all upper ones, which are mostly zero: four times as fast to compress.
    raw = narrow.reshape(-1, 1).view(np.uint8).T.tobytes()
    head = _HEAD.pack(narrow.itemsize, len(raw))
    return Packed(keys.packed(), head + _CODEC.compress(raw, asbytes=True), sums)


def unpacked(row: Packed) -> Counted:
    """Deserialise a row.

    Raises:
        ValueError, OSError: the bytes are damaged.
    """
    if row.groups is None:
        keys, counts = WHOLE, np.frombuffer(row.counts, np.int64)
    else:
        keys = GroupKeys.unpacked(row.groups)
        width, size = _HEAD.unpack_from(row.counts)
        raw = np.frombuffer(_CODEC.decompress(row.counts[_HEAD.size :], size), np.uint8)
        *lower, upper = raw.reshape(width, -1)
        # As narrow as they came: what they are added to is wide, with a sign.
        counts = upper.astype(f"{'u' if width < 8 else 'i'}{width}")
        for part in reversed(lower):
            counts <<= 8
            counts |= part
    moments = None
    if row.moments is not None:
        n = len(keys)
        rows = np.frombuffer(row.moments, np.int64, n)
        sums = np.frombuffer(row.moments, np.float64, 6 * n, 8 * n).reshape(6, n)
        moments = Moments(0.0, rows, *sums)
    return Counted(keys, counts.reshape(len(keys), -1), moments)


def counted_rows(frame: Any) -> Iterable[tuple[int, Counted]]:
    """Deserialise the rows of a pandas frame of ``COUNTS``, each with the number of its feature."""
    columns = (frame[name].tolist() for name in COUNTS.names)
    for feature, *row in zip(*columns, strict=True):
        yield int(feature), unpacked(Packed(*row))
