"""The windows of a run: counted in one scan of the rows, and the findings of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from kldrift.config import Config
from kldrift.counting.new_values import NewName, NewValues
from kldrift.counting.profile_builder import by_window
from kldrift.counting.windows import microseconds_of
from kldrift.execution.programs import TimeColumn, Unseen
from kldrift.execution.progress import Progress
from kldrift.features.feature import Skipped
from kldrift.features.group_columns import as_read, check_time
from kldrift.monitor.due import FIRST_WINDOWS, Due
from kldrift.monitor.findings import CELLS_AT_ONCE, WindowCounts, findings_of
from kldrift.monitor.history import History, of_window
from kldrift.monitor.judging import judged_together
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Counting, Engine, Findings, Reference, counting, rows_read
from kldrift.monitor.volumes import Volumes
from kldrift.profiles.group_keys import ALL, UNTIMED
from kldrift.profiles.joint_profile import JointProfile, joint_of_one_group
from kldrift.profiles.profile import Profile
from kldrift.tables.window import Window

ProfilesOf: TypeAlias = Callable[[Window], tuple[Sequence[Profile], Sequence[JointProfile]]]
"""The profiles of a window, of features and of joint groups."""
CountedWindows: TypeAlias = tuple[Counting, Sequence[Profile], Sequence[JointProfile]]
"""What was counted, and its profiles of all windows, of features and of joint groups."""


def time_column(plan: Plan) -> TimeColumn:
    """The time column of a plan's current dataset."""
    time, schema = plan.config.time, plan.current.schema
    assert time is not None
    check_time(time.column, schema, plan.current.foreign)
    return TimeColumn(as_read(time.column, schema, dictionary=False), time.windows)


def count_windows(
    plan: Plan, reference: Reference, engine: Engine, progress: Progress
) -> CountedWindows:
    """Count the current dataset by window in one scan."""
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
    found: dict[int, dict[str, NewValues]] = {}
    for number, sketch in unseen.items():
        values: dict[int, list[NewName]] = {}
        for window, value in by_window(sketch.most()):
            values.setdefault(window, []).append(value)
        known, name = sketch.known.most(), what.pairs[number].feature.name
        for window in {*values, *known}:
            new = NewValues.of(values.get(window, ()), known.get(window))
            found.setdefault(window, {})[name] = new
    return found


def from_first_rows(
    plan: Plan, reference: Reference, engine: Engine, progress: Progress, due: Due
) -> Due | None:
    """The windows of a run without the empty ones that would have frozen cells for no value.

    None where the reference is other rows, where the first windows do have rows, or none has.
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

    Where ``history`` is the reference, what follows from a window is added to it before the next
    one is asked for; ``reference`` is then what froze the cells.
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
        for window, (_, findings) in zip(windows, findings_of(each, most), strict=True)
    )
    judged = judged_together(beside, most)
    for number, (window, (_, findings)) in enumerate(zip(windows, judged, strict=True)):
        progress.update(number + 1, len(windows), "windows")
        yield window, findings


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
    """The groups of one window, under keys without windows."""
    places = np.flatnonzero(profile.keys.window == microseconds_of(window.bounds[0]))
    keys = profile.keys.take(places).windowless
    return profile.take(places, keys) if len(places) else joint_of_one_group(0, {})
