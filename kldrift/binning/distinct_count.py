"""Estimates the number of distinct integers from the smallest of their hashes [1].

Hashes of different integers are spread evenly. So if the k-th smallest of them lies at a share s of
their range, there are about k / s different integers. The smallest hashes of two sets together
are the smallest of both.

References:
    [1] Bar-Yossef, Z. et al. (2002). Counting distinct elements in a data stream. RANDOM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from kldrift.arrays import Hashes, Ints
from kldrift.statistics.hashing import scatter

HASHES: Final = 2_048
PLACE_BITS: Final = 14
HASHED_AT_ONCE: Final = 16_384
"""Integers that are hashed at once: they stay in the cache."""

NONE: Final[Hashes] = np.empty(0, dtype=np.uint64)


def smallest_hashes(values: Ints, known: Hashes = NONE) -> Hashes:
    """Merge the hashes of some integers into the smallest ones so far, in increasing order."""
    fresh: list[Hashes] = []
    start = 0
    while start < len(values):
        full = len(known) == HASHES
        end = start + (HASHED_AT_ONCE if full else 2 * HASHES)
        hashes = scatter(values[start:end])
        fresh.append(_new(hashes, known) if full else hashes)
        if sum(map(len, fresh)) > HASHES:
            known, fresh = merged_hashes([known, *fresh]), []
        start = end
    return merged_hashes([known, *fresh])


def _new(hashes: Hashes, known: Hashes) -> Hashes:
    """The hashes below the largest known one, without most of those that are known already."""
    hashes = hashes[hashes < known[-1]]
    if len(hashes) < HASHES // 4:
        return hashes  # as always where there are many different integers
    shift = np.uint64(max(0, int(known[-1]).bit_length() - PLACE_BITS))
    places = np.zeros(1 << PLACE_BITS, dtype=np.uint64)
    places[known >> shift] = known
    return np.asarray(hashes[places[hashes >> shift] != hashes])


def merged_hashes(sets: Sequence[Hashes]) -> Hashes:
    """Merge sets of smallest hashes into one, in increasing order."""
    if not any(map(len, sets[1:])):
        return sets[0]
    both = np.sort(np.concatenate(sets))  # np.unique would hash them once more
    return np.asarray(both[np.diff(both, prepend=~both[:1]) != 0][:HASHES])


def number_of_distinct(hashes: Hashes) -> float:
    """Estimate the number of distinct integers by their smallest hashes; exact for few."""
    if len(hashes) < HASHES:
        return len(hashes)
    return (HASHES - 1) / (float(hashes[-1]) / 2.0**64)
