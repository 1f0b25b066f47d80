"""Run a monitor from its configuration to its tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from pyspark.sql import SparkSession

from kldrift.config import Config
from kldrift.config.as_of import in_zone
from kldrift.errors import ConfigError, Mistakes
from kldrift.execution.engine import SparkEngine
from kldrift.execution.meanwhile import meanwhile
from kldrift.execution.progress import SILENT, Progress
from kldrift.features.group_columns import check_time
from kldrift.monitor import reference_store
from kldrift.monitor.before_spark import check_inputs, check_local_names, check_output
from kldrift.monitor.due import Due, due_windows, windows_between
from kldrift.monitor.findings import count_current
from kldrift.monitor.history import past_window, stored_history
from kldrift.monitor.inputs import files_of, open_sides, reference_key, with_times
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.publish import check_expectations, publish_window, with_page
from kldrift.monitor.record import Record, session_for
from kldrift.monitor.rescore import rescore_dependents
from kldrift.monitor.stages import Reference, read_reference
from kldrift.monitor.table_changes import TableChanges, last_read
from kldrift.monitor.volumes import Volumes
from kldrift.monitor.watch import Watch
from kldrift.monitor.windows import (
    CountedWindows,
    count_windows,
    findings_by_window,
    from_first_rows,
    profiles_by_window,
)
from kldrift.reporting.history import Backfill, combined, notes_of_all
from kldrift.reporting.result import RunResult
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.fingerprint import WatchedFiles, files_twice, watch
from kldrift.tables import Window, prepare_output
from kldrift.tables.store import open_store, output_reached
from kldrift.tables.supports import Origin
from kldrift.tables.which_windows import stored_windows

NO_ROWS_YET: Final = (
    "no window has had rows so far: the first run that finds some chooses the cells by them, and "
    "later windows are compared with those"
)
NO_ROWS: Final = "no rows in the current dataset, where {}: see whether they are there by now"
FIRST: Final = (
    "none of the earlier windows that would be the reference has rows; this one is what the next "
    "are compared with"
)


def check(
    config: Config, *, spark: SparkSession | None = None, as_of: datetime | None = None
) -> Plan:
    """Plan a run without reading rows: schemas and file footers only."""
    with output_reached():
        open_store(config.output.path)
        due = _due(config, as_of, datetime.now(UTC))
    read, _ = with_times(config, as_of, due)
    check_output(read)
    check_inputs(read, config, spark)
    if spark is None:
        _check_names(read, config)
    with session_for(config, spark) as session:
        key = reference_key(read, session)
        sides = open_sides(read, session, due)
        plan = make_plan(config, *sides, files_twice(reference=sides[0], current=sides[1]))
        stored = reference_store.find(plan, key)
        if stored is None:
            return plan
        plan = plan.with_gone(stored.others)
        return plan if stored.lacking else replace(plan, stored=str(stored))


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

    With ``time``, the window that is due, and those before it that a schedule missed. The arguments
    are those of :func:`kldrift.run`.

    Raises:
        KldriftError: the run failed; a row in ``runs`` says so too, where it can be written.
    """
    started = datetime.now(UTC)
    with output_reached():
        due = _due(config, as_of, started)
        read, as_of = with_times(config, as_of, due)
        check_output(read)
        prepare_output(config.output.path, config.output.format)
    window = Window(None, as_of) if due is None else due.windows[-1]
    record = Record(config, window, started, progress)
    return _Run(record, read, due, fail_on, refresh_reference).results(spark)[-1]


def _check_names(read: Config, config: Config) -> None:
    asked = config.features
    plain = {n: o for n, o in asked.override.items() if n not in asked.derived}
    known = replace(config, features=replace(asked, override=plain))

    def fit(found: Sequence[DatasetInfo]) -> None:
        mistakes = Mistakes()
        with mistakes.noted():
            make_plan(known, found[0], found[-1])
        if config.time is not None:
            with mistakes.noted():
                check_time(config.time.column, found[-1].schema, found[-1].foreign)
        mistakes.raise_any()

    sides = [dataset for dataset, _ in files_of(read)]
    check_local_names(sides, fit, read.expressions)


def _due(config: Config, as_of: datetime | None, at: datetime) -> Due | None:
    """The windows that a run is about; None without windows."""
    if config.time is None:
        return None
    stored = stored_windows(open_store(config.output.path), config.monitor)
    return due_windows(config.time, as_of or at, stored, at)


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
    on where it was. The arguments are those of :func:`kldrift.backfill`.

    Raises:
        ConfigError: there are no windows to run.
        KldriftError: the run failed.
    """
    if config.time is None:
        raise ConfigError("backfill needs windows: state time: {column: ..., window: 1d}")
    with output_reached():
        stored = stored_windows(open_store(config.output.path), config.monitor)
    due = windows_between(config.time, first, last, stored, at := datetime.now(UTC), force=force)
    results: list[RunResult] = []
    if due.windows:
        read, _ = with_times(config, None, due)
        check_output(read)
        with output_reached():
            prepare_output(config.output.path, config.output.format)
        record = Record(config, due.windows[-1], at, progress)
        results = _Run(record, read, due, fail_on).results(spark)
    notes = notes_of_all(results) if results else due.notes
    return Backfill(results, notes, config.output.path)


@dataclass(frozen=True)
class _Run:
    """A run as it was asked for; ``read`` has times in place of placeholders."""

    record: Record[Config]
    read: Config
    due: Due | None
    fail_on: str
    refresh_reference: bool = False

    def results(self, spark: SparkSession | None) -> list[RunResult]:
        """The results of the windows of the run, in the order of time; one without windows."""
        record = self.record
        try:
            with record.told_if_failed():
                results = self._judged(spark)
        except (Exception, KeyboardInterrupt):
            with suppress(Exception):  # the error itself matters more
                with_page(record, [])
            raise
        return combined(with_page(record, results))

    def _judged(self, spark: SparkSession | None) -> list[RunResult]:
        """The results of the windows of the run before its page is written."""
        record, read, due = self.record, self.read, self.due
        check_inputs(read, record.config, spark)
        if spark is None:
            _check_names(read, record.config)
        with ExitStack() as in_use:
            session = in_use.enter_context(record.session(spark))
            record.stage("planning")
            check_expectations(record.config)
            key = reference_key(read, session)
            watched = [watch(d, name) for d, name in files_of(read)]
            reference_source, current_source = open_sides(read, session, due)
            twice = files_twice(reference=reference_source, current=current_source)
            plan = make_plan(record.config, reference_source, current_source, twice)
            record.plan = plan
            engine = SparkEngine(session, reference_source, current_source, record)
            plan, reference = self._reference_of(plan, session, engine, key, watched[0])
            record.plan = plan
            changes = None
            if due is not None and read.current.changes:
                store, last = open_store(read.output.path), None
                if not self.refresh_reference:
                    last = last_read(store, read.monitor, reference.reference_id)
                changes = TableChanges.of(read, session, last)
                plan = record.plan = replace(plan, current=changes.source)
                engine = SparkEngine(session, reference_source, changes.source, record)
            with watched[-1].and_of_table(plan.current).unchanged():
                if due is None:
                    findings = count_current(plan, reference, engine, record)
                    if findings.rows_current == 0 and read.current.where:
                        findings = replace(findings, gap=NO_ROWS.format(read.current.where))
                else:
                    counted = count_windows(plan, reference, engine, record)
            stop = in_use.pop_all()
        with meanwhile(stop.close, "stop Spark"):
            if due is None:
                return [publish_window(record, plan, findings, self.fail_on)]
            return self._publish_windows(due, plan, reference, counted, changes)

    def _reference_of(
        self,
        plan: Plan,
        session: SparkSession,
        engine: SparkEngine,
        key: str | None,
        watched: WatchedFiles,
    ) -> tuple[Plan, Reference]:
        """The reference of a plan, stored or read and stored; the plan says where it stands."""
        record = self.record
        stored = None if self.refresh_reference else reference_store.find(plan, key)
        others = () if stored is None else stored.others
        plan = plan.with_gone(others)
        if stored is not None and not stored.lacking:
            plan = replace(plan, stored=str(stored))
            record.stage(f"reference: unchanged, {stored}")
            if not stored.complete:  # the tables have it only as a part of another
                reference_store.save(plan, stored.reference, stored.origin, others)
            return plan, stored.reference
        asked = plan if stored is None else plan.of_features(stored.lacking)
        with watched.and_of_table(plan.reference).unchanged():
            reference = self._new_reference(asked, session, engine)
        if key != reference_key(self.read, session):  # it changed while it was read
            key = None
        if stored is not None:
            reference = stored.reference.beside(reference)
        same_asked = self.read.reference == in_zone(record.config).reference  # no placeholder
        if key is not None and same_asked and not self.refresh_reference:
            plan = replace(plan, changed=reference_store.changed(plan, reference.reference_id))
        record.stage("writing the reference")
        origin = Origin(key, reference.rows, record.run_id, datetime.now(UTC))
        reference_store.save(plan, reference, origin, others)
        return plan, reference

    def _new_reference(self, plan: Plan, session: SparkSession, engine: SparkEngine) -> Reference:
        """Read the reference of a plan, of windows from the first one that has rows."""
        record = self.record
        reference = read_reference(plan, engine, record)
        later = self.due and from_first_rows(plan, reference, engine, record, self.due)
        if not later:
            return reference
        first, _ = open_sides(self.read, session, later)
        return read_reference(replace(plan, reference=first), engine.comparing_with(first), record)

    def _publish_windows(
        self,
        due: Due,
        plan: Plan,
        reference: Reference,
        counted: CountedWindows,
        changes: TableChanges | None,
    ) -> list[RunResult]:
        """The results of windows in order: each is written before the next is judged."""
        record, fail_on = self.record, self.fail_on
        config, results = record.config, list[RunResult]()
        history = None
        if config.reference.is_history:
            history = stored_history(config.output.path, config.monitor, reference.reference_id)
        store, windows = open_store(config.output.path), due.windows
        what, features, together = counted
        profiles_of = profiles_by_window(features, together)
        if changes is not None:
            added = changes.added(record, reference, counted, store)
            windows, profiles_of = tuple(added.judged(windows)), added.profiles_of
        watch = Watch.before(config, store, reference, plan.compared, windows[0])
        volumes = Volumes.of(config, store)
        for window, findings in findings_by_window(
            plan, reference, what, profiles_of, windows, record, history, volumes
        ):
            last = window == windows[-1]
            one = record if last else record.of_window(window)
            notes = [*due.notes, *(changes.notes if changes else ())] if last else []
            if history is not None and last and not findings.reference.rows:
                notes.append(FIRST if reference.rows else NO_ROWS_YET)
            result = publish_window(one, plan, findings, fail_on, notes, last=last, watch=watch)
            results.append(result)
            if history is not None:
                history.add(window, past_window(findings, result.score_rows))
        if config.reference.is_history or watch is not None:
            rescore_dependents(config, windows, fail_on)
        return results
