"""Rows per scored cell of the windows before one: what limits are learnt from.

Of each list of segments there is one array per window, so that the history of all its groups is a
stack of them. Cells beyond the most frequent ones are one, and segments beyond the largest are held
to fixed thresholds only: what is kept is bounded, whatever the number of windows and segments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Counts, Floats
from kldrift.config import Time
from kldrift.monitor.past_scores import start_of
from kldrift.monitor.stages import Reference
from kldrift.profiles.group_keys import ALL, GroupKeys
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.scoring.alerts import Key
from kldrift.scoring.comparison import MISSING, Comparison
from kldrift.scoring.metrics import LEARNED_SCORES
from kldrift.scoring.scores import unseen_cells
from kldrift.statistics.learned_limits import FEWEST_WINDOWS, Usual, usual
from kldrift.statistics.volume import times_loaded
from kldrift.tables.window import Window

MOST_CELLS: Final = 64
MOST_SEGMENTS: Final = 200
LEAST_WINDOWS: Final = 3 * FEWEST_WINDOWS // 2
"""Windows that a history reaches back at least, however long they are: 90 days are three months,
which nothing is learnt from. More than the fewest, as unusual ones are left out.
"""
CELLS_AT_ONCE: Final = 2**22
"""Cells of histories that are looked at together: bounds the memory of the formulas."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the cells of features and the groups of segments are located in arrays.

    Attributes:
        names: of the features.
        rebinnings: of each.
        columns: of each, the column of each scored cell.
        segments: of the whole and of each list, the names of its segments.
        missing: whether missing values are a cell, as ``scoring.missing``.
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

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Features and segments of the whole and of each list."""
        return [(len(self.names), len(segments)) for segments in self.segments]

    def place(
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
                mine = self.places(keys, number)
                columns = self.columns[place]
                if folded.shape[1] <= MOST_CELLS:
                    table[place, keys.segment[mine], : len(columns)] = folded[mine]
                else:
                    np.add.at(table[place], (keys.segment[mine, None], columns), folded[mine])
        return [table // times_loaded(table).astype(table.dtype)[:, None] for table in tables]

    def places(self, keys: GroupKeys, number: int) -> NDArray[np.intp]:
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


@dataclass(frozen=True, eq=False)
class Beside:
    """A window compared with those before it.

    Attributes:
        layout: of its counts.
        of_list: of the whole and of each list, what was found of some features after the other.
    """

    layout: Layout
    of_list: tuple[tuple[Usual, ...], ...]

    @property
    def effective(self) -> float | None:
        """How many independent windows the history of whole datasets is worth; None for none."""
        whole = [usual.learned.effective for usual in self.of_list[0]]
        return float(np.concatenate(whole).mean()) if whole else None

    @cached_property
    def tests(self) -> int:
        """How many groups of features can be judged."""
        return sum(int(np.isfinite(_p_values(u)).sum()) for of in self.of_list for u in of)

    def scores(
        self,
        groups: Sequence[tuple[str, GroupKeys]],
        limit: float,
        others: Collection[Key] = (),
        other_limit: float = 0.0,
    ) -> dict[str, Floats]:
        """The scores of the groups of features, by name, one after the other.

        Limits stand for the p-value ``limit``, those of ``others`` for ``other_limit``.
        """
        levels = [np.full(shape, limit) for shape in self.layout.shapes]
        for key in others:
            if (there := self.layout.place(levels, key)) is not None:
                there[0][there[1]] = other_limit
        tables = [self._tables(of, level) for of, level in zip(self.of_list, levels, strict=True)]
        columns: dict[str, list[Floats]] = {name: [] for name in LEARNED_SCORES}
        place = {name: i for i, name in enumerate(self.layout.names)}
        for feature, keys in groups:
            for name, parts in columns.items():
                values = np.full(len(keys), np.nan)
                for number, table in enumerate(tables if feature in place else (), ALL):
                    mine = self.layout.places(keys, number)
                    values[mine] = table[name][place[feature], keys.segment[mine]]
                parts.append(values)
        return {name: np.concatenate([np.empty(0), *parts]) for name, parts in columns.items()}

    @staticmethod
    def _tables(of: Sequence[Usual], level: Floats) -> dict[str, Floats]:
        """The scores of a list by name; shape ``(features, segments)``, as the level of each."""
        parts: list[tuple[Floats, ...]] = []
        start, flat = 0, level.reshape(-1)
        for part in of:
            ready = part.learned.windows >= FEWEST_WINDOWS
            own = flat[start : start + len(ready)]
            start += len(ready)
            values = (part.divergences, part.limits(own), part.p_values)
            kept = [np.where(ready, x, np.nan) for x in values]
            parts.append((*kept, part.learned.windows, np.where(ready, own, np.nan)))
        if not parts:  # the first window
            nothing = np.full(flat.shape, np.nan)
            parts = [(nothing, nothing, nothing, np.zeros(flat.shape), nothing)]
        columns = (np.concatenate(x).reshape(level.shape) for x in zip(*parts, strict=True))
        return dict(zip(LEARNED_SCORES, columns, strict=True))


def _p_values(usual: Usual) -> Floats:
    return np.where(usual.learned.windows >= FEWEST_WINDOWS, usual.p_values, np.nan)


class PastCounts:
    """The windows before one, as counts on the cells of one reference."""

    def __init__(self, layout: Layout, time: Time, span: timedelta) -> None:
        self.layout = layout
        self._time, self._span = time, span
        self._windows: list[Window] = []
        self._counts: list[list[Counts]] = []

    def add(self, window: Window, counts: Sequence[Counts], unusual: Collection[Key]) -> None:
        """Add a window that is later than the others, without its unusual rows."""
        kept = [table.copy() for table in counts]
        for key in unusual:
            if (there := self.layout.place(kept, key)) is not None:
                there[0][there[1]] = 0
        self._windows.append(window)
        self._counts.append(kept)

    def beside(self, window: Window, counts: Sequence[Counts]) -> Beside:
        """Compare a window with those before it."""
        first = start_of(window) - self._span
        while len(self._windows) > LEAST_WINDOWS and start_of(self._windows[0]) < first:
            del self._windows[0], self._counts[0]
        if not self._windows:
            return Beside(self.layout, ((),) * len(counts))
        seasons = np.array([season_of(w, self._time) for w in self._windows], dtype=np.int64)
        season = season_of(window, self._time)
        lists = []
        for number, current in enumerate(counts):
            history = np.stack([c[number] for c in self._counts])
            width, parts = current.shape[-1], []
            step = max(1, CELLS_AT_ONCE // max(1, history[:, :1].size))
            for start in range(0, len(current), step):
                past = history[:, start : start + step].reshape(len(history), -1, width)
                own = current[start : start + step].reshape(-1, width)
                parts.append(usual(past, seasons, own, season))
            lists.append(tuple(parts))
        return Beside(self.layout, tuple(lists))


def without_unseen(comparison: Comparison) -> Profile:
    """The current profile without the rows of values that the reference never had."""
    current = comparison.current
    kinds = np.broadcast_to(comparison.support.codes.astype(np.int64), current.counts.shape)
    unseen = unseen_cells(comparison.reference.counts, kinds)
    return replace(current, counts=np.where(unseen, 0, current.counts))


def season_of(window: Window, time: Time) -> int:
    """The weekday of a day, the hour of a week for less; longer windows have no season."""
    local = start_of(window).astimezone(ZoneInfo(time.zone))
    unit = time.windows.unit
    if unit in ("m", "h"):
        return local.weekday() * 24 + local.hour
    return local.weekday() if unit == "d" else 0
