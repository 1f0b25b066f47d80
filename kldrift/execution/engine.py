"""Runs the scans of a plan as Spark jobs."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from pyspark.sql import DataFrame, SparkSession

from kldrift.arrays import Floats
from kldrift.binning.choose import Binning, Proposal
from kldrift.counting.row_groups import SegmentList
from kldrift.errors import DatasetError, first_line, first_names
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.programs import CountProgram, DatasetCounts
from kldrift.execution.progress import Progress
from kldrift.execution.spark_stages import Collect, count, count_and_score, propose, tasks_done
from kldrift.features.feature import Feature
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.sources.dataframe.frame import FrameSource
from kldrift.sources.dataset import DatasetInfo, Source
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.settings import raised_by_spark

FAILED: Final = "Spark failed: "
MOST_FILES: Final = 2
POLL_SECONDS: Final = 0.25
OWN_ERROR: Final = re.compile(r"kldrift\.errors\.(\w+)(?:: (.*))?")
PYTHON_ERROR: Final = re.compile(r"(?!Caused by:)[\w.]*Error: ")
WORKER_GONE: Final = re.compile(r"Python worker exited unexpectedly|Broken pipe|Connection reset")
KILLED: Final = (
    "a Python worker was killed, most likely out of memory: raise "
    "spark.executor.memoryOverhead, or run fewer tasks at once (spark.executor.cores)"
)
MODULE_MISSING: Final = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
FILE_GONE: Final = re.compile(
    r"FileNotFoundException: (?:File )?(?P<old>\S.*?) does not exist"
    r"|FAILED_READ_FILE\.FILE_NOT_EXIST\].*?reading file (?P<new>\S.*?)\. File does not exist"
)
READING: Final = re.compile(
    r"(?:FAILED_READ_FILE|Encountered error while).*?reading file (\S+?)\.(?:\s|$)"
)
T = TypeVar("T")


@contextmanager
def errors_of_reading(source: DatasetInfo) -> Iterator[None]:
    """Turn an error of Spark into one that says why a source cannot be read."""
    try:
        yield
    except Exception as error:
        if raised_by_spark(error):
            line = error_line(error)
            if isinstance(source, FrameSource):
                line = source.explain() or _with_files(line, source)
            raise DatasetError(line) from error
        raise


def _with_files(line: str, source: FrameSource) -> str:
    """An error that names files, as Spark 3.5 does not where one ends early."""
    files: Sequence[str] = ()
    if line.startswith(FAILED):
        with suppress(Exception):  # what failed matters more
            files = source.frame.inputFiles()
    return f"{line}; it read {first_names(files, MOST_FILES, repr)}" if files else line


class SparkEngine:
    """Runs scans as Spark jobs; those of small local files in this process."""

    def __init__(
        self, spark: SparkSession, reference: Source, current: Source, progress: Progress
    ) -> None:
        self._spark = spark
        self._reference = reference
        self._current = current
        self._progress = progress

    def comparing_with(self, reference: Source) -> SparkEngine:
        """An engine for the same current dataset and another reference."""
        return SparkEngine(self._spark, reference, self._current, self._progress)

    def propose(
        self, features: tuple[Feature, ...], binning: Binning, lists: tuple[SegmentList, ...] = ()
    ) -> list[Proposal]:
        """Propose supports, and then segments of each list, from one scan of the reference."""
        source = self._reference
        if near := _near(source):
            return near.propose(features, binning, lists)
        return self.run(source, lambda c: propose(self._spark, source, features, binning, c, lists))

    def count(self, program: CountProgram, *, current: bool = False) -> DatasetCounts:
        """Count the reference in one scan, or the current dataset."""
        source = self._current if current else self._reference
        if near := _near(source):
            return near.count(program)
        return self.run(source, lambda c: count(self._spark, source, program, c))

    def count_and_score(
        self,
        program: CountProgram,
        references: Sequence[tuple[Profile, Rebinning]],
        pseudocount: float,
        missing: str,
    ) -> tuple[DatasetCounts, dict[str, Floats]]:
        """Count the current dataset in one scan and score it."""
        source, how = self._current, (pseudocount, missing)
        if near := _near(source):
            return near.count_and_score(program, references, pseudocount, missing)
        return self.run(
            source, lambda c: count_and_score(self._spark, source, program, references, how, c)
        )

    def run(self, source: Source, job: Callable[[Collect], T]) -> T:
        """Run a job over a source, show how far it is, and explain what fails."""
        with errors_of_reading(source):
            return job(lambda frame: self._collect(frame, source.rows))

    def _collect(self, frame: DataFrame, rows: int | None) -> list[Any]:
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(stop, rows), daemon=True)
        watcher.start()
        try:
            rows_found: list[Any] = frame.collect()
        finally:
            stop.set()
            watcher.join()
        return rows_found

    def _watch(self, stop: threading.Event, rows: int | None) -> None:
        try:
            for done, total in tasks_done(self._spark):
                if stop.wait(POLL_SECONDS):
                    return
                if total and rows:
                    self._progress.update(rows * done // total, rows, "rows")
                elif total:
                    self._progress.update(done, total, "tasks")
        except Exception:  # noqa: BLE001 - progress is no reason to fail; Connect cannot tell any
            return


def _near(source: Source) -> MemoryEngine | None:
    return MemoryEngine(source, source) if isinstance(source, ArrowSource) and source.near else None


def error_line(error: BaseException) -> str:
    """What went wrong in a task, in one line, without Spark's stack traces."""
    text = str(error)
    for line in text.splitlines():
        own = OWN_ERROR.match(line.strip())
        if own:
            return own[2] or own[1]
    if missing := MODULE_MISSING.search(text):
        return (
            f"the Python that Spark starts for its tasks has no {missing[1]}: let PYSPARK_PYTHON "
            f"name one that has kldrift before the session starts (here: {sys.executable}); "
            "on a cluster every machine needs it"
        )
    lines = [line.strip() for line in text.splitlines()]
    if gone := FILE_GONE.search(text):
        return (
            f"{gone['old'] or gone['new']} was removed or replaced while it was read; "
            "run again when nothing writes to the dataset"
        )
    # A worker that raised says so; only one that was killed leaves nothing but a closed pipe.
    raised = [line for line in lines if PYTHON_ERROR.match(line)]
    if WORKER_GONE.search(text):
        return f"{FAILED}{raised[-1]}" if raised else KILLED
    causes = [line for line in lines if line.startswith(("Caused by:", "[")) or "Error:" in line]
    file = f"cannot read {read[1]!r}: " if (read := READING.search(text)) else FAILED
    return f"{file}{causes[-1].removeprefix('Caused by: ') if causes else first_line(error)}"
