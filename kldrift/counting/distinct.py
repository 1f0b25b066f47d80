"""The different integers of a batch, found without sorting its rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints


def heads_of(codes: Ints) -> Ints:
    """The indices of the codes that differ from the one before.

    Examples:
        >>> heads_of(np.array([7, 7, 5, 7])).tolist()
        [0, 2, 3]
    """
    differs = np.ones(len(codes), dtype=np.bool_)
    np.not_equal(codes[1:], codes[:-1], out=differs[1:])
    return np.flatnonzero(differs)


def distinct(codes: Ints) -> tuple[Ints, Ints]:
    """The different codes in the order in which they appear, and each one's index among them.

    Examples:
        >>> used, places = distinct(np.array([7, 5, 7]))
        >>> used.tolist(), places.tolist()
        ([7, 5], [0, 1, 0])
    """
    encoded = pa.array(codes).dictionary_encode()
    places = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.to_numpy(zero_copy_only=False), places
