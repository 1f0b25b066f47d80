"""Moments of groups to which batches are added, in the numbering of a task."""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.arrays import Ints
from kldrift.counting.integer_counts import power_sums_of_groups
from kldrift.profiles.moments import Moments

WAITING_SUMS: Final = 4096
"""Moments of batches that wait to be added up together."""


class GroupMoments:
    """Adds up the moments of groups; those of batches wait until there are many."""

    def __init__(self, pivot: float) -> None:
        self._pivot = pivot
        self.groups = 0
        self._places: list[Ints] = []
        self._moments: list[Moments] = []

    def meet(self, groups: int) -> None:
        """Grow to a number of groups."""
        self.groups = max(self.groups, groups)

    def add(self, places: Ints, moments: Moments) -> None:
        """Add the moments of known groups, each at most once."""
        self._places.append(places)
        self._moments.append(moments)
        if sum(map(len, self._places)) > max(WAITING_SUMS, 4 * self.groups):
            self.total()

    def add_whole_numbers(self, places: Ints, counts: Ints, first: int) -> None:
        """Add the rows of some groups by number.

        ``counts`` are the rows of each group with ``first``, and with each whole number after it.
        """
        sums = power_sums_of_groups(counts, first, self._pivot)
        self.add(places, Moments(self._pivot, *sums))

    def total(self) -> Moments:
        """The moments of each group, pending batches included."""
        every = np.arange(self.groups)
        waiting = self._moments
        if waiting and all(np.array_equal(places, every) for places in self._places):
            while len(waiting) > 1:  # the same pairs as where they have to be looked for
                pairs = zip(waiting[::2], waiting[1::2], strict=False)
                waiting = [a + b for a, b in pairs] + waiting[len(waiting) // 2 * 2 :]
            total = waiting[0]
        else:
            places = np.concatenate([*self._places, every[:0]])
            joined = Moments.joined([*waiting, Moments.none(0, self._pivot)])
            total = joined.added_up(places, self.groups)
        self._places, self._moments = [every], [total]
        return total
