"""Publishes one window: its tables, its expectations and its row in ``runs``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from kldrift.config import Config, ModelShift, Threshold
from kldrift.config.marked_days import marked_days
from kldrift.errors import OutputError, first_line
from kldrift.features.feature import Skipped
from kldrift.monitor.findings import splits_of
from kldrift.monitor.judging import judge_findings
from kldrift.monitor.notes import notes_of
from kldrift.monitor.plan import Plan
from kldrift.monitor.record import AnyConfig, Record
from kldrift.monitor.rows import cell_parts, score_table
from kldrift.monitor.stages import Findings
from kldrift.monitor.watch import Judged, Watch
from kldrift.reporting.result import RunResult
from kldrift.scoring.exit_code import exit_code_of
from kldrift.tables import write_alerts, write_run, write_window
from kldrift.tables.parquet import TableParts
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.read import window_tables
from kldrift.tables.stamp import Stamp
from kldrift.tables.store import open_store
from kldrift.tables.window import Window

MOST_SEGMENT_ROWS: Final = 200
"""Of segments that drifted, those that expectations are published for."""


def publish_window(
    record: Record[Config],
    plan: Plan,
    findings: Findings,
    fail_on: str,
    notes: Sequence[str] = (),
    *,
    last: bool = True,
    counted: bool = True,
    watch: Watch | None = None,
) -> RunResult:
    """Judge the findings of one window and write its rows.

    Where rows were not counted just now (``counted``), the tables have their profiles already. Of
    several windows the ``last`` one has expectations and its cells in memory; those of a year are
    gigabytes, and are read from the tables when they are asked for.
    """
    config = record.config
    judged = judged_window(plan, findings, record.window, watch)
    verdicts, alerts = judged.verdicts, judged.alerts
    stamp = stamp_of(config, findings, record.window, record.run_id)
    record.stage("writing tables")
    scores, cells = judged_scores(judged, stamp), list[pa.Table]()
    together = None if findings.by_limits is None else findings.by_limits.cells
    # Made in the thread that encodes them, beside those of the other tables.
    tables: dict[str, TableParts] = {
        "drift_scores": scores,
        "drift_cells": _kept(cell_parts(verdicts, stamp, together), cells if last else None),
    }
    if judged.log is not None:  # first: what was raised in this window is dropped on its next run
        write_alerts(config.output.path, config.monitor, judged.log)
    if counted:
        tables["profiles"] = _current_profiles(findings, stamp)
    written = write_window(config.output.path, config.monitor, record.window, tables)
    pages = None
    skipped = (*plan.skipped, *findings.skipped)
    if config.expectations is not None and last:
        record.stage("Great Expectations")
        held, unheld = held_to_expectations(scores.to_pandas())
        skipped += unheld
        pages = publish_expectations(
            record, held, verdicts.held_to(), written["drift_scores"], record.run_id
        )
    severities = verdicts.severities()
    if alerts is not None:
        severities = alerts.severities(verdicts)
    exit_code = exit_code_of(set(severities), unscored=verdicts.unscored, fail_on=fail_on)
    row = record.judged_row(
        verdicts.take(verdicts.whole),
        skipped,
        exit_code=exit_code,
        # Of a dataset without a feature the rows are known only where its files tell.
        rows_reference=findings.reference.rows or (0 if findings.reference.profiles else None),
        rows_current=findings.rows_current,
        reference_id=findings.reference.reference_id,
    )
    row |= judged.of_run
    write_run(config.output.path, row)
    known = marked_days(config, record.window.start, record.window.end)
    unread = () if watch is None else watch.notes
    return RunResult(
        score_rows=scores,
        # A stamp holds the columns that it has made, and a new one none.
        cell_rows=pa.concat_tables(cells)
        if last
        else partial(_stored_cells, replace(stamp), config),
        run=row,
        exit_code=exit_code,
        skipped=[(s.column, s.reason) for s in skipped],
        notes=[*notes, *known, *unread, *notes_of(plan, findings, verdicts)],
        split_rows=splits_of(plan, findings),
        output=config.output.path,
        docs=pages,
        zone=config.time.zone if config.time else "UTC",
    )


def _kept(parts: Iterator[pa.Table], kept: list[pa.Table] | None) -> Iterator[pa.Table]:
    """Yield the parts of a table, and put them into a list if there is one."""
    for part in parts:
        if kept is not None:
            kept.append(part)
        yield part


def _stored_cells(stamp: Stamp, config: Config) -> pa.Table:
    """The rows of ``drift_cells`` that a run wrote of a window."""
    store, name = open_store(config.output.path), "drift_cells"
    rows = window_tables(store, stamp.monitor, stamp.window, [name])[name]
    if rows["run_id"].unique().to_pylist() not in ([], [stamp.run_id]):
        where = f"{config.output.path}: {name} of window {stamp.window.key}"
        raise OutputError(f"{where} is of another run than this result by now; read the table")
    return rows


def _current_profiles(findings: Findings, stamp: Stamp) -> Iterator[pa.Table]:
    """The rows of ``profiles`` of the current dataset, or of a window."""
    current = {p.feature.name: c for p, c in zip(findings.pairs, findings.current, strict=True)}
    joint = {j.name: c for j, _, c in findings.joint}
    names = [known.names for known in findings.reference.segments]
    return profile_rows(current, joint, names, "current", stamp, unseen=findings.unseen)


def judged_window(
    plan: Plan, findings: Findings, window: Window, watch: Watch | None = None
) -> Judged:
    """Judge the findings of one window, beside those before it where something is learnt."""
    if watch is None:
        return Judged(judge_findings(plan, findings))
    return watch.judged(plan, findings, window)


def stamp_of(config: Config, findings: Findings, window: Window, run_id: str) -> Stamp:
    """The columns that every row of a window has."""
    reference_id = findings.reference.reference_id
    return Stamp(run_id, config.monitor, window, reference_id, config.config_hash)


def judged_scores(judged: Judged, stamp: Stamp) -> pa.Table:
    """The rows of ``drift_scores``."""
    alerts = judged.alerts
    level = judged.level if alerts is not None else None
    return score_table(judged.verdicts, stamp, alerts, level)


def with_page(record: Record[Config], results: Sequence[RunResult]) -> list[RunResult]:
    """Write the page that a configuration asks for; the last result says where it is."""
    if record.config.report is None:
        return list(results)
    from kldrift.reporting.stored import write_report  # noqa: PLC0415 - only here

    if results:  # else the log would call the stage that failed done
        record.stage("writing the page")
    page, notes = written_page(lambda: write_report(record.config))
    last = [replace(r, page=page, notes=[*r.notes, *notes]) for r in results[-1:]]
    return [*results[:-1], *last]


def written_page(write: Callable[[], str]) -> tuple[str | None, list[str]]:
    """Write a page; where it is, and a note if it could not be written: there are the tables."""
    try:
        return write(), []
    except OutputError as error:
        return None, [f"the page could not be written: {error}"]


def held_to_expectations(scores: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Skipped, ...]]:
    """The rows that expectations are published for, and a note about the others.

    All rows of whole datasets, and of segments the worst of those that drifted: an expectation for
    each of 50,000 rows would take an hour, and pages that no browser opens.
    """
    alone = scores["segment"].isna()
    far = scores["severity"].isin(("critical", "warning"))
    if "alert" in scores:
        far |= scores["alert"] == "raised"
    drifted = scores[~alone & far]  # worst first
    skipped: tuple[Skipped, ...] = ()
    if len(drifted) > MOST_SEGMENT_ROWS:
        why = (
            f"{len(drifted):,} scores of segments drifted; Great Expectations has the "
            f"{MOST_SEGMENT_ROWS} worst of them, drift_scores has all"
        )
        skipped = (Skipped("segments", why),)
    return pd.concat([scores[alone], drifted.head(MOST_SEGMENT_ROWS)]), skipped


def check_expectations(config: Config | ModelShift) -> None:
    """Check that the folder of expectations can be written and read, before anything is scanned."""
    from kldrift.expectations.whole_files import unreadable  # noqa: PLC0415 - only here

    if config.expectations is not None:
        unreadable(Path(config.expectations.path), config.monitor.replace(".", "~"))


def publish_expectations(
    record: Record[AnyConfig],
    scores: pd.DataFrame,
    held: Mapping[str, Mapping[str, Threshold]],
    path: str,
    run_id: str,
) -> Path | None:
    """Publish the scores of one window, and tell where the first page of Data Docs is.

    Great Expectations keeps one result for each ``run_id``.
    """
    from kldrift.expectations import publish  # noqa: PLC0415 - takes seconds, and only here

    config = record.config
    assert config.expectations is not None
    thresholds = {
        name: {m: (t.warning, t.critical) for m, t in of_metrics.items()}
        for name, of_metrics in held.items()
    }
    try:
        published = publish(
            scores,
            scores_path=path,
            root=Path(config.expectations.path),
            monitor=config.monitor,
            run_id=run_id,
            run_time=record.started,
            thresholds=thresholds,
            alpha=config.significance.alpha,
            data_docs=config.expectations.data_docs,
            report=config.report.path if config.report else None,
            zone=config.time.zone if config.time else "UTC",
        )
    except OSError as error:
        why = error.strerror or first_line(error)
        raise OutputError(f"{config.expectations.path}: cannot be written: {why}") from error
    return published.docs_index
