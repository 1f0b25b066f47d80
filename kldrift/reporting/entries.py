"""The rows of a page: one for each feature, the worst first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from kldrift.reporting.blocks import Block, blocks_of
from kldrift.reporting.causes import Cause, without_others
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.figures import LONGEST_NAME, begin_name, feature_words, shown
from kldrift.reporting.group_chart import group_chart
from kldrift.reporting.histogram import histogram
from kldrift.reporting.json_values import records
from kldrift.reporting.parts import MOVED, Parts, alone_of, parts_words
from kldrift.reporting.past import Past
from kldrift.reporting.row_words import alert_words, reason_parts, score_words
from kldrift.reporting.score_line import score_line
from kldrift.reporting.timeline import Since, history_words, since, sparkline
from kldrift.scoring.alerts import Key

LONGEST_REASON: Final = 320
OF_CELLS: Final = (
    "feature",
    "segment",
    "window_start",
    "window_end",
    "cell",
    "cell_kind",
    "lower",
    "upper",
    "label",
    "rows_reference",
    "rows_current",
    "probability_current",
    "contribution",
    "correlation_reference",
    "correlation_current",
)
"""What a page shows of a cell."""
ARROW: Final = re.compile(r"(\d(?: %)?) -> (-?\d)")


@dataclass(frozen=True)
class Entry:
    """One row of a page.

    Attributes:
        where: the segment that is shown; empty for all rows.
        since: since when it drifts, and how it went on; empty if it does not, or nobody knows.
        parts: the segments of all rows that drifted too; empty for none.
        alone: the only one of several that did, and what happened in it; None for no such.
        whole: beside a segment, what happened over all rows, and in which segments.
        charts: distribution, score, windows; None where there is none.
    """

    key: Key
    severity: str
    name: str
    where: str
    score: str
    alert: str
    since: Since
    reason: str
    parts: str
    alone: str | None
    whole: str
    charts: Sequence[Drawing | None]
    blocks: Sequence[Block]

    @property
    def standing(self) -> str:
        """Its score, its alert, and since when it drifts, in words, without repetition."""
        known = self.severity in MOVED and self.score.partition(",")[0] in self.reason
        score = "" if known else self.score
        return "; ".join(filter(None, (score, self.since.words(self.alert))))

    @property
    def reason_parts(self) -> tuple[str, str]:
        """What happened and what explains it; and what speaks for it."""
        return reason_parts(self.reason)

    def data(self) -> list[Any]:
        """Charts and blocks as a JSON value."""
        charts = [None if chart is None else chart.data() for chart in self.charts]
        return [charts, [block.data() for block in self.blocks]]


@dataclass(frozen=True)
class Card:
    """A feature, or several that drifted for one cause."""

    cause: Cause
    entries: Sequence[tuple[int, Entry]]

    @property
    def worst(self) -> Entry:
        """The first of its rows."""
        return self.entries[0][1]

    @property
    def longest(self) -> Entry:
        """The row that drifts longest."""
        return max((entry for _, entry in self.entries), key=lambda entry: entry.since.windows)

    @property
    def standing(self) -> str:
        """Its alert, since when it drifts, and whose charts are shown first, in words."""
        charts = f"charts of {self.worst.name}" if any(self.worst.charts) else ""
        return "; ".join(filter(None, (self.longest.since.words(self.worst.alert), charts)))


def entries_of(
    rows: Sequence[Mapping[str, Any]],
    segments: Mapping[str, Parts],
    cells: pd.DataFrame,
    past: Past,
    zone: str,
    muted: Mapping[str, str],
    alike: Collection[str] = (),
) -> Iterator[Entry]:
    """The rows of a page about some rows of the scores.

    Of the features in ``alike`` the page says in one place what they have in common.
    """
    of_rows = cells_of(cells, rows)
    for row in rows:
        name = str(row["feature"])
        reason = str(row["reason"] or "")
        if name in alike:
            first, end, others = reason.partition("; ")
            reason = f"{without_others(first)}{end}{others}"
        own = of_rows.get(row_key(row), [])
        alert = alert_words(row, zone, muted.get(name, ""))
        yield _entry(row, reason, alert, own, segments[name], past, zone)


def _entry(
    row: Mapping[str, Any],
    reason: str,
    alert: str,
    cells: Sequence[Mapping[str, Any]],
    segments: Parts,
    past: Past,
    zone: str,
) -> Entry:
    name, segment = str(row["feature"]), row["segment"]
    key = (name, segment)
    severities = past.severities(key)
    metric = str(row.get("metric") or "kl")
    limits = [row["threshold_warning"], row["threshold_critical"]]
    plain = feature_words(name)
    ends = "", ""
    if len(past):
        ends = begin_name(past.windows[0], zone), begin_name(past.windows[-1], zone)
    drawn = past.spread(past.scores(key, metric)), past.spread(severities)
    line = sparkline(plain, *drawn, limits, metric, ends)
    draw = group_chart if row["kind"] == "joint" else histogram
    distribution = draw(plain, cells)
    when = history_words(past, severities, plain, zone).partition(": ")[2] if len(past) > 1 else ""
    parts = parts_words(segments)
    where = parts and f"drifted in {parts}"
    alone, whole = alone_of(segments), ""
    if segment is not None:
        alone, parts = None, ""
        whole = f"over all rows: {segments.whole}; {where}" if segments.whole else ""
        where = ""
    return Entry(
        key,
        str(row["severity"]),
        feature_words(name, LONGEST_NAME),
        "" if segment is None else shown(segment, LONGEST_NAME),
        score_words(row),
        alert,
        since(past, key, zone),
        "; ".join(filter(None, (_in_whole_parts(reason), where))),
        parts,
        None if alone is None else f"{alone.where}: {alone.what}",
        whole,
        (distribution, score_line(row), line),
        blocks_of(row, cells, segments, when),
    )


def _in_whole_parts(reason: str) -> str:
    """The reason of a row, cut to the whole parts that fit."""
    said, *others = reason.split("; ")
    for part in others:
        if len(said) + len(part) + 2 <= LONGEST_REASON:
            said += f"; {part}"
    return ARROW.sub(r"\1 → \2", shown(said, LONGEST_REASON))


def row_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key of a row of the scores, by which its cells are found."""
    return tuple(row[key] for key in ("feature", "segment", "window_start", "window_end"))


def cells_of(
    cells: pd.DataFrame, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Return the cells of some rows of the scores, by their key."""
    by_row: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    wanted = cells["feature"].isin([row["feature"] for row in rows])
    # There may be a million cells of segments.
    named = [row["segment"] for row in rows if row["segment"] is not None]
    wanted &= cells["segment"].isna() | cells["segment"].isin(named)
    for cell in records(cells.loc[wanted, [name for name in OF_CELLS if name in cells]]):
        by_row.setdefault(row_key(cell), []).append(cell)
    return by_row
