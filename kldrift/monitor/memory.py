"""Runs the scans of a plan over Arrow tables in memory, without Spark; the same counting code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from kldrift.binning import Binning, Proposal, Scored
from kldrift.features import Feature, Skipped
from kldrift.group import Group, GroupCounts
from kldrift.profile import Profile
from kldrift.scan.tasks import CountProgram, SketchProgram, propose_one
from kldrift.score import Comparison, ScoredPair, score
from kldrift.support import Support

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
        for start in range(0, self.table.num_rows, BATCH_ROWS):
            part = self.table.slice(start, BATCH_ROWS)
            columns = [(f, part.column(f.path[0]).combine_chunks()) for f in group.features]
            yield [feature.of(column) for feature, column in columns]


class MemoryEngine:
    """The scans of a run over two tables in memory."""

    def __init__(self, reference: TableSource, current: TableSource) -> None:
        self._reference = reference
        self._current = current

    def propose(self, features: tuple[Feature, ...], binning: Binning) -> list[Proposal]:
        """Propose supports from the reference."""
        sketches = SketchProgram(features).start()
        for i, feature in enumerate(features):
            for batch in self._reference.batches(feature):
                sketches.add(i, batch)
        found = zip(features, sketches.sketches, strict=True)
        return [propose_one(feature, sketch, binning) for feature, sketch in found]

    def count(
        self,
        features: tuple[Feature, ...],
        supports: tuple[Support, ...],
        groups: tuple[Group, ...],
    ) -> tuple[list[Profile], list[GroupCounts]]:
        """Count the reference."""
        return _count(self._reference, features, supports, groups)

    def count_and_score(
        self,
        features: tuple[Feature, ...],
        references: tuple[tuple[Profile, Scored], ...],
        pseudocount: float,
        missing: str,
        groups: tuple[Group, ...],
    ) -> tuple[list[ScoredPair], list[GroupCounts]]:
        """Count the current table and score it."""
        supports = tuple(profile.support for profile, _ in references)
        counted, joint = _count(self._current, features, supports, groups)
        pairs = [
            Comparison(current, reference, scored)
            for current, (reference, scored) in zip(counted, references, strict=True)
        ]
        scores = score(pairs, pseudocount=pseudocount, missing=missing)
        scored = [
            ScoredPair(pair, {name: float(values[i]) for name, values in scores.items()})
            for i, pair in enumerate(pairs)
        ]
        return scored, joint


def _count(
    source: TableSource,
    features: tuple[Feature, ...],
    supports: tuple[Support, ...],
    groups: tuple[Group, ...],
) -> tuple[list[Profile], list[GroupCounts]]:
    profiles = CountProgram(features, supports, groups).start()
    for i, feature in enumerate(features):
        for batch in source.batches(feature):
            profiles.add(i, batch)
    for j, group in enumerate(groups):
        for columns in source.group_batches(group):
            profiles.add_group(j, columns)
    return profiles.profiles(), profiles.group_counts
