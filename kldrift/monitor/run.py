"""Run a monitor from its configuration to its tables."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from pyspark.sql import SparkSession

from kldrift.config import Config, Dataset
from kldrift.config.as_of import with_time
from kldrift.config.instant import instant
from kldrift.errors import ConfigError, DatasetError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.progress import SILENT, Progress
from kldrift.execution.session import THAT_CHANGE_COUNTS
from kldrift.features.group_columns import check_time
from kldrift.monitor import reference_store
from kldrift.monitor.before_spark import check_inputs, check_output, without_absent
from kldrift.monitor.findings import count_current
from kldrift.monitor.groups import condition_named
from kldrift.monitor.history import past_window, stored_history
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.publish import check_expectations, publish_window, with_page
from kldrift.monitor.record import Record, session_for
from kldrift.monitor.rescore import rescore_dependents
from kldrift.monitor.stages import Reference, read_reference
from kldrift.monitor.table_changes import TableChanges, last_version
from kldrift.monitor.volumes import Volumes
from kldrift.monitor.watch import Watch
from kldrift.monitor.windows import (
    Due,
    between,
    count_windows,
    due_windows,
    findings_by_window,
    profiles_by_window,
    windows_between,
    within,
)
from kldrift.reporting.history import Backfill, combined
from kldrift.reporting.result import RunResult
from kldrift.sources.dataset import Source
from kldrift.sources.fingerprint import WatchedFiles, version_of, watch
from kldrift.sources.open import open_source
from kldrift.sources.settings import settings_of
from kldrift.tables import Window, prepare_output
from kldrift.tables.read import stored_windows
from kldrift.tables.store import open_store
from kldrift.tables.supports import Origin

FIRST_WINDOWS: Final = 7
"""Windows that freeze the cells where the reference is made of windows."""
UTC_NAMES: Final = ("UTC", "Etc/UTC", "GMT", "Z", "+00:00")
TEXT_FORMATS: Final = ("csv", "tsv", "json")
"""Files that are read as a whole whatever is asked of them, and twice to infer their types."""


def check(
    config: Config, *, spark: SparkSession | None = None, as_of: datetime | None = None
) -> Plan:
    """Plan a run without reading rows: schemas and file footers only.

    Args:
        config: the configuration.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for.

    Raises:
        DatasetError: a dataset cannot be read.
        ConfigError: the configuration does not fit the data.
    """
    due = _due(config, as_of, datetime.now(UTC))
    read, _ = _as_read(config, as_of, due)
    check_output(read)
    check_inputs(read, config)
    with session_for(config, spark) as session:
        key = _key(read, session)
        plan = make_plan(config, *_sources(read, session, due))
        stored = reference_store.find(plan, key)
        return plan if stored is None else replace(plan, stored=str(stored))


def _key(config: Config, spark: SparkSession) -> str | None:
    """The key that a stored reference must have; computed before the reference is opened."""
    settings = settings_of(spark, (*THAT_CHANGE_COUNTS, *config.spark.conf))
    if config.reference.is_history:  # cells are frozen once, whatever files come
        return reference_store.key_of(config, "windows", settings)
    try:
        version = version_of(config.reference, config.expressions.values())
    except DatasetError as error:
        raise DatasetError(f"reference: {error}") from error
    return reference_store.key_of(config, version, settings)


def _sources(config: Config, spark: SparkSession, due: Due | None = None) -> tuple[Source, Source]:
    """The reference and the current dataset; of the latter, with windows, as little as can be."""
    utc = spark.conf.get("spark.sql.session.timeZone", "UTC") in UTC_NAMES

    def opened(dataset: Dataset, side: str) -> Source:
        with condition_named(config):
            return open_source(spark, dataset, config.expressions, way=config.scan, side=side)

    if config.reference.since or config.reference.until:
        config = replace(
            config, reference=_ranged(config, opened(config.reference, "reference"), utc=utc)
        )
    if due is None or config.time is None:
        return opened(config.reference, "reference"), opened(config.current, "current")
    current = opened(config.current, "current")
    check_time(config.time.column, current.schema)
    kind = current.schema.field(config.time.column).type
    if config.reference.is_history:
        first = within(config.current, config.time, due.windows[:FIRST_WINDOWS], kind, utc=utc)
        reference = opened(first, "reference")
    else:
        reference = opened(config.reference, "reference")
    whole = config.current.changes is not None  # all that was added counts, whatever its time
    if (
        utc
        and not whole
        and config.current.sql is None
        and config.current.format not in TEXT_FORMATS
    ):
        narrow = within(config.current, config.time, due.windows, kind, utc=utc)
        current = opened(narrow, "current")
    return reference, current


def run(
    config: Config,
    *,
    spark: SparkSession | None = None,
    as_of: datetime | None = None,
    fail_on: str = "critical",
    refresh_reference: bool = False,
    progress: Progress = SILENT,
) -> RunResult:
    """Run a monitor: compare the current dataset with the reference, write the tables, judge.

    With ``time``, the window that is due, and those before it that a schedule missed.

    Args:
        config: the configuration.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for; rows of runs for different times stand side by side.
        fail_on: the severity from which the exit code is 3: ``critical``, ``warning``, ``never``.
        refresh_reference: read the reference also where it is known from an earlier run.
        progress: told what goes on.

    Raises:
        KldriftError: the run failed; a row in ``runs`` says so too, where it can be written.
    """
    started = datetime.now(UTC)
    due = _due(config, as_of, started)
    read, as_of = _as_read(config, as_of, due)
    check_output(read)
    prepare_output(config.output.path, config.output.format)
    window = Window(None, as_of) if due is None else due.windows[-1]
    record = Record(config, window, started, progress)
    return _run(record, read, spark, due, fail_on, refresh_reference=refresh_reference)[-1]


def _due(config: Config, as_of: datetime | None, now: datetime) -> Due | None:
    """The windows that a run is about; None without windows."""
    if config.time is None:
        return None
    stored = stored_windows(open_store(config.output.path), config.monitor)
    return due_windows(config.time, as_of or now, stored, now)


def _ranged(config: Config, reference: Source, *, utc: bool) -> Dataset:
    """The reference without the rows that lie outside of the range of time that is asked for."""
    time, asked = config.time, config.reference
    assert time is not None
    check_time(time.column, reference.schema)
    first, last = (instant(m, time.zone) if m else None for m in (asked.since, asked.until))
    if first and last and first >= last:
        raise ConfigError(f"reference.to: expected a moment after from, got {asked.until!r}")
    kind = reference.schema.field(time.column).type
    return between(asked, time, (first, last), kind, utc=utc)


def _as_read(
    config: Config, as_of: datetime | None, due: Due | None
) -> tuple[Config, datetime | None]:
    """The configuration with times in place of placeholders, and the time that a run is for."""
    if due is None or config.time is None:
        return with_time(config, as_of)
    zone = ZoneInfo(config.time.zone)
    starts = [w.start.astimezone(zone) for w in due.windows if w.start is not None]
    read, as_of = with_time(config, starts[-1], starts)
    if len(read.current.path) > len(config.current.path):
        last, _ = with_time(config, starts[-1])
        read = replace(read, current=without_absent(read.current, last.current.path))
    return read, as_of


def backfill(
    config: Config,
    first: datetime,
    last: datetime,
    *,
    spark: SparkSession | None = None,
    fail_on: str = "critical",
    force: bool = False,
    progress: Progress = SILENT,
) -> Backfill:
    """Run every window in a range of time, in one scan of the current dataset.

    A window is written as a whole before the next one is, so that a backfill that was stopped goes
    on where it was.

    Args:
        config: the configuration, with ``time``.
        first: where the range begins.
        last: where it ends.
        spark: as in :func:`run`.
        fail_on: as in :func:`run`.
        force: also windows that the tables have already.
        progress: told what goes on.

    Raises:
        ConfigError: there are no windows to run.
        KldriftError: the run failed.
    """
    if config.time is None:
        raise ConfigError("backfill needs windows: state time: {column: ..., window: 1d}")
    stored = stored_windows(open_store(config.output.path), config.monitor)
    due = windows_between(config.time, first, last, stored, now := datetime.now(UTC), force=force)
    results: list[RunResult] = []
    if due.windows:
        read, _ = _as_read(config, None, due)
        check_output(read)
        prepare_output(config.output.path, config.output.format)
        record = Record(config, due.windows[-1], now, progress)
        results = _run(record, read, spark, due, fail_on, refresh_reference=False)
    notes = results[-1].notes if results else due.notes
    return Backfill(results, notes, config.output.path)


def _run(
    record: Record[Config],
    read: Config,
    spark: SparkSession | None,
    due: Due | None,
    fail_on: str,
    *,
    refresh_reference: bool,
) -> list[RunResult]:
    """The results of the windows of a run, in the order of time; one without windows."""
    try:
        check_inputs(read, record.config)
        with record.session(spark) as session:
            record.stage("planning")
            check_expectations(record.config)
            key = _key(read, session)
            watched = [watch(d, name) for d, name in _files(read)]
            reference_source, current_source = _sources(read, session, due)
            plan = record.plan = make_plan(record.config, reference_source, current_source)
            engine = SparkEngine(session, reference_source, current_source, record)
            stored = None if refresh_reference else reference_store.find(plan, key)
            if stored is None:
                with watched[0].unchanged():
                    reference = read_reference(plan, engine, record)
                if key != _key(read, session):  # it changed while it was read
                    key = None
                record.stage("writing the reference")
                origin = Origin(key, reference.rows, record.run_id, datetime.now(UTC))
                reference_store.save(plan, reference, origin)
            else:
                plan = record.plan = replace(plan, stored=str(stored))
                record.stage(f"reference: unchanged, {stored}")
                reference = stored.reference
                if not stored.complete:  # the tables have it only as a part of another
                    reference_store.save(plan, reference, stored.origin)
            if due is not None:
                changes = None
                if read.current.changes:
                    store, since = open_store(read.output.path), None
                    if not refresh_reference:
                        since = last_version(store, read.monitor, reference.reference_id)
                    changes = TableChanges.of(read, session, since)
                    plan = record.plan = replace(plan, current=changes.source)
                    engine = SparkEngine(session, reference_source, changes.source, record)
                results = _publish_windows(
                    record, plan, reference, engine, due, fail_on, watched[-1], changes
                )
            else:
                with watched[-1].unchanged():
                    findings = count_current(plan, reference, engine, record)
        if due is None:
            results = [publish_window(record, plan, findings, fail_on)]
    except (Exception, KeyboardInterrupt) as error:
        record.failed(error)
        with suppress(Exception):  # the error itself matters more
            with_page(record, [])
        raise
    return combined(with_page(record, results))


def _files(read: Config) -> list[tuple[Dataset, str]]:
    """The datasets that must not change during a run."""
    sides = [(read.reference, "reference"), (read.current, "current")]
    return [(dataset, name) for dataset, name in sides if not dataset.is_history]


def _publish_windows(
    record: Record[Config],
    plan: Plan,
    reference: Reference,
    engine: SparkEngine,
    due: Due,
    fail_on: str,
    watched: WatchedFiles,
    changes: TableChanges | None,
) -> list[RunResult]:
    """The results of windows, one after the other: each is written before the next is judged."""
    config, results = record.config, list[RunResult]()
    history = None
    if config.reference.is_history:
        history = stored_history(config.output.path, config.monitor, reference.reference_id)
    store, windows = open_store(config.output.path), due.windows
    with watched.unchanged():
        what, counted, together = count_windows(plan, reference, engine, record)
    profiles_of = profiles_by_window(counted, together)
    if changes is not None:
        added = changes.added(record, reference, (what, counted, together), store)
        windows, profiles_of = tuple(added.judged(windows)), added.profiles_of
    watch = Watch.before(config, store, reference, plan.compared, windows[0])
    volumes = Volumes.before(config, store, windows[0])
    for window, findings in findings_by_window(
        plan, reference, what, profiles_of, windows, record, history, volumes
    ):
        last = window == windows[-1]
        one = record if last else replace(record, window=window)
        notes = [*due.notes, *(changes.notes if changes else ())] if last else []
        result = publish_window(one, plan, findings, fail_on, notes, docs=last, watch=watch)
        results.append(result)
        if history is not None:
            history.add(window, past_window(findings, result.scores))
    if config.reference.is_history or watch is not None:
        rescore_dependents(config, windows, fail_on)
    return results
