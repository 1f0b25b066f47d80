"""Run a model shift from its configuration to its tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Bools
from kldrift.config import ModelShift
from kldrift.config.as_of import with_time
from kldrift.counting.row_groups import SegmentList
from kldrift.counting.windows import at_instant, microseconds_of
from kldrift.errors import ConfigError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.meanwhile import meanwhile
from kldrift.execution.progress import SILENT, Progress
from kldrift.features.feature import Feature, Skipped
from kldrift.features.group_columns import as_read, check_plain, check_time, column_type
from kldrift.monitor.before_spark import check_inputs, check_local_names, check_output
from kldrift.monitor.publish import check_expectations, publish_expectations, written_page
from kldrift.monitor.record import Record
from kldrift.profiles.group_keys import NO_WINDOW, UNTIMED
from kldrift.scoring.exit_code import exit_code_of
from kldrift.scoring.verdict import Verdicts
from kldrift.shift.program import ShiftProgram
from kldrift.shift.result import SHIFT_TABLES, ShiftResult
from kldrift.shift.stage import compare_models
from kldrift.shift.summary import Summaries
from kldrift.shift.table_rows import shift_tables
from kldrift.shift.verdict import failed, judge, small_segments
from kldrift.sources.dataset import DatasetInfo, Source
from kldrift.sources.fingerprint import watch
from kldrift.sources.open import open_source
from kldrift.sources.parquet.source import parallelism
from kldrift.tables import Window, prepare_output, write_run, write_window
from kldrift.tables.stamp import Stamp
from kldrift.tables.store import output_reached

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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

    The arguments are those of :func:`kldrift.model_shift`; with ``time``, windows that end after
    ``as_of`` are left to a later run.

    Raises:
        KldriftError: the run failed; a row in ``runs`` says so too, where it can be written.
    """
    read, as_of = with_time(config, as_of)
    check_output(read)
    with output_reached():
        prepare_output(config.output.path, config.output.format)
    record = Record(config, Window(None, as_of), datetime.now(UTC), progress)
    with record.told_if_failed():
        check_inputs(read, config, spark)
        if spark is None:
            check_local_names([read.data], lambda found: make_program(config, found[0], 1))
        with ExitStack() as in_use:
            session = in_use.enter_context(record.session(spark))
            record.stage("planning")
            check_expectations(config)
            watched = watch(read.data, "data")
            source = open_source(session, read.data, {}, way=config.scan, side="data")
            program = make_program(config, source, TASKS_PER_CORE * parallelism(session))
            record.stage("comparing the models")
            engine = SparkEngine(session, source, source, record)
            with watched.and_of_table(source).unchanged():
                summaries, worst, pairs = engine.run(
                    source, lambda c: compare_models(session, source, program, c)
                )
            stop = in_use.pop_all()
        with meanwhile(stop.close, "stop Spark"):
            summaries, skipped = in_windows(summaries, config, as_of)
            result = _publish(record, source, summaries, worst, pairs, skipped, fail_on)
        if config.report is None:
            return result
        record.stage("writing the page")
        page, notes = written_page(partial(result.save_html, config.report.path))
        return replace(result, page=page, notes=[*result.notes, *notes])


def in_windows(
    summaries: Summaries, config: ModelShift, as_of: datetime | None
) -> tuple[Summaries, list[Skipped]]:
    """The groups of a run's windows, or one without rows, and what rows are in none."""
    if config.time is None:
        return summaries, []
    column, starts = config.time.column, summaries.window
    timed = starts > UNTIMED
    later = np.zeros(len(summaries), dtype=np.bool_)
    if as_of is not None:
        last = config.time.windows.due(as_of, config.time.late)
        later = timed & (starts > microseconds_of(last))
    whole = np.array([segment is None for segment in summaries.segment])
    untimed_rows, later_rows = (int(summaries.total[whole & w].sum()) for w in (~timed, later))
    skipped = []
    if untimed_rows:
        skipped.append(Skipped(column, f"{untimed_rows:,} rows without a time"))
    if later_rows:
        why = f"{later_rows:,} rows of windows that end after --as-of are left to a later run"
        skipped.append(Skipped(column, why))
    kept = summaries.take(timed & ~later)
    return kept if len(kept) else Summaries.without_rows(), skipped


def window_at(start: int, config: ModelShift, as_of: datetime | None) -> Window:
    """The window that begins at so many microseconds since 1970."""
    if config.time is None or start == NO_WINDOW:
        return Window(None, as_of)
    begin = at_instant(start)
    return Window(begin, config.time.windows.end(begin))


def _publish(
    record: Record[ModelShift],
    source: Source,
    summaries: Summaries,
    worst: pa.Table,
    pairs: pa.Table,
    skipped: Sequence[Skipped],
    fail_on: str,
) -> ShiftResult:
    """Judge all windows, write their tables and expectations, and the row of the run."""
    config, output = record.config, record.config.output.path
    verdicts = judge(summaries, config)
    record.stage("writing tables")
    starts = np.unique(summaries.window).tolist()
    windows = [window_at(start, config, record.window.end) for start in starts]
    tables, paths = list[dict[str, pa.Table]](), list[str]()
    for start, window in zip(starts, windows, strict=True):
        inside = summaries.window == start
        stamp = Stamp(record.run_id, config.monitor, window, None, config.config_hash)
        shown = worst.filter(pc.equal(worst["window"], start)) if config.key else None
        mine = pairs.filter(pc.equal(pairs["window"], start))
        made = shift_tables(verdicts.take(inside), summaries.take(inside), shown, mine, stamp)
        tables.append(made)
        paths.append(write_window(output, config.monitor, window, made)["drift_scores"])
    docs = None
    if config.expectations is not None:
        record.stage("Great Expectations")
        for start, window, path in zip(starts, windows, paths, strict=True):
            docs = _expected(record, verdicts, summaries.window == start, window, path)
    unscored = bool(failed(verdicts).any()) or not verdicts.scored.any()
    exit_code = exit_code_of(set(verdicts.severities()), unscored=unscored, fail_on=fail_on)
    rows, way = int(summaries.total[verdicts.whole].sum()), source.access_path
    row = record.judged_row(
        verdicts,
        skipped,
        exit_code=exit_code,
        rows_reference=rows,
        rows_current=rows,
        reference_read=way,
        current_read=way,
    )
    write_run(output, row)
    joined = {name: [t[name] for t in tables if name in t] for name in SHIFT_TABLES}
    return replace(ShiftResult.of(config, joined, row), docs=docs)


def _expected(
    record: Record[ModelShift], verdicts: Verdicts, inside: Bools, window: Window, path: str
) -> Path | None:
    """Publish the expectations of one window; return the page of Data Docs."""
    config = record.config
    segments = verdicts.segment[inside & ~small_segments(verdicts)]
    scores = pd.DataFrame({"feature": config.feature, "segment": segments, "kl": 0.0})
    run_id = record.run_id if window.start is None else f"{record.run_id}-{window.key}"
    return publish_expectations(record, scores, {config.feature: config.thresholds}, path, run_id)


def make_program(config: ModelShift, source: DatasetInfo, buckets: int) -> ShiftProgram:
    """Plan what tasks do."""
    schema, foreign = source.schema, source.foreign
    for side in ("champion", "challenger"):
        _check_lists(side, getattr(config, side), source)
    if config.key is not None:
        check_plain("key", config.key, schema, foreign=foreign)
    if config.time is not None:
        check_time(config.time.column, schema, foreign)
    for i, names in enumerate(config.segments):
        for j, name in enumerate(names):
            check_plain(f"segments[{i}][{j}]", name, schema, foreign=foreign)

    def one(name: str | None) -> Feature | None:
        return None if name is None else as_read(name, schema, dictionary=False)

    return ShiftProgram(
        champion=as_read(config.champion, schema, dictionary=False),
        challenger=as_read(config.challenger, schema, dictionary=False),
        probabilities=config.inputs == "probabilities",
        key=one(config.key),
        time=one(config.time.column if config.time else None),
        windows=config.time.windows if config.time else None,
        lists=tuple(SegmentList(tuple(as_read(n, schema) for n in ns)) for ns in config.segments),
        buckets=buckets,
    )


def _check_lists(key: str, name: str, source: DatasetInfo) -> None:
    kind = column_type(key, name, source.schema, foreign=source.foreign)
    types = pa.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not types.is_null(kind) and not (lists and types.is_floating(kind.value_type)):
        remedy = "cast it, in data.sql for instance"
        if pa.types.is_floating(kind):  # one number a row: that of the second of two classes
            remedy = f"make an array of all classes in data.sql, such as array(1 - {name}, {name})"
        raise ConfigError(
            f"{key}: expected a column of arrays of float or double, got {name!r} of type {kind}; "
            f"{remedy}"
        )
