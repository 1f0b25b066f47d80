"""Runs the scans of a plan over Arrow tables in memory, without Spark; the same counting code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from kldrift.binning.choose import Binning, Proposal
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.counting.joint import Group, GroupCounts
from kldrift.execution.group_counts import SegmentList
from kldrift.execution.programs import CountProgram, SketchProgram, propose_one, propose_segments
from kldrift.features.plan import Feature, Skipped
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import Support
from kldrift.scoring.scores import Comparison, ScoredPair, score
from kldrift.scoring.segment_scores import ScoredSegments, score_segments

BATCH_ROWS: Final = 131_072


@dataclass(frozen=True, eq=False)
class TableSource:
    """An Arrow table."""

    table: pa.Table
    derived: pa.Schema = field(default_factory=lambda: pa.schema([]))
    foreign: tuple[Skipped, ...] = ()
    why: str = "in memory"

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self.table.schema

    @property
    def rows(self) -> int | None:
        """Number of rows."""
        return int(self.table.num_rows)

    def size(self, features: Sequence[Feature]) -> int | None:
        """Bytes of the columns in memory."""
        return sum(int(self.table.column(f.path[0]).nbytes) for f in features)

    def batches(self, feature: Feature) -> Iterator[pa.Array]:
        """The values of a feature, batch by batch."""
        column = self.table.column(feature.path[0])
        for chunk in column.chunks:
            for start in range(0, len(chunk), BATCH_ROWS):
                yield feature.of(chunk.slice(start, BATCH_ROWS))

    def group_batches(self, group: Group) -> Iterator[list[pa.Array]]:
        """The columns of a group, batch by batch."""
        yield from (columns for (columns,) in self.together(group.features))

    def together(self, *several: Sequence[Feature]) -> Iterator[list[list[pa.Array]]]:
        """The columns of several lists of features, the same rows of each, batch by batch."""
        for start in range(0, self.table.num_rows, BATCH_ROWS):
            part = self.table.slice(start, BATCH_ROWS)
            yield [[f.of(_one_chunk(part.column(f.path[0]))) for f in some] for some in several]


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


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
        for i, feature in enumerate(features):
            for batch in self._reference.batches(feature):
                sketches.add(i, batch)
        for j, group in enumerate(program.groups):
            for columns in self._reference.group_batches(group):
                sketches.add_group(j, columns)
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
        references: tuple[tuple[Profile, Rebinning], ...],
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
    if program.beside:
        for beside, columns in source.together(program.beside, program.features):
            profiles.add_beside(beside)
            for i, column in enumerate(columns):
                profiles.add(i, column)
    else:
        for i, feature in enumerate(program.features):
            for batch in source.batches(feature):
                profiles.add(i, batch)
    for j, group in enumerate(program.groups):
        for columns in source.group_batches(group):
            profiles.add_group(j, columns)
    return profiles.profiles(), profiles.group_counts, profiles.segment_profiles()
