"""Rows per scored cell of a window, laid out in arrays: what limits are learnt from.

Of each list of segments there is one array per window, so that the history of all its groups is a
stack of them. Cells beyond the most frequent ones are one, and segments beyond the largest are held
to fixed thresholds only: what is kept is bounded, whatever the number of windows and segments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Counts, Floats
from kldrift.monitor.learned_rule import Beside
from kldrift.monitor.stages import Reference
from kldrift.profiles.group_keys import ALL, GroupKeys
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.scoring.alerts import Key
from kldrift.scoring.comparison import MISSING, Comparison
from kldrift.scoring.metrics import LEARNED_SCORES
from kldrift.scoring.scores import unseen_cells
from kldrift.statistics.volume import times_loaded

MOST_CELLS: Final = 64
MOST_SEGMENTS: Final = 200


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the cells of features and the groups of segments are located in arrays.

    ``columns`` are, for each feature, the column of each scored cell.
    """

    names: tuple[str, ...]
    rebinnings: tuple[Rebinning, ...]
    columns: tuple[NDArray[np.intp], ...]
    segments: tuple[tuple[str | None, ...], ...]
    missing: str

    @classmethod
    def of(cls, reference: Reference, names: Sequence[str], missing: str) -> Layout:
        """The layout for some features of a reference."""
        known = [name for name in names if name in reference.profiles]
        rebinnings = tuple(reference.rebinnings[name] for name in known)
        whole = [reference.profiles[name].of_list(ALL).counts.sum(0) for name in known]
        columns = tuple(_columns(r.fold(c)) for r, c in zip(rebinnings, whole, strict=True))
        lists = (known.names[:MOST_SEGMENTS] for known in reference.segments)
        return cls(tuple(known), rebinnings, columns, ((None,), *lists), missing)

    @property
    def width(self) -> int:
        """Cells of the widest feature."""
        return max((int(c.max()) + 1 for c in self.columns), default=1)

    def _place(
        self, tables: Sequence[NDArray[Any]], key: Key
    ) -> tuple[NDArray[Any], tuple[int, int]] | None:
        """The table of a group among those of the whole and each list, and its place in it."""
        feature, segment = self._features.get(key[0]), self._segments.get(key[1])
        if feature is None or segment is None:
            return None
        number, place = segment
        return tables[number], (feature, place)

    @cached_property
    def _features(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def _segments(self) -> dict[str | None, tuple[int, int]]:
        return {
            name: (number, i)
            for number, names in enumerate(self.segments)
            for i, name in enumerate(names)
        }

    def counts(self, profiles: Mapping[str, Profile]) -> list[Counts]:
        """Rows per cell of each list; shape ``(features, segments, cells)``.

        Rows that are there twice count once: they are as much apart as half of them.
        """
        tables = [
            np.zeros((len(self.names), len(names), self.width), dtype=np.int32)
            for names in self.segments
        ]
        for place, name in enumerate(self.names):
            if name not in profiles:
                continue
            keys, rebinning = profiles[name].keys, self.rebinnings[place]
            folded = rebinning.fold(profiles[name].counts)
            if self.missing == "exclude":
                folded = np.where(MISSING[rebinning.codes], 0, folded)
            for number, table in enumerate(tables, ALL):
                mine = self._places(keys, number)
                columns = self.columns[place]
                if folded.shape[1] <= MOST_CELLS:
                    table[place, keys.segment[mine], : len(columns)] = folded[mine]
                else:
                    np.add.at(table[place], (keys.segment[mine, None], columns), folded[mine])
        return [table // times_loaded(table).astype(table.dtype)[:, None] for table in tables]

    def without(self, tables: Sequence[Counts], keys: Collection[Key]) -> list[Counts]:
        """Tables of a window without some of its groups."""
        kept = [table.copy() for table in tables]
        for key in keys:
            if (there := self._place(kept, key)) is not None:
                there[0][there[1]] = 0
        return kept

    def scores(
        self,
        beside: Beside,
        groups: Sequence[tuple[str, GroupKeys]],
        limit: float,
        others: Collection[Key] = (),
        other_limit: float = 0.0,
    ) -> dict[str, Floats]:
        """The scores of the groups of features, by name, one after the other.

        Limits stand for the p-value ``limit``, those of ``others`` for ``other_limit``.
        """
        limits = [np.full(shape, limit) for shape in beside.shapes]
        for key in others:
            if (there := self._place(limits, key)) is not None:
                there[0][there[1]] = other_limit
        tables = beside.scores(limits)
        columns: dict[str, list[Floats]] = {name: [] for name in LEARNED_SCORES}
        for feature, keys in groups:
            values = {name: np.full(len(keys), np.nan) for name in columns}
            place = self._features.get(feature)
            for number, table in enumerate(tables if place is not None else (), ALL):
                mine = self._places(keys, number)
                at = place, keys.segment[mine]
                for name, of in table.items():
                    values[name][mine] = of[at]
            for name, parts in columns.items():
                parts.append(values[name])
        return {name: np.concatenate([np.empty(0), *parts]) for name, parts in columns.items()}

    def _places(self, keys: GroupKeys, number: int) -> NDArray[np.intp]:
        """The indices of the groups of a list that are tracked."""
        segment = keys.segment
        inside = (segment >= 0) & (segment < len(self.segments[number + 1]))
        return np.flatnonzero((keys.list == number) & inside)


def _columns(rows: Counts) -> NDArray[np.intp]:
    """The column of each cell: its own, or the last one for those that are not frequent."""
    if len(rows) <= MOST_CELLS:
        return np.arange(len(rows))
    columns = np.full(len(rows), MOST_CELLS - 1)
    columns[np.argsort(-rows, kind="stable")[: MOST_CELLS - 1]] = np.arange(MOST_CELLS - 1)
    return columns


def without_unseen(comparison: Comparison) -> Profile:
    """The current profile without the rows of values that the reference never had."""
    current = comparison.current
    kinds = np.broadcast_to(comparison.support.codes.astype(np.int64), current.counts.shape)
    unseen = unseen_cells(comparison.reference.counts, kinds)
    return replace(current, counts=np.where(unseen, 0, current.counts))
