"""The results of several windows of one monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from kldrift.errors import masked
from kldrift.reporting.figures import window_of_row
from kldrift.reporting.json_values import records
from kldrift.reporting.monitor_page import MOST_ENTRIES, Story, monitor_page
from kldrift.reporting.order import as_table, counted, worst_first
from kldrift.reporting.page import Page
from kldrift.reporting.parts import MOVED
from kldrift.reporting.past import Past
from kldrift.reporting.result import RunResult
from kldrift.reporting.views import Views
from kldrift.scoring.exit_code import worst_exit_code
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES

NOTHING: Final = "no feature was scored"


def combined(results: Sequence[RunResult]) -> list[RunResult]:
    """The same results, the last one with the exit code of all and those before it beside it."""
    *earlier, last = results
    if not earlier:
        return [last]
    code = worst_exit_code(r.exit_code for r in results)
    return [*earlier, replace(last, exit_code=code, earlier=tuple(earlier))]


def notes_of_all(results: Sequence[RunResult]) -> list[str]:
    """The notes of the last window, which has those of the run; its own is that it has no score."""
    scored = any((r.scores["status"] == "ok").any() for r in results)
    return [n for n in results[-1].notes if not (scored and n == NOTHING)]


@dataclass(frozen=True, eq=False, repr=False)
class Backfill(Views):
    """What a backfill found, window by window.

    Attributes:
        results: of each window that was run, in the order of time.
        notes: what to know before they are read.
        output: the folder of the tables.
    """

    results: Sequence[RunResult]
    notes: Sequence[str]
    output: str

    @property
    def scores(self) -> pd.DataFrame:
        """The rows of ``drift_scores`` of all windows, in the order of time."""
        return pd.concat([r.scores for r in self.results] or [pd.DataFrame()], ignore_index=True)

    @property
    def exit_code(self) -> int:
        """The code for a scheduler: that of the worst window."""
        return worst_exit_code(r.exit_code for r in self.results)

    @property
    def timeline(self) -> pd.DataFrame:
        """One row per window: its bounds, its rows, scores by severity, and the worst feature."""
        return pd.DataFrame([_window(r) for r in self.results])

    def __repr__(self) -> str:
        worst = sum(bool(counted(r.score_rows)["critical"]) for r in self.results)
        return f"Backfill({len(self.results)} windows, {worst} with critical scores)"

    def _last(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        if self.results:
            return self.results[-1].scores, self.results[-1].cells
        return DRIFT_SCORES.empty_table().to_pandas(), DRIFT_CELLS.empty_table().to_pandas()

    def past(self) -> Past:
        """Return what the windows of the backfill said."""
        return Past.of([(window_of_row(r.run), r.scores) for r in self.results])

    def _zone(self) -> str:
        return self.results[-1].zone if self.results else "UTC"

    def _page(self, most: int = MOST_ENTRIES) -> Page:
        last = self.results[-1] if self.results else None
        story = Story(
            None if last is None else str(last.run["monitor"]),
            None if last is None else last.run,
            [r.run for r in reversed(self.results)],
            self.past(),
            self._zone(),
            skipped=[] if last is None else last.skipped,
            splits=[] if last is None else records(last.splits),
            notes=self.notes,
            output=masked(self.output),
        )
        return monitor_page(*self._last(), story, most=most)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values: the summary, and all scores."""
        return self.summary() | {"severity": self.severity, "scores": records(self.scores)}

    def summary(self) -> dict[str, Any]:
        """Return the result as one strict JSON object."""
        return {
            "exit_code": self.exit_code,
            "windows": records(self.timeline),
            "notes": list(self.notes),
            "output": self.output,
            "report": masked(self.results[-1].page or "") or None if self.results else None,
        }


def _window(result: RunResult) -> dict[str, Any]:
    ordered = as_table(worst_first(result.score_rows), ["feature", "severity"])
    worst = [row["feature"] for row in ordered.slice(0, 1).to_pylist() if row["severity"] in MOVED]
    return {
        "window_start": result.run["window_start"],
        "window_end": result.run["window_end"],
        "rows": result.run["rows_current"],
        **counted(result.score_rows),
        "worst": worst[0] if worst else None,
        "exit_code": result.exit_code,
    }
