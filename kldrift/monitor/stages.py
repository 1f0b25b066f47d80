"""Profile both datasets of a plan and score them: three scans, whatever the number of features."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kldrift.binning.choose import Binning, Frozen, Proposal, freeze
from kldrift.counting.grouped_counter import SegmentProfiles, check_room
from kldrift.counting.joint import Group, GroupCounts
from kldrift.errors import KldriftError
from kldrift.execution.group_counts import SegmentList
from kldrift.execution.progress import Progress
from kldrift.features.plan import Feature, Pair, Skipped
from kldrift.monitor.groups import (
    FrozenSegments,
    by_name,
    freeze,
    left_out,
    proposed_names,
    same_rows,
)
from kldrift.monitor.joint_groups import group_verdict, not_vectors
from kldrift.monitor.plan import Plan
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning, merge_for_scoring
from kldrift.profiles.support import Support, pivot_of
from kldrift.scoring.scores import ScoredPair
from kldrift.scoring.segment_scores import ScoredSegments
from kldrift.scoring.segment_verdict import SegmentVerdicts, judge_all, segment_verdicts
from kldrift.scoring.verdict import Verdict, verdict_of


class Engine(Protocol):
    """What runs the scans of a plan: Spark, or this process for data in its memory."""

    def propose(
        self, features: tuple[Feature, ...], binning: Binning, lists: tuple[SegmentList, ...] = ()
    ) -> list[Proposal]:
        """Propose supports, and then segments of each list, from one scan of the reference."""

    def count(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...],
        lists: tuple[SegmentList, ...] = (),
    ) -> tuple[list[Profile], list[GroupCounts], list[list[SegmentProfiles]]]:
        """Count the reference in one scan."""

    def count_and_score(
        self,
        features: tuple[Feature, ...],
        references: tuple[tuple[Profile, Rebinning], ...],
        pseudocount: float,
        missing: str,
        groups: tuple[Group, ...],
        lists: tuple[SegmentList, ...] = (),
        by_list: Sequence[Sequence[SegmentProfiles]] = (),
    ) -> tuple[list[ScoredPair], list[GroupCounts], list[list[ScoredSegments]]]:
        """Count the current dataset in one scan and score it."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run found.

    Attributes:
        verdicts: one per feature, worst first.
        skipped: columns that turned out to be no feature when the data was seen.
        rows_reference: rows read from the reference.
        rows_current: rows read from the current dataset.
        reference_id: a fingerprint of the reference's profiles.
        segments: the verdicts on segments, for each feature and list.
    """

    verdicts: tuple[Verdict, ...]
    skipped: tuple[Skipped, ...]
    rows_reference: int
    rows_current: int
    reference_id: str
    segments: tuple[SegmentVerdicts, ...] = ()


@dataclass(frozen=True, eq=False)
class Reference:
    """What is known of a reference once it has been read: all that scoring needs of it.

    Attributes:
        profiles: by feature, on the support that its counts decided.
        skipped: by feature that turned out to be none when the data was seen: why.
        groups: moments of the joint groups, by name.
        pivots: what the features of groups are taken about, by feature.
        rows: rows read.
        segments: those of each list.
    """

    profiles: Mapping[str, Profile]
    skipped: Mapping[str, str]
    groups: Mapping[str, GroupCounts]
    pivots: Mapping[str, float]
    rows: int
    segments: tuple[FrozenSegments, ...] = ()


def score_plan(plan: Plan, engine: Engine, progress: Progress) -> Outcome:
    """Run a plan's three scans and judge the scores.

    Raises:
        DatasetError: rows cannot be read.
        KldriftError: the counts do not add up to the rows that were read.
    """
    return score_current(plan, read_reference(plan, engine, progress), engine, progress)


def read_reference(plan: Plan, engine: Engine, progress: Progress) -> Reference:
    """Profile the reference of a plan, in two scans.

    Raises:
        DatasetError: rows cannot be read.
        KldriftError: the counts do not add up to the rows that were read.
    """
    scoring = plan.config.scoring
    binning = Binning(
        scoring.bins, scoring.stored_bins, scoring.max_categories, scoring.max_segments
    )

    progress.stage("reference: choosing supports")
    features = _side(plan.compared, "reference")
    lists = tuple(s.side("reference") for s in plan.segments)
    proposals = engine.propose(features, binning, lists)
    proposals, of_lists = proposals[: len(features)], proposals[len(features) :]
    both = list(zip(features, proposals, strict=True))
    pivots = {f.name: pivot_of(p.support) / f.scale for f, p in both}
    skipped = {f.name: p.skip for f, p in both if p.skip}
    both = [(f, p) for f, p in both if not p.skip]

    progress.stage("reference: counting")
    features = tuple(f for f, _ in both)
    supports = tuple(p.support for _, p in both)
    groups = [g for g in plan.groups if g.problem is None]
    together = tuple(g.group("reference", pivots) for g in groups)
    lists = tuple(
        s.side("reference", proposed_names(p)) for s, p in zip(plan.segments, of_lists, strict=True)
    )
    check_room(supports, [len(one.names) for one in lists])
    counted, joint, by_list = engine.count(features, supports, together, lists)
    rows = rows_of(counted, features, plan.reference.rows)
    profiles = {}
    supports_of = {}
    for (feature, proposal), profile in zip(both, counted, strict=True):
        settled = freeze(proposal, profile.counts, keep=feature.keep)
        if settled.skip:
            skipped[feature.name] = settled.skip
        else:
            profiles[feature.name] = settled_profile(profile, settled)
            supports_of[feature.name] = settled
    names = [g.name for g in groups]
    segments = tuple(
        freeze(p, by_name(features, [found[k] for found in by_list]), supports_of, rows)
        for k, p in enumerate(of_lists)
    )
    together_of = dict(zip(names, joint, strict=True))
    return Reference(profiles, skipped, together_of, pivots, rows, segments)


def score_current(plan: Plan, reference: Reference, engine: Engine, progress: Progress) -> Outcome:
    """Count the current dataset of a plan in one scan, score it and judge the scores.

    Args:
        plan: the plan.
        reference: what is known of the plan's reference.
        engine: runs the scan.
        progress: told what goes on.

    Raises:
        DatasetError: rows cannot be read.
        KldriftError: the counts do not add up to the rows that were read.
    """
    progress.stage("current: counting and scoring")
    config, scoring = plan.config, plan.config.scoring
    names = [p.feature.name for p in plan.compared]
    skipped = [
        Skipped(name, reference.skipped[name]) for name in names if name in reference.skipped
    ]
    pairs = [p for p in plan.compared if p.feature.name in reference.profiles]
    features = _side(pairs, "current")
    profiles = [reference.profiles[p.feature.name] for p in pairs]
    references = tuple(
        (profile, merge_for_scoring(profile.support, profile.counts, scoring.bins))
        for profile in profiles
    )
    groups = []
    for group in plan.groups:
        if group.problem is None:
            why = not_vectors(group, reference.groups[group.name])
            if why:
                skipped.append(why)
            else:
                groups.append(group)
    together = tuple(g.group("current", reference.pivots) for g in groups)
    how = (scoring.pseudocount, scoring.missing)
    frozen = reference.segments
    lists = tuple(
        s.side("current", known.names) for s, known in zip(plan.segments, frozen, strict=True)
    )
    check_room([p.support for p in profiles], [len(one.names) for one in lists])
    by_list = [[f.profiles[p.feature.name] for f in frozen] for p in pairs] if frozen else []
    scored, joint, segments = engine.count_and_score(
        features, references, *how, together, lists, by_list
    )
    rows_current = rows_of([s.comparison.current for s in scored], features, plan.current.rows)
    verdicts = [
        verdict_of(p, config, s.comparison, s.scores) for p, s in zip(pairs, scored, strict=True)
    ]
    verdicts += [
        verdict_of(p, config, None, {}) for p in plan.pairs if not (p.reference and p.current)
    ]
    verdicts += [
        group_verdict(g, config, reference.groups[g.name], p)
        for g, p in zip(groups, joint, strict=True)
    ]
    verdicts += [group_verdict(g, config, None, None) for g in plan.groups if g.problem]
    skipped += _in_no_segment(plan, frozen, features, segments, (reference.rows, rows_current))
    of_segments = [
        segment_verdicts(p, config, frozen[k].names, found)
        for p, lists_of in zip(pairs, segments, strict=False)
        for k, found in enumerate(lists_of)
    ]
    judged, judged_segments = judge_all(verdicts, of_segments, config)
    return Outcome(
        judged,
        tuple(skipped),
        reference.rows,
        rows_current,
        fingerprint(profiles),
        judged_segments,
    )


def _in_no_segment(
    plan: Plan,
    frozen: Sequence[FrozenSegments],
    features: Sequence[Feature],
    segments: Sequence[Sequence[ScoredSegments]],
    rows: tuple[int, int],
) -> list[Skipped]:
    """What to say of rows that lie in no segment, list by list."""
    if not features:
        return []
    most = plan.config.scoring.max_segments
    said = []
    for k, (planned, known) in enumerate(zip(plan.segments, frozen, strict=True)):
        current = same_rows(by_name(features, [found[k].current for found in segments]))
        said.append(left_out(planned, known, current, rows, most))
    return [skipped for skipped in said if skipped is not None]


def settled_profile(profile: Profile, settled: Frozen) -> Profile:
    """The profile on the support that its own counts decided."""
    if settled.support is profile.support:
        return profile
    return Profile(settled.support, settled.fold(profile.counts), profile.moments)


def _side(pairs: Sequence[Pair], side: str) -> tuple[Feature, ...]:
    return tuple(getattr(p, side) for p in pairs)


def rows_of(profiles: Sequence[Profile], features: Sequence[Feature], known: int | None) -> int:
    """The rows that were counted, the same for every feature and as many as were read.

    Raises:
        KldriftError: they are not; a bug, or files that changed during the run.
    """
    if not profiles:
        return known or 0
    rows = known if known is not None else profiles[0].rows
    for profile, feature in zip(profiles, features, strict=True):
        if profile.rows != rows:
            raise KldriftError(
                f"counts of {feature.name!r} add up to {profile.rows:,} rows but {rows:,} were "
                "read; if the files changed during the run, run it again"
            )
    return rows


def fingerprint(profiles: Sequence[Profile]) -> str:
    """A short hash of profiles: equal for equal supports and counts."""
    digest = hashlib.sha256()
    for profile in profiles:
        digest.update(profile.support.identity)
        digest.update(profile.counts.tobytes())
    return digest.hexdigest()[:16]
