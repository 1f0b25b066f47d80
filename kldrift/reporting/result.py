"""The result of a comparison or a run: its tables as frames, and ways to look at them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from kldrift.errors import OutputError, masked
from kldrift.reporting.json_values import json_value, records
from kldrift.reporting.monitor_page import MOST_ENTRIES, Story, monitor_page
from kldrift.reporting.order import counted, worst_first, worst_rows
from kldrift.reporting.page import Page
from kldrift.reporting.past import Past
from kldrift.reporting.views import Views

WORST_IN_SUMMARY: Final = 10


@dataclass(frozen=True, eq=False, repr=False)
class Result(Views):
    """The scores of one comparison; a notebook shows it as a table and charts.

    Attributes:
        score_rows: what ``scores`` is made of when it is first asked for, which most results of a
            backfill are not.
        cell_rows: likewise of ``cells``; of earlier windows it reads them from the tables.
        skipped: columns that were not monitored, each with the reason.
        notes: what to know before the scores are read.
        split_rows: makes ``splits`` when they are first asked for.
    """

    score_rows: pd.DataFrame | pa.Table
    cell_rows: pd.DataFrame | pa.Table | Callable[[], pa.Table]
    skipped: list[tuple[str, str]] = field(default_factory=list, kw_only=True)
    notes: list[str] = field(default_factory=list, kw_only=True)
    split_rows: Callable[[], pd.DataFrame] = field(default=pd.DataFrame, kw_only=True)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per feature and segment, with the columns of the table ``drift_scores``."""
        return _frame(self.score_rows)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per scored cell, with the columns of the table ``drift_cells``."""
        return _frame(self.cell_rows() if callable(self.cell_rows) else self.cell_rows)

    @cached_property
    def splits(self) -> pd.DataFrame:
        """With segments, how each feature's divergence is split by each list of them, in nats.

        One row per feature and list: the part that is another mix of segments, and the part that
        lies within them.
        """
        return self.split_rows()

    @property
    def counts(self) -> dict[str, int]:
        """Number of features of each severity over all rows, the worst first."""
        return counted(self.scores[self.scores["segment"].isna()])

    @property
    def segment_counts(self) -> dict[str, int]:
        """Number of scores of segments of each severity; one for each feature and segment."""
        return counted(self.scores[self.scores["segment"].notna()])

    def worst(self, n: int = 10) -> pd.DataFrame:
        """Return the ``n`` worst features, over all rows or in one segment.

        Critical, warning, unscored, ok; within each, those whose score is the largest multiple
        of its smallest limit come first.
        """
        return worst_rows(self.scores, n)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values: counts, what drifted, and all scores, worst first."""
        return {
            "severity": self.severity,
            "severities": self.counts,
            "segment_severities": self.segment_counts,
            "drifted": self.drifted,
            "notes": list(self.notes),
            "skipped": [{"column": column, "reason": reason} for column, reason in self.skipped],
            "scores": records(worst_first(self.scores)),
        }

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {severity}" for severity, n in self.counts.items())
        text = f"{sum(self.counts.values())} features: {counts}"
        parts = self.segment_counts
        if any(parts.values()):
            counts_text = ", ".join(f"{n} {severity}" for severity, n in parts.items())
            text += f"; {sum(parts.values())} scores of segments: {counts_text}"
        return f"{type(self).__name__}({text})"

    def _page(self, most: int = MOST_ENTRIES) -> Page:
        return monitor_page(self.scores, self.cells, self._story(), most=most)

    def _story(self) -> Story:
        splits = records(self.splits)
        skipped, notes = tuple(self.skipped), tuple(self.notes)
        return Story(past=self.past(), skipped=skipped, notes=notes, splits=splits)

    def _last(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self.scores, self.cells

    def past(self) -> Past:
        """Return nothing: a comparison has no windows."""
        return Past.of([])


def _frame(rows: pd.DataFrame | pa.Table) -> pd.DataFrame:
    return rows if isinstance(rows, pd.DataFrame) else rows.to_pandas()


@dataclass(frozen=True, eq=False, repr=False)
class RunResult(Result):
    """What a run of a monitor found and where it wrote it.

    Attributes:
        run: the run's row of the table ``runs``.
        exit_code: for a scheduler.
        output: the folder of the tables.
        docs: the first page of Great Expectations' Data Docs; None where there are none.
        earlier: with ``time``, the results of windows that a schedule had missed; ``exit_code`` is
            that of the worst of all.
        page: where the page of ``report.path`` is; None where none was asked for.
        zone: of the times that people see.
    """

    run: dict[str, Any]
    exit_code: int
    output: str
    docs: Path | None
    earlier: tuple[RunResult, ...] = field(default=(), kw_only=True)
    page: str | None = field(default=None, kw_only=True)
    zone: str = field(default="UTC", kw_only=True)

    def summary(self) -> dict[str, Any]:
        """Return the result as one strict JSON object (null for NaN).

        ``critical``, ``warning`` and ``unscored`` count features and segments.
        """
        return {
            **{str(key): json_value(value) for key, value in self.run.items() if key != "skipped"},
            **{name: n for name, n in counted(self.scores).items() if name in self.run},
            "notes": self.notes,
            "exit_code": self.exit_code,
            "severities": self.counts,
            "segment_severities": self.segment_counts,
            "worst": records(self.worst(WORST_IN_SUMMARY)),
            "skipped": [{"column": column, "reason": reason} for column, reason in self.skipped],
            "output": masked(self.output),
            "docs": None if self.docs is None else str(self.docs),
            "report": None if self.page is None else masked(self.page),
        }

    def _story(self) -> Story:
        return replace(
            super()._story(),
            monitor=self.run.get("monitor"),
            run=self.run,
            zone=self.zone,
            output=masked(self.output),
            docs=None if self.docs is None else str(self.docs),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values: the summary of the run, and all scores."""
        return super().as_dict() | self.summary()

    def past(self) -> Past:
        """The windows of the tables up to this one; none where they cannot be read."""
        from kldrift.reporting.stored import past_until  # noqa: PLC0415 - reads files

        with suppress(OutputError):  # a result can be looked at wherever its tables have gone
            return past_until(self.output, str(self.run["monitor"]), self.scores)
        return Past.of([])

    def _zone(self) -> str:
        return self.zone
