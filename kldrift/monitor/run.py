"""Run a monitor from its configuration to its tables."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

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
from kldrift.monitor.outcome_tables import cell_table, profile_parts, score_table
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.rows import Stamp
from kldrift.monitor.stages import Outcome, read_reference, score_current
from kldrift.reporting.result import RunResult
from kldrift.scoring.segment_verdict import severities_of
from kldrift.scoring.threshold import Severity
from kldrift.scoring.verdict import SCORED, Status, Verdict, applicable
from kldrift.sources.dataset import Source
from kldrift.sources.fingerprint import version_of
from kldrift.sources.open import open_source
from kldrift.tables import Window, prepare_output, write_run, write_window
from kldrift.tables.schema import SCHEMA_VERSION

AnyConfig = TypeVar("AnyConfig", Config, ModelShift)

DONE: Final = 0
DRIFT: Final = 3
NOT_SCORED: Final = 4
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
        baseline = reference_store.load(plan, key)
        return plan if baseline is None else replace(plan, baseline=str(baseline))


def _key(config: Config, spark: SparkSession) -> reference_store.Key:
    """What a stored baseline must belong to; taken before the reference is opened."""
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
            baseline = None if refresh_reference else reference_store.load(plan, key)
            if baseline is None:
                reference = read_reference(plan, engine, record)
                if key == _key(config, session):  # else it changed while it was read
                    reference_store.save(plan, key, reference, record.run_id)
            else:
                plan = record.plan = replace(plan, baseline=str(baseline))
                record.stage(f"reference: unchanged, {baseline}")
                reference = baseline.reference
            outcome = score_current(plan, reference, engine, record)
        return _publish(record, plan, outcome, fail_on)
    except Exception as error:
        record.failed(error)
        raise


def _publish(record: Record[Config], plan: Plan, outcome: Outcome, fail_on: str) -> RunResult:
    config = record.config
    stamp = Stamp(
        record.run_id, config.monitor, record.window, outcome.reference_id, config.config_hash
    )
    record.stage("writing tables")
    scores = score_table(outcome, config, stamp)
    cells = cell_table(outcome, config, stamp)
    tables = {
        "drift_scores": scores,
        "drift_cells": cells,
        "profiles": profile_parts(outcome, stamp),
    }
    written = write_window(config.output.path, config.monitor, record.window, tables)
    frame = scores.to_pandas()
    docs = None
    skipped = (*plan.skipped, *outcome.skipped)
    if config.expectations is not None:
        record.stage("Great Expectations")
        held, unheld = held_to_expectations(frame)
        skipped += unheld
        docs = _expectations(record, outcome.verdicts, held, written["drift_scores"])
    of_segments = severities_of(outcome.segments)
    exit_code = exit_code_of(outcome.verdicts, fail_on, of_segments)
    row = record.row(outcome, skipped, exit_code)
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


class Judged(Protocol):
    """A verdict, of whatever kind of run."""

    @property
    def severity(self) -> Severity:
        """The verdict."""

    @property
    def failed(self) -> bool:
        """Whether it should have been scored and could not be."""


def exit_code_of(
    verdicts: Sequence[Judged], fail_on: str, of_segments: AbstractSet[Severity] = frozenset()
) -> int:
    """What a scheduler is told: 3 for drift, 4 for a feature that could not be scored, else 0.

    Args:
        verdicts: on features, or what else must be scored.
        fail_on: the severity from which drift fails the run.
        of_segments: the severities of segments; that one could not be scored fails nothing.
    """
    fatal = {
        "critical": (Severity.CRITICAL,),
        "warning": (Severity.CRITICAL, Severity.WARNING),
        "never": (),
    }[fail_on]
    if any(s in fatal for s in (*of_segments, *(v.severity for v in verdicts))):
        return DRIFT
    return NOT_SCORED if any(v.failed for v in verdicts) else DONE


def held_to_expectations(scores: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Skipped, ...]]:
    """The rows that expectations are published for, and what to say of the others.

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
    record: Record[Config], verdicts: tuple[Verdict, ...], scores: pd.DataFrame, path: str
) -> Path | None:
    from kldrift.expectations import publish  # noqa: PLC0415 - takes seconds, and only here

    config = record.config
    assert config.expectations is not None
    thresholds = {
        v.name: {m: (t.warning, t.critical) for m, t in applicable(v).items()}
        for v in verdicts
        if v.status is not Status.NEW_FEATURE  # there is no reference to hold it to
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
    """What a run tells about itself: its stages and their times, and its row in ``runs``."""

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
        """A new stage begins."""
        self._stages.append((name, time.perf_counter()))
        self.progress.stage(name)

    def update(self, done: int, total: int | None, unit: str) -> None:
        """How far the stage is."""
        self.progress.update(done, total, unit)

    def seconds(self) -> list[dict[str, Any]]:
        """How long each stage took."""
        ends = [at for _, at in self._stages[1:]] + [time.perf_counter()]
        return [
            {"stage": name, "seconds": end - at}
            for (name, at), end in zip(self._stages, ends, strict=True)
        ]

    def row(self, outcome: Outcome, skipped: tuple[Skipped, ...], exit_code: int) -> dict[str, Any]:
        """The row of a run that came to its end."""
        severities = [v.severity for v in outcome.verdicts]
        return self.any_row(
            exit_code=exit_code,
            rows_reference=outcome.rows_reference,
            rows_current=outcome.rows_current,
            features=sum(v.status in SCORED for v in outcome.verdicts),
            warning=severities.count(Severity.WARNING),
            critical=severities.count(Severity.CRITICAL),
            unscored=severities.count(Severity.UNSCORED),
            skipped=[{"column": s.column, "reason": s.reason} for s in skipped],
            reference_id=outcome.reference_id,
        )

    def failed(self, error: BaseException) -> None:
        """Write the row of a run that failed, if that can be done."""
        # The error itself matters more than its record.
        with suppress(Exception):
            write_run(self.config.output.path, self.any_row(exit_code=FAILED, error=str(error)))

    def any_row(self, **found: Any) -> dict[str, Any]:
        """The row of a run with what is known of any run; the rest is null or as given."""
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
            "current_read": self.plan.current.why if self.plan else None,
            "skipped": [],
            "seconds": self.seconds(),
            "config_hash": self.config.config_hash,
            "kldrift_version": __version__,
            "spark_version": self.spark_version or None,
        }
        return base | found
