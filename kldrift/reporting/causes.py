"""Which rows of a page have one cause: columns that lost their values together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kldrift.reporting.parts import MOVED
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


def causes_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each row the feature whose cause it shares, the first of them; empty for its own cause.

    Args:
        rows: of ``drift_scores``, the worst first.

    Examples:
        >>> same = dict.fromkeys(ALIKE, 7) | {"severity": "warning"}
        >>> rows = [same | {"feature": f, "reason": "nulls rose, as many as in 'a'"} for f in "ab"]
        >>> causes_of([*rows, rows[0] | {"feature": "c", "reason": "shifted up"}])
        ['', 'a', '']
    """
    first: dict[tuple[Any, ...], str] = {}
    causes = []
    for row in rows:
        name, cause = str(row["feature"]), ""
        if row["severity"] in MOVED and AS_MANY in happened(str(row["reason"] or "")):
            cause = first.setdefault(tuple(row[column] for column in ALIKE), name)
        causes.append("" if cause == name else cause)
    return causes


def without_others(what: str) -> str:
    """What happened, without the other features in which it did.

    Examples:
        >>> without_others("nulls rose to 5.0 % of the rows, as many as in 'a', 'b' and 3 more")
        'nulls rose to 5.0 % of the rows'
    """
    return what.partition(AS_MANY)[0]
