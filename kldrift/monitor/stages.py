"""Profile both datasets of a plan and score them: three scans, whatever the number of features."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from kldrift.arrays import Floats, Ints
from kldrift.binning.choose import Binning, Proposal
from kldrift.binning.freeze import freeze
from kldrift.counting.new_values import NewValues
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.programs import CountProgram, TimeColumn
from kldrift.execution.progress import Progress
from kldrift.features.feature import Feature, Skipped
from kldrift.features.pairs import Pair
from kldrift.monitor.categories import check_categories
from kldrift.monitor.groups import (
    FrozenList,
    check_conservation,
    freeze_list,
    proposed_names,
    regrouped,
    rows_by_segment,
)
from kldrift.monitor.joint import JointPlan, not_vectors
from kldrift.monitor.plan import Plan
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning, merge_for_scoring
from kldrift.profiles.support import pivot_of
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.judge import ByLimits
from kldrift.scoring.verdict import Subject

if TYPE_CHECKING:
    from kldrift.execution.engine import SparkEngine

Engine: TypeAlias = "MemoryEngine | SparkEngine"
"""What runs the scans of a plan: Spark, or this process for data in its memory."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference that was read: its profiles and what it decided, all that scoring needs.

    Attributes:
        rebinnings: by feature, how its cells are merged for scoring.
        skipped: by feature that turned out to be none when the data was seen: why.
        frozen_id: the ``reference_id`` of what froze the cells, where it is known.
        of_windows: whether its rows are those of windows, which did not choose its cells.
        aged: how much more of its rows lies beyond the cells of a feature than when they were
            chosen, where that is much.
        gaps: why it has no rows of a feature, where it is made of windows, by name.
        of_splits: by feature of which windows are left out for some segments alone: its profile
            with them, whose segments add up to all rows.
    """

    profiles: Mapping[str, Profile]
    rebinnings: Mapping[str, Rebinning]
    skipped: Mapping[str, str]
    joint: Mapping[str, JointProfile]
    pivots: Mapping[str, float]
    rows: int
    segments: tuple[FrozenList, ...] = ()
    frozen_id: str = ""
    of_windows: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    aged: Mapping[str, float] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)
    of_splits: Mapping[str, Profile] = field(default_factory=dict)

    @cached_property
    def reference_id(self) -> str:
        """A short hash: equal for equal cells, groups and counts, which scores depend on.

        Not of the sums of joint groups: their last digits depend on the order of rows.
        """
        if self.frozen_id:
            return self.frozen_id
        digest = hashlib.sha256()
        for name, profile in sorted(self.profiles.items()):
            support = profile.support
            digest.update(f"{name}\0{pivot_of(support)!r}\0".encode(errors="surrogatepass"))
            digest.update(support.identity)
            digest.update(self.rebinnings[name].target.astype(np.int64).tobytes())
            digest.update(profile.keys.packed())
            digest.update(np.ascontiguousarray(profile.counts).data)
        for frozen in self.segments:
            digest.update(repr(frozen.names).encode())
        for name, joint in sorted(self.joint.items()):
            digest.update(repr((name, joint.rows.tolist())).encode())
        return digest.hexdigest()[:16]

    def beside(self, others: Reference) -> Reference:
        """The reference with the features of another one, which may have other groups and rows."""
        return replace(
            self,
            profiles={**self.profiles, **others.profiles},
            rebinnings={**self.rebinnings, **others.rebinnings},
            skipped={**self.skipped, **others.skipped},
            pivots={**self.pivots, **others.pivots},
            notes={**self.notes, **others.notes},
        )


@dataclass(frozen=True, eq=False)
class Findings:
    """What the scans of a run found, before it is judged.

    Attributes:
        comparisons: of each feature, both profiles without the rows of no segment.
        current: of each, the current profile with them.
        scores: by name, feature by feature and group by group.
        joint: what was counted together: the plan, and both profiles.
        skipped: columns that turned out to be no feature when the data was seen.
        unseen: by feature, values that the reference never had, with their rows; the most frequent
            first. Nothing for windows.
        by_limits: the verdicts by fixed limits, where windows are judged together.
        gap: which rows the current dataset has none of, if it has none.
    """

    pairs: tuple[Pair, ...]
    comparisons: tuple[Comparison, ...]
    current: tuple[Profile, ...]
    scores: Mapping[str, Floats]
    joint: tuple[tuple[JointPlan, JointProfile, JointProfile], ...]
    skipped: tuple[Skipped, ...]
    reference: Reference
    rows_current: int | None
    unseen: Mapping[str, NewValues] = field(default_factory=dict)
    volumes: tuple[Subject, ...] = ()
    by_limits: ByLimits | None = None
    gap: str = ""


def read_reference(plan: Plan, engine: Engine, progress: Progress) -> Reference:
    """Profile the reference of a plan, in two scans."""
    scoring = plan.config.scoring
    binning = Binning(scoring.stored_bins, scoring.max_categories, scoring.max_segments)

    progress.stage("reference: choosing supports")
    features = _side(plan.compared, "reference")
    lists = tuple(s.side("reference") for s in plan.segments)
    proposals = engine.propose(features, binning, lists)
    proposals, of_lists = proposals[: len(features)], proposals[len(features) :]
    both = list(zip(features, proposals, strict=True))
    pivots = {f.name: pivot_of(p.support) / f.scale for f, p in both}
    skipped = {f.name: p.skip for f, p in both if p.skip}
    notes = {f.name: p.note for f, p in both if p.note}
    both = [(f, p) for f, p in both if not p.skip]

    progress.stage("reference: counting")
    planned = [j for j in plan.joint if j.problem is None]
    lists = tuple(
        s.side("reference", proposed_names(p)) for s, p in zip(plan.segments, of_lists, strict=True)
    )
    program = CountProgram(
        tuple(f for f, _ in both),
        tuple(p.support for _, p in both),
        tuple(j.columns("reference", pivots) for j in planned),
        lists,
    )
    counted, joint, _ = engine.count(program)
    rows = rows_read(counted, [f.name for f, _ in both], plan.reference.rows)
    one = counted[0] if counted else None
    frozen_lists = [
        freeze_list(p, rows_by_segment(one, k, len(proposed_names(p))), rows)
        for k, p in enumerate(of_lists)
    ]
    places = [new for _, new in frozen_lists]
    profiles = {
        feature.name: _frozen(proposal, profile, places)
        for (feature, proposal), profile in zip(both, counted, strict=True)
    }
    rebinnings = {
        name: merge_for_scoring(p.support, p.of_list(ALL).counts[0], scoring.bins)
        for name, p in profiles.items()
    }
    return Reference(
        profiles,
        rebinnings,
        skipped,
        {j.name: p for j, p in zip(planned, joint, strict=True)},
        pivots,
        rows,
        tuple(known for known, _ in frozen_lists),
        notes=notes,
    )


def _frozen(proposal: Proposal, profile: Profile, places: Sequence[Ints]) -> Profile:
    """A reference's profile on the cells that it freezes, of the segments that are kept."""
    frozen = freeze(proposal, profile.of_list(ALL).counts[0])
    kept = profile.under(regrouped(profile.keys, places)) if places else profile
    return kept.on(frozen.support, frozen.target)


@dataclass(frozen=True, eq=False)
class Counting:
    """What is counted of the current dataset of a plan, and what it is compared with.

    ``unseen`` is, by the start of a window in microseconds, what `Findings` have of it.
    """

    pairs: tuple[Pair, ...]
    joint: tuple[JointPlan, ...]
    program: CountProgram
    skipped: tuple[Skipped, ...]
    unseen: Mapping[int, Mapping[str, NewValues]] = field(default_factory=dict)

    def references(self, reference: Reference) -> list[tuple[Profile, Rebinning]]:
        """A reference's profile of each feature, and how its cells are merged for scoring."""
        names = [p.feature.name for p in self.pairs]
        return [(reference.profiles[name], reference.rebinnings[name]) for name in names]


def counting(plan: Plan, reference: Reference, time: TimeColumn | None = None) -> Counting:
    """Plan how the current dataset is counted; without ``time`` there are no windows."""
    names = [p.feature.name for p in plan.compared]
    skipped = [Skipped(n, reference.skipped[n]) for n in names if n in reference.skipped]
    pairs = [p for p in plan.compared if p.feature.name in reference.profiles]
    check_categories(pairs, reference.profiles, plan.config)
    planned = []
    for joint in plan.joint:
        if joint.problem is None:
            why = not_vectors(joint, reference.joint[joint.name])
            if why:
                skipped.append(why)
            else:
                planned.append(joint)
    program = CountProgram(
        _side(pairs, "current"),
        tuple(reference.profiles[p.feature.name].support for p in pairs),
        tuple(j.columns("current", reference.pivots) for j in planned),
        tuple(
            s.side("current", known.names)
            for s, known in zip(plan.segments, reference.segments, strict=True)
        ),
        time=time,
        naming=True,
    )
    return Counting(tuple(pairs), tuple(planned), program, tuple(skipped))


def _side(pairs: Sequence[Pair], side: str) -> tuple[Feature, ...]:
    return tuple(getattr(p, side) for p in pairs)


def rows_read(profiles: Sequence[Profile], names: Sequence[str], known: int | None) -> int:
    """The rows that were counted, the same for every feature and as many as were read."""
    if not profiles:
        return known or 0
    rows = known if known is not None else int(profiles[0].of_list(ALL).rows.sum())
    check_conservation(profiles, names, rows)
    return rows
