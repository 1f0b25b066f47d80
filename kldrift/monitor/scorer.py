"""Scores windows from their stored profiles, with a plan made of stored rows, without any data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import pyarrow as pa

from kldrift.config import Config
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.programs import CountProgram
from kldrift.features.feature import Feature, Skipped, feature_named
from kldrift.features.pairs import Pair
from kldrift.monitor.batches import added_up
from kldrift.monitor.categories import check_categories
from kldrift.monitor.findings import WindowCounts
from kldrift.monitor.groups import SegmentPlan
from kldrift.monitor.history import (
    History,
    stored_history,
)
from kldrift.monitor.joint import NO_JOINT, JointPlan
from kldrift.monitor.plan import Plan
from kldrift.monitor.reference_store import reference_from
from kldrift.monitor.same_cells import SameCells
from kldrift.monitor.stages import Counting, Reference
from kldrift.monitor.watch import Watch
from kldrift.monitor.windows import reference_of
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.scoring.status import Status
from kldrift.tables.batches import StoredBatches
from kldrift.tables.read import (
    counted_rows,
    new_values,
    stored_profiles,
    stored_statuses,
    stored_supports,
)
from kldrift.tables.store import Store
from kldrift.tables.supports import Supports
from kldrift.tables.window import Window

UNPAIRED: Final = (Status.NEW_FEATURE, Status.MISSING_FEATURE, Status.TYPE_CHANGED)
"""Facts about a window that no profile holds."""


@dataclass(frozen=True)
class StoredInfo:
    """What is known of a dataset of which only stored profiles are left."""

    rows: int | None
    access_path: str = "not read: scored from stored profiles"
    schema: pa.Schema = field(default_factory=lambda: pa.schema([]))
    derived: pa.Schema = field(default_factory=lambda: pa.schema([]))
    foreign: tuple[Skipped, ...] = ()

    def size(self, features: Sequence[Feature]) -> int | None:  # noqa: ARG002 - nothing is read
        """Bytes on disk: unknown, as nothing is read."""
        return None


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores windows that were counted on the cells of one reference."""

    store: Store
    supports: Supports
    reference: Reference
    history: History | None
    batches: StoredBatches
    cells: SameCells

    @classmethod
    def of(cls, config: Config, store: Store, reference_id: str, batches: StoredBatches) -> Scorer:
        """Read a reference."""
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
        reference = reference_from(supports, profiles, joint, rebinnings, reference_id)
        history = None
        if config.reference.is_history:
            history = stored_history(config.output.path, monitor, reference_id)
        cells = SameCells(store, monitor, supports)
        return cls(store, supports, reference, history, batches, cells)

    def watch(self, config: Config, window: Window) -> Watch | None:
        """The state that the tables hold before a window."""
        pairs = [self._pairs[name] for name in self.reference.rebinnings]
        return Watch.before(config, self.store, self.reference, pairs, window)

    def against(self, config: Config, window: Window) -> Scorer:
        """A scorer whose reference is a stored window."""
        counted = self.counted(config, window)
        pairs, joint = counted.what.pairs, counted.what.joint
        names = [p.feature.name for p in pairs]
        profiles = dict(zip(names, counted.current, strict=True))
        reference = replace(
            self.reference,
            profiles={
                name: profiles.get(name, Profile.empty(p.support))
                for name, p in self.reference.profiles.items()
            },
            joint={j.name: p for j, p in zip(joint, counted.together, strict=True)},
            rows=max((int(p.of_list(ALL).rows.sum()) for p in counted.current), default=0),
            frozen_id=self.reference.reference_id,
            of_windows=True,
        )
        return replace(self, reference=reference, history=None)

    def counted(self, config: Config, window: Window, rows: pa.Table | None = None) -> WindowCounts:
        """What was counted of a window, and a plan that stored rows speak of.

        ``rows`` are its rows of ``profiles``, where they were read before.
        """
        try:
            if rows is None:
                rows = counted_rows(self.store, config.monitor, window)
            if window in self.batches.files:
                profiles, joint = added_up(self.batches, self.supports, window)
            else:
                profiles, joint = self.cells.profiles(window, rows)
            new = {} if rows is None else new_values(rows)
            unpaired = stored_statuses(self.store, config.monitor, window, UNPAIRED)
        except ValueError as error:
            raise OutputError(f"window {window.key}: {error}") from error
        names = [n for n in profiles if n in self.reference.rebinnings]
        pairs = [self._pairs[name] for name in names]
        check_categories(pairs, self.reference.profiles, config)
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
        current = self._of_no_window([profiles[name] for name in names])
        together = [p.under(p.keys.windowless) for p in joint.values()]
        before = reference_of(config, self.reference, window, self.history)
        return WindowCounts(plan, before, what, current, together, window, new)

    @cached_property
    def _pairs(self) -> dict[str, Pair]:
        """The pair of each feature, by name."""
        features = (feature_named(f.name, f.kind) for f in self.supports.features)
        return {f.name: Pair(f, f) for f in features}

    def _of_no_window(self, profiles: Sequence[Profile]) -> list[Profile]:
        """Profiles under keys without windows; equal keys are the reference's own objects.

        Keys are compared for each feature and score, and which are one object need no look.
        """
        known = {id(p.keys): p.keys for p in self.reference.profiles.values()}
        own = {id(p.keys): p.keys.windowless for p in profiles}
        for place, keys in own.items():
            own[place] = next((k for k in known.values() if k == keys), keys)
        return [p.keyed(own[id(p.keys)]) for p in profiles]

    def _skipped(self, names: Sequence[str]) -> tuple[Skipped, ...]:
        skipped = self.reference.skipped
        return tuple(Skipped(name, why) for name, why in skipped.items() if name not in names)


def _unpaired(name: str, kind: str, status: str, reason: str) -> Pair:
    feature = feature_named(name, kind)
    changed = reason if status == Status.TYPE_CHANGED else ""
    if status == Status.NEW_FEATURE:
        return Pair(None, feature, changed)
    return Pair(feature, None, changed)


def _joint_plan(config: Config, name: str, pairs: Sequence[Pair]) -> JointPlan:
    joint = config.joint.get(name, NO_JOINT)
    by_name = {p.feature.name: p for p in pairs}
    members = tuple(by_name[n] for n in joint.features if n in by_name)
    if len(members) > 1:
        return JointPlan(name, members, joint)
    vector = feature_named(name, "categorical")
    return JointPlan(name, (Pair(vector, vector),), joint, vector=True, asked=name in config.joint)


def _segment_plans(config: Config, supports: Supports) -> tuple[SegmentPlan, ...]:
    if len(config.segments) != len(supports.segments):
        raise ConfigError(
            f"segments: the tables have {len(supports.segments)} lists of segments, the "
            f"configuration has {len(config.segments)}; other segments need the data: run or "
            "backfill with --force"
        )
    lists = (
        tuple(feature_named(n, "categorical") for n in names) for names in config.segment_columns
    )
    return tuple(SegmentPlan(columns, columns) for columns in lists)
