"""Segments of a run: the columns that split the rows, and the segments that the reference chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.binning.choose import Proposal
from kldrift.binning.freeze import freeze
from kldrift.config import Condition, Config
from kldrift.counting.row_groups import SegmentList
from kldrift.errors import ConfigError, KldriftError, Mistakes
from kldrift.features.feature import Feature, Skipped
from kldrift.features.group_columns import as_read, check_plain
from kldrift.profiles.group_keys import ALL, REST, GroupKeys
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport
from kldrift.sources.dataset import DatasetInfo


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
class FrozenList:
    """The segments of one list that the reference chose."""

    names: tuple[str, ...]


def plan_segments(
    config: Config, reference: DatasetInfo, current: DatasetInfo
) -> tuple[SegmentPlan, ...]:
    """Find the columns of every list."""
    mistakes = Mistakes()
    plans = []
    for i, columns in enumerate(config.segment_columns):
        sides: list[list[Feature]] = [[], []]
        with mistakes.noted():
            condition = config.segments[i]
            if isinstance(condition, Condition) and any(
                condition.name in side.schema.names for side in (reference, current)
            ):
                raise ConfigError(
                    f"segments[{i}].name: a column is called {condition.name!r} too; give the "
                    "condition another name"
                )
        for j, name in enumerate(columns):
            like = None
            with mistakes.noted():  # of the first side that has one
                for own, side, whose in (
                    (sides[0], reference, "the reference"),
                    (sides[1], current, "the current dataset"),
                ):
                    column, like = _column(f"segments[{i}][{j}]", name, config, side, whose, like)
                    own.append(column)
        plans.append(SegmentPlan(tuple(sides[0]), tuple(sides[1])))
    mistakes.raise_any()
    return tuple(plans)


@contextmanager
def condition_named(config: Config) -> Iterator[None]:
    """Let errors about the SQL of a condition name its key, as those of derived features do."""
    try:
        yield
    except ConfigError as error:
        for place, one in enumerate(config.segments):
            key = f"features.derived.{one.name}: " if isinstance(one, Condition) else "\0"
            if str(error).startswith(key):
                text = f"segments[{place}].where: {str(error).removeprefix(key)}"
                raise ConfigError(text) from error
        raise


def _column(
    key: str, name: str, config: Config, side: DatasetInfo, whose: str, like: pa.DataType | None
) -> tuple[Feature, pa.DataType]:
    """A column of a list, whose values are named as those of a type are; and its own type."""
    derived = name in side.derived.names and name not in side.schema.names
    schema = side.derived if derived else pa.schema([*side.schema, *side.derived])
    check_plain(key, name, schema, whose, side.foreign)
    sql = config.expressions[name] if derived else None
    return as_read(name, schema, sql=sql, like=like), schema.field(name).type


def proposed_names(proposal: Proposal) -> tuple[str, ...]:
    """The segments that a proposal counts."""
    assert isinstance(proposal.support, CategoricalSupport)
    return proposal.support.categories


def freeze_list(proposal: Proposal, counted: Ints, rows: int) -> tuple[FrozenList, Ints]:
    """Decide which of the proposed segments are scored.

    ``counted`` are the reference rows of each.

    Returns:
        The segments, and the place of each proposed one among them; REST for those left out.
    """
    names = proposed_names(proposal)
    counts = np.append(counted, [rows - counted.sum(), 0])  # those of no segment; none are null
    kept = freeze(proposal, counts).support
    assert isinstance(kept, CategoricalSupport)
    place = {name: i for i, name in enumerate(kept.categories)}
    places = np.array([place.get(name, REST) for name in names], dtype=np.int64)
    return FrozenList(kept.categories), places


def regrouped(keys: GroupKeys, places: Sequence[Ints]) -> GroupKeys:
    """Map the keys of proposed segments to those of the segments that were kept.

    ``places`` has, for each list, the new place of each of its segments.
    """
    segment = keys.segment.copy()
    for k, new in enumerate(places):
        mine = (keys.list == k) & (segment != REST)
        segment[mine] = new[segment[mine]]
    return GroupKeys(keys.window, keys.list, segment)


def rows_by_segment(profile: Profile | None, k: int, segments: int) -> Ints:
    """Rows of each segment of a list, shape ``(segments,)``, also of those that have none."""
    rows = np.zeros(segments, dtype=np.int64)
    if profile is not None:
        mine = profile.of_list(k)
        inside = mine.keys.segment != REST
        rows[mine.keys.segment[inside]] = mine.rows[inside]
    return rows


def rows_of_rest(profile: Profile, k: int) -> int:
    """Rows that lie in no segment of a list."""
    mine = profile.of_list(k)
    return int(mine.rows[mine.keys.segment == REST].sum())


def check_conservation(profiles: Sequence[Profile], names: Sequence[str], rows: int) -> None:
    """Check that the counts of every feature add up to the rows read, overall and for each list."""
    checked: list[tuple[Profile, Ints]] = []  # one profile that is right, and its rows
    for profile, name in zip(profiles, names, strict=True):
        own = profile.rows
        if checked and profile.keys == checked[0][0].keys and np.array_equal(own, checked[0][1]):
            continue
        for number in np.unique(profile.keys.list).tolist():
            total = int(own[profile.keys.of(number)].sum())
            if total != rows:
                what = "" if number == ALL else " by segment"
                raise KldriftError(
                    f"counts of {name!r}{what} add up to {total:,} rows but {rows:,} were read; "
                    "if the files changed during the run, run it again"
                )
        if checked:
            raise KldriftError(f"counts of {name!r} by segment are of other rows than those before")
        checked.append((profile, own))


def left_out(
    plan: SegmentPlan, frozen: FrozenList, rows: tuple[int, int], most: int
) -> Skipped | None:
    """The note about the rows of both sides that lie in no segment of a list, if there are any."""
    reference, current = rows
    if not (reference or current):
        return None
    if not reference:
        why = f"{current:,} current rows lie in values that the reference never had"
    else:
        why = (
            f"{reference:,} reference rows and {current:,} current rows lie in values that "
            f"are not among the {min(most, len(frozen.names)):,} largest or that the reference "
            "never had"
        )
    types = [
        f"; {one.name!r} is {one.type} in the reference, {other.type} in the current dataset"
        for one, other in zip(plan.reference, plan.current, strict=True)
        if one.type != other.type
    ]
    return Skipped(f"segment {plan.name}", why + "".join(types))
