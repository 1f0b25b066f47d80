"""The Spark session of a run: the one that is there, or a new one."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from pyspark import SparkContext
from pyspark.sql import SparkSession

from kldrift.config import Spark
from kldrift.errors import KldriftError, first_line

NEW_SESSION: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    # By which ORC files and databases tell times without a zone, and not by the machine's.
    "spark.driver.defaultJavaOptions": "-Duser.timezone=UTC",
    "spark.executor.defaultJavaOptions": "-Duser.timezone=UTC",
    # Rows alone end a batch: Spark 4.1 otherwise adds up the size of all columns at each row, which
    # takes a third of a plain scan. So few rows that 5,000 numbers are 160 MB.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4096",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "16",
    "spark.sql.legacy.javaCharsets": "true",  # else Spark 4 reads no windows-1252
}
"""Settings of a session that kldrift opens itself; ``spark.conf`` in the configuration wins."""

THAT_CHANGE_COUNTS: Final = (
    "spark.sql.ansi.enabled",
    "spark.sql.avro.datetimeRebaseModeInRead",
    "spark.sql.caseSensitive",
    "spark.sql.decimalOperations.allowPrecisionLoss",
    "spark.sql.files.ignoreCorruptFiles",
    "spark.sql.files.ignoreMissingFiles",
    "spark.sql.legacy.timeParserPolicy",
    "spark.sql.mapKeyDedupPolicy",
    "spark.sql.parquet.binaryAsString",
    "spark.sql.parquet.datetimeRebaseModeInRead",
    "spark.sql.parquet.int96AsTimestamp",
    "spark.sql.parquet.int96RebaseModeInRead",
    "spark.sql.parquet.int96TimestampConversion",
    "spark.sql.session.timeZone",
    "spark.sql.sources.partitionColumnTypeInference.enabled",
    "spark.sql.timestampType",
)
"""Settings by which the same query over the same files has other rows or other values."""


class SparkError(KldriftError):
    """Spark cannot be started."""


_LOCK: Final = threading.RLock()


@dataclass
class _Started:
    """The session that kldrift started itself, and how many blocks use it."""

    session: SparkSession | None = None
    users: int = 0


_OURS: Final = _Started()


def active_session() -> SparkSession | None:
    """The session that is already there, under spark-submit or in a notebook, in any thread."""
    if _OURS.session is not None:
        return _OURS.session
    active = SparkSession.getActiveSession()
    if active is None and SparkContext._active_spark_context is not None:  # noqa: SLF001
        # Of another thread. Without settings: those of a builder would change it.
        return SparkSession.builder.getOrCreate()
    remote = sys.modules.get("pyspark.sql.connect.session")
    if active is None and remote is not None:
        return cast("SparkSession | None", remote.SparkSession._default_session)  # noqa: SLF001
    return active


def started_here(session: SparkSession) -> bool:
    """Whether kldrift started a session itself, for a block that uses it, and not spark-submit."""
    return session is _OURS.session and not _submitted()


def submitted_session() -> SparkSession | None:
    """The session of spark-submit; None where this is not one of its drivers."""
    return SparkSession.builder.getOrCreate() if _submitted() else None


def _submitted() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ


@contextmanager
def session_in_use(
    wanted: Spark, app: str, meanwhile: AbstractContextManager[None] | None = None
) -> Iterator[SparkSession]:
    """A session for a block, as `open_session` has it.

    One that was started for a block is stopped after the last block that uses it, in whatever
    thread; any other is left alone.
    """
    with _LOCK:
        session, new = open_session(wanted, app, meanwhile)
        if new:
            _OURS.session, _OURS.users = session, 0
        ours = session is _OURS.session
        _OURS.users += ours
    try:
        yield session
    finally:
        with _LOCK:
            _OURS.users -= ours
            if ours and not _OURS.users:
                _OURS.session = None
                session.stop()


def open_session(
    wanted: Spark, app: str, meanwhile: AbstractContextManager[None] | None = None
) -> tuple[SparkSession, bool]:
    """The active session, or a new one.

    It comes with whether it is new, so that the caller stops only what it started. ``meanwhile`` is
    entered while a new one starts.
    """
    active = active_session()
    if active is not None:
        return active, False
    under_submit = _submitted()
    connect = (wanted.master or "").startswith("sc://") or "SPARK_REMOTE" in os.environ
    if not under_submit and not connect:
        require_java()
    if not connect:
        # A process with a session of Spark Connect leaves it to the commands that it starts.
        os.environ.pop("SPARK_CONNECT_MODE_ENABLED", None)
    # Without it workers start whichever python is on the path, without pyarrow.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app)
    settings = {**({} if under_submit else NEW_SESSION), **wanted.conf}
    # spark-submit has a master already, from its own options or from the cluster's defaults.
    remote = bool(os.environ.get("SPARK_REMOTE"))
    master = None if under_submit or remote else wanted.master or "local[*]"
    if master and master.startswith("sc://"):
        builder = builder.remote(master)
    elif master:
        builder = builder.master(master)
        if master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
            settings.setdefault("spark.driver.bindAddress", "127.0.0.1")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        with meanwhile or nullcontext(), _sigint_kept(), _no_jvm_left():
            session = builder.getOrCreate()
    except Exception as error:
        raise SparkError(f"Spark cannot be started: {first_line(error)}") from error
    if not under_submit:
        # What fails here is told in one line; of a cluster, the log knows more than that.
        level = "FATAL" if (master or "").startswith("local") else "ERROR"
        with suppress(Exception):  # Spark Connect has no context, nor its log
            session.sparkContext.setLogLevel(level)
    return session, True


@contextmanager
def _sigint_kept() -> Iterator[None]:
    """Keep the handler of Ctrl-C: Spark's own one calls its driver, which may be busy.

    The driver then takes one answer for another, and the interruption becomes an error of Spark's.
    Until the session is there and the handler can be put back, there are no jobs to be cancelled.
    """
    before, cancel = signal.getsignal(signal.SIGINT), SparkContext.cancelAllJobs
    SparkContext.cancelAllJobs = lambda _: None
    try:
        yield
    finally:
        SparkContext.cancelAllJobs = cancel
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


@contextmanager
def _no_jvm_left() -> Iterator[None]:
    """End a JVM whose driver is gone before it has said where it listens, at once.

    It would wait for ever, or print where it failed to say so: its driver removes that place.
    """
    before = child_processes()
    try:
        yield
    except BaseException:
        if SparkContext._gateway is None:  # noqa: SLF001
            end(child_processes() - before)
        raise


class JavaError(KldriftError):
    """Raised when there is no Java where Spark looks for it."""


def child_processes() -> set[int]:
    """The processes that this one has started; none where the system does not tell."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(child) for one in lists for child in one.read_text().split()}


def end(processes: Iterable[int]) -> None:
    """End processes that are still there."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)


def require_java() -> None:
    """Check that the Java that Spark would start is there.

    Spark looks in ``JAVA_HOME`` and, only if that is not set, on ``PATH``; so does this.
    """
    home = os.environ.get("JAVA_HOME")
    if home:
        if not shutil.which("java", path=os.path.join(home, "bin")):  # noqa: PTH118 - text in, text out
            raise JavaError(
                f"JAVA_HOME is {home!r}, but there is no bin/java; "
                "set it to an installation of Java 17 or later, or unset it"
            )
    elif not shutil.which("java"):
        raise JavaError(
            "Spark needs Java, and there is none: JAVA_HOME is not set and no java is on PATH; "
            "install Java 17 or later"
        )
