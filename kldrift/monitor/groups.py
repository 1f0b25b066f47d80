"""Segments of a run: which columns part the rows, and what the reference decides about parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.binning.choose import Proposal, Settled, settle
from kldrift.config import Config
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.errors import ConfigError, KldriftError
from kldrift.execution.group_counts import SegmentList
from kldrift.features.group_columns import as_read, check_plain
from kldrift.features.plan import Feature, Skipped
from kldrift.profiles.support import CategoricalSupport
from kldrift.sources.dataset import DatasetInfo

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SegmentPlan:
    """One list of ``segments``: its columns in both datasets."""

    reference: tuple[Feature, ...]
    current: tuple[Feature, ...]

    @property
    def name(self) -> str:
        """The list for a reader."""
        return ", ".join(f.name for f in self.reference)

    def side(self, which: str, names: tuple[str, ...] = ()) -> SegmentList:
        """The list as one dataset has it, and the segments to count."""
        return SegmentList(getattr(self, which), names)


@dataclass(frozen=True, eq=False)
class FrozenSegments:
    """The segments of one list that the reference decided about.

    Attributes:
        names: of the segments, the most frequent first.
        rows: reference rows of each, shape ``(segments,)``.
        profiles: of each feature, by its name.
    """

    names: tuple[str, ...]
    rows: Ints
    profiles: Mapping[str, SegmentProfiles]


def plan_segments(
    config: Config, reference: DatasetInfo, current: DatasetInfo
) -> tuple[SegmentPlan, ...]:
    """Find the columns of every list.

    Raises:
        ConfigError: a column is not there, or its values cannot be written as a name.
    """
    return tuple(
        SegmentPlan(
            *(
                tuple(
                    _column(f"segments[{i}][{j}]", name, config, side, whose)
                    for j, name in enumerate(columns)
                )
                for side, whose in ((reference, "the reference"), (current, "the current dataset"))
            )
        )
        for i, columns in enumerate(config.segments)
    )


def _column(key: str, name: str, config: Config, side: DatasetInfo, whose: str) -> Feature:
    foreign = next((s.reason for s in side.foreign if s.column == name), None)
    if foreign is not None:
        raise ConfigError(f"{key}: {name!r} of {whose} cannot be read: {foreign}")
    derived = name in side.derived.names and name not in side.schema.names
    schema = side.derived if derived else pa.schema([*side.schema, *side.derived])
    check_plain(key, name, schema, whose)
    return as_read(name, schema, sql=config.features.derived[name] if derived else None)


def proposed_names(proposal: Proposal) -> tuple[str, ...]:
    """The segments that a proposal counts."""
    assert isinstance(proposal.support, CategoricalSupport)
    return proposal.support.categories


def freeze(
    proposal: Proposal,
    counted: Mapping[str, SegmentProfiles],
    settled: Mapping[str, Settled],
    rows: int,
) -> FrozenSegments:
    """Decide which of the proposed segments are scored, with their exact rows.

    Args:
        proposal: the segments that were counted.
        counted: the profiles of every feature that was counted.
        settled: the supports that the counts decided, by feature that is kept.
        rows: of the reference.

    Raises:
        KldriftError: the features disagree about the rows of a segment; a bug.
    """
    names = proposed_names(proposal)
    found = same_rows(counted) if counted else np.zeros(len(names), dtype=np.int64)
    counts = np.append(found, [rows - found.sum(), 0])  # those of no segment; none are null
    kept = settle(proposal, counts, keep=True).support
    assert isinstance(kept, CategoricalSupport)
    place = {name: i for i, name in enumerate(names)}
    chosen = np.array([place[name] for name in kept.categories], dtype=np.int64)
    profiles = {
        name: counted[name].take(chosen).moved(s.support, s.target) for name, s in settled.items()
    }
    return FrozenSegments(kept.categories, found[chosen], profiles)


def same_rows(profiles: Mapping[str, SegmentProfiles]) -> Ints:
    """The rows of each segment, which are the same for every feature.

    Raises:
        KldriftError: they are not; a bug.
    """
    rows: Ints = np.zeros(0, dtype=np.int64)
    for i, (name, found) in enumerate(profiles.items()):
        if i and not np.array_equal(found.rows, rows):
            raise KldriftError(f"counts of {name!r} by segment add up to other rows than others")
        rows = found.rows
    return rows


def left_out(
    plan: SegmentPlan,
    frozen: FrozenSegments,
    current: Ints,
    rows: tuple[int, int],
    most: int,
) -> Skipped | None:
    """What to say of the rows that lie in no segment of a list; None if there are none.

    Args:
        plan: the list.
        frozen: its segments.
        current: current rows of each.
        rows: of the reference and of the current dataset.
        most: ``scoring.max_segments``.
    """
    reference = rows[0] - int(frozen.rows.sum())
    now = rows[1] - int(current.sum())
    if not (reference or now):
        return None
    if not reference:
        why = f"{now:,} current rows lie in values that the reference never had"
    else:
        why = (
            f"{reference:,} reference rows and {now:,} current rows lie in values that are not "
            f"among the {min(most, len(frozen.names)):,} largest or that the reference never had"
        )
    return Skipped(f"segment {plan.name}", why)


def by_name(
    features: Sequence[Feature], found: Sequence[SegmentProfiles]
) -> dict[str, SegmentProfiles]:
    """Profiles by the name of their feature."""
    return {f.name: profiles for f, profiles in zip(features, found, strict=True)}
