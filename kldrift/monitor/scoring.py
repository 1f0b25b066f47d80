"""Profile both datasets of a plan and score them: three scans, whatever the number of features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kldrift.binning import Binning, Proposal, Scored, Settled, merge_for_scoring, settle
from kldrift.errors import KldriftError
from kldrift.features import Feature, Pair, Skipped
from kldrift.group import Group, GroupCounts
from kldrift.monitor.grouping import group_verdict, not_vectors
from kldrift.monitor.plan import Plan
from kldrift.monitor.verdict import Verdict, judge, verdict_of
from kldrift.profile import Profile
from kldrift.progress import Progress
from kldrift.score import ScoredPair
from kldrift.support import Support, pivot_of


class Engine(Protocol):
    """What runs the scans of a plan: Spark, or this process for data in its memory."""

    def propose(self, features: tuple[Feature, ...], binning: Binning) -> list[Proposal]:
        """Propose supports from one scan of the reference."""

    def count(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...],
    ) -> tuple[list[Profile], list[GroupCounts]]:
        """Count the reference in one scan."""

    def count_and_score(
        self,
        features: tuple[Feature, ...],
        references: tuple[tuple[Profile, Scored], ...],
        pseudocount: float,
        missing: str,
        groups: tuple[Group, ...],
    ) -> tuple[list[ScoredPair], list[GroupCounts]]:
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
    """

    verdicts: tuple[Verdict, ...]
    skipped: tuple[Skipped, ...]
    rows_reference: int
    rows_current: int
    reference_id: str


def score_plan(plan: Plan, engine: Engine, progress: Progress) -> Outcome:
    """Run a plan's three scans and judge the scores.

    Raises:
        DatasetError: rows cannot be read.
        KldriftError: the counts do not add up to the rows that were read.
    """
    config, pairs = plan.config, list(plan.compared)
    scoring = config.scoring
    binning = Binning(scoring.bins, scoring.stored_bins, scoring.max_categories)

    progress.stage("reference: choosing supports")
    features = _side(pairs, "reference")
    proposals = engine.propose(features, binning)
    pivots = {
        f.name: pivot_of(p.support) / f.scale for f, p in zip(features, proposals, strict=True)
    }
    keep = [not p.skip for p in proposals]
    skipped = [Skipped(f.name, p.skip) for f, p in zip(features, proposals, strict=True) if p.skip]
    pairs = [p for p, k in zip(pairs, keep, strict=True) if k]
    proposals = [p for p in proposals if not p.skip]

    progress.stage("reference: counting")
    features = _side(pairs, "reference")
    supports = tuple(p.support for p in proposals)
    groups = [g for g in plan.groups if g.problem is None]
    together = tuple(g.group("reference", pivots) for g in groups)
    counted, joint_reference = engine.count(features, supports, together)
    rows_reference = rows_of(counted, features, plan.reference.rows)
    settled = [
        settle(p, profile.counts, keep=f.keep)
        for p, profile, f in zip(proposals, counted, features, strict=True)
    ]
    skipped += [Skipped(f.name, s.skip) for f, s in zip(features, settled, strict=True) if s.skip]
    left = [i for i, s in enumerate(settled) if not s.skip]
    pairs = [pairs[i] for i in left]
    profiles = [settled_profile(counted[i], settled[i]) for i in left]
    references = tuple(
        (profile, merge_for_scoring(profile.support, profile.counts, scoring.bins))
        for profile in profiles
    )

    progress.stage("current: counting and scoring")
    features = _side(pairs, "current")
    no_vectors = [not_vectors(g, c) for g, c in zip(groups, joint_reference, strict=True)]
    skipped += [s for s in no_vectors if s]
    kept = [i for i, s in enumerate(no_vectors) if not s]
    groups, joint_reference = [groups[i] for i in kept], [joint_reference[i] for i in kept]
    together = tuple(g.group("current", pivots) for g in groups)
    how = (scoring.pseudocount, scoring.missing)
    scored, joint_current = engine.count_and_score(features, references, *how, together)
    rows_current = rows_of([s.comparison.current for s in scored], features, plan.current.rows)
    verdicts = [
        verdict_of(p, config, s.comparison, s.scores) for p, s in zip(pairs, scored, strict=True)
    ]
    verdicts += [
        verdict_of(p, config, None, {}) for p in plan.pairs if not (p.reference and p.current)
    ]
    sides = zip(groups, joint_reference, joint_current, strict=True)
    verdicts += [group_verdict(g, config, q, p) for g, q, p in sides]
    verdicts += [group_verdict(g, config, None, None) for g in plan.groups if g.problem]
    return Outcome(
        judge(verdicts, config),
        tuple(skipped),
        rows_reference,
        rows_current,
        fingerprint(profiles),
    )


def settled_profile(profile: Profile, settled: Settled) -> Profile:
    """The profile on the support that its own counts decided."""
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
        digest.update(repr(profile.support.cells).encode())
        digest.update(profile.counts.tobytes())
    return digest.hexdigest()[:16]
