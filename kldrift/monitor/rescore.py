"""Score stored windows again: other metrics, bins, limits or references, without any data.

The tables hold what a reference decided, its profiles and those of each window. So a plan can be
made from them, and the rest is what a run does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from kldrift.config import Config
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.programs import CountProgram
from kldrift.execution.progress import SILENT, Progress
from kldrift.features.keys import KeyType
from kldrift.features.pairs import Pair
from kldrift.features.parts import Part
from kldrift.features.plan import Feature, Skipped
from kldrift.monitor.groups import FrozenList, SegmentPlan, rows_by_segment
from kldrift.monitor.history import History, past_window, stored_history
from kldrift.monitor.joint import NO_JOINT, JointPlan
from kldrift.monitor.plan import Plan
from kldrift.monitor.publish import publish_window
from kldrift.monitor.record import Record
from kldrift.monitor.stages import Counting, Reference, found
from kldrift.monitor.volumes import Volumes
from kldrift.monitor.watch import Watch
from kldrift.monitor.windows import reference_of
from kldrift.profiles.group_keys import ALL, without_window
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile, of_no_window
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.reporting.history import Backfill
from kldrift.reporting.result import RunResult
from kldrift.scoring.status import Status
from kldrift.tables.read import (
    stored_profiles,
    stored_reference_id,
    stored_statuses,
    stored_supports,
    stored_windows,
)
from kldrift.tables.store import Store, open_store
from kldrift.tables.supports import Supports
from kldrift.tables.window import Window

UNPAIRED: Final = (Status.NEW_FEATURE, Status.MISSING_FEATURE, Status.TYPE_CHANGED)
"""What the data of a window said, and no profile tells."""


@dataclass(frozen=True)
class StoredInfo:
    """What is known of a dataset of which only profiles are left."""

    rows: int | None
    access_path: str = "not read: scored from stored profiles"
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    derived: pa.Schema = field(default_factory=lambda: pa.schema([]))
    foreign: tuple[Skipped, ...] = ()

    def size(self, features: Sequence[Feature]) -> int | None:  # noqa: ARG002 - nothing is read
        """Bytes on disk: none that anyone reads."""
        return None


def rescore(
    config: Config,
    first: datetime | None = None,
    last: datetime | None = None,
    *,
    fail_on: str = "critical",
    progress: Progress = SILENT,
) -> Backfill:
    """Score and judge stored windows again as a configuration says, and write their rows anew.

    Args:
        config: the configuration; of features and segments it may ask for what is stored.
        first: windows that begin before it are left alone.
        last: windows that end after it are left alone, unless they depend on those before them.
        fail_on: the severity from which the exit code is 3.
        progress: told what goes on.

    Raises:
        OutputError: the tables have no such window, or cannot be read or written.
    """
    store = open_store(config.output.path)
    dependent = config.alarms is not None or config.any_learned
    windows = [
        w
        for w in stored_windows(store, config.monitor, timed=config.time is not None)
        if (first is None or (w.start and w.start >= first))
        and (last is None or dependent or (w.end and w.end <= last))
    ]
    if not windows:
        raise OutputError(f"{config.output.path}: no window of {config.monitor!r} to score again")
    return _rescored(config, store, windows, fail_on, progress)


def rescore_dependents(config: Config, written: Sequence[Window], fail_on: str) -> None:
    """Score the stored windows again that depend on windows which were written just now.

    Args:
        config: the configuration; its reference is history, or it has alarms or learnt limits.
        written: the windows, in the order of time.
        fail_on: as in :func:`rescore`.
    """
    store = open_store(config.output.path)
    later = [w for w in stored_windows(store, config.monitor) if w.key > written[0].key]
    if set(later) - set(written):
        _rescored(config, store, later, fail_on, SILENT)


def _rescored(
    config: Config, store: Store, windows: Sequence[Window], fail_on: str, progress: Progress
) -> Backfill:
    started, results = datetime.now(UTC), []
    progress.stage("scoring stored windows")
    watch: Watch | None = None
    volumes = Volumes.before(config, store, windows[0])
    counted_on = ""
    scorers: dict[str, Scorer] = {}
    for number, window in enumerate(windows):
        reference_id = stored_reference_id(store, config.monitor, window)
        if reference_id not in scorers:
            scorers[reference_id] = Scorer.of(config, store, reference_id)
        if reference_id != counted_on:  # what is known of other cells says nothing of these
            watch = scorers[reference_id].watch(config, window)
            counted_on = reference_id
        record = Record(config, window, started, SILENT)
        docs = window is windows[-1]
        results.append(
            scorers[reference_id].scored(record, fail_on, volumes, docs=docs, watch=watch)
        )
        progress.update(number + 1, len(windows), "windows")
    return Backfill(results, [], config.output.path)


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores windows that were counted on the cells of one reference.

    Attributes:
        store: the output folder.
        supports: what the reference decided.
        reference: the reference, its cells merged as the configuration says.
        history: the windows, where they are each other's reference.
    """

    store: Store
    supports: Supports
    reference: Reference
    history: History | None

    @classmethod
    def of(cls, config: Config, store: Store, reference_id: str) -> Scorer:
        """Read a reference.

        Raises:
            OutputError: it is not there, or damaged.
        """
        monitor = config.monitor
        try:
            supports = stored_supports(store, monitor, reference_id)
            profiles, joint = stored_profiles(store, monitor, supports)
        except ValueError as error:
            raise OutputError(f"reference {reference_id}: {error}") from error
        rebinnings = {
            name: merge_for_scoring(p.support, p.of_list(ALL).counts[0], config.scoring.bins)
            for name, p in profiles.items()
        }
        one = next(iter(profiles.values()), None)
        reference = Reference(
            profiles,
            rebinnings,
            supports.skipped,
            joint,
            {f.name: f.joint_pivot for f in supports.features},
            supports.origin.rows,
            tuple(
                FrozenList(s.names, rows_by_segment(one, k, len(s.names)))
                for k, s in enumerate(supports.segments)
            ),
            frozen_id=reference_id,
            notes=supports.notes,
        )
        history = None
        if config.reference.is_history:
            history = stored_history(config.output.path, monitor, reference_id)
        return cls(store, supports, reference, history)

    def watch(self, config: Config, window: Window) -> Watch | None:
        """What the tables know before a window."""
        pairs = [_pair(self.supports, name) for name in self.reference.rebinnings]
        return Watch.before(config, self.store, self.reference, pairs, window)

    def scored(
        self,
        record: Record[Config],
        fail_on: str,
        volumes: Volumes | None,
        *,
        docs: bool,
        watch: Watch | None = None,
    ) -> RunResult:
        """Score and judge a window, and write its rows.

        Raises:
            OutputError: a file of the window is not there, or damaged.
        """
        plan, what, current, together = self.counted(record.config, record.window)
        record.plan = plan
        before = reference_of(record.config, self.reference, record.window, self.history)
        findings = found(plan, before, what, current, together)
        if volumes is not None:
            findings = volumes.beside(record.window, findings)
        result = publish_window(record, plan, findings, fail_on, docs=docs, watch=watch)
        if self.history is not None:
            self.history.add(record.window, past_window(findings, result.scores))
        return result

    def counted(
        self, config: Config, window: Window
    ) -> tuple[Plan, Counting, list[Profile], list[JointProfile]]:
        """A plan that stored rows speak of, and what was counted of a window.

        Raises:
            OutputError: a file of the window is not there, or damaged.
        """
        try:
            profiles, joint = stored_profiles(self.store, config.monitor, self.supports, window)
            unpaired = stored_statuses(self.store, config.monitor, window, UNPAIRED)
        except ValueError as error:
            raise OutputError(f"window {window.key}: {error}") from error
        names = [n for n in profiles if n in self.reference.rebinnings]
        pairs = [_pair(self.supports, name) for name in names]
        lost = [_unpaired(*row) for row in unpaired if row[0] not in names]
        groups = tuple(_joint_plan(config, name, pairs) for name in joint)
        plan = Plan(
            config,
            StoredInfo(self.reference.rows),
            StoredInfo(None),
            (*pairs, *lost),
            (),
            groups,
            "",
            _segment_plans(config, self.supports),
        )
        what = Counting(tuple(pairs), groups, CountProgram((), ()), self._skipped(names))
        current = [of_no_window(profiles[name]) for name in names]
        together = [p.under(without_window(p.keys)) for p in joint.values()]
        return plan, what, current, together

    def _skipped(self, names: Sequence[str]) -> tuple[Skipped, ...]:
        skipped = self.reference.skipped
        return tuple(Skipped(name, why) for name, why in skipped.items() if name not in names)


def _pair(supports: Supports, name: str) -> Pair:
    kind = next(f.kind for f in supports.features if f.name == name)
    feature = _feature(name, kind)
    return Pair(feature, feature)


def _unpaired(name: str, kind: str, status: str, reason: str) -> Pair:
    feature = _feature(name, kind)
    changed = reason if status == Status.TYPE_CHANGED else ""
    if status == Status.NEW_FEATURE:
        return Pair(None, feature, changed)
    return Pair(feature, None, changed)


def _feature(name: str, kind: str) -> Feature:
    """A feature of which only the name and the kind are known."""
    parts = (p for p in Part if name.startswith(f"{p}(") and name.endswith(")"))
    part = next(parts, Part.VALUE)
    return Feature(name, (name,), part, "", "", kind, KeyType.FLOAT)


def _joint_plan(config: Config, name: str, pairs: Sequence[Pair]) -> JointPlan:
    joint = config.joint.get(name, NO_JOINT)
    by_name = {p.feature.name: p for p in pairs}
    members = tuple(by_name[n] for n in joint.features if n in by_name)
    if len(members) > 1:
        return JointPlan(name, members, joint)
    vector = _feature(name, "categorical")
    return JointPlan(name, (Pair(vector, vector),), joint, vector=True, asked=name in config.joint)


def _segment_plans(config: Config, supports: Supports) -> tuple[SegmentPlan, ...]:
    if len(config.segments) != len(supports.segments):
        raise ConfigError(
            f"segments: the tables have {len(supports.segments)} lists of segments, the "
            f"configuration has {len(config.segments)}; other segments need the data: run or "
            "backfill with --force"
        )
    lists = (tuple(_feature(n, "categorical") for n in names) for names in config.segment_columns)
    return tuple(SegmentPlan(columns, columns) for columns in lists)
