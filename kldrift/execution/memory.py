"""Runs the scans of a plan in this process, without Spark; the same counting code."""

from __future__ import annotations

from collections.abc import Sequence

from kldrift.arrays import Floats
from kldrift.binning.choose import Binning, Proposal, choose, choose_segments
from kldrift.counting.row_groups import SegmentList
from kldrift.execution.programs import (
    CountProgram,
    DatasetCounts,
    SketchProgram,
)
from kldrift.features.feature import Feature
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scores import score
from kldrift.sources.dataset import NearDataset


class MemoryEngine:
    """Runs scans over tables in memory, or small files."""

    def __init__(self, reference: NearDataset, current: NearDataset) -> None:
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
        sketched = sketches.sketches
        proposals = [choose(s, f, binning) for s, f in zip(sketched, features, strict=False)]
        return proposals + [choose_segments(s, binning) for s in sketched[len(features) :]]

    def count(self, program: CountProgram, *, current: bool = False) -> DatasetCounts:
        """Count the reference, or the current dataset."""
        return _counted(self._current if current else self._reference, program)

    def count_and_score(
        self,
        program: CountProgram,
        references: Sequence[tuple[Profile, Rebinning]],
        pseudocount: float,
        missing: str,
    ) -> tuple[DatasetCounts, dict[str, Floats]]:
        """Count the current dataset and score it."""
        counts = _counted(self._current, program)
        comparisons = [
            Comparison.of(profile, reference, rebinning)
            for profile, (reference, rebinning) in zip(counts.profiles, references, strict=True)
        ]
        return counts, score(comparisons, pseudocount=pseudocount, missing=missing)


def _counted(source: NearDataset, program: CountProgram) -> DatasetCounts:
    counts = program.start()
    for batch in source.batches(program):
        counts.add(batch)
    return DatasetCounts(counts.profiles(), counts.joint_profiles(), counts.unseen())
