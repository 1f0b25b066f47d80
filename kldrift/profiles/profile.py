"""The profile of one feature: row counts over groups and cells, and moments per group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Counts, PickledFields
from kldrift.profiles.group_keys import WHOLE, GroupKeys, begins
from kldrift.profiles.moments import Moments
from kldrift.profiles.support import CategoricalSupport, Support, pivot_of, require_same


@dataclass(frozen=True, eq=False)
class Profile(PickledFields):
    """Row counts per group and cell, and moments per group; a commutative monoid under ``+``.

    Profiles of disjoint parts of a dataset add up to the profile of the whole, in any order and
    any grouping. This is what lets Spark make one per task and the tables keep one per window.

    Attributes:
        keys: which rows each group holds; the features of a dataset share them.
        counts: rows per group and cell, shape ``(groups, support.size)``, read-only.
        moments: of the finite values of each group, in keys of the support; None for categories.
    """

    support: Support
    keys: GroupKeys
    counts: Counts
    moments: Moments | None = None

    def __post_init__(self) -> None:
        shape = (len(self.keys), self.support.size)
        if self.counts.shape != shape:
            raise ValueError(f"counts must have shape {shape}, got {self.counts.shape}")
        if self.counts.dtype.kind not in "iu":
            raise ValueError(f"counts must be integers, got {self.counts.dtype}")
        if isinstance(self.support, CategoricalSupport) != (self.moments is None):
            raise ValueError("numbers have moments, categories have none")
        if self.moments is not None and len(self.moments) != len(self.keys):
            raise ValueError(f"{len(self.keys)} groups need as many moments: {len(self.moments)}")
        if self.counts.size and int(self.counts.min()) < 0:
            group, cell = np.unravel_index(int(self.counts.argmin()), self.counts.shape)
            least = self.counts[group, cell]
            raise ValueError(
                f"counts must not be negative, got {least} in {self.support.cells[int(cell)]}"
            )
        if self.counts.flags.writeable or self.counts.dtype != np.int64:
            counts = self.counts.astype(np.int64)  # a copy: the caller keeps a writable array
            counts.flags.writeable = False
            object.__setattr__(self, "counts", counts)

    @classmethod
    def zero(cls, support: Support) -> Self:
        """The profile of no groups, the neutral element of ``+``."""
        return cls.empty(support, GroupKeys.none())

    @classmethod
    def empty(cls, support: Support, keys: GroupKeys = WHOLE) -> Self:
        """Groups without rows."""
        counts = np.zeros((len(keys), support.size), dtype=np.int64)
        moments = None
        if not isinstance(support, CategoricalSupport):
            moments = Moments.none(len(keys), pivot_of(support))
        return cls(support, keys, counts, moments)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> Counts:
        """Number of rows of each group, shape ``(groups,)``."""
        return np.asarray(self.counts.sum(-1))

    @property
    def without_rest(self) -> Self:
        """The profile without the REST groups; cached."""
        return self._of_segments if self.keys.is_rest.any() else self

    @cached_property
    def _of_segments(self) -> Self:
        return self.take(~self.keys.is_rest)

    def __add__(self, other: Self) -> Self:
        require_same(self.support, other.support)
        if self.keys == other.keys:
            counts = self.counts + other.counts
            moments = self.moments
            if moments is not None and other.moments is not None:
                moments = moments + other.moments
            return type(self)(self.support, self.keys, counts, moments)
        keys, mine, theirs = self.keys.union(other.keys)
        return self._spread(keys, mine) + other._spread(keys, theirs)

    def _spread(self, keys: GroupKeys, places: Counts) -> Self:
        """Extend to more keys; the added groups have no rows."""
        counts = np.zeros((len(keys), self.support.size), dtype=np.int64)
        counts[places] = self.counts
        moments = self.moments
        if moments is not None:
            moments = moments.added_up(places, len(keys))
        return type(self)(self.support, keys, counts, moments)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Profile)
            and self.support == other.support
            and self.keys == other.keys
            and np.array_equal(self.counts, other.counts)
            and self.moments == other.moments
        )

    __hash__ = None  # type: ignore[assignment]

    def take(self, places: Any, keys: GroupKeys | None = None) -> Self:
        """Select groups by index, in the given order; under other keys if given."""
        moments = None if self.moments is None else self.moments.take(places)
        return type(self)(
            self.support, keys or self.keys.take(places), self.counts[places], moments
        )

    def keyed(self, keys: GroupKeys) -> Self:
        """The same groups, in their order, under other keys."""
        return type(self)(self.support, keys, self.counts, self.moments)

    def under(self, keys: GroupKeys) -> Self:
        """Replace the keys, one for each group; groups of one key become one."""
        order = np.lexsort(keys.arrays[::-1])
        ordered = keys.take(order)
        new = begins(ordered.arrays)
        counts = np.add.reduceat(self.counts[order], np.flatnonzero(new), axis=0)
        moments = self.moments
        if moments is not None:
            moments = moments.take(order).added_up(np.cumsum(new) - 1, int(new.sum()))
        return type(self)(self.support, ordered.take(new), counts, moments)

    def of_list(self, number: int) -> Self:
        """The groups of one list."""
        return self.take(self.keys.of(number))

    def on(self, support: Support, target: NDArray[np.intp]) -> Self:
        """Merge cells: the counts on a coarser support, each cell at its ``target`` there."""
        if support is self.support:
            return self
        order = np.argsort(target, kind="stable")
        starts = np.flatnonzero(np.diff(target[order], prepend=-1))  # every cell comes from some
        counts = np.add.reduceat(self.counts[:, order], starts, axis=-1)
        return type(self)(support, self.keys, counts, self.moments)


def of_no_window(profile: Profile) -> Profile:
    """The profile of a single window under the keys of data without windows."""
    return profile.keyed(profile.keys.windowless)


def aligned(current: Profile, reference: Profile) -> tuple[Profile, Profile]:
    """Extend two profiles to the union of their groups, without REST."""
    if current.keys != reference.keys:
        keys, _, _ = current.keys.union(reference.keys)
        current, reference = (
            p if p.keys == keys else p + Profile.empty(p.support, keys)
            for p in (current, reference)
        )
    return current.without_rest, reference.without_rest
