"""The input of scoring: two profiles of a feature side by side, and many of these stacked.

Formulas run over matrices, not once per feature or group: rows of equal width are stacked. They are
not padded, because a sum of doubles shows in its last digit how many zeros are added at its end:
the score of a group would depend on what it is scored beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Counts, Ints
from kldrift.profiles.cells import CellKind, among
from kldrift.profiles.close_values import nearest_values
from kldrift.profiles.group_keys import ALL, GroupKeys
from kldrift.profiles.profile import Profile, aligned
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Support
from kldrift.statistics.hashing import text_hashes

if TYPE_CHECKING:
    from kldrift.statistics.gone_names import NameSample

CELLS_AT_ONCE: Final = 2**15
"""Cells that are scored together: few enough that they stay in a cache of the processor."""
MISSING: Final = among(CellKind.NULL, CellKind.NAN)
"""Cells of missing values."""

Fold = Callable[["Comparison", Counts], Counts]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two profiles of one feature on one support, and how its cells are merged for scoring."""

    current: Profile
    reference: Profile
    rebinning: Rebinning

    def __post_init__(self) -> None:
        if self.current.keys != self.reference.keys:
            raise ValueError(
                f"cannot compare {len(self.current)} with {len(self.reference)} groups: both sides "
                "must have the same ones"
            )

    @classmethod
    def of(cls, current: Profile, reference: Profile, rebinning: Rebinning) -> Self:
        """Compare two profiles, on as many cells as the smaller of both has rows for."""
        current, reference = aligned(current, reference)
        if isinstance(reference.support, NumericSupport):
            whole = reference.keys.list == ALL
            rows = int(current.counts[whole, : reference.support.intervals].sum())
            rebinning = rebinning.for_rows(rows, reference.counts[whole].sum(0))
        return cls(current, reference, rebinning)

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def support(self) -> Support:
        """The cells of both profiles."""
        return self.reference.support

    @cached_property
    def nearest(self) -> NDArray[np.intp] | None:
        """For each stored cell the one that its rows are scored in; None if it is the same."""
        return nearest_values(self.support, self.reference.counts[self.keys.list == ALL].sum(0))

    @cached_property
    def name_sample(self) -> NameSample:
        """How the names with cells were sampled."""
        # A terminal that shows what is stored needs no scipy.
        from kldrift.statistics.gone_names import NameSample  # noqa: PLC0415

        support = self.support
        assert isinstance(support, CategoricalSupport)
        whole = self.reference.counts[self.keys.list == ALL].sum(0)
        names = len(support.categories)
        hashes = text_hashes(pa.array(support.categories, pa.string()))
        return NameSample.of(
            whole[:names], support.rare, int(whole[names]), hashes, int(whole.sum())
        )

    @cached_property
    def numbers(self) -> Ints:
        """The places of the stored cells of numbers, in order; those scored in another one last."""
        places = np.arange(
            self.support.intervals if isinstance(self.support, NumericSupport) else 0
        )
        if self.nearest is None:
            return places
        return np.argsort(self.nearest[: len(places)] != places, kind="stable")

    @property
    def keys(self) -> GroupKeys:
        """The groups of both profiles."""
        return self.reference.keys


@dataclass(frozen=True, eq=False)
class Alike:
    """Comparisons, and which of them share a reference, as windows do.

    Those are folded together: there may be a year of windows of each feature.
    """

    comparisons: Sequence[Comparison]

    @cached_property
    def first(self) -> Ints:
        """By comparison, the index of the first one with its reference and scored cells."""
        met: dict[tuple[int, int], int] = {}
        keys = ((id(c.reference), id(c.rebinning)) for c in self.comparisons)
        return np.array([met.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.int64)

    @cached_property
    def kinds(self) -> tuple[list[Comparison], Ints]:
        """The first one of each reference, and by comparison the place of its own among these."""
        firsts, place = np.unique(self.first, return_inverse=True)
        return [self.comparisons[i] for i in firsts.tolist()], place

    @cached_property
    def some(self) -> bool:
        """Whether any two are alike."""
        return bool((self.first != np.arange(len(self.first))).any())

    @cached_property
    def current(self) -> tuple[Mapping[int, Counts], Ints]:
        """Current rows of alike ones, one after the other, by the first; where each begins."""
        members: dict[int, list[Counts]] = {}
        for first, comparison in zip(self.first.tolist(), self.comparisons, strict=True):
            members.setdefault(first, []).append(comparison.current.counts)
        begins = np.zeros(len(self.comparisons), dtype=np.int64)
        if self.some:
            for first, counts in members.items():
                sizes = np.array(list(map(len, counts)))
                begins[self.first == first] = np.cumsum(sizes) - sizes
        stacks = {
            first: np.concatenate(counts) if len(counts) > 1 else counts[0]
            for first, counts in members.items()
        }
        return stacks, begins


@dataclass(frozen=True, eq=False)
class Rows:
    """Groups of comparisons, one row each.

    Attributes:
        among: what the rows are taken from.
        of: the place of each row's comparison, shape ``(n,)``.
        group: the place of each row's group among those of its comparison, shape ``(n,)``.
    """

    among: Alike
    of: Ints
    group: Ints

    @classmethod
    def every(cls, comparisons: Sequence[Comparison]) -> Self:
        """All groups, comparison by comparison."""
        groups = np.array([len(c) for c in comparisons], dtype=np.int64)
        of = np.repeat(np.arange(len(groups)), groups)
        first = np.cumsum(groups) - groups
        return cls(Alike(comparisons), of, np.arange(len(of)) - first[of])

    def __len__(self) -> int:
        return len(self.of)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """What the rows are taken from, whose places ``of`` are."""
        return self.among.comparisons

    def take(self, places: Ints) -> Rows:
        """Select rows by index."""
        return Rows(self.among, self.of[places], self.group[places])

    def of_each(self, value: Callable[[Comparison], Any]) -> NDArray[Any]:
        """What each row's comparison has, and all that are alike have; shape ``(n,)``."""
        firsts, place = self.among.kinds
        return np.array([value(c) for c in firsts])[place[self.of]]

    def blocks(
        self, width_of: Callable[[Comparison], int], most: int = CELLS_AT_ONCE
    ) -> Iterator[tuple[Ints, int]]:
        """Places of rows that have the same number of cells, and that number.

        A block has at most so many cells, unless one row has more.
        """
        width = self.of_each(width_of)
        order = np.argsort(width, kind="stable")
        if self.among.some:  # they stand together
            order = np.lexsort((self.among.first[self.of], width))
        for places in np.split(order, np.flatnonzero(np.diff(width[order])) + 1):
            if not len(places):
                continue
            cells = int(width[places[0]])
            step = max(1, most // max(1, cells))
            for start in range(0, len(places), step):
                yield places[start : start + step], cells

    def runs(self, places: Ints) -> Iterator[tuple[slice, Comparison, Ints]]:
        """Neighbours among some rows that are of alike comparisons: where, the first, what groups.

        The comparison stands for all of them, except for its current rows.
        """
        of, group = self.among.first[self.of[places]], self.group[places]
        ends = [0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]
        for start, stop in pairwise(ends):
            if start < stop:
                yield slice(start, stop), self.comparisons[of[start]], group[start:stop]

    def counts(self, places: Ints, width: int, fold: Fold) -> tuple[Counts, Counts]:
        """Current and reference rows per cell of some rows that have the same number of cells."""
        p, q = np.empty((2, len(places), width), dtype=np.int64)
        stacks, begins = self.among.current
        for where, comparison, groups in self.runs(places):
            mine = self.of[places[where]]
            current, reference = stacks[int(self.among.first[mine[0]])], comparison.reference.counts
            p[where] = fold(comparison, current[begins[mine] + groups])
            if len(groups) > len(reference):
                q[where] = fold(comparison, reference)[groups]
            else:
                q[where] = fold(comparison, reference[groups])
        return p, q

    def scored_blocks(self, missing: str) -> Iterator[tuple[Ints, Counts, Counts]]:
        """Places of rows, and the rows of their scored cells, current and reference.

        Where missing values are excluded, their cells have no rows.
        """
        fold = folded if missing == "cell" else folded_without_missing
        for places, width in self.blocks(lambda c: c.rebinning.size):
            p, q = self.counts(places, width, fold)
            self._expect_unseen(places, p, q)
            yield places, p, q

    def _expect_unseen(self, places: Ints, p: Counts, q: Counts) -> None:
        """Expect of the reference no more unseen values than came, in place.

        Its values of one row stand for those that are still to be seen, and are known as well:
        where fewer new ones came than that, or none because the rows are the same, nothing has
        changed.
        """
        runs = [
            (where, support.frequent)
            for where, comparison, _ in self.runs(places)
            if isinstance(support := comparison.support, CategoricalSupport)
            and support.known is not None
        ]
        if not runs:
            return
        rows = np.concatenate([np.arange(len(p))[where] for where, _ in runs])
        sizes = [where.stop - where.start for where, _ in runs]
        other = np.repeat([place for _, place in runs], sizes)
        n, m = p[rows].sum(-1), q[rows].sum(-1)
        came = np.floor(m * (p[rows, other + 1] / np.maximum(n, 1))).astype(np.int64)
        surplus = np.maximum(q[rows, other + 1] - came, 0)
        q[rows, other + 1] -= surplus
        q[rows, other] += surplus


def folded(comparison: Comparison, counts: Counts) -> Counts:
    """Rows of each scored cell; those of values close to one of the reference's are its own."""
    return comparison.rebinning.fold(close_together(comparison, counts))


def close_together(comparison: Comparison, counts: Counts) -> Counts:
    """Rows of stored cells, those of values close to one of the reference's in its cell."""
    if comparison.nearest is None:
        return counts
    moved = np.zeros_like(counts)
    np.add.at(moved.T, comparison.nearest[: counts.shape[-1]], counts.T)
    return moved


def folded_without_missing(comparison: Comparison, counts: Counts) -> Counts:
    """Rows of each scored cell, those with missing values left out."""
    return np.where(MISSING[comparison.rebinning.codes], 0, folded(comparison, counts))
