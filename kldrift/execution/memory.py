"""Runs the scans of a plan over Arrow tables in memory, without Spark; the same counting code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kldrift.binning.choose import Binning, Proposal, Scored
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.counting.joint import Group, GroupCounts
from kldrift.execution.group_counts import SegmentList
from kldrift.execution.programs import CountProgram, SketchProgram, propose_one, propose_segments
from kldrift.features.plan import Feature
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import Support
from kldrift.scoring.scores import Comparison, ScoredPair, score
from kldrift.scoring.segment_scores import ScoredSegments, score_segments
from kldrift.sources.table import TableSource


class MemoryEngine:
    """The scans of a run over two tables in memory."""

    def __init__(self, reference: TableSource, current: TableSource) -> None:
        self._reference = reference
        self._current = current

    def propose(
        self, features: tuple[Feature, ...], binning: Binning, lists: tuple[SegmentList, ...] = ()
    ) -> list[Proposal]:
        """Propose supports, and then segments of each list, from the reference."""
        program = SketchProgram(features, lists=lists)
        sketches = program.start()
        for batch in self._reference.batches(program):
            sketches.add(batch)
        found = zip(features, sketches.sketches, strict=False)
        proposals = [propose_one(feature, sketch, binning) for feature, sketch in found]
        return proposals + [
            propose_segments(s, binning) for s in sketches.sketches[len(features) :]
        ]

    def count(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...],
        lists: tuple[SegmentList, ...] = (),
    ) -> tuple[list[Profile], list[GroupCounts], list[list[SegmentProfiles]]]:
        """Count the reference."""
        return _count(self._reference, CountProgram(features, supports, groups, lists))

    def count_and_score(
        self,
        features: tuple[Feature, ...],
        references: tuple[tuple[Profile, Scored], ...],
        pseudocount: float,
        missing: str,
        groups: tuple[Group, ...],
        lists: tuple[SegmentList, ...] = (),
        by_list: Sequence[Sequence[SegmentProfiles]] = (),
    ) -> tuple[list[ScoredPair], list[GroupCounts], list[list[ScoredSegments]]]:
        """Count the current table and score it."""
        supports = tuple(profile.support for profile, _ in references)
        program = CountProgram(features, supports, groups, lists)
        counted, joint, segments = _count(self._current, program)
        pairs = [
            Comparison(current, reference, scored)
            for current, (reference, scored) in zip(counted, references, strict=True)
        ]
        how: dict[str, Any] = {"pseudocount": pseudocount, "missing": missing}
        scores = score(pairs, **how)
        scored = [
            ScoredPair(pair, {name: float(values[i]) for name, values in scores.items()})
            for i, pair in enumerate(pairs)
        ]
        sides = zip(references, segments, by_list, strict=True) if lists else ()
        scored_segments = [
            [
                ScoredSegments(now, before, s, score_segments(now, before, s, **how))
                for now, before in zip(current, known, strict=True)
            ]
            for (_, s), current, known in sides
        ]
        return scored, joint, scored_segments


def _count(
    source: TableSource, program: CountProgram
) -> tuple[list[Profile], list[GroupCounts], list[list[SegmentProfiles]]]:
    profiles = program.start()
    for batch in source.batches(program):
        profiles.add(batch)
    return profiles.profiles(), profiles.group_counts, profiles.segment_profiles()
