"""The windows of a run: which ones are due, and the findings of each from one scan of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from kldrift.config import Config, Dataset, Time
from kldrift.counting.new_values import NewName, NewValues
from kldrift.counting.profile_builder import by_window
from kldrift.counting.windows import microseconds_of
from kldrift.errors import ConfigError
from kldrift.execution.programs import TimeColumn, Unseen
from kldrift.execution.progress import Progress
from kldrift.features.group_columns import as_read, check_time
from kldrift.features.plan import Skipped
from kldrift.monitor.findings import CELLS_AT_ONCE, WindowCounts, found
from kldrift.monitor.history import History, of_window
from kldrift.monitor.judging import judged_together
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Counting, Engine, Findings, Reference, counting, rows_read
from kldrift.monitor.volumes import Volumes
from kldrift.profiles.group_keys import ALL, UNTIMED, without_window
from kldrift.profiles.joint_profile import JointProfile, joint_of_one_group
from kldrift.profiles.profile import Profile
from kldrift.reporting.figures import many
from kldrift.tables.window import Window

MOST_MISSED: Final = 31
"""Windows before the one that is due that a run catches up on."""
FIRST_WINDOWS: Final = 7
"""Windows that freeze the cells where the reference is made of windows."""
ProfilesOf: TypeAlias = Callable[[Window], tuple[Sequence[Profile], Sequence[JointProfile]]]
"""The profiles of a window, of features and of joint groups."""
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
        """What a reader should know of the choice."""
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


def due_windows(time: Time, as_of: datetime, stored: Sequence[Window], now: datetime) -> Due:
    """The window that a schedule is due for, and those since the last that was run.

    Args:
        time: of the configuration.
        as_of: when the schedule looks.
        stored: the windows that were run, in the order of time.
        now: the time that it is.
    """
    windows = time.windows
    last = windows.due(as_of, time.late)
    due = Window(last, windows.end(last))
    before = [w.end for w in stored if w.end is not None and w.end <= last]
    missed = list(windows.between(before[-1], last)) if before else []
    kept = missed[-MOST_MISSED:]
    found = (*_spans(time, kept), due)
    return Due(found, len(kept), len(missed) - len(kept), ahead=_ahead(found, now))


def windows_between(
    time: Time,
    first: datetime,
    last: datetime,
    stored: Sequence[Window],
    now: datetime,
    *,
    force: bool,
) -> Due:
    """The windows that lie in a range of time.

    Args:
        time: of the configuration.
        first: where the range begins.
        last: where it ends; a window that ends later is left out.
        stored: the windows that were run; left out unless ``force`` is set.
        now: the time that it is.
        force: run them again.

    Raises:
        ConfigError: no window lies in the range.
    """
    if first >= last:
        raise ConfigError(
            f"--from {first:%Y-%m-%dT%H:%MZ} is not before --to {last:%Y-%m-%dT%H:%MZ}"
        )
    spans = [w for w in _spans(time, time.windows.between(first, last)) if w.end <= last]  # type: ignore[operator]
    if not spans:
        raise ConfigError(
            f"no window of {time.windows} lies between {first:%Y-%m-%dT%H:%MZ} and "
            f"{last:%Y-%m-%dT%H:%MZ}"
        )
    known = set() if force else set(stored)
    kept = tuple(window for window in spans if window not in known)
    return Due(kept, stored=len(spans) - len(kept), ahead=_ahead(kept, now))


def _ahead(windows: Sequence[Window], now: datetime) -> int:
    """How many windows are not over yet."""
    return sum(window.end is not None and window.end > now for window in windows)


def _spans(time: Time, starts: Iterator[datetime] | Sequence[datetime]) -> Iterator[Window]:
    return (Window(start, time.windows.end(start)) for start in starts)


def within(
    dataset: Dataset, time: Time, windows: Sequence[Window], kind: pa.DataType, *, utc: bool
) -> Dataset:
    """The same dataset without rows that lie in none of some windows, as far as SQL can say it.

    Args:
        dataset: the dataset.
        time: of the configuration.
        windows: in the order of time, one at least.
        kind: the type of the time column.
        utc: whether the session's time zone is UTC; if not, literals say which they mean.
    """
    first, last = windows[0].start, windows[-1].end
    assert first is not None
    assert last is not None
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
    """The same dataset without rows outside of a range of time, by the clock of the zone.

    Args:
        dataset: the dataset.
        time: of the configuration.
        moments: the first moment, and the one before which the range ends; None for an open end.
        kind: the type of the time column.
        utc: whether the session's time zone is UTC; if not, literals say which they mean.
    """
    column = "`" + time.column.replace("`", "``") + "`"
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
        conditions.append(f"{column} {relation} {value}")
    return replace(dataset, where=" AND ".join(conditions))


def time_column(plan: Plan) -> TimeColumn:
    """The time column of a plan's current dataset.

    Raises:
        ConfigError: it is not there, or neither a timestamp nor a date.
    """
    time, schema = plan.config.time, plan.current.schema
    assert time is not None
    check_time(time.column, schema)
    return TimeColumn(as_read(time.column, schema, dictionary=False), time.windows)


def count_windows(
    plan: Plan, reference: Reference, engine: Engine, progress: Progress
) -> tuple[Counting, list[Profile], list[JointProfile]]:
    """Count the current dataset by window in one scan: what was counted, and its profiles.

    Raises:
        DatasetError: rows cannot be read.
        KldriftError: the counts do not add up to the rows that were read.
    """
    progress.stage("current: counting windows")
    what = counting(plan, reference, time_column(plan))
    counted, together, unseen = engine.count(what.program, current=True)
    rows_read(counted, [p.feature.name for p in what.pairs], plan.current.rows)
    untimed = _untimed(counted)
    if untimed:
        why = f"{untimed:,} rows without a time are in no window"
        assert plan.config.time is not None
        what = replace(what, skipped=(*what.skipped, Skipped(plan.config.time.column, why)))
    return replace(what, unseen=_new_values(what, unseen)), counted, together


def _new_values(what: Counting, unseen: Unseen) -> dict[int, dict[str, NewValues]]:
    """Values that the reference never had, by window and feature."""
    found: dict[int, dict[str, list[NewName]]] = {}
    for number, sketch in unseen.items():
        name = what.pairs[number].feature.name
        for window, value in by_window(sketch.most()):
            found.setdefault(window, {}).setdefault(name, []).append(value)
    return {w: {name: NewValues.of(v) for name, v in one.items()} for w, one in found.items()}


def from_first_rows(
    plan: Plan, reference: Reference, engine: Engine, progress: Progress, due: Due
) -> Due | None:
    """The windows of a run without the empty ones that would have frozen cells for no value.

    None where the reference is other rows, where the first windows do have rows, or none has.

    Raises:
        DatasetError: rows cannot be read.
    """
    known = reference.rows or len(due.windows) <= FIRST_WINDOWS
    if known or not plan.config.reference.is_history:
        return None
    one = replace(plan, pairs=plan.compared[:1], joint=(), segments=())
    _, (counted, *_), _ = count_windows(one, replace(reference, segments=()), engine, progress)
    for i, window in enumerate(due.windows):
        if of_window(counted, window).rows.sum():
            return replace(due, windows=due.windows[i:])
    return None


def findings_by_window(
    plan: Plan,
    reference: Reference,
    what: Counting,
    profiles_of: ProfilesOf,
    windows: Sequence[Window],
    progress: Progress,
    history: History | None = None,
    volumes: Volumes | None = None,
) -> Iterator[tuple[Window, Findings]]:
    """The findings of each window, one after the other, judged by fixed limits.

    Args:
        plan: the plan.
        reference: the plan's reference, or what froze the cells where the reference is history.
        what: what was counted.
        profiles_of: the profiles of a window, of features and of joint groups.
        windows: those to look at, in the order of time.
        progress: told what goes on.
        history: the windows before them, where they are the reference; what follows from a window
            is added before the next one is asked for.
        volumes: the rows of the windows before them.
    """
    progress.stage("scoring")
    each = (
        WindowCounts(
            plan,
            reference_of(plan.config, reference, window, history),
            what,
            *profiles_of(window),
            window,
            what.unseen.get(microseconds_of(window.start), {}) if window.start else {},
        )
        for window in windows
    )
    most = CELLS_AT_ONCE if history is None else 1
    beside = (
        (plan, volumes.beside(window, findings) if volumes else findings)
        for window, (_, findings) in zip(windows, found(each, most), strict=True)
    )
    judged = judged_together(beside, most)
    for number, (window, (_, findings)) in enumerate(zip(windows, judged, strict=True)):
        yield window, findings
        progress.update(number + 1, len(windows), "windows")


def reference_of(
    config: Config, reference: Reference, window: Window, history: History | None
) -> Reference:
    """What a window is compared with: the reference itself, or windows before it."""
    if history is None or config.time is None:
        return reference
    return history.reference(reference, config.reference, config.time, window)


def _untimed(counted: Sequence[Profile]) -> int:
    if not counted:
        return 0
    alone = counted[0].of_list(ALL)
    return int(alone.rows[alone.keys.window == UNTIMED].sum())


def profiles_by_window(counted: Sequence[Profile], together: Sequence[JointProfile]) -> ProfilesOf:
    """The profiles of a window, of those that were counted of all of them."""

    def profiles_of(window: Window) -> tuple[list[Profile], list[JointProfile]]:
        features = [of_window(profile, window) for profile in counted]
        return features, [joint_of_window(profile, window) for profile in together]

    return profiles_of


def joint_of_window(profile: JointProfile, window: Window) -> JointProfile:
    """The groups of one window, as those of data without windows."""
    assert window.start is not None
    places = np.flatnonzero(profile.keys.window == microseconds_of(window.start))
    keys = without_window(profile.keys.take(places))
    return profile.take(places, keys) if len(places) else joint_of_one_group(0, {})
