"""The cells that divergences are counted in: 64 to each doubling, and cells of outcomes.

A number is ``mantissa * 2**octave``, its mantissa from 0.5 to 1. Mantissas are counted on one
support, and the octave is part of a row's group: an octave that no row lies in takes no room, and
as a cell is less than 1.6 % wide, its middle is within 0.8 % of all of its values. What is no such
number is parted by its outcome in the same way. Both are the kind of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from kldrift.arrays import Floats, Ints
from kldrift.counting.row_groups import Grouper, RowGroups
from kldrift.counting.window_groups import Numbering
from kldrift.error_free import finite_pair
from kldrift.profiles.group_keys import GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.support import NumericSupport
from kldrift.shift.row_divergence import Compared, RowOutcome

CELLS_PER_OCTAVE: Final = 64
MANTISSAS: Final = NumericSupport(0.5 + np.arange(CELLS_PER_OCTAVE) / (2 * CELLS_PER_OCTAVE))
NUMBER_CELLS: Final = slice(1, CELLS_PER_OCTAVE + 2)
"""The cells of zero and of mantissas; beside them stand infinity, NaN and null."""
MIDDLES: Final = np.append(0.0, 0.5 + (np.arange(CELLS_PER_OCTAVE) + 0.5) / (2 * CELLS_PER_OCTAVE))
"""The middle of each of these cells."""

MOST_KINDS: Final = 4096
"""Kinds of rows: outcomes come first, octaves from the middle on both sides."""
OCTAVE_ZERO: Final = MOST_KINDS // 2
"""The kind of octave 0; the least octave of a double is -1073."""


def kinds_of(compared: Compared) -> tuple[Floats, Ints]:
    """The mantissa and the kind of rows; a mantissa of 0 stands for none.

    Zero is of the kind ``Outcome.FINITE``, and all that is larger of that of its octave.
    """
    number = (compared.outcome == RowOutcome.FINITE) & (compared.kl > 0)
    mantissas, octaves = np.frexp(np.where(number, compared.kl, 0.0))
    return mantissas, np.where(number, octaves + OCTAVE_ZERO, compared.outcome)


def outcomes_of(kinds: Ints) -> Ints:
    """The outcome of each kind."""
    return np.where(kinds < len(RowOutcome), kinds, RowOutcome.FINITE)


def octaves_of(kinds: Ints) -> Ints:
    """The octave of each kind; below all others for what has none."""
    return np.where(kinds < len(RowOutcome), 0, kinds) - OCTAVE_ZERO


def with_kinds(keys: GroupKeys, kinds: Ints) -> GroupKeys:
    """The keys of groups, each split by kinds."""
    segments = keys.segment.astype(np.int64) * MOST_KINDS + kinds
    return GroupKeys(keys.window, keys.list, segments.astype(np.int32))


def without_kinds(keys: GroupKeys) -> tuple[GroupKeys, Ints]:
    """Split keys into the keys of the groups, one for each kind that a group has, and the kinds."""
    segments, kinds = np.divmod(keys.segment.astype(np.int64), MOST_KINDS)
    return GroupKeys(keys.window, keys.list, segments.astype(np.int32)), kinds


class KindGrouper:
    """Splits the groups of rows by the kind of each row."""

    def __init__(self, grouper: Grouper, lists: int) -> None:
        self._grouper = grouper
        self._parts = [Numbering() for _ in range(lists)]

    def group(self, groups: Sequence[RowGroups], kinds: Ints) -> list[RowGroups]:
        """The groups of a batch of rows, list by list."""
        return [
            parts.numbered(rows.numbers * MOST_KINDS + kinds)
            for parts, rows in zip(self._parts, groups, strict=True)
        ]

    def keys(self, k: int, groups: int) -> GroupKeys:
        """The keys of the first groups of a list, in the order of their numbers."""
        number, kinds = np.divmod(self._parts[k].codes(groups), MOST_KINDS)
        keys = self._grouper.keys(k, int(number.max(initial=-1)) + 1)
        return with_kinds(keys.take(number), kinds)


def scaled(moments: Moments, octaves: Ints) -> Moments:
    """The moments of numbers, from those of their mantissas; exact where nothing overflows."""
    power = octaves.astype(np.int32)
    with np.errstate(over="ignore", under="ignore"):
        one, one_low = (np.ldexp(x, power) for x in (moments.sum1, moments.sum1_low))
        two, two_low = (np.ldexp(x, 2 * power) for x in (moments.sum2, moments.sum2_low))
        ends = (np.ldexp(x, power) for x in (moments.minimum, moments.maximum))
    sums = (*finite_pair((one, one_low)), *finite_pair((two, two_low)))
    return Moments(0.0, moments.rows, *sums, *ends)
