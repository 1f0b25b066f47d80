"""The result of a model shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from kldrift.config import ModelShift
from kldrift.reporting.figures import window_of_row
from kldrift.reporting.json_values import json_value, records
from kldrift.reporting.monitor_page import MOST_ENTRIES
from kldrift.reporting.order import counted, with_score, worst_first
from kldrift.reporting.page import Page
from kldrift.reporting.past import Past
from kldrift.reporting.result import RunResult
from kldrift.shift.page import shift_page
from kldrift.tables import TABLES

SHIFT_TABLES: Final = ("drift_scores", "drift_cells", "worst_rows", "class_pairs")
"""The tables that a result shows."""
ENDS: Final = ["window_start", "window_end"]
SHIFT_COLUMNS: Final = ["kl_median", "kl_p90", "kl_p99", "top_class_changed"]
WORST_IN_SUMMARY: Final = 20
CLASSES: Final = ["champion_class", "challenger_class"]
PAIRS_IN_SUMMARY: Final = 20


@dataclass(frozen=True, eq=False, repr=False)
class ShiftResult(RunResult):
    """What a model shift found, by window and segment, and where it wrote it.

    Attributes:
        worst_rows: the rows on which the models differ most, with the columns of the table
            ``worst_rows``; empty without a key.
        class_pairs: how many rows have each pair of likeliest classes, with the columns of the
            table ``class_pairs``.
    """

    worst_rows: pd.DataFrame
    class_pairs: pd.DataFrame

    @classmethod
    def of(
        cls, config: ModelShift, tables: Mapping[str, Sequence[pa.Table]], run: dict[str, Any]
    ) -> ShiftResult:
        """The result of a run: its row of ``runs``, and its tables of each window."""
        scores, cells, worst, pairs = (
            pa.concat_tables([TABLES[name].empty_table(), *tables[name]]) for name in SHIFT_TABLES
        )
        return cls(
            score_rows=worst_first(scores.to_pandas()),
            cell_rows=cells,
            run=run,
            exit_code=run["exit_code"],
            skipped=[(s["column"], s["reason"]) for s in run["skipped"] or ()],
            output=config.output.path,
            docs=None,
            zone=config.time.zone if config.time else "UTC",
            worst_rows=worst.to_pandas(),
            class_pairs=pairs.to_pandas().astype(dict.fromkeys(CLASSES, "Int32")),
        )

    @property
    def counts(self) -> dict[str, int]:
        """Number of windows and segments of each severity, the worst first."""
        return counted(self.scores)

    def worst(self, n: int = 10) -> pd.DataFrame:
        """Return the ``n`` worst windows and segments; columns as of a run, and six more."""
        ordered = worst_first(self.scores).head(n)
        return pd.concat([with_score(ordered), ordered[[*ENDS, *SHIFT_COLUMNS]]], axis=1)

    def worst_of_all(self) -> pd.DataFrame:
        """Return the worst rows of the latest window as a whole, worst first."""
        return self._latest(self.worst_rows[self.worst_rows["segment"].isna()])

    def changed_classes(self) -> pd.DataFrame:
        """Return the pairs of classes that differ in the latest window, the most frequent first."""
        pairs = self._latest(self.class_pairs)
        champion, challenger = (pairs[name].fillna(-1) for name in CLASSES)
        return pairs[champion != challenger].reset_index(drop=True)

    def _latest(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of the latest window."""
        ends = self.scores["window_end"]
        kept = rows[rows["window_end"] == ends.max()] if ends.notna().any() else rows
        return kept.reset_index(drop=True)

    def summary(self) -> dict[str, Any]:
        """Return the result as one strict JSON object (null for NaN)."""
        worst = records(self.worst_of_all().head(WORST_IN_SUMMARY))
        keys = ("place", "key", "kl", "champion_class", "challenger_class")
        summary = super().summary() | {"worst_rows": [{k: row[k] for k in keys} for row in worst]}
        pairs = records(self.changed_classes().head(PAIRS_IN_SUMMARY))
        summary["changed_classes"] = [{k: row[k] for k in (*CLASSES, "rows")} for row in pairs]
        del summary["segment_severities"]  # here all rows are of segments, and counted as one
        return summary

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {severity}" for severity, n in self.counts.items())
        return f"{type(self).__name__}({len(self.scores)} segments: {counts})"

    def past(self) -> Past:
        """Its own windows, which stand in one result."""
        parts = self.scores.groupby(ENDS, dropna=False, sort=True)
        frames = [(window_of_row(json_value(p.iloc[0].to_dict())), p) for _, p in parts]
        return Past.of(frames)

    def _page(self, most: int = MOST_ENTRIES) -> Page:
        worst = records(self.worst_of_all())
        pairs = records(self._latest(self.class_pairs))
        return shift_page(self.scores, self.cells, worst, pairs, self._story(), most)
