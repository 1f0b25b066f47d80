"""Rows per scored cell of the windows before one: what limits are learnt from.

Of each list of segments there is one array per window, so that the history of all its groups is a
stack of them. Cells beyond the most frequent ones are one, and segments beyond the largest are held
to fixed thresholds only: what is kept is bounded, whatever the number of windows and segments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from kldrift.config import Time
from kldrift.monitor.stages import Reference
from kldrift.profiles.group_keys import ALL, GroupKeys
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.scoring.alerts import Key
from kldrift.scoring.comparison import MISSING
from kldrift.scoring.metrics import LEARNED_SCORES
from kldrift.statistics.learned_limits import FEWEST_WINDOWS, usual
from kldrift.tables.window import Window

Counts = NDArray[Any]
Floats = NDArray[np.float64]

MOST_CELLS: Final = 64
MOST_SEGMENTS: Final = 200
CELLS_AT_ONCE: Final = 2**22
"""Cells of histories that are looked at together: bounds the memory of the formulas."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the cells of features and the groups of segments stand in arrays.

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

    def counts(self, profiles: Mapping[str, Profile]) -> list[Counts]:
        """Rows per cell of each list; shape ``(features, segments, cells)``."""
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
        return tables

    def places(self, keys: GroupKeys, number: int) -> NDArray[np.intp]:
        """The places of the groups of a list that are looked at."""
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
    """A window beside its history.

    Attributes:
        of_list: of the whole and of each list, its scores by name; shape ``(features, segments)``.
        effective: how many independent windows the history of whole datasets is worth.
    """

    of_list: tuple[Mapping[str, Floats], ...]
    effective: float

    def scores(self, layout: Layout, groups: Sequence[tuple[str, GroupKeys]]) -> dict[str, Floats]:
        """The scores of the groups of features, by name, one after the other."""
        found: dict[str, list[Floats]] = {name: [] for name in LEARNED_SCORES}
        place = {name: i for i, name in enumerate(layout.names)}
        for feature, keys in groups:
            for name, parts in found.items():
                values = np.full(len(keys), np.nan)
                for number, tables in enumerate(self.of_list if feature in place else (), ALL):
                    mine = layout.places(keys, number)
                    values[mine] = tables[name][place[feature], keys.segment[mine]]
                parts.append(values)
        return {name: np.concatenate([np.empty(0), *parts]) for name, parts in found.items()}


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
        place = {name: i for i, name in enumerate(self.layout.names)}
        where = {
            name: (table, i)
            for table, names in zip(kept, self.layout.segments, strict=True)
            for i, name in enumerate(names)
        }
        for feature, segment in unusual:
            if feature in place and segment in where:
                table, i = where[segment]
                table[place[feature], i] = 0
        self._windows.append(window)
        self._counts.append(kept)

    def beside(self, window: Window, counts: Sequence[Counts], level: float) -> Beside:
        """Look how a window lies beside those before it."""
        first = _start(window) - self._span
        while self._windows and _start(self._windows[0]) < first:
            del self._windows[0], self._counts[0]
        seasons = np.array([season_of(w, self._time) for w in self._windows], dtype=np.int64)
        found, effective = [], 0.0
        for number, current in enumerate(counts):
            history = np.stack([c[number] for c in self._counts]) if self._counts else None
            arrays = {name: np.full(current.shape[:2], np.nan) for name in LEARNED_SCORES}
            arrays["history_windows"][:] = 0
            if history is not None:
                step = max(1, CELLS_AT_ONCE // max(1, history[:, 0].size))
                for start in range(0, len(current), step):
                    some = slice(start, start + step)
                    past = history[:, some].reshape(len(history), -1, current.shape[-1])
                    now = current[some].reshape(-1, current.shape[-1])
                    own = usual(past, seasons, now, season_of(window, self._time), level)
                    ready = own.windows >= FEWEST_WINDOWS
                    values = (own.divergences, own.limits, own.p_values)
                    kept = [*(np.where(ready, x, np.nan) for x in values), own.windows]
                    for name, x in zip(LEARNED_SCORES, kept, strict=True):
                        arrays[name][some] = x.reshape(-1, current.shape[1])
                    if number == 0 and start == 0 and len(own.effective):
                        effective = float(own.effective.mean())
            found.append(arrays)
        return Beside(tuple(found), effective)


def _start(window: Window) -> datetime:
    assert window.start is not None
    return window.start


def season_of(window: Window, time: Time) -> int:
    """The weekday of a day, the hour of a week for hours; longer windows have no season."""
    local = _start(window).astimezone(ZoneInfo(time.zone))
    unit = time.windows.unit
    if unit == "h":
        return local.weekday() * 24 + local.hour
    return local.weekday() if unit == "d" else 0
