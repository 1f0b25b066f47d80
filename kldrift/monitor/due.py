"""The windows of a run: which ones are due, and the rows that lie in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from kldrift.config import Dataset, Time
from kldrift.errors import ConfigError
from kldrift.features.names import backticked
from kldrift.reporting.figures import many
from kldrift.tables.window import Window

MOST_MISSED: Final = 31
"""Windows before the one that is due that a run catches up on."""
FIRST_WINDOWS: Final = 7
"""Windows that freeze the cells where the reference is made of windows."""
_CLOCK_CHANGE: Final = timedelta(hours=3)
"""More than clocks are put forward or back at once."""


@dataclass(frozen=True)
class Due:
    """The windows that a run is about.

    Attributes:
        windows: in the order of time; the last is the one that is due.
        late: how many of them a schedule missed, and the run catches up on.
        missed: how many more, before them, nobody has run and this run leaves out.
        stored: how many are left out because the tables have them.
        ahead: how many of them are not over yet by the clock of this machine.
    """

    windows: tuple[Window, ...]
    late: int = 0
    missed: int = 0
    stored: int = 0
    ahead: int = 0

    @property
    def notes(self) -> list[str]:
        """Notes on the choice of windows."""
        notes = []
        if self.late:
            late, was = many(self.late, "earlier window"), _were(self.late)
            notes.append(f"{late} that no run had looked at {was} run too")
        if self.missed:
            missed, was = many(self.missed, "window"), _were(self.missed)
            notes.append(f"{missed} before them {was} never run; kldrift backfill runs them")
        if self.stored:
            stored, are = many(self.stored, "window"), "is" if self.stored == 1 else "are"
            notes.append(f"{stored} {are} in the tables already; --force runs them again")
        if self.ahead:
            are = "is" if self.ahead == 1 else "are"
            notes.append(f"{many(self.ahead, 'window')} {are} not over yet: rows may still come")
        return notes


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def due_windows(time: Time, as_of: datetime, stored: Sequence[Window], at: datetime) -> Due:
    """The window that a schedule is due for, and those since the last that was run.

    ``stored`` are the windows that were run, and ``at`` is the time that it is.
    """
    windows = time.windows
    last = windows.due(as_of, time.late)
    due = Window(last, windows.end(last))
    before = [w.end for w in stored if w.end is not None and w.end <= last]
    missed = list(windows.between(before[-1], last)) if before else []
    kept = missed[-MOST_MISSED:]
    missing = (*_spans(time, kept), due)
    return Due(missing, len(kept), len(missed) - len(kept), ahead=_ahead(missing, at))


def windows_between(
    time: Time,
    first: datetime,
    last: datetime,
    stored: Sequence[Window],
    at: datetime,
    *,
    force: bool,
) -> Due:
    """The windows that lie in a range of time.

    One that ends after ``last`` is left out, and one that is stored unless ``force`` is set.
    """
    if first >= last:
        raise ConfigError(
            f"--from {first:%Y-%m-%dT%H:%MZ} is not before --to {last:%Y-%m-%dT%H:%MZ}"
        )
    spans = [w for w in _spans(time, time.windows.between(first, last)) if w.bounds[1] <= last]
    if not spans:
        raise ConfigError(
            f"no window of {time.windows} lies between {first:%Y-%m-%dT%H:%MZ} and "
            f"{last:%Y-%m-%dT%H:%MZ}"
        )
    known = set() if force else set(stored)
    kept = tuple(window for window in spans if window not in known)
    return Due(kept, stored=len(spans) - len(kept), ahead=_ahead(kept, at))


def _ahead(windows: Sequence[Window], at: datetime) -> int:
    """How many windows are not over yet."""
    return sum(window.end is not None and window.end > at for window in windows)


def _spans(time: Time, starts: Iterator[datetime] | Sequence[datetime]) -> Iterator[Window]:
    return (Window(start, time.windows.end(start)) for start in starts)


def within(
    dataset: Dataset, time: Time, windows: Sequence[Window], kind: pa.DataType, *, utc: bool
) -> Dataset:
    """Filter a dataset to the rows of some windows, as far as SQL can express it.

    ``kind`` is the type of the time column. Where the session's time zone is not UTC, literals say
    which they mean.
    """
    first, last = windows[0].bounds[0], windows[-1].bounds[1]
    if getattr(kind, "tz", None) is None and time.zone != "UTC":
        first, last = first - _CLOCK_CHANGE, last + _CLOCK_CHANGE  # an hour may come twice
    if pa.types.is_date(kind):
        last += timedelta(days=1)  # a window of hours begins and ends within a day
    return between(dataset, time, (first, last), kind, utc=utc)


def between(
    dataset: Dataset,
    time: Time,
    moments: tuple[datetime | None, datetime | None],
    kind: pa.DataType,
    *,
    utc: bool,
) -> Dataset:
    """Filter a dataset to the rows of a range of time, by the clock of the zone.

    The range ends before the second of ``moments``; None is an open end.
    """
    literal, offset = ("TIMESTAMP", "") if utc else ("TIMESTAMP_NTZ", "")
    if getattr(kind, "tz", None) is not None:
        literal, offset = "TIMESTAMP", "" if utc else "+00:00"
    else:  # as on the wall
        zone = ZoneInfo(time.zone)
        first, last = (m.astimezone(zone) if m else None for m in moments)
        moments = (first, last)
    conditions = [] if dataset.where is None else [f"({dataset.where})"]
    for moment, relation in zip(moments, (">=", "<"), strict=True):
        if moment is None:
            continue
        value = f"{literal} '{moment:%Y-%m-%d %H:%M:%S}{offset}'"
        if pa.types.is_date(kind):
            value = f"DATE '{moment:%Y-%m-%d}'"
        conditions.append(f"{backticked(time.column)} {relation} {value}")
    return replace(dataset, where=" AND ".join(conditions))
