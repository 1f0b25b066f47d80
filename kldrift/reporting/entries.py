"""The rows of a page: one for each feature, the worst first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from kldrift.reporting.blocks import Block, blocks_of
from kldrift.reporting.causes import causes_of
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.figures import begin_name, shown
from kldrift.reporting.group_chart import group_chart
from kldrift.reporting.histogram import histogram
from kldrift.reporting.json_values import records
from kldrift.reporting.order import leading
from kldrift.reporting.parts import (
    MOVED,
    Parts,
    alone_words,
    parts_words,
    segments_of_features,
)
from kldrift.reporting.past import Past
from kldrift.reporting.row_cells import cells_of, row_key
from kldrift.reporting.row_words import alert_words, score_words
from kldrift.reporting.score_line import score_line
from kldrift.reporting.timeline import history_words, sparkline

LONGEST_REASON: Final = 320
LONGEST_NAME: Final = 120
ARROW: Final = re.compile(r"([\d.]+) % -> ([\d.]+) %")


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
        cause: the feature above that has as many nulls; empty for none.
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
    cause: str = ""

    @property
    def standing(self) -> str:
        """Its score, its alert, and since when it drifts, in words; but what is said already."""
        known = self.severity in MOVED and self.score.partition(",")[0] in self.reason
        score = "" if known else self.score
        said = self.alert.endswith(f"since {self.since}")
        since = f"drifts since {self.since}" if self.since and not said else ""
        return "; ".join(filter(None, (score, self.alert, since)))

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
    segments = segments_of_features(ordered, [str(row["feature"]) for row in rows], splits)
    for row, cause in zip(rows, causes_of(rows), strict=True):
        own = of_rows.get(row_key(row), [])
        yield _entry(row, own, segments[row["feature"]], past, zone, shown(cause))


def _entry(
    row: Mapping[str, Any],
    cells: Sequence[Mapping[str, Any]],
    segments: Parts,
    past: Past,
    zone: str,
    cause: str,
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
    when = history_words(past, severities, plain, zone).partition(": ")[2] if len(past) > 1 else ""
    parts = "" if segment is not None else parts_words(segments.bad, segments.totals)
    reason = "; ".join(filter(None, (_reason(row, cause), parts and f"drifted in {parts}")))
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
        None if segment is not None else alone_words(segments),
        (distribution, score_line(row), line),
        blocks_of(row, cells, segments, when),
        cause,
    )


def _reason(row: Mapping[str, Any], cause: str) -> str:
    """Why a row is what it is, as far as there is room for whole parts of it."""
    first, *others = str(row["reason"] or "").split("; ")
    if cause:
        first = f"as many nulls as in {cause}: most likely one cause"
    said = first
    for part in others:
        if len(said) + len(part) + 2 > LONGEST_REASON:
            break
        said += f"; {part}"
    return ARROW.sub(r"\1 % → \2 %", shown(said, LONGEST_REASON))
