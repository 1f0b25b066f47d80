"""Score stored windows again: other metrics, bins, limits or references, without any data.

The tables hold what a reference decided, its profiles and those of each window. So a plan can be
made from them, and the rest is what a run does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pandas as pd
import pyarrow as pa

from kldrift.config import Config
from kldrift.errors import OutputError
from kldrift.execution.progress import SILENT, Progress
from kldrift.monitor.findings import CELLS_AT_ONCE, WindowCounts, findings_of
from kldrift.monitor.history import History, past_window
from kldrift.monitor.judging import judged_together
from kldrift.monitor.plan import Plan
from kldrift.monitor.publish import (
    judged_scores,
    judged_window,
    publish_window,
    stamp_of,
    with_page,
)
from kldrift.monitor.record import Record
from kldrift.monitor.rows import cell_table
from kldrift.monitor.scorer import Scorer
from kldrift.monitor.stages import Findings
from kldrift.monitor.volumes import Volumes
from kldrift.monitor.watch import Watch
from kldrift.reporting.history import Backfill, notes_of_all
from kldrift.reporting.past import Past
from kldrift.reporting.result import RunResult
from kldrift.scoring.metrics import METRICS
from kldrift.tables.batches import StoredBatches
from kldrift.tables.read import counted_rows, stored_reference_id
from kldrift.tables.store import Store, open_store, output_reached
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

TRIAL: Final = "trial"
"""The run of rows that are not written."""


def rescore(
    config: Config,
    first: datetime | None = None,
    last: datetime | None = None,
    *,
    fail_on: str = "critical",
    progress: Progress = SILENT,
) -> Backfill:
    """Score and judge stored windows again as a configuration says, and write their rows anew.

    The arguments are those of :func:`kldrift.rescore`.

    Raises:
        OutputError: the tables have no such window, or cannot be read or written; where there are
            windows, a row in ``runs`` says so too.
    """
    dependent = config.alarms is not None or config.any_learned
    with output_reached():
        store = open_store(config.output.path)
        batches = StoredBatches.of(store, config.monitor)
        known = set(stored_windows(store, config.monitor, timed=config.time is not None))
    if config.time is not None:  # a window that is not over yet is counted, and not judged
        over = datetime.now(UTC) - config.time.late
        known |= {w for w in batches.files if w.end is not None and w.end <= over}
    windows = [
        w
        for w in sorted(known, key=lambda w: w.key)
        if (first is None or (w.start and w.start >= first))
        and (last is None or dependent or (w.end and w.end <= last))
    ]
    if not windows:
        raise OutputError(f"{config.output.path}: no window of {config.monitor!r} to score again")
    record = Record(config, windows[-1], datetime.now(UTC), SILENT)
    with record.told_if_failed():
        results = with_page(record, _rescored(record, store, windows, fail_on, progress))
    return Backfill(results, notes_of_all(results), config.output.path)


def rescore_dependents(config: Config, written: Sequence[Window], fail_on: str) -> None:
    """Score the stored windows again that depend on windows which were written just now.

    That is where the reference is history, or there are alarms or learnt limits.
    """
    store = open_store(config.output.path)
    later = [w for w in stored_windows(store, config.monitor) if w.key > written[0].key]
    if set(later) - set(written):
        _rescored(Record(config, later[-1], datetime.now(UTC), SILENT), store, later, fail_on)


def _rescored(
    record: Record[Config],
    store: Store,
    windows: Sequence[Window],
    fail_on: str,
    progress: Progress = SILENT,
) -> list[RunResult]:
    config, results = record.config, list[RunResult]()
    progress.stage("scoring stored windows")
    for number, step in enumerate(scored_again(config, store, windows)):
        last = step.window is windows[-1]
        one = record if last else Record(config, step.window, record.started, SILENT)
        one.plan = step.plan
        result = publish_window(
            one,
            step.plan,
            step.findings,
            fail_on,
            last=last,
            counted=step.added_up,
            watch=step.watch,
        )
        step.remember(result.score_rows)
        results.append(result)
        progress.update(number + 1, len(windows), "windows")
    return results


@dataclass(frozen=True, eq=False)
class Step:
    """One window that was scored again, and is to be judged.

    If its counts were ``added_up`` from batches, the tables may not have them yet.
    """

    window: Window
    plan: Plan
    findings: Findings
    watch: Watch | None
    history: History | None
    added_up: bool

    def remember(self, scores: pa.Table) -> None:
        """Let later windows be compared with this one, once it is judged."""
        if self.history is not None:
            self.history.add(self.window, past_window(self.findings, scores))


def scored_again(
    config: Config, store: Store, windows: Sequence[Window], against: Window | None = None
) -> Iterator[Step]:
    """Score stored windows one after the other; each must be remembered before the next.

    ``against`` is a stored window to compare with, in place of the reference.
    """
    watch: Watch | None = None
    volumes = None if against else Volumes.of(config, store)
    counted_on = ""
    batches = StoredBatches.of(store, config.monitor)
    scorers: dict[str, Scorer] = {}

    def each() -> Iterator[WindowCounts]:
        for window in windows:
            rows = counted_rows(store, config.monitor, window)
            reference_id = batches.reference_id(window)
            if reference_id is None:
                reference_id = stored_reference_id(store, config.monitor, window, rows)
            if reference_id not in scorers:
                scorer = Scorer.of(config, store, reference_id, batches)
                scorers[reference_id] = scorer.against(config, against) if against else scorer
            yield scorers[reference_id].counted(config, window, rows)

    most = 1 if config.reference.is_history else CELLS_AT_ONCE

    def beside() -> Iterator[tuple[Plan, Findings]]:
        for window, (counted, findings) in zip(windows, findings_of(each(), most), strict=True):
            yield counted.plan, volumes.beside(window, findings) if volumes else findings

    for window, (plan, findings) in zip(windows, judged_together(beside(), most), strict=True):
        reference_id = findings.reference.reference_id
        scorer = scorers[reference_id]
        if reference_id != counted_on:  # counts on other cells say nothing of these
            watch = scorer.watch(config, window)
            counted_on = reference_id
        added_up = window in batches.files
        yield Step(window, plan, findings, watch, scorer.history, added_up)


@dataclass(frozen=True, eq=False)
class Trial:
    """The windows as the tried rules judge them.

    Attributes:
        past: severities and scores of all windows.
        scores: ``drift_scores`` of the last.
        cells: ``drift_cells`` of the last.
    """

    past: Past
    scores: pd.DataFrame
    cells: pd.DataFrame


def trial(config: Config, windows: Sequence[Window], against: Window | None = None) -> Trial:
    """Score and judge stored windows as a configuration says, as `rescore` does, and write nothing.

    ``against`` is a stored window to compare with, in place of the reference.
    """
    store = open_store(config.output.path)
    frames = []
    scores, cells = pd.DataFrame(), pd.DataFrame()
    kept = ["feature", "segment", "severity", *METRICS]
    for number, step in enumerate(scored_again(config, store, windows, against)):
        judged = judged_window(step.plan, step.findings, step.window, step.watch)
        stamp = stamp_of(config, step.findings, step.window, TRIAL)
        rows = judged_scores(judged, stamp)
        step.remember(rows)
        scores = rows.to_pandas()
        if number + 1 == len(windows):
            cells = cell_table(judged.verdicts, stamp).to_pandas()
        frames.append((step.window, scores[kept]))
    return Trial(Past.of(frames), scores, cells)
