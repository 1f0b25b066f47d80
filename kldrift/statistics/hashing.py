"""Well-mixed hashes of integers and texts, the same on every machine."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Hashes, Ints


def scatter(values: Ints) -> Hashes:
    """A well-mixed hash of each value (splitmix64, Steele et al. 2014)."""
    h = values.view(np.uint64) + np.uint64(0x9E37_79B9_7F4A_7C15)
    high = h >> np.uint64(30)
    h ^= high
    h *= np.uint64(0xBF58_476D_1CE4_E5B9)
    h ^= np.right_shift(h, np.uint64(27), out=high)
    h *= np.uint64(0x94D0_49BB_1331_11EB)
    h ^= np.right_shift(h, np.uint64(31), out=high)
    return h


BYTES_AT_ONCE: Final = 2**22


def text_hashes(texts: pa.Array) -> Hashes:
    """A well-mixed hash of each text: the sum of hashes of its bytes and their places, mixed again.

    Examples:
        >>> a, b, c = text_hashes(pa.array(["ab", "ba", "ab"])).tolist()
        >>> a == c != b
        True
    """
    texts = texts.cast(pa.large_string())
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
    data = texts.buffers()[2]
    raw = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    out = np.zeros(len(texts), dtype=np.uint64)
    cuts = np.unique(np.searchsorted(ends, np.arange(ends[0], ends[-1], BYTES_AT_ONCE)))
    for first, last in zip(cuts, np.append(cuts[1:], len(texts)), strict=False):  # bounds memory
        ends_here = ends[first : last + 1]
        out[first:last] = _summed(raw[ends_here[0] : ends_here[-1]], ends_here - ends_here[0])
    return scatter((out + np.diff(ends).astype(np.uint64)).view(np.int64))


def _summed(raw: NDArray[np.uint8], ends: Ints) -> Hashes:
    sizes = np.diff(ends)
    place = np.arange(len(raw)) - np.repeat(ends[:-1], sizes)
    upto = np.concatenate([[np.uint64(0)], np.cumsum(scatter(place * 256 + raw), dtype=np.uint64)])
    return np.asarray(upto[ends[1:]] - upto[ends[:-1]])
