"""Which features of a window drifted for one cause, and what they have in common.

The alerts of a monitor are grouped alike, see `kldrift.monitor.alert_log`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kldrift.errors import first_names
from kldrift.reporting.figures import many, shown
from kldrift.reporting.parts import MOVED, Parts, alone_of
from kldrift.reporting.row_words import happened
from kldrift.scoring.sentences import AS_MANY

ALIKE: Final = (
    "segment",
    "n_reference",
    "n_current",
    "missing_reference",
    "missing_current",
)
"""Columns of ``drift_scores`` that are equal where the same rows lost their values."""
OF_CAUSES: Final = ("feature", "severity", "reason", *ALIKE)
"""Columns of ``drift_scores`` that causes are known by."""
NAMED: Final = 5
LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class Cause:
    """Why one feature drifted, or several.

    Attributes:
        features: their names, the worst first.
        places: of their rows.
        what: what several have in common; empty for one.
    """

    features: tuple[str, ...]
    places: tuple[int, ...]
    what: str = ""

    @property
    def named(self) -> str:
        """Its features: by name, if they are few."""
        return first_names(self.features, NAMED, lambda name: shown(name, LONGEST_NAME))

    @property
    def title(self) -> str:
        """How many features it is about, if several, and which."""
        several = len(self.features) > 1
        return f"{many(len(self.features), 'feature')}: {self.named}" if several else self.named


def causes_of(rows: Sequence[Mapping[str, Any]], segments: Mapping[str, Parts]) -> list[Cause]:
    """The causes of some rows, in the order of the first row of each.

    Features have one cause if they lost their values in the same rows, drifted in the same
    segment alone, or could not be scored for the same reason.

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
    for place, row in enumerate(rows):
        places.setdefault(_key(row, segments[row["feature"]]), []).append(place)
    return [
        Cause(
            tuple(str(rows[place]["feature"]) for place in own),
            tuple(own),
            _common(rows[own[0]], segments) if len(own) > 1 else "",
        )
        for own in places.values()
    ]


def _key(row: Mapping[str, Any], segments: Parts) -> Hashable:
    """The key that rows of one cause share."""
    reason = str(row["reason"] or "")
    if row["severity"] == "unscored":
        return "unscored", reason
    if row["severity"] in MOVED:
        if AS_MANY in happened(reason):
            return tuple(row[column] for column in ALIKE)
        if (alone := alone_of(segments)) is not None:
            return "segment", alone.segment
    return "feature", row["feature"]


def _common(row: Mapping[str, Any], segments: Mapping[str, Parts]) -> str:
    """What the features of a cause have in common, by the first of its rows."""
    reason = shown(row["reason"] or "", 240)
    if row["severity"] == "unscored":
        return f"not scored: {reason}"
    if AS_MANY in happened(reason):
        where = "over all rows" if row["segment"] is None else f"in {shown(row['segment'], 60)}"
        return f"{where} {without_others(reason)}, in the same rows: most likely one cause"
    alone = alone_of(segments[row["feature"]])
    if alone is None:
        return ""
    return f"in {alone.where}; {shown(row['feature'], 60)} {alone.what}"


def without_others(what: str) -> str:
    """What happened, without the other features in which it did.

    Examples:
        >>> without_others("nulls rose to 5.0 % of the rows, as many as in 'a', 'b' and 3 more")
        'nulls rose to 5.0 % of the rows'
    """
    return what.partition(AS_MANY)[0]
