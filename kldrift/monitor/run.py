"""Run a monitor from its configuration to its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pandas as pd
from pyspark.sql import SparkSession

from kldrift.config import Config, ModelShift, Threshold
from kldrift.errors import DatasetError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.progress import SILENT, Progress
from kldrift.execution.session import THAT_CHANGE_COUNTS, settings_of
from kldrift.features.plan import Skipped
from kldrift.monitor import reference_store
from kldrift.monitor.judging import judge_findings
from kldrift.monitor.notes import notes_of
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.record import AnyConfig, Record, session_for
from kldrift.monitor.rows import cell_table, score_table
from kldrift.monitor.stages import Findings, count_current, read_reference
from kldrift.reporting.result import RunResult
from kldrift.scoring.exit_code import exit_code_of
from kldrift.sources.dataset import Source
from kldrift.sources.fingerprint import version_of, watch
from kldrift.sources.open import open_source
from kldrift.tables import Window, prepare_output, write_run, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import Origin

MOST_SEGMENT_ROWS: Final = 200
"""Of segments that drifted, those that expectations are published for."""


def check(config: Config, *, spark: SparkSession | None = None) -> Plan:
    """Plan a run without reading rows: schemas and file footers only.

    Raises:
        DatasetError: a dataset cannot be read.
        ConfigError: the configuration does not fit the data.
    """
    with session_for(config, spark) as session:
        key = _key(config, session)
        plan = make_plan(config, *_sources(config, session))
        stored = reference_store.find(plan, key)
        return plan if stored is None else replace(plan, stored=str(stored))


def _key(config: Config, spark: SparkSession) -> str | None:
    """The key that a stored reference must have; computed before the reference is opened."""
    settings = settings_of(spark, (*THAT_CHANGE_COUNTS, *config.spark.conf))
    try:
        version = version_of(config.reference, config.features.derived.values())
    except DatasetError as error:
        raise DatasetError(f"reference: {error}") from error
    return reference_store.key_of(config, version, settings)


def _sources(config: Config, spark: SparkSession) -> tuple[Source, Source]:
    derived, way = config.features.derived, config.scan
    reference = open_source(spark, config.reference, derived, way=way, side="reference")
    return reference, open_source(spark, config.current, derived, way=way, side="current")


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
    prepare_output(config.output.path)
    started = datetime.now(UTC)
    record = Record(config, Window(None, as_of), started, progress)
    try:
        with record.session(spark) as session:
            record.stage("planning")
            check_expectations(config)
            key = _key(config, session)
            watched = watch(config.reference, "reference"), watch(config.current, "current")
            sources = _sources(config, session)
            plan = record.plan = make_plan(config, *sources)
            engine = SparkEngine(session, *sources, record)
            stored = None if refresh_reference else reference_store.find(plan, key)
            if stored is None:
                reference = read_reference(plan, engine, record)
                watched[0].check()
                if key != _key(config, session):  # it changed while it was read
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
            findings = count_current(plan, reference, engine, record)
            watched[1].check()
        return _publish(record, plan, findings, fail_on)
    except (Exception, KeyboardInterrupt) as error:
        record.failed(error)
        raise


def _publish(record: Record[Config], plan: Plan, findings: Findings, fail_on: str) -> RunResult:
    config = record.config
    verdicts = judge_findings(plan, findings)
    reference_id = findings.reference.reference_id
    stamp = Stamp(record.run_id, config.monitor, record.window, reference_id, config.config_hash)
    current = {p.feature.name: c for p, c in zip(findings.pairs, findings.current, strict=True)}
    joint = {j.name: c for j, _, c in findings.joint}
    names = [known.names for known in findings.reference.segments]
    record.stage("writing tables")
    scores = score_table(verdicts, stamp)
    cells = cell_table(verdicts, stamp)
    tables = {
        "drift_scores": scores,
        "drift_cells": cells,
        "profiles": profile_rows(current, joint, names, "current", stamp),
    }
    written = write_window(config.output.path, config.monitor, record.window, tables)
    frame = scores.to_pandas()
    docs = None
    skipped = (*plan.skipped, *findings.skipped)
    if config.expectations is not None:
        record.stage("Great Expectations")
        held, unheld = held_to_expectations(frame)
        skipped += unheld
        docs = publish_expectations(
            record, held, verdicts.held_to(), written["drift_scores"], record.run_id
        )
    severities = set(verdicts.severities())
    exit_code = exit_code_of(severities, unscored=verdicts.unscored, fail_on=fail_on)
    row = record.row(findings, verdicts, skipped, exit_code)
    write_run(config.output.path, row)
    return RunResult(
        scores=frame,
        cells=cells.to_pandas(),
        run=row,
        exit_code=exit_code,
        skipped=[(s.column, s.reason) for s in skipped],
        notes=notes_of(plan, findings.skipped, verdicts),
        output=config.output.path,
        docs=docs,
    )


def held_to_expectations(scores: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Skipped, ...]]:
    """The rows that expectations are published for, and a note about the others.

    All rows of whole datasets, and of segments the worst of those that drifted: an expectation for
    each of 50,000 rows would take an hour, and pages that no browser opens.
    """
    alone = scores["segment"].isna()
    drifted = scores[~alone & scores["severity"].isin(("critical", "warning"))]  # worst first
    said: tuple[Skipped, ...] = ()
    if len(drifted) > MOST_SEGMENT_ROWS:
        why = (
            f"{len(drifted):,} scores of segments drifted; Great Expectations has the "
            f"{MOST_SEGMENT_ROWS} worst of them, drift_scores has all"
        )
        said = (Skipped("segments", why),)
    return pd.concat([scores[alone], drifted.head(MOST_SEGMENT_ROWS)]), said


def check_expectations(config: Config | ModelShift) -> None:
    """Look whether the folder of expectations can be written and read, before anything is scanned.

    Raises:
        OutputError: it cannot be written, or a file in it that is not the monitor's is damaged.
    """
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

    Args:
        record: of the run.
        scores: the rows of ``drift_scores`` that are held to a threshold.
        held: the thresholds of each feature.
        path: where the rows stand.
        run_id: what Great Expectations calls the run; it keeps one result per name.
    """
    from kldrift.expectations import publish  # noqa: PLC0415 - takes seconds, and only here

    config = record.config
    assert config.expectations is not None
    thresholds = {
        name: {m: (t.warning, t.critical) for m, t in of_metrics.items()}
        for name, of_metrics in held.items()
    }
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
    )
    return published.docs_index
