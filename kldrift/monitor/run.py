"""Run a monitor from its configuration to its tables."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import pandas as pd
from pyspark.sql import SparkSession

from kldrift import __version__
from kldrift.config import Config, ModelShift
from kldrift.errors import DatasetError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.import_ahead import import_ahead
from kldrift.execution.progress import SILENT, Progress
from kldrift.execution.session import THAT_CHANGE_COUNTS, open_session, settings_of
from kldrift.features.plan import Skipped
from kldrift.monitor import reference_store
from kldrift.monitor.judging import judge_findings
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.rows import cell_table, score_table
from kldrift.monitor.stages import Findings, count_current, read_reference
from kldrift.reporting.result import RunResult
from kldrift.scoring.exit_code import exit_code_of
from kldrift.scoring.threshold import Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.sources.dataset import Source
from kldrift.sources.fingerprint import version_of
from kldrift.sources.open import open_source
from kldrift.tables import Window, prepare_output, write_run, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.schema import SCHEMA_VERSION
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import Origin

AnyConfig = TypeVar("AnyConfig", Config, ModelShift)

FAILED: Final = 1
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
            key = _key(config, session)
            sources = _sources(config, session)
            plan = record.plan = make_plan(config, *sources)
            engine = SparkEngine(session, *sources, record)
            stored = None if refresh_reference else reference_store.find(plan, key)
            if stored is None:
                reference = read_reference(plan, engine, record)
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
        return _publish(record, plan, findings, fail_on)
    except Exception as error:
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
        docs = _expectations(record, verdicts, held, written["drift_scores"])
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


def _expectations(
    record: Record[Config], verdicts: Verdicts, scores: pd.DataFrame, path: str
) -> Path | None:
    from kldrift.expectations import publish  # noqa: PLC0415 - takes seconds, and only here

    config = record.config
    assert config.expectations is not None
    thresholds = {
        name: {m: (t.warning, t.critical) for m, t in held.items()}
        for name, held in verdicts.held_to().items()
    }
    published = publish(
        scores,
        scores_path=path,
        root=Path(config.expectations.path),
        monitor=config.monitor,
        run_id=record.run_id,
        run_time=record.started,
        thresholds=thresholds,
        alpha=config.significance.alpha,
        data_docs=config.expectations.data_docs,
    )
    return published.docs_index


@contextmanager
def session_for(
    config: AnyConfig,
    spark: SparkSession | None,
    meanwhile: AbstractContextManager[None] | None = None,
) -> Iterator[SparkSession]:
    """A session for a block; stopped after it if it was started for it."""
    if spark is not None:
        yield spark
        return
    session, new = open_session(config.spark, f"kldrift {config.monitor}", meanwhile)
    try:
        yield session
    finally:
        if new:
            session.stop()


@dataclass
class Record(Generic[AnyConfig]):
    """The record of a run: its stages and their times, and its row in ``runs``."""

    config: AnyConfig
    window: Window
    started: datetime
    progress: Progress
    run_id: str = ""
    plan: Plan | None = None
    spark_version: str = ""
    _stages: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run_id = f"{self.started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"

    @contextmanager
    def session(self, spark: SparkSession | None) -> Iterator[SparkSession]:
        """The session of the run."""
        if spark is None:
            self.stage("starting Spark")
        held = self.config.expectations is not None
        meanwhile = import_ahead("kldrift.expectations") if held else None
        with session_for(self.config, spark, meanwhile) as session:
            self.spark_version = session.version
            yield session

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._stages.append((name, time.perf_counter()))
        self.progress.stage(name)

    def update(self, done: int, total: int | None, unit: str) -> None:
        """Report how far the stage is."""
        self.progress.update(done, total, unit)

    def seconds(self) -> list[dict[str, Any]]:
        """How long each stage took."""
        ends = [at for _, at in self._stages[1:]] + [time.perf_counter()]
        return [
            {"stage": name, "seconds": end - at}
            for (name, at), end in zip(self._stages, ends, strict=True)
        ]

    def row(
        self, findings: Findings, verdicts: Verdicts, skipped: tuple[Skipped, ...], exit_code: int
    ) -> dict[str, Any]:
        """The row of a run that came to its end."""
        severities = verdicts.severities(verdicts.whole)
        return self.any_row(
            exit_code=exit_code,
            rows_reference=findings.reference.rows,
            rows_current=findings.rows_current,
            features=int((verdicts.whole & verdicts.scored).sum()),
            warning=severities.count(Severity.WARNING),
            critical=severities.count(Severity.CRITICAL),
            unscored=severities.count(Severity.UNSCORED),
            skipped=[{"column": s.column, "reason": s.reason} for s in skipped],
            reference_id=findings.reference.reference_id,
        )

    def failed(self, error: BaseException) -> None:
        """Write the row of a run that failed, if that can be done."""
        # The error itself matters more than its record.
        with suppress(Exception):
            write_run(self.config.output.path, self.any_row(exit_code=FAILED, error=str(error)))

    def any_row(self, **found: Any) -> dict[str, Any]:
        """The row of any run, failed ones included: what is not given is null."""
        base: dict[str, Any] = dict.fromkeys(
            (
                "rows_reference",
                "rows_current",
                "features",
                "warning",
                "critical",
                "unscored",
                "reference_id",
                "error",
            )
        )
        base |= {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.run_id,
            "monitor": self.config.monitor,
            "window_start": self.window.start,
            "window_end": self.window.end,
            "started_at": self.started,
            "finished_at": datetime.now(UTC),
            "reference_read": self.plan.reference_read if self.plan else None,
            "current_read": self.plan.current.access_path if self.plan else None,
            "skipped": [],
            "seconds": self.seconds(),
            "config_hash": self.config.config_hash,
            "kldrift_version": __version__,
            "spark_version": self.spark_version or None,
        }
        return base | found
