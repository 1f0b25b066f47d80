"""Cells for divergences of any size: 64 to each doubling.

A number is ``mantissa * 2**octave``, its mantissa from 0.5 to 1. Mantissas are counted on one
support, and the octave is part of a row's group: an octave that no row lies in takes no room, and
as a cell is less than 1.6 % wide, its middle is within 0.8 % of all of its values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.counting.row_groups import Grouper, RowGroups
from kldrift.counting.window_groups import Numbering
from kldrift.divergence.error_free import finite_pair
from kldrift.profiles.group_keys import GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.support import NumericSupport

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STEPS: Final = 64
MANTISSAS: Final = NumericSupport(0.5 + np.arange(STEPS) / (2 * STEPS))
NUMBERS: Final = slice(1, STEPS + 2)
"""The cells of zero and of mantissas; beside them stand infinity, NaN and null."""
MIDDLES: Final = np.append(0.0, 0.5 + (np.arange(STEPS) + 0.5) / (2 * STEPS))
"""The middle of each of these cells."""

OCTAVES: Final = 4096
"""More octaves than doubles have."""
NO_OCTAVE: Final = -OCTAVES // 2
"""Of zero and of what is no number; below all others."""


def split(values: Floats) -> tuple[Floats, Ints]:
    """The mantissa and the octave of numbers that are not negative, shape ``(n,)``.

    Examples:
        >>> mantissas, octaves = split(np.array([0.0, 0.75, 1.0, np.inf]))
        >>> mantissas.tolist(), octaves.tolist()
        ([0.0, 0.75, 0.5, inf], [-2048, 0, 1, -2048])
    """
    mantissas, octaves = np.frexp(values)
    some = np.isfinite(values) & (values > 0)
    return mantissas, np.where(some, octaves, NO_OCTAVE).astype(np.int64)


def with_octaves(keys: GroupKeys, octaves: Ints) -> GroupKeys:
    """The keys of groups that are parted by octaves."""
    segments = keys.segment.astype(np.int64) * OCTAVES + octaves - NO_OCTAVE
    return GroupKeys(keys.window, keys.list, segments.astype(np.int32))


def without_octaves(keys: GroupKeys) -> tuple[GroupKeys, Ints]:
    """The keys of the groups, as often as these have octaves, and the octaves."""
    segments, octaves = np.divmod(keys.segment.astype(np.int64), OCTAVES)
    return GroupKeys(keys.window, keys.list, segments.astype(np.int32)), octaves + NO_OCTAVE


class OctaveGrouper:
    """Parts the groups of rows by octaves.

    Args:
        grouper: knows the groups.
        lists: the number of its lists.
    """

    def __init__(self, grouper: Grouper, lists: int) -> None:
        self._grouper = grouper
        self._parts = [Numbering() for _ in range(lists)]

    def group(self, groups: Sequence[RowGroups], octaves: Ints) -> list[RowGroups]:
        """The groups of a batch of rows, list by list."""
        codes = octaves - NO_OCTAVE
        return [
            parts.numbered(rows.numbers * OCTAVES + codes)
            for parts, rows in zip(self._parts, groups, strict=True)
        ]

    def keys(self, k: int, groups: int) -> GroupKeys:
        """The keys of the first groups of a list, in the order of their numbers."""
        number, codes = np.divmod(self._parts[k].codes(groups), OCTAVES)
        keys = self._grouper.keys(k, int(number.max(initial=-1)) + 1)
        return with_octaves(keys.take(number), codes + NO_OCTAVE)


def scaled(moments: Moments, octaves: Ints) -> Moments:
    """The moments of numbers, from those of their mantissas; exact, as long as they are doubles.

    Args:
        moments: of mantissas about 0, shape ``(n,)``.
        octaves: of the numbers of each group, shape ``(n,)``.
    """
    power = octaves.astype(np.int32)
    with np.errstate(over="ignore", under="ignore"):
        one, one_low = (np.ldexp(x, power) for x in (moments.sum1, moments.sum1_low))
        two, two_low = (np.ldexp(x, 2 * power) for x in (moments.sum2, moments.sum2_low))
        ends = (np.ldexp(x, power) for x in (moments.minimum, moments.maximum))
    sums = (*finite_pair((one, one_low)), *finite_pair((two, two_low)))
    return Moments(0.0, moments.rows, *sums, *ends)
