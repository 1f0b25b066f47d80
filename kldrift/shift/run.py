"""Run a model shift from its configuration to its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa

from kldrift.config import ModelShift
from kldrift.execution.engine import SparkEngine
from kldrift.execution.progress import SILENT, Progress
from kldrift.features.plan import Skipped
from kldrift.monitor.run import Record
from kldrift.scoring.exit_code import exit_code_of
from kldrift.scoring.status import Status
from kldrift.scoring.threshold import Severity
from kldrift.shift.groups import EPOCH, MICROSECOND, UNTIMED, Group, window_of
from kldrift.shift.plan import make_program
from kldrift.shift.result import ShiftResult
from kldrift.shift.stage import compare_models
from kldrift.shift.summary import Summary
from kldrift.shift.table_rows import window_tables
from kldrift.shift.verdict import NOTHING, ShiftVerdict, judge
from kldrift.sources.dataset import Source
from kldrift.sources.open import open_source
from kldrift.sources.parquet.source import parallelism
from kldrift.tables import TABLES, Window, prepare_output, write_run, write_window
from kldrift.tables.stamp import Stamp

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Windows = dict[tuple[Window, str | None], Summary]
TASKS_PER_CORE: Final = 4


def run(
    config: ModelShift,
    *,
    spark: SparkSession | None = None,
    as_of: datetime | None = None,
    fail_on: str = "critical",
    progress: Progress = SILENT,
) -> ShiftResult:
    """Compare two models on the same rows, write the tables, judge.

    Args:
        config: the configuration.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for; with ``time``, windows that end later are left to a
            later run.
        fail_on: the severity from which the exit code is 3: ``critical``, ``warning``, ``never``.
        progress: told what goes on.

    Raises:
        KldriftError: the run failed; a row in ``runs`` says so too, where it can be written.
    """
    prepare_output(config.output.path)
    record = Record(config, Window(None, as_of), datetime.now(UTC), progress)
    try:
        with record.session(spark) as session:
            record.stage("planning")
            source = open_source(session, config.data, {}, way=config.scan, side="data")
            program = make_program(config, source, TASKS_PER_CORE * parallelism(session))
            record.stage("comparing the models")
            engine = SparkEngine(session, source, source, record)
            groups = engine.run(source, lambda c: compare_models(session, source, program, c))
        windows, skipped = by_window(groups, config, as_of)
        return _publish(record, source, judge(windows, config), skipped, fail_on)
    except Exception as error:
        record.failed(error)
        raise


def by_window(
    groups: Mapping[Group, Summary], config: ModelShift, as_of: datetime | None
) -> tuple[Windows, list[Skipped]]:
    """The windows of a run, one at least, and a note about rows that are in none of them."""
    found: Windows = {}
    untimed = later = 0
    if config.time is None:
        found = {(Window(None, as_of), segment): s for (_, segment), s in groups.items()}
    else:
        end = None if as_of is None else (as_of - EPOCH) // MICROSECOND
        step = config.time.length // MICROSECOND
        for (start, segment), summary in groups.items():
            if start == UNTIMED:
                untimed += summary.rows
            elif end is not None and start + step > end:
                later += summary.rows if segment is None else 0
            else:
                found[window_of(start, config.time.length), segment] = summary
    if not found:
        found = {(Window(None, as_of), None): NOTHING}
    skipped = []
    if config.time is not None and untimed:
        skipped.append(Skipped(config.time.column, f"{untimed:,} rows without a time"))
    if config.time is not None and later:
        why = f"{later:,} rows of windows that end after --as-of are left to a later run"
        skipped.append(Skipped(config.time.column, why))
    return found, skipped


def _publish(
    record: Record[ModelShift],
    source: Source,
    verdicts: Sequence[ShiftVerdict],
    skipped: Sequence[Skipped],
    fail_on: str,
) -> ShiftResult:
    config = record.config
    record.stage("writing tables")
    by = {w: [v for v in verdicts if v.window == w] for w in {v.window: None for v in verdicts}}
    tables: list[dict[str, pa.Table]] = []
    written: list[tuple[Window, str]] = []
    for window in sorted(by, key=lambda w: w.key):
        stamp = Stamp(record.run_id, config.monitor, window, "", config.config_hash)
        made = window_tables(by[window], config, stamp)
        paths = write_window(config.output.path, config.monitor, window, made)
        tables.append(made)
        written.append((window, paths["drift_scores"]))
    docs = None
    if config.expectations is not None:
        record.stage("Great Expectations")
        for window, path in written:
            docs = _expectations(record, by[window], path)
    severities = {v.severity for v in verdicts}
    unscored = any(v.failed for v in verdicts)
    exit_code = exit_code_of(severities, unscored=unscored, fail_on=fail_on)
    row = _row(record, source, verdicts, skipped, exit_code)
    write_run(config.output.path, row)
    frames = {
        name: pa.concat_tables(
            [t[name] for t in tables if name in t] or [TABLES[name].empty_table()]
        )
        for name in ("drift_scores", "drift_cells", "worst_rows")
    }
    return ShiftResult(
        scores=_in_order(frames["drift_scores"].to_pandas()),
        cells=frames["drift_cells"].to_pandas(),
        run=row,
        exit_code=exit_code,
        skipped=[(s.column, s.reason) for s in skipped],
        output=config.output.path,
        docs=docs,
        worst_rows=frames["worst_rows"].to_pandas(),
    )


def _in_order(scores: pd.DataFrame) -> pd.DataFrame:
    """All windows together, worst first."""
    rank = scores["severity"].map({s: i for i, s in enumerate(("critical", "warning", "unscored"))})
    order = pd.DataFrame({"rank": rank.fillna(3), "kl": -scores["kl"]})
    return scores.loc[order.sort_values(["rank", "kl"], kind="stable").index].reset_index(drop=True)


def _row(
    record: Record[ModelShift],
    source: Source,
    verdicts: Sequence[ShiftVerdict],
    skipped: Sequence[Skipped],
    exit_code: int,
) -> dict[str, object]:
    rows = sum(v.found.rows for v in verdicts if v.segment is None)
    severities = [v.severity for v in verdicts]
    return record.any_row(
        exit_code=exit_code,
        rows_reference=rows,
        rows_current=rows,
        reference_read=source.access_path,
        current_read=source.access_path,
        features=sum(v.status is Status.OK for v in verdicts),
        warning=severities.count(Severity.WARNING),
        critical=severities.count(Severity.CRITICAL),
        unscored=severities.count(Severity.UNSCORED),
        skipped=[{"column": s.column, "reason": s.reason} for s in skipped],
    )


def _expectations(
    record: Record[ModelShift], verdicts: Sequence[ShiftVerdict], path: str
) -> Path | None:
    """Publish one window; segments that are too small for a verdict are not held to one."""
    from kldrift.expectations import publish  # noqa: PLC0415 - takes seconds, and only here

    config, window = record.config, verdicts[0].window
    assert config.expectations is not None
    held = [v.segment for v in verdicts if not v.small_segment]
    scores = pd.DataFrame({"feature": config.feature, "segment": held, "kl": 0.0})
    levels = {metric: (t.warning, t.critical) for metric, t in config.thresholds.items()}
    published = publish(
        scores,
        scores_path=path,
        root=Path(config.expectations.path),
        monitor=config.monitor,
        # GX keeps one result per run name: each window is a run of its own.
        run_id=record.run_id if window.start is None else f"{record.run_id}-{window.key}",
        run_time=record.started,
        thresholds={config.feature: levels},
        alpha=config.significance.alpha,
        data_docs=config.expectations.data_docs,
    )
    return published.docs_index
