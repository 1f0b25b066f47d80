"""The rows of a page: one for each feature, the worst first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from kldrift.counting.group_names import columns_of
from kldrift.reporting.blocks import MOVED, Block, Parts, blocks_of
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.figures import (
    begin_name,
    figure,
    instant_name,
    likelihood,
    many,
    shown,
)
from kldrift.reporting.group_chart import group_chart
from kldrift.reporting.histogram import histogram
from kldrift.reporting.json_values import records
from kldrift.reporting.order import leading
from kldrift.reporting.past import Past
from kldrift.reporting.row_cells import cells_of, key_of
from kldrift.reporting.score_line import score_line
from kldrift.reporting.timeline import history, sparkline

OF_SEGMENTS: Final = ["feature", "segment", "severity", "kl", "n_current", "reason"]
LONGEST_REASON: Final = 320
LONGEST_NAME: Final = 120
ARROW: Final = re.compile(r"([\d.]+) % -> ([\d.]+) %")
MAY_BE_CHANCE: Final = 0.01
"""Share of false alarms."""
NAMED: Final = 3
"""Segments."""


@dataclass(frozen=True)
class Entry:
    """One row of a page.

    Attributes:
        severity: the worst over all rows and segments.
        name: of the feature.
        where: the segment that is shown; empty for all rows.
        score: the score and its limit in words.
        alert: its alert in words; empty for none.
        since: since when it drifts; empty if it does not, or nobody knows.
        windows: for how many windows.
        critical: how many of these, up to the last, are critical.
        reason: why.
        parts: the segments of all rows that drifted too; empty for none.
        alone: the only one of several that did, and what happened in it; None for no such.
        charts: distribution, score, windows; None where there is none.
        blocks: what is shown when the row is opened.
    """

    severity: str
    name: str
    where: str
    score: str
    alert: str
    since: str
    windows: int
    critical: int
    reason: str
    parts: str
    alone: str | None
    charts: Sequence[Drawing | None]
    blocks: Sequence[Block]

    @property
    def standing(self) -> str:
        """Its score, its alert, and since when it drifts, in words."""
        since = self.since and f"drifts since {self.since}"
        return "; ".join(filter(None, (self.score, self.alert, since)))

    def data(self) -> list[Any]:
        """Charts and blocks as a JSON value."""
        charts = [None if chart is None else chart.data() for chart in self.charts]
        return [charts, [block.data() for block in self.blocks]]


def entries(
    ordered: pd.DataFrame,
    cells: pd.DataFrame,
    splits: Sequence[Mapping[str, Any]],
    past: Past,
    zone: str,
    most: int,
) -> Iterator[Entry]:
    """The rows of a page.

    Args:
        ordered: ``drift_scores``, the worst first.
        cells: ``drift_cells``.
        splits: of features by lists of segments, see `segment_splits`.
        past: the windows up to this one.
        zone: of the times.
        most: rows, at most.
    """
    yield from entries_of(records(leading(ordered).head(most)), ordered, cells, past, zone, splits)


def entries_of(
    rows: Sequence[Mapping[str, Any]],
    ordered: pd.DataFrame,
    cells: pd.DataFrame,
    past: Past,
    zone: str,
    splits: Sequence[Mapping[str, Any]] = (),
) -> Iterator[Entry]:
    """The rows of a page about some rows of the scores.

    Args:
        rows: of ``drift_scores``.
        ordered: all of them, the worst first.
        cells: ``drift_cells``.
        past: the windows up to this one.
        zone: of the times.
        splits: of features by lists of segments, see `segment_splits`.
    """
    of_rows = cells_of(cells, rows)
    segments = parts_of(ordered, [str(row["feature"]) for row in rows], splits)
    for row in rows:
        yield _entry(row, of_rows.get(key_of(row), []), segments[row["feature"]], past, zone)


def parts_of(
    ordered: pd.DataFrame, features: Sequence[str], splits: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Parts]:
    """The segments of some features.

    Args:
        ordered: ``drift_scores``, the worst first.
        features: their names.
        splits: of features by lists of segments, see `segment_splits`.
    """
    parts = ordered[ordered["segment"].notna() & ordered["feature"].isin(features)]
    made_by = parts["segment"].map({s: columns_of(s) for s in parts["segment"].unique()})
    totals: dict[str, dict[str, int]] = {}
    counts = parts.groupby(["feature", made_by]).size().reset_index()
    for name, columns, number in counts.itertuples(index=False):
        totals.setdefault(name, {})[columns] = number
    bad: dict[str, list[dict[str, Any]]] = {}
    for part in records(parts.loc[parts["severity"] != "ok", OF_SEGMENTS]):
        bad.setdefault(part["feature"], []).append(part)
    by_list: dict[str, list[Mapping[str, Any]]] = {}
    for split in splits:
        by_list.setdefault(split["feature"], []).append(split)
    return {n: Parts(bad.get(n, []), totals.get(n, {}), by_list.get(n, [])) for n in features}


def _entry(
    row: Mapping[str, Any],
    cells: Sequence[Mapping[str, Any]],
    segments: Parts,
    past: Past,
    zone: str,
) -> Entry:
    name, segment = str(row["feature"]), row["segment"]
    key = (name, segment)
    severities = past.severities(key)
    since, windows, critical = "", 0, 0
    if len(past) > 1 and (last := past.streak(key)) is not None:
        windows = len(last)
        since = begin_name(past.windows[last.first], zone)
        others = (i for i, s in enumerate(reversed(severities)) if s != "critical")
        critical = next(others, len(severities))
    metric = str(row.get("metric") or "kl")
    limits = [row["threshold_warning"], row["threshold_critical"]]
    plain = shown(name)
    line = sparkline(plain, past.scores(key, metric), severities, limits, metric=metric)
    draw = group_chart if row["kind"] == "joint" else histogram
    distribution = draw(plain, cells)
    when = history(past, severities, plain, zone).partition(": ")[2] if len(past) > 1 else ""
    parts = "" if segment is not None else parts_words(segments.bad, segments.totals)
    said = ARROW.sub(r"\1 % → \2 %", shown(row["reason"] or "", LONGEST_REASON))
    reason = "; ".join(filter(None, (said, parts and f"drifted in {parts}")))
    return Entry(
        str(row["severity"]),
        shown(name, LONGEST_NAME),
        "" if segment is None else shown(segment, LONGEST_NAME),
        score_words(row),
        alert_words(row, zone),
        since,
        windows,
        critical,
        reason,
        parts,
        None if segment is not None else _alone(segments),
        (distribution, score_line(row), line),
        blocks_of(row, cells, segments, when),
    )


def score_words(row: Mapping[str, Any]) -> str:
    """The score of a row and the limit that it is held to.

    Examples:
        >>> limits = {"threshold_warning": 0.1, "threshold_critical": 0.25}
        >>> score_words({"kl": 0.42, "severity": "critical"} | limits)
        'kl 0.42, critical above 0.25'
        >>> score_words({"kl": 0.01, "severity": "ok"} | limits)
        'kl 0.01, warning above 0.1'
        >>> score_words({"kl": 0.3, "severity": "warning"} | limits)
        'kl 0.3, warning above 0.1, not surely above critical 0.25'
        >>> score_words({"kl": 0.2, "severity": "ok", "q_value": 0.6} | limits)
        'kl 0.2, warning above 0.1, but q 0.6: it may be chance'
    """
    metric = str(row.get("metric") or "kl")
    score = row.get(metric)
    if score is None:
        return ""
    level, limit = limit_of(row)
    said = f"{metric} {figure(score)}" + (f", {level} above {figure(limit)}" if level else "")
    critical = row["threshold_critical"]
    if row["severity"] == "warning" and critical is not None and score > critical:
        said += f", not surely above critical {figure(critical)}"
    above = row["severity"] == "ok" and limit is not None and score > limit
    if above and (row.get("q_value") or 0.0) >= MAY_BE_CHANCE:
        said += f", but q {likelihood(row['q_value'])}: it may be chance"
    return said


def parts_words(segments: Sequence[Mapping[str, Any]], totals: Mapping[str, int]) -> str:
    """The segments that drifted: by name where they are few of many.

    Of several lists the one first of which the smallest share drifted: it says best where.

    Examples:
        >>> nz, app = ({"segment": s, "severity": "critical"} for s in ("country=nz", "by=app"))
        >>> parts_words([nz], {"country": 3})
        '1 of 3 segments (country=nz)'
        >>> parts_words([nz, app], {"country": 1, "by": 4})
        '1 of 4 segments by by (by=app), 1 of 1 by country'
    """
    drifted: dict[str, list[str]] = {}
    for segment in (str(s["segment"]) for s in segments if s["severity"] in MOVED):
        drifted.setdefault(columns_of(segment), []).append(shown(segment, 40))
    total, number = sum(totals.values()), sum(map(len, drifted.values()))
    if not number:
        return ""
    if number == total or len(totals) == 1:
        names = [name for of_list in drifted.values() for name in of_list]
        return _few(names, total, "segment" if total == 1 else "segments")
    shares = sorted(drifted, key=lambda columns: len(drifted[columns]) / totals[columns])
    return ", ".join(
        _few(drifted[columns], totals[columns], "segments " * (not at) + f"by {shown(columns, 40)}")
        for at, columns in enumerate(shares)
    )


def _few(names: Sequence[str], total: int, of: str) -> str:
    """How many of so many, and which where they are few."""
    named = len(names) <= min(NAMED, total / 2)
    return f"{len(names):,} of {total:,} {of}" + f" ({'; '.join(names)})" * named


def _alone(segments: Parts) -> str | None:
    """The only one of several segments that drifted, and what happened in it."""
    drifted = [s for s in segments.bad if s["severity"] in MOVED]
    if len(drifted) != 1 or segments.total < 2:
        return None
    name, what = shown(drifted[0]["segment"], 40), happened(shown(drifted[0]["reason"] or "", 160))
    return f"{name}, the only one of {many(segments.total, 'segment')} that drifted: {what}"


def happened(reason: str) -> str:
    """What a reason says first, and what explains it.

    Examples:
        >>> happened("shifted up by 9 standard deviations; explained to 100 % by x 1,000; q 0.01")
        'shifted up by 9 standard deviations, explained to 100 % by x 1,000'
    """
    first, *others = reason.split("; ", 2)
    return ", ".join([first, *(more for more in others[:1] if more.startswith("explained to"))])


def alert_words(row: Mapping[str, Any], zone: str = "UTC") -> str:
    """The alert of a row, if there is one, and the first critical window that it is about.

    Examples:
        >>> alert_words({"alert": "muted", "alert_since": "2020-04-01T00:00:00+00:00"})
        'alert muted, critical since 1 Apr 2020'
        >>> alert_words({"alert": "none"}), alert_words({})
        ('', '')
    """
    state, since = row.get("alert"), row.get("alert_since")
    if state in (None, "none"):
        return ""
    return f"alert {state}" + (f", critical since {instant_name(since, zone)}" if since else "")


def limit_of(row: Mapping[str, Any]) -> tuple[str, float | None]:
    """The level that a row was held to, and its limit; empty for none."""
    levels = ["warning", "critical"]
    if row["severity"] == "critical":
        levels.reverse()
    known = ((level, row[f"threshold_{level}"]) for level in levels)
    return next(((level, limit) for level, limit in known if limit is not None), ("", None))
