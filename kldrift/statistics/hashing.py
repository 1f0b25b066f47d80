"""A well-mixed hash of integers, the same on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


def scatter(values: NDArray[np.int64]) -> Hashes:
    """A well-mixed hash of each value (splitmix64, Steele et al. 2014)."""
    h = values.view(np.uint64) + np.uint64(0x9E37_79B9_7F4A_7C15)
    high = h >> np.uint64(30)
    h ^= high
    h *= np.uint64(0xBF58_476D_1CE4_E5B9)
    h ^= np.right_shift(h, np.uint64(27), out=high)
    h *= np.uint64(0x94D0_49BB_1331_11EB)
    h ^= np.right_shift(h, np.uint64(31), out=high)
    return h
