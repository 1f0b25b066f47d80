"""The number of rows of a window, judged as a feature is: beside the windows before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.compute as pc

from kldrift.arrays import Floats, Ints
from kldrift.config import Config, Threshold, Time
from kldrift.errors import OutputError
from kldrift.features.names import ROWS_FEATURE
from kldrift.monitor.groups import rows_by_segment
from kldrift.monitor.past_scores import start_of
from kldrift.monitor.seasons import season_of, seasonal_parts
from kldrift.monitor.stages import Findings
from kldrift.profiles.group_keys import ALL, REST
from kldrift.profiles.number_text import percent
from kldrift.profiles.profile import Profile
from kldrift.scoring.status import Status
from kldrift.scoring.verdict import Subject
from kldrift.statistics.volume import times_loaded, usual, volume
from kldrift.tables.read import window_columns
from kldrift.tables.store import Store
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

CRITICAL: Final = 0.15
"""Half as many or 1.6 times as many."""
THRESHOLDS: Final = {"kl": Threshold(0.02, CRITICAL)}
"""A warning: a fifth more or less."""
UNUSUAL: Final = 0.01
"""p-value below which a critical number of rows is not learnt from."""
WEEK: Final = timedelta(weeks=1)
MOST: Final = 90
"""Windows that are looked at; all of a week, where it has more."""
_Known: TypeAlias = tuple[Mapping[str | None, int], Collection[str | None]]


@dataclass(frozen=True, eq=False)
class _Past:
    """The windows before one, in the order of time.

    Attributes:
        known: the rows of each by segment, and the segments that had an unusual number of them.
        seasons: the hour or weekday of each.
        longer: by how much the window is longer than each.
        weeks: how many each lies before the window.
    """

    known: Sequence[_Known]
    seasons: Ints
    longer: Floats
    weeks: Floats

    def of(self, segment: str | None) -> Floats:
        """The rows of a segment in as much time; 0 where they are not learnt from."""
        rows = np.array([by_segment.get(segment, 0) for by_segment, _ in self.known]) * self.longer
        learnt = usual(np.array([segment in found for _, found in self.known], dtype=np.bool_))
        return np.where(learnt, rows, 0)


class Volumes:
    """The rows of the windows of a monitor."""

    def __init__(self, time: Time) -> None:
        self._time, self._season_parts = time, seasonal_parts(time)[-1:]
        self._known: dict[Window, _Known] = {}

    @classmethod
    def before(cls, config: Config, store: Store, window: Window) -> Volumes | None:
        """The volumes of the stored windows before one; None without windows."""
        if config.time is None:
            return None
        volumes = cls(config.time)
        for one in _recent(stored_windows(store, config.monitor), window):
            with suppress(OutputError):  # damaged: it is not learnt from
                columns = ["segment", "n_current", "feature", "kl", "p_value"]
                rows = window_columns(store, config.monitor, one, columns)
                sizes = rows.group_by("segment").aggregate([("n_current", "max")])
                by_segment = zip(*(sizes[c].to_pylist() for c in sizes.column_names), strict=True)
                own = rows.filter(pc.equal(rows["feature"], ROWS_FEATURE)).to_pylist()
                volumes._known[one] = (
                    {segment: n or 0 for segment, n in by_segment},
                    {row["segment"] for row in own if _unusual(row["kl"], row["p_value"])},
                )
        return volumes

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
        past = self._before(window) if findings.rows_current else None
        subjects = tuple(
            self._subject(window, segment, rows, times.get(segment, 1), past)
            for segment, rows in sizes.items()
        )
        unusual = {
            s.segment for s in subjects if _unusual(s.scores.get("kl"), s.scores.get("p_value"))
        }
        self._known = {w: self._known[w] for w in _recent(self._known, window)}
        self._known[window] = sizes, unusual
        return replace(findings, volumes=subjects)

    def _before(self, window: Window) -> _Past:
        earlier = _recent(self._known, window)
        return _Past(
            [self._known[w] for w in earlier],
            np.array(
                [season_of(w, self._time, self._season_parts) for w in earlier], dtype=np.int64
            ),
            np.array([_length(window) / _length(w) for w in earlier]),
            np.array([(start_of(window) - start_of(w)) / WEEK for w in earlier]),
        )

    def _subject(
        self, window: Window, segment: str | None, rows: int, times: int, past: _Past | None
    ) -> Subject:
        beside = None  # a window that is not there says nothing of its segments
        if past is not None:
            season = season_of(window, self._time, self._season_parts)
            beside = volume(rows, past.of(segment), past.seasons, season, past.weeks)
        if not rows and (segment is None or beside is None):
            why = "no rows in this window"
            return Subject(ROWS_FEATURE, "volume", status=Status.EMPTY, reason=why, segment=segment)
        if beside is None:
            return Subject(ROWS_FEATURE, "volume", segment=segment, rows=(-1, rows))
        local = window.bounds[0].astimezone(ZoneInfo(self._time.zone))
        before = f"{beside.windows:,} windows before"
        if beside.alike and "hour" in self._season_parts:
            before = f"{before} at {local:%H}:00"
        elif beside.alike:
            before = f"{beside.windows:,} {local:%A} windows before"
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


def _recent(windows: Iterable[Window], window: Window) -> list[Window]:
    """The windows before one that it is judged by."""
    earlier = [w for w in windows if w.start and w.start < start_of(window)]
    week = start_of(window) - WEEK
    return earlier[-max(MOST, sum(start_of(w) >= week for w in earlier)) :]


def _times(
    profiles: Sequence[Profile], number: int, names: Sequence[str | None]
) -> dict[str | None, int]:
    """How many times the rows of each segment of a list are there, where more than once."""
    keys = profiles[0].keys.of(number)
    tables = (p.counts[keys] for p in profiles if p.keys == profiles[0].keys)
    segments = profiles[0].keys.segment[keys].tolist()
    found = zip(segments, times_loaded(tables).tolist(), strict=True)
    return {names[s]: n for s, n in found if n > 1 and s != REST}


def _unusual(kl: float | None, p_value: float | None) -> bool:
    return kl is not None and p_value is not None and kl > CRITICAL and p_value < UNUSUAL


def _length(window: Window) -> timedelta:
    start, end = window.bounds
    return end - start
