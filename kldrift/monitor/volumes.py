"""The number of rows of a window, judged as a feature is: beside the windows before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.compute as pc

from kldrift.config import Config, Threshold, Time
from kldrift.errors import OutputError
from kldrift.features.names import ROWS_FEATURE
from kldrift.monitor.groups import rows_by_segment
from kldrift.monitor.past_scores import start_of
from kldrift.monitor.seasons import HIGHEST, season_of, seasonal_parts
from kldrift.monitor.stages import Findings
from kldrift.profiles.group_keys import ALL, REST
from kldrift.profiles.number_text import percent
from kldrift.profiles.profile import Profile
from kldrift.scoring.status import Status
from kldrift.scoring.verdict import Subject
from kldrift.statistics.volume import LONG_ENOUGH, EarlierRows, levels, times_loaded, volume
from kldrift.tables.read import window_columns
from kldrift.tables.store import Store
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

WARNING: Final = 0.02
"""A fifth more or less."""
CRITICAL: Final = 0.15
"""Half as many or 1.6 times as many."""
THRESHOLDS: Final = {"kl": Threshold(WARNING, CRITICAL)}
SURELY: Final = 0.01
"""p-value below which a number of rows is another one; a critical one is not learnt from."""
WEEK: Final = timedelta(weeks=1)
MOST: Final = 90
"""Windows that are looked at; all of a week, where it has more."""
WEEKS: Final = 8
"""How far back those of the same weekday are looked at, where a week has more than these."""


@dataclass(frozen=True, eq=False)
class _Known:
    """A window before: its rows by segment, and the ``kl`` of segments that had another number."""

    rows: Mapping[str | None, int]
    different: Mapping[str | None, float]


class Volumes:
    """The rows of the windows of a monitor; those that the tables have are read when needed."""

    def __init__(
        self,
        time: Time,
        stored: Iterable[Window] = (),
        read: Callable[[Window], _Known] = lambda _: _Known({}, {}),
    ) -> None:
        parts = seasonal_parts(time)
        self._time, self._kinds = time, [parts[i:] for i in reversed(range(len(parts)))] or [parts]
        self._seasons = cache(lambda w: [season_of(w, time, kind) for kind in self._kinds])
        self._stored, self._read = [w for w in stored if w.start][::-1], read
        self._known: dict[Window, _Known | None] = {}

    @classmethod
    def of(cls, config: Config, store: Store) -> Volumes | None:
        """The volumes of the stored windows; None without windows."""
        if config.time is None:
            return None

        def read(window: Window) -> _Known:
            with suppress(OutputError):  # damaged: it is not learnt from
                columns = ["segment", "n_current", "feature", "kl", "p_value"]
                rows = window_columns(store, config.monitor, window, columns)
                sizes = rows.group_by("segment").aggregate([("n_current", "max")])
                by_segment = zip(*(sizes[c].to_pylist() for c in sizes.column_names), strict=True)
                own = rows.filter(pc.equal(rows["feature"], ROWS_FEATURE)).to_pylist()
                return _Known(
                    {segment: n or 0 for segment, n in by_segment},
                    _different((row["segment"], row) for row in own),
                )
            return _Known({}, {})

        return cls(config.time, stored_windows(store, config.monitor), read)

    def beside(self, window: Window, findings: Findings) -> Findings:
        """The findings of a window with its rows; the window is known from then on."""
        if findings.rows_current is None:
            why = "the rows were not counted, as no feature was compared"
            uncounted = Subject(ROWS_FEATURE, "volume", status=Status.ERROR, reason=why)
            return replace(findings, volumes=(uncounted,))
        sizes: dict[str | None, int] = {None: findings.rows_current}
        times: dict[str | None, int] = {}
        for number, known in enumerate(findings.reference.segments if findings.current else ()):
            of_list = rows_by_segment(findings.current[0], number, len(known.names))
            sizes.update(zip(known.names, of_list.tolist(), strict=True))
            times |= _times(findings.current, number, known.names)
        if findings.current:
            times |= _times(findings.current, ALL, (None,))
        recent = self._recent(window)
        # a window that is not there says nothing of its segments
        past = [self._past(window, earlier) for earlier in recent if sizes[None]]
        subjects = tuple(
            self._subject(window, segment, rows, times.get(segment, 1), past)
            for segment, rows in sizes.items()
        )
        self._known[window] = _Known(sizes, _different((s.segment, s.scores) for s in subjects))
        return replace(findings, volumes=subjects)

    def _recent(self, window: Window) -> list[dict[Window, _Known]]:
        """The windows before one that it is judged by: those of its weekday too, or without."""
        while self._stored and start_of(self._stored[-1]) < start_of(window):
            self._known.setdefault(self._stored.pop())
        kept, near = (_latest([*self._known], window, reach) for reach in (WEEKS * WEEK, WEEK))
        self._known = {w: self._known[w] for w in kept}
        weekday = self._seasons(window)[-1] // HIGHEST
        older = kept[: len(kept) - len(near)]
        alike = [w for w in older if self._seasons(w)[-1] // HIGHEST == weekday]
        earlier = {w: self._known[w] or self._read(w) for w in (*alike, *near)}
        self._known |= earlier
        own = {w: earlier[w] for w in near}
        told = older and start_of(window) - start_of(older[0]) >= LONG_ENOUGH * WEEK
        return [earlier, own] if told else [own]

    def _past(
        self, window: Window, earlier: Mapping[Window, _Known]
    ) -> Callable[[str | None], EarlierRows]:
        """The rows of each segment in earlier windows; those without any say nothing of it."""
        known = {w: one for w, one in earlier.items() if one.rows.get(None)}
        longer = np.array([_length(window) / _length(w) for w in known])
        weeks = np.array([(start_of(window) - start_of(w)) / WEEK for w in known])
        seasons = np.array([self._seasons(w) for w in known], dtype=np.int64)
        kinds = list(seasons.reshape(len(known), len(self._kinds)).T)

        def of(segment: str | None) -> EarlierRows:
            rows = np.array([one.rows.get(segment, 0) for one in known.values()]) * longer
            kl = np.array([one.different.get(segment, 0.0) for one in known.values()])
            return EarlierRows(rows, *levels(kl > 0, kl > CRITICAL, kinds[-1]), kinds, weeks)

        return of

    def _subject(
        self,
        window: Window,
        segment: str | None,
        rows: int,
        times: int,
        past: Sequence[Callable[[str | None], EarlierRows]],
    ) -> Subject:
        beside = None
        for of in past:
            beside = volume(rows, of(segment), self._seasons(window))
            if beside is not None and beside.alike == len(self._kinds):
                break
        if not rows and (segment is None or beside is None):
            why = "no rows in this window"
            return Subject(ROWS_FEATURE, "volume", status=Status.EMPTY, reason=why, segment=segment)
        if beside is None:
            return Subject(ROWS_FEATURE, "volume", segment=segment, rows=(-1, rows))
        local = window.bounds[0].astimezone(ZoneInfo(self._time.zone))
        season = self._kinds[beside.alike - 1] if beside.alike else []
        day = f"{local:%A} " if "weekday" in season else ""
        before = f"{beside.windows:,} {day}windows before"
        if "hour" in season:
            before = f"{before} at {local:%H}:00"
        if beside.growth:
            way = "growing" if beside.growth > 0 else "falling"
            before = f"{before}, {way} by {percent(abs(np.expm1(beside.growth)))} a week"
        loaded = ""
        if times > 1 and rows * rows > times * beside.expected**2:  # nearer to the usual without
            often = "twice" if times == 2 else f"{times:,} times"
            loaded = f": each row is there {often}, as where a file was loaded {often}"
        return Subject(
            ROWS_FEATURE,
            "volume",
            THRESHOLDS,
            scores={"kl": beside.kl, "p_value": beside.p_value},
            segment=segment,
            rows=(round(beside.expected), rows),
            sentence=(
                f"{rows:,} rows, and usually about {beside.expected:,.0f} ({before}){loaded}"
            ),
        )


def _latest(earlier: Sequence[Window], window: Window, reach: timedelta) -> Sequence[Window]:
    """The windows before one as far as a time reaches, or so many (`MOST`) of them."""
    first = start_of(window) - reach
    return earlier[-max(MOST, sum(start_of(w) >= first for w in earlier)) :]


def _times(
    profiles: Sequence[Profile], number: int, names: Sequence[str | None]
) -> dict[str | None, int]:
    """How many times the rows of each segment of a list are there, where more than once."""
    keys = profiles[0].keys.of(number)
    tables = (p.counts[keys] for p in profiles if p.keys == profiles[0].keys)
    segments = profiles[0].keys.segment[keys].tolist()
    found = zip(segments, times_loaded(tables).tolist(), strict=True)
    return {names[s]: n for s, n in found if n > 1 and s != REST}


def _different(
    scored: Iterable[tuple[str | None, Mapping[str, float]]],
) -> dict[str | None, float]:
    """The ``kl`` of the segments that surely had another number of rows."""
    known = ((s, one.get("kl"), one.get("p_value")) for s, one in scored)
    return {
        s: kl
        for s, kl, p in known
        if kl is not None and p is not None and kl > WARNING and p < SURELY
    }


def _length(window: Window) -> timedelta:
    start, end = window.bounds
    return end - start
