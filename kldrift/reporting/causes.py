"""Which features of a window drifted for the same cause, and what they have in common.

This is the one rule for pages, the terminal, the dashboard and the table of alerts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pyarrow as pa

from kldrift.counting.group_names import columns_of, written
from kldrift.errors import first_names
from kldrift.features.names import ROWS_FEATURE
from kldrift.reporting.figures import feature_words, many, shown
from kldrift.reporting.json_values import records
from kldrift.reporting.order import as_table, leading, worst_first
from kldrift.reporting.parts import (
    MOVED,
    Parts,
    alone_of,
    crossed_condition,
    parts_words,
    segments_of_features,
)
from kldrift.reporting.row_words import happened
from kldrift.scoring.joint_result import ALONG
from kldrift.scoring.sentences import AS_MANY
from kldrift.scoring.swapped import SWAPPED
from kldrift.tables.values import is_in, rows_where

if TYPE_CHECKING:
    import pandas as pd

ALIKE: Final = ("segment", "n_current", "missing_current")
"""Columns of ``drift_scores`` that are equal where the same rows lost their values."""
OF_CAUSES: Final = ("feature", "severity", "reason", *ALIKE)
"""Columns of ``drift_scores`` that causes are known by."""
NAMED: Final = 5
LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class Cause:
    """Why one feature drifted, or several.

    ``what`` is what several features have in common.
    """

    features: tuple[str, ...]
    places: tuple[int, ...]
    what: str = ""

    @property
    def named(self) -> str:
        """Its features: by name, if they are few."""
        return first_names(self.features, NAMED, lambda name: feature_words(name, LONGEST_NAME))

    @property
    def title(self) -> str:
        """How many features it is about, if several, and which."""
        several = len(self.features) > 1
        return f"{many(len(self.features), 'feature')}: {self.named}" if several else self.named


class Drifted(NamedTuple):
    """What is not ok: a row of the scores for each feature, their segments, their causes."""

    rows: pa.Table
    segments: Mapping[str, Parts]
    causes: Sequence[Cause]


def drifted(scores: pa.Table) -> Drifted:
    """What is not ok of some rows of ``drift_scores``, and its causes, the worst first."""
    ordered = worst_first(scores)
    lead = leading(ordered)
    bad = rows_where(lead, ~is_in(lead["severity"], {"ok"}))
    segments = segments_of_features(ordered, bad["feature"].to_pylist())
    return Drifted(bad, segments, causes_of(records(bad.select(OF_CAUSES)), segments))


def causes_of(rows: Sequence[Mapping[str, Any]], segments: Mapping[str, Parts]) -> list[Cause]:
    """The causes of some rows, in the order of the first row of each.

    Features have one cause if they lost their values in the same rows, were swapped, drifted in
    the same segment alone or as rows changed their segment, or could not be scored for the same
    reason.

    Examples:
        >>> same = dict.fromkeys(ALIKE, 7) | {"severity": "warning"}
        >>> rows = [same | {"feature": f, "reason": "nulls rose, as many as in 'a'"} for f in "ab"]
        >>> one, other = causes_of(
        ...     [*rows, rows[0] | {"feature": "c", "reason": "shifted up"}],
        ...     dict.fromkeys("abc", Parts([], {}, [])),
        ... )
        >>> one.features, one.what, other.places
        (('a', 'b'), 'in 7 nulls rose, in the same rows: most likely one cause', (2,))
    """
    places: dict[Hashable, list[int]] = {}
    followed = _followed(rows, segments)
    for place in range(len(rows)):
        row = rows[followed.get(place, place)]
        places.setdefault(_key(row, segments[row["feature"]]), []).append(place)
    causes = []
    for own in places.values():
        own.sort(key=lambda place: place in followed)
        row = rows[own[0]]
        what = _common(row, segments) if len(own) > 1 else ""
        if follow := [rows[place] for place in own if place in followed]:
            what = what or f"{feature_words(row['feature'], 60)}: {happened(row['reason'] or '')}"
            what += "; with it " + _moved_by(row, follow, segments)
            own.sort(key=lambda place: MOVED.index(rows[place]["severity"]))
        causes.append(Cause(tuple(str(rows[place]["feature"]) for place in own), tuple(own), what))
    return causes


def unscored_segments(scores: pd.DataFrame | pa.Table) -> str:
    """Which segments could not be scored, and why, where all rows could; empty for none."""
    table = as_table(scores, ["feature", "segment", "severity", "reason"])
    table = rows_where(table, is_in(table["severity"], {"unscored"}))
    alone = is_in(table["segment"], {None})
    whole = {*rows_where(table, alone)["feature"].to_pylist()}
    rows = (row for row in records(rows_where(table, ~alone)) if row["feature"] not in whole)
    features = Counter((row["segment"], row["reason"]) for row in rows)
    said = [
        f"{many(number, 'feature')} in {shown(segment, 60)} ({shown(reason, 240)})"
        for (segment, reason), number in features.items()
    ]
    return f"Not scored: {first_names(said, NAMED)}." if said else ""


def _followed(rows: Sequence[Mapping[str, Any]], segments: Mapping[str, Parts]) -> dict[int, int]:
    """Of places of rows that drifted as rows went from segment to segment: that of their cause.

    The number of rows of some countries is another because ``country`` drifted, or the other way
    round where it is of one country alone. Where an amount times 100 takes rows over a condition
    ``amount > 100``, their number and what else they hold is another on both sides of it alone.
    A joint group moves with a feature of it that moved by itself.
    """
    moved = {row["feature"]: at for at, row in enumerate(rows) if row["severity"] in MOVED}
    found = dict[int, int]()
    if (rows_of := moved.get(ROWS_FEATURE)) is not None:
        counted = segments[ROWS_FEATURE]
        mixed, alone = _lists(counted), alone_of(counted)
        made = {written(name): at for name, at in moved.items() if at != rows_of}
        if alone is not None and columns_of(alone.segment) in made:
            found[made[columns_of(alone.segment)]] = rows_of
        elif by := [made[one] for one in made if 0 < mixed.get(one, 0) < counted.totals[one]]:
            found[rows_of] = by[0]
    crossed = {
        at: one
        for name, at in moved.items()
        if at not in found and rows[at]["segment"] is not None
        if (one := crossed_condition(segments[name])) is not None
    }
    others = [at for at in moved.values() if at not in crossed and at not in found]
    drifted_in = {at: _lists(segments[rows[at]["feature"]]) for at in others}
    for at, one in crossed.items():
        within = [by for by in others if one in drifted_in[by]]
        if within or len(others) == 1:
            # What the condition is about drifted on its side alone: others may have on both.
            found[at] = min(within or others, key=lambda cause: drifted_in[cause].get(one, 0))
    for at in moved.values():
        cause = moved.get(_member(rows[at]), at)
        if cause != at and not {cause, at} & {*found}:
            found[at] = cause
    return found


def _member(row: Mapping[str, Any]) -> str:
    """The feature of a joint group that took the others along; empty for other rows."""
    member, along, _ = str(row["reason"]).partition(ALONG)
    return member if along else ""


def _moved_by(
    cause: Mapping[str, Any], follow: Sequence[Mapping[str, Any]], segments: Mapping[str, Parts]
) -> str:
    """What moved as well, of the features that follow from a cause."""
    named = [row["feature"] for row in follow if not _member(row)]
    if cause["feature"] == ROWS_FEATURE:  # of one country alone: what follows is ``country``
        return f"the mix of {first_names(named, NAMED)} moved"
    lists = dict.fromkeys(one for name in named for one in _lists(segments[name]))
    by_lists = f"rows moved between segments by {first_names([*lists], NAMED)}" if lists else ""
    groups = [feature_words(row["feature"], LONGEST_NAME) for row in follow if _member(row)]
    along = f"the joint {'groups' if groups[1:] else 'group'} {first_names(groups, NAMED)}"
    return " and ".join(filter(None, (by_lists, along if groups else "")))


def _lists(segments: Parts) -> dict[str, int]:
    """How many segments of each list drifted."""
    return {columns: len(rows) for columns, rows in segments.drifted.items()}


def _key(row: Mapping[str, Any], segments: Parts) -> Hashable:
    """The key that rows of one cause share."""
    reason = str(row["reason"] or "")
    if row["severity"] == "unscored":
        return "unscored", reason, row["segment"]
    if row["severity"] in MOVED:
        if AS_MANY in happened(reason):
            return tuple(row[column] for column in ALIKE)
        if happened(reason).endswith(SWAPPED):
            return "swapped", happened(reason)
        if (alone := alone_of(segments)) is not None:
            return "segment", alone.segment
    return "feature", row["feature"]


def _common(row: Mapping[str, Any], segments: Mapping[str, Parts]) -> str:
    """What the features of a cause have in common, by the first of its rows."""
    reason, parts = shown(row["reason"] or "", 240), segments[row["feature"]]
    inside = "" if row["segment"] is None else f"in {shown(row['segment'], 60)} "
    if row["severity"] == "unscored":
        return f"{inside}not scored: {reason}"
    alone = alone_of(parts)
    swapped = happened(reason).endswith(SWAPPED)
    if AS_MANY not in happened(reason) and not swapped:
        if alone is None:
            return ""
        known = row["feature"] == ROWS_FEATURE or alone.what.endswith(SWAPPED)
        name = "" if known else f"{feature_words(row['feature'], 60)} "
        return f"in {alone.where}; {name}{alone.what}"
    what = f"{without_others(reason)}, in the same rows: most likely one cause"
    what = happened(reason) if swapped else what
    if inside:
        return inside + what
    if alone is not None:
        return f"in {alone.where}; over all rows {what}"
    where = parts_words(parts)
    return f"over all rows {what}" + (f"; drifted in {where}" if where else "")


def without_others(what: str) -> str:
    """What happened, without the other features in which it did.

    Examples:
        >>> without_others("nulls rose to 5.0 % of the rows, as many as in 'a', 'b' and 3 more")
        'nulls rose to 5.0 % of the rows'
    """
    return what.partition(AS_MANY)[0]
