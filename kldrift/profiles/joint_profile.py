"""The profile of joint features: rows and joint moments over groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from kldrift.arrays import Ints
from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.group_keys import WHOLE, GroupKeys

MOST_WIDTHS: Final = 8
"""Lengths of vectors that are kept apart; rows of further ones are left out."""


@dataclass(frozen=True, eq=False)
class JointProfile:
    """Rows per group, and the moments of the complete ones by their width.

    A commutative monoid under ``+``, as long as vectors have at most ``MOST_WIDTHS`` lengths.
    ``rows`` are incomplete ones too. The width is the number of values in a row: always the same
    for features, the length for vectors.
    """

    keys: GroupKeys
    rows: Ints
    moments: Mapping[int, CoMoments]

    @classmethod
    def zero(cls) -> Self:
        """No groups, the neutral element of ``+``."""
        return cls(GroupKeys.none(), np.zeros(0, dtype=np.int64), {})

    def group(self, place: int) -> tuple[int, dict[int, CoMoments]]:
        """The rows of one group, and its moments by width, where it has complete rows of it.

        A dataset without rows has no groups: nothing was counted of any.
        """
        if not len(self.rows):
            return 0, {}
        moments = {width: m[place] for width, m in self.moments.items() if m.rows[place]}
        return int(self.rows[place]), moments

    def take(self, places: Any, keys: GroupKeys | None = None) -> Self:
        """Select groups by index, in the given order; under other keys if given."""
        moments = {width: m[places] for width, m in self.moments.items()}
        return type(self)(keys or self.keys.take(places), self.rows[places], moments)

    def under(self, keys: GroupKeys) -> Self:
        """Replace the keys: one for each group, in increasing order."""
        return type(self)(keys, self.rows, self.moments)

    def __add__(self, other: Self) -> Self:
        keys, mine, theirs = self.keys.union(other.keys)
        one, two = self._spread(keys, mine), other._spread(keys, theirs)
        merged = dict(one.moments)
        for width, moments in two.moments.items():
            if width in merged:
                merged[width] = merged[width] + moments
            elif len(merged) < MOST_WIDTHS:
                merged[width] = moments
        return type(self)(keys, one.rows + two.rows, merged)

    def _spread(self, keys: GroupKeys, places: Ints) -> Self:
        """Extend to more keys; the added groups have no rows."""
        if keys is self.keys:
            return self
        rows = np.zeros(len(keys), dtype=np.int64)
        rows[places] = self.rows
        moments = {}
        for width, known in self.moments.items():
            empty = CoMoments.zero(known.pivot, diagonal=known.diagonal, groups=(len(keys),))
            for whole, part in zip(empty.arrays, known.arrays, strict=True):
                whole[places] = part
            moments[width] = empty
        return type(self)(keys, rows, moments)


def joint_of_one_group(rows: int, moments: Mapping[int, CoMoments]) -> JointProfile:
    """The profile of one group: all rows, without windows."""
    return JointProfile(WHOLE, np.array([rows]), {width: m[None] for width, m in moments.items()})
