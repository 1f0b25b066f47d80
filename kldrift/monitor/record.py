"""The record of a run: its session, its stages and their times, its row in ``runs``."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kldrift import __version__
from kldrift.config import Config, ModelShift
from kldrift.errors import ending, masked
from kldrift.execution.meanwhile import import_ahead
from kldrift.execution.progress import SILENT, Progress
from kldrift.execution.stopping import let_signals
from kldrift.features.feature import Skipped
from kldrift.monitor.plan import Plan
from kldrift.scoring.threshold import Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.tables import Window, write_run
from kldrift.tables.schema import RUNS, SCHEMA_VERSION

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AnyConfig = TypeVar("AnyConfig", Config, ModelShift)


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
    from kldrift.execution.session import session_in_use  # noqa: PLC0415 - Spark, only here

    with session_in_use(config.spark, f"kldrift {config.monitor}", meanwhile) as session:
        yield session


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
    _first: int = 0

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

    def of_window(self, window: Window) -> Record[AnyConfig]:
        """The record of one window of the run: its stages are those from now on, and told nobody.

        That so many windows are written is what the run's own stage shows.
        """
        return replace(self, window=window, progress=SILENT, _first=len(self._stages))

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._stages.append((name, time.perf_counter()))
        self.progress.stage(name)

    def update(self, done: int, total: int | None, unit: str) -> None:
        """Report how far the stage is."""
        self.progress.update(done, total, unit)

    def seconds(self) -> list[dict[str, Any]]:
        """How long each stage took in total: those of windows are repeated."""
        own: list[tuple[str, float]] = self._stages[self._first :]
        seconds_of: dict[str, float] = {}
        ends = [*(at for _, at in own[1:]), time.perf_counter()][: len(own)]
        for (name, at), end in zip(own, ends, strict=True):
            seconds_of[name] = seconds_of.get(name, 0.0) + end - at
        return [{"stage": name, "seconds": seconds} for name, seconds in seconds_of.items()]

    def judged_row(
        self, verdicts: Verdicts, skipped: Sequence[Skipped], **columns: Any
    ) -> dict[str, Any]:
        """The row of a run that came to its end, with the number of verdicts of each severity."""
        severities = verdicts.severities()
        return self.any_row(
            features=int(verdicts.scored.sum()),
            warning=severities.count(Severity.WARNING),
            critical=severities.count(Severity.CRITICAL),
            unscored=severities.count(Severity.UNSCORED),
            skipped=[{"column": s.column, "reason": s.reason} for s in skipped],
            **columns,
        )

    @contextmanager
    def told_if_failed(self) -> Iterator[None]:
        """Write the row of a run that fails or is stopped in a block, if possible."""
        try:
            let_signals()
            yield
        except (Exception, KeyboardInterrupt) as error:
            with suppress(Exception):  # the error itself matters more than its record
                exit_code, text = ending(error)
                row = self.any_row(exit_code=exit_code, error=masked(text))
                write_run(self.config.output.path, row)
            raise

    def any_row(self, **columns: Any) -> dict[str, Any]:
        """The row of any run, failed ones included: what is not given is null."""
        base: dict[str, Any] = dict.fromkeys(RUNS.names) | {
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
        return base | columns
