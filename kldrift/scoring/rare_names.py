"""Names that are too rare to be scored alone: how many are gone, how many rows moved among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from kldrift.arrays import Bools, Counts, Floats, Ints, OfRows
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import MISSING, Comparison, Fold, Rows, folded
from kldrift.statistics.chosen_sizes import surplus_kl
from kldrift.statistics.gone_names import gone_above_p, gone_chance, gone_share
from kldrift.statistics.moved_names import MovedNames, moved_names
from kldrift.statistics.named_cells import CellChoice

NAMED: Final = (CellKind.CATEGORY, CellKind.OTHER, CellKind.NEVER_SEEN)
LEAST_OF_GONE, OF_GONE = 0.05, 0.5
"""The least and the largest share of the error rate of the test of names that are gone."""
SURELY: Final = 0.001
"""The p-value below which it is said that rows moved among rare names, and how many."""
OF_MOVED: Final = 0.1
"""The share of the error rate of the test of rows that moved among rare names."""


@dataclass(frozen=True, eq=False)
class NamedRows(OfRows):
    """The stored cells of names of some rows; arrays of shape ``(n, k)``.

    Attributes:
        stands_for: reference rows that each name stands for, if it is gone.
        chance: of each name to be gone without drift.
        floor: the fewest reference rows that each has.
        ceiling: the most that a rare one has; -1 for others.
        names: how many names each stands for.
        n: current rows in all cells that are compared, shape ``(n,)``.
        m: reference rows in these.
        unit: rows that a rare name stands for at least, shape ``(n,)``.
    """

    p: Counts
    q: Counts
    stands_for: Counts
    chance: Floats
    floor: Counts
    ceiling: Counts
    names: Floats
    n: Counts
    m: Counts
    unit: Counts

    @property
    def gone(self) -> Floats:
        """The share of the reference's rows whose names are gone, less what chance leaves gone."""
        return gone_share(self.p, self.stands_for, self.chance, self.m)

    @cached_property
    def moved(self) -> MovedNames:
        """The rows that moved among rare names."""
        every = self.n, self.m
        p, q = (
            np.column_stack([side, rows - side.sum(-1)])
            for side, rows in zip((self.p, self.q), every, strict=True)
        )
        return moved_names(p, q, self.floor, self.ceiling, self.names)

    def above_p(self, limit: Floats, several: Floats, cells: Floats, rows: Ints) -> Floats:
        """The p-value of "a share of names is above the limit, or one that was tested", of rows.

        Where hardly a name is gone by chance, that one is gone is sure without much of the error
        rate. One scored cell alone says nothing.
        """
        mine = self.take(rows)
        gone = gone_above_p(mine.p, mine.stands_for, mine.chance, mine.m, limit, mine.unit)
        weight = np.clip(mine.chance.sum(-1), LEAST_OF_GONE, OF_GONE)
        both = np.minimum(several / (1 - weight), gone / weight)
        both = np.where(cells == 1, gone, both) / (1 - OF_MOVED)
        return np.minimum(1.0, np.minimum(both, self.moved.take(rows).above_p(limit) / OF_MOVED))


def named_blocks(rows: Rows, missing: str) -> Iterator[tuple[Ints, NamedRows]]:
    """Places of rows of names of which rare ones are counted, and their stored cells."""
    which = np.flatnonzero(rows.of_each(rare_names))
    rows = rows.take(which)
    for places, width in rows.blocks(_names):
        p, q = rows.counts(places, width, lambda c, counts: counts[:, : _names(c)])
        n, m = (side[:, 0] for side in rows.counts(places, 1, _compared(missing)))
        unit = np.empty(len(places), dtype=np.int64)
        floor, ceiling, stands_for = (np.empty_like(p) for _ in range(3))
        names = np.empty(p.shape)
        for where, comparison, _ in rows.runs(places):
            sample = comparison.name_sample
            if sample.stands_for:  # the last one says where the sample ends
                p[where, -1] = q[where, -1] = 0
            floor[where], unit[where] = sample.floors(q[where]), sample.unit(m[where])
            ceiling[where], names[where] = (
                sample.ceilings(q[where]),
                sample.names(p[where], q[where]),
            )
            stands_for[where] = sample.stand_for(p[where], q[where])
        chance = gone_chance(p, q, floor, n, m)
        named = NamedRows(p, q, stands_for, chance, floor, ceiling, names, n, m, unit)
        both = (n > 0) & (m > 0)
        yield which[places[both]], named if both.all() else named.take(both)


def _compared(missing: str) -> Fold:
    """Rows in all cells that are compared together."""

    def fold(comparison: Comparison, counts: Counts) -> Counts:
        apart = MISSING[comparison.support.codes] & (missing == "exclude")
        return np.asarray(np.where(apart, 0, counts).sum(-1, keepdims=True))

    return fold


def chosen_on(rows: Rows, places: Ints, shape: tuple[int, ...]) -> CellChoice:
    """What the scored cells of some rows were chosen on; missing values are among the rows."""
    out = np.empty(shape, dtype=np.int64)
    left, twice = np.full(len(places), np.inf), np.full(len(places), np.nan)
    for where, comparison, groups in rows.runs(places):
        whole = comparison.reference.counts[comparison.keys.list == ALL]
        out[where] = folded(comparison, whole).sum(0)
        support = comparison.support
        if isinstance(support, CategoricalSupport) and support.known is not None:
            left[where] = support.rare + len(support.known.hashes) / support.known.share
            twice[where] = _of_two_rows(comparison, groups)
    return CellChoice(out, left, twice)


def surplus_kl_of(p: Counts, q: Counts, kinds: Ints, choice: CellChoice) -> Floats:
    """By how much ``kl`` is too large where names have cells by chance, shape ``(n,)``."""
    names, other, never = named_cells(kinds)
    return surplus_kl(p, q, choice.rows, names, other | never)


def named_cells(kinds: Ints) -> tuple[Bools, Bools, Bools]:
    """The cells of one name each, the one of all others, and that of names never seen."""
    name, other, never = (kinds == CODES[kind] for kind in NAMED)
    return name, other, never


def _of_two_rows(comparison: Comparison, groups: Ints) -> Floats:
    """How many names have two reference rows; half their rows in a segment; NaN if unknown."""
    support, counts = comparison.support, comparison.reference.counts
    assert isinstance(support, CategoricalSupport)
    whole = counts[comparison.keys.list == ALL].sum(0)
    names = len(support.categories)
    if whole[names]:  # others have no cell
        return np.full(len(groups), np.nan)
    rare = slice(support.frequent, names)
    return np.asarray(np.where(whole[rare] == 2, counts[groups, rare], 0).sum(-1) / 2)


def names_by_rows(comparison: Comparison, most: int) -> tuple[Floats, Floats]:
    """How many names have 0, 1 and up to so many reference rows, and of how many each counted one.

    Names of fewer than two rows have no cell, and are not counted.
    """
    names, each = np.zeros(most + 1), np.ones(most + 1)
    if rare_names(comparison):
        sample = comparison.name_sample
        rows = sample.whole[:-1] if sample.stands_for else sample.whole
        names += np.bincount(rows[rows <= most], minlength=most + 1)
        each = np.maximum(each, sample.stands_for / np.maximum(np.arange(most + 1), 1))
    return names * each, each


def without_cell(comparison: Comparison, group: int, *, chosen: bool) -> tuple[int, int]:
    """The most rows that a name without a cell may have in the reference, and how many there are.

    Of the rows that chose the cells (``chosen``), no name has more than the rare ones with a cell.
    Two at least: one of fewer would be taken for one that was never seen.
    """
    support, counts = comparison.support, comparison.reference.counts
    assert isinstance(support, CategoricalSupport)
    assert support.known is not None
    names = len(support.categories)
    most = int(counts[group, names])
    if chosen and support.rare:
        most = min(most, int(counts[group, support.frequent : names].max()))
    return max(2, most), round(len(support.known.hashes) / support.known.share)


def rare_names(comparison: Comparison) -> int:
    """How many names are counted that have too few rows for a scored cell."""
    support = comparison.support
    return support.rare if isinstance(support, CategoricalSupport) else 0


def _names(comparison: Comparison) -> int:
    support = comparison.support
    return len(support.categories) if isinstance(support, CategoricalSupport) else 0
