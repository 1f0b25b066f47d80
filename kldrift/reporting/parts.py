"""The segments of a feature: which of them drifted, in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from kldrift.counting.group_names import columns_of
from kldrift.reporting.figures import many, shown
from kldrift.reporting.json_values import Row, records
from kldrift.reporting.order import as_table
from kldrift.reporting.row_words import happened
from kldrift.tables.values import codes, is_in, rows_where

if TYPE_CHECKING:
    import pandas as pd

MOVED: Final = ("critical", "warning")
OF_SEGMENTS: Final = [
    "feature",
    "segment",
    "severity",
    "kl",
    "kl_expected",
    "n_reference",
    "n_current",
    "reason",
]
NAMED: Final = 4
"""Segments."""
ALSO: Final = 0.25
"""Share of the divergence of one segment with which another is not said to be fine."""
TELLING: Final = 0.1
"""Share of the rows that segments must hold to say that it is one of the others that drifted."""

SURELY: Final = 5.0
"""Standard errors from which the share of a segment is another."""


@dataclass(frozen=True)
class Parts:
    """The segments of a feature.

    Attributes:
        totals: how many there are, by the columns that they are made by.
        splits: for each list, how much of the divergence is its mix, and how much within.
        rows: how many rows they hold, by the columns that they are made by; none if not known.
        before: how many the reference has, likewise.
        calm: the largest ``kl`` of those that are ok, without what chance adds to it, likewise.
        whole: what happened over all rows; empty if the feature did not drift there.
    """

    bad: Sequence[Row]
    totals: Mapping[str, int]
    splits: Sequence[Row]
    rows: Mapping[str, float] = field(default_factory=dict)
    calm: Mapping[str, float] = field(default_factory=dict)
    whole: str = ""
    before: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.totals.values())

    @property
    def drifted(self) -> dict[str, list[Row]]:
        """Those that drifted, likewise."""
        rows: dict[str, list[Row]] = {}
        for row in (s for s in self.bad if s["severity"] in MOVED):
            rows.setdefault(columns_of(str(row["segment"])), []).append(row)
        return rows


def segments_of_features(
    ordered: pd.DataFrame | pa.Table,
    features: Sequence[str],
    splits: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Parts]:
    """The segments of some features."""
    table = as_table(ordered, OF_SEGMENTS)
    table = rows_where(table, is_in(table["feature"], features))
    alone = is_in(table["segment"], {None})
    moved = records(rows_where(table, alone & is_in(table["severity"], MOVED)))
    whole = {row["feature"]: happened(shown(row["reason"] or "", 160)) for row in moved}
    table = rows_where(table, ~alone)
    columns = {name: columns_of(name) for name in codes(table["segment"])[1]}
    totals: dict[str, Counter[str]] = {n: Counter() for n in features}
    rows: dict[str, Counter[str]] = {n: Counter() for n in features}
    before: dict[str, Counter[str]] = {n: Counter() for n in features}
    calm: dict[str, dict[str, float]] = {n: {} for n in features}
    for row in table.to_pylist():
        name, of = row["feature"], columns[row["segment"]]
        totals[name][of] += 1
        rows[name][of] += row["n_current"] or 0
        before[name][of] += row["n_reference"] or 0
        if row["severity"] == "ok":
            calm[name][of] = max(calm[name].get(of, 0.0), _without_chance(row))
    bad: dict[str, list[dict[str, Any]]] = {}
    for part in records(rows_where(table, ~is_in(table["severity"], {"ok"}))):
        bad.setdefault(part["feature"], []).append(part)
    by_list: dict[str, list[Mapping[str, Any]]] = {}
    for split in splits:
        by_list.setdefault(split["feature"], []).append(split)
    return {
        n: Parts(
            bad.get(n, []),
            totals[n],
            by_list.get(n, []),
            rows[n],
            calm[n],
            whole.get(n, ""),
            before[n],
        )
        for n in features
    }


def parts_words(segments: Parts) -> str:
    """The segments that drifted: by name where they are few of many.

    Of several lists one first whose other segments are as they were, and of such the one of which
    the smallest share drifted: it says best where.

    Examples:
        >>> nz, app = ({"segment": s, "severity": "critical"} for s in ("country=nz", "by=app"))
        >>> parts_words(Parts([nz], {"country": 3}, []))
        '1 of 3 segments (country=nz)'
        >>> parts_words(Parts([nz, app], {"country": 1, "by": 4}, []))
        '1 of 4 segments by by (by=app), 1 of 1 by country'
        >>> far = [nz | {"kl": 0.3}, app | {"kl": 0.1}]
        >>> parts_words(Parts(far, {"country": 2, "by": 4}, [], calm={"by": 0.09}))
        '1 of 2 segments by country (country=nz), 1 of 4 by by (by=app)'
    """
    drifted = segments.drifted
    names = {of: [shown(row["segment"], 40) for row in rows] for of, rows in drifted.items()}
    number, totals = sum(map(len, names.values())), segments.totals
    if not number:
        return ""
    if number == segments.total or len(totals) == 1:
        every = [name for of_list in names.values() for name in of_list]
        return _few(every, segments.total, "segment" if segments.total == 1 else "segments")

    def place(of: str) -> tuple[bool, float]:
        least = min(map(_without_chance, drifted[of]))
        return segments.calm.get(of, 0.0) > ALSO * least, len(drifted[of]) / totals[of]

    return ", ".join(
        _few(names[of], totals[of], "segments " * (not at) + f"by {shown(of, 40)}")
        for at, of in enumerate(sorted(names, key=place))
    )


@dataclass(frozen=True)
class Alone:
    """The only segment of a list that drifted: which, of how many in words, and what happened."""

    segment: str
    where: str
    what: str


def alone_of(segments: Parts) -> Alone | None:
    """The only segment of a list that drifted, and what happened in it.

    Of several lists that have one it is that of the list in which it drifted by far the most: what
    else drifted has rows of it. None where no list has one, or several have alike; and where the
    others of the list are too small to say that they did not, or may have.

    Examples:
        >>> one = {"severity": "critical", "reason": "shifted", "n_current": 9}
        >>> bad = [one | {"segment": s} for s in ("country=nz", "by=app", "by=web")]
        >>> alone = alone_of(Parts(bad[:1], {"country": 3}, []))
        >>> alone.where, alone.what
        ('country=nz, the only one of 3 segments that drifted', 'shifted')
        >>> alone_of(Parts(bad, {"country": 3, "by": 2}, [])).where
        'country=nz, the only one of 3 segments by country that drifted'
        >>> alone_of(Parts(bad, {"country": 3, "by": 2}, [], {"country": 9.5}))
        >>> far = [bad[0] | {"kl": 0.9}, bad[1] | {"kl": 0.1}]
        >>> alone_of(Parts(far, {"country": 3, "by": 2}, [])).segment
        'country=nz'
    """
    drifted = segments.drifted
    alone = [
        (_without_chance(rows[0]), columns)
        for columns, rows in drifted.items()
        if len(rows) == 1 and segments.totals[columns] > 1
    ]
    (most, columns), *others = sorted(alone, reverse=True) or [(0.0, "")]
    if not columns or any(less > ALSO * most for less, _ in others):
        return None
    (row,) = drifted[columns]
    told = tells(row["n_current"] or 0, segments.rows.get(columns, math.inf))
    if not told or segments.calm.get(columns, 0.0) > ALSO * most:
        return None
    total = many(segments.totals[columns], "segment")
    by = f" by {shown(columns, 40)}" if len(segments.totals) > 1 else ""
    return Alone(
        str(row["segment"]),
        f"{shown(row['segment'], 40)}, the only one of {total}{by} that drifted",
        happened(shown(row["reason"] or "", 160)),
    )


def crossed_condition(segments: Parts) -> str | None:
    """The condition of which alone the two sides drifted, as rows went from one to the other.

    Examples:
        >>> far = {"segment": "large=true", "severity": "critical", "n_reference": 50}
        >>> known = {"rows": {"large": 900}, "before": {"large": 900}}
        >>> one, other = ([far | {"n_current": n}] for n in (300, 55))
        >>> [crossed_condition(Parts(bad, {"large": 2}, [], **known)) for bad in (one, other)]
        ['large', None]
    """
    bad = [s for s in segments.bad if s["severity"] in MOVED]
    names = {columns_of(str(s["segment"])) for s in bad}
    if len(names) != 1:
        return None
    (name,) = names
    if any(str(s["segment"]).rpartition("=")[2] not in ("true", "false", "null") for s in bad):
        return None
    n, m = segments.rows.get(name, 0), segments.before.get(name, 0)
    for part in bad if n and m else ():
        share, usual = (part["n_current"] or 0) / n, (part["n_reference"] or 0) / m
        together = ((part["n_current"] or 0) + (part["n_reference"] or 0)) / (n + m)
        chance = math.sqrt(together * (1 - together) * (1 / n + 1 / m))
        if abs(share - usual) > max(SURELY * chance, TELLING * max(share, usual)):
            return name
    return None


def _without_chance(row: Mapping[str, Any]) -> float:
    """The divergence of a row, without what chance alone adds to it."""
    return (row.get("kl") or 0.0) - (row.get("kl_expected") or 0.0)


def tells(rows: float, total: float) -> bool:
    """Whether the other segments of a list have rows enough to say that one drifted alone."""
    return rows <= (1 - TELLING) * total


def _few(names: Sequence[str], total: int, of: str) -> str:
    """How many of a total, and which where they are few."""
    named = len(names) <= min(NAMED, total / 2)
    return f"{len(names):,} of {total:,} {of}" + f" ({'; '.join(names)})" * named
