"""The commands of the command line as functions: a configuration in, a result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from kldrift.config import Config, ModelShift, configured, configured_either
from kldrift.config.instant import instant
from kldrift.errors import ConfigError
from kldrift.execution.progress import SILENT, Progress
from kldrift.scoring.exit_code import known_fail_on

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from kldrift.monitor.backtest import Backtest
    from kldrift.reporting.history import Backfill
    from kldrift.reporting.result import RunResult
    from kldrift.shift.result import ShiftResult


def run(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    spark: SparkSession | None = None,
    as_of: str | date | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    refresh_reference: bool = False,
    progress: Progress = SILENT,
) -> RunResult:
    """Compare the current dataset with the reference, write the tables, and judge.

    Args:
        config: a configuration, the path of its YAML file, or the mapping that the file would
            hold; relative paths in a mapping are relative to the working directory.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for: ISO 8601 text, a datetime or a date, UTC unless it says
            otherwise; rows of runs for different times stand side by side in the tables.
        set: key paths of the configuration to the values they get instead, as ``--set`` does:
            ``{"scoring.bins": 40}``; for a file or a mapping.
        fail_on: the severity from which the exit code is 3: ``critical``, ``warning``, ``never``.
        refresh_reference: read the reference also where it is known from an earlier run of the same
            configuration and its files have not changed since.
        progress: told what goes on; by default nothing is.

    Returns:
        The scores, the cells and the exit code that ``kldrift run`` would end with.

    Raises:
        ConfigError: the configuration is wrong or does not fit the data.
        DatasetError: a dataset cannot be read.
        OutputError: the tables cannot be written.
    """
    from kldrift.monitor import run as job  # Spark is needed only now

    return job.run(
        configured(Config, config, set),
        spark=spark,
        as_of=_moment("as_of", as_of),
        fail_on=known_fail_on(fail_on),
        refresh_reference=refresh_reference,
        progress=progress,
    )


def backfill(
    config: Config | Mapping[str, Any] | str | Path,
    first: str | date,
    last: str | date,
    *,
    spark: SparkSession | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    force: bool = False,
    progress: Progress = SILENT,
) -> Backfill:
    """Run every window in a range of time, in one scan of the current dataset.

    Args:
        config: as in :func:`run`; with ``time``.
        first: where the range begins: ISO 8601 text, a datetime or a date, in ``time.zone`` unless
            it says otherwise.
        last: where it ends.
        spark: as in :func:`run`.
        set: as in :func:`run`.
        fail_on: as in :func:`run`.
        force: also windows that the tables have already.
        progress: told what goes on; by default nothing is.

    Returns:
        The scores of each window, a timeline, and the exit code of the worst window.

    Raises:
        ConfigError: the configuration is wrong, does not fit the data, or has no windows.
        DatasetError: a dataset cannot be read.
        OutputError: the tables cannot be written.
    """
    from kldrift.monitor import run as job

    made = configured(Config, config, set)
    return job.backfill(
        made,
        _moment("from", first, _zone(made)),
        _moment("to", last, _zone(made)),
        spark=spark,
        fail_on=known_fail_on(fail_on),
        force=force,
        progress=progress,
    )


def rescore(
    config: Config | Mapping[str, Any] | str | Path,
    first: str | date | None = None,
    last: str | date | None = None,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    progress: Progress = SILENT,
) -> Backfill:
    """Score stored windows again, without data: other bins, pseudocount, limits or reference.

    Args:
        config: as in :func:`run`.
        first: windows that begin before it are left alone; ISO 8601 text, a datetime or a date, in
            ``time.zone`` unless it says otherwise.
        last: windows that end after it are left alone.
        set: as in :func:`run`.
        fail_on: as in :func:`run`.
        progress: told what goes on; by default nothing is.

    Returns:
        The scores of each window, a timeline, and the exit code of the worst window.

    Raises:
        ConfigError: the configuration is wrong or asks for what is not stored.
        OutputError: the tables have no such window, or cannot be read or written.
    """
    from kldrift.monitor import rescore as job

    made = configured(Config, config, set)
    return job.rescore(
        made,
        _moment("from", first, _zone(made)),
        _moment("to", last, _zone(made)),
        fail_on=known_fail_on(fail_on),
        progress=progress,
    )


def backtest(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    pages: float = 1.0,
    days: float = 90.0,
    plant: Sequence[str] | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    progress: Progress = SILENT,
) -> Backtest:
    """Tell what thresholds and learnt limits would have flagged over the stored windows.

    Args:
        config: as in :func:`run`; with ``time``.
        pages: pages that learnt limits may send, over all features,
        days: in so many days.
        plant: drifts that are planted into the last windows: ``shift 0.3`` (deviations), ``new 1``
            (per cent of the rows), ``nulls 1`` (points); by default some of each.
        set: as in :func:`run`.
        progress: told what goes on; by default nothing is.

    Returns:
        A row per window, a row per planted drift and rule, and how many windows each rule would
        have flagged.

    Raises:
        ConfigError: the configuration is wrong or has no windows.
        OutputError: there are too few windows to learn from, or they cannot be read.
    """
    from kldrift.monitor import backtest as job
    from kldrift.monitor.planted import USUAL

    made = configured(Config, config, set)
    drifts = USUAL if plant is None else plant
    return job.backtest(made, pages=pages, days=days, plant=drifts, progress=progress)


def report(
    config: Config | ModelShift | Mapping[str, Any] | str | Path,
    path: str | Path | None = None,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
) -> str:
    """Write the report of a monitor's last window: one self-contained HTML file.

    Of a model shift, that of its last run. It is made from the tables, without Spark and without
    data.

    Args:
        config: as in :func:`run`, or as in :func:`model_shift`.
        path: where to write it, a path or a URI; by default ``report.path`` of the configuration,
            or ``report.html`` beside the tables.
        set: as in :func:`run`.

    Returns:
        Where the page is.

    Raises:
        ConfigError: the configuration is wrong.
        OutputError: the tables have no run or cannot be read, or the page cannot be written.
    """
    made = configured_either(config, set)
    place = None if path is None else str(path)
    if isinstance(made, ModelShift):
        from kldrift.shift.stored import write_shift_report

        return write_shift_report(made, place)
    from kldrift.reporting.stored import write_report

    return write_report(made, place)


def model_shift(
    config: ModelShift | Mapping[str, Any] | str | Path,
    *,
    spark: SparkSession | None = None,
    as_of: str | date | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    progress: Progress = SILENT,
) -> ShiftResult:
    """Compare what two models say of the same rows, write the tables, and judge.

    ``kl`` is the mean over rows of D(challenger || champion), in nats.

    Args:
        config: as in :func:`run`, of a model shift.
        spark: as in :func:`run`.
        as_of: as in :func:`run`; with ``time``, windows that end later are left to a later run.
        set: as in :func:`run`.
        fail_on: as in :func:`run`.
        progress: told what goes on; by default nothing is.

    Returns:
        The scores by window and segment, the cells, the worst rows and the exit code that
        ``kldrift model-shift`` would end with. docs/model-shift.md has an example.

    Raises:
        ConfigError: the configuration is wrong or does not fit the data.
        DatasetError: the dataset cannot be read, or has more than 10,000 windows and segments.
        OutputError: the tables cannot be written.
    """
    from kldrift.shift import run as job  # Spark is needed only now

    return job.run(
        configured(ModelShift, config, set),
        spark=spark,
        as_of=_moment("as_of", as_of),
        fail_on=known_fail_on(fail_on),
        progress=progress,
    )


def _zone(config: Config) -> str:
    return config.time.zone if config.time else "UTC"


@overload
def _moment(name: str, moment: str | date, zone: str = ...) -> datetime: ...
@overload
def _moment(name: str, moment: str | date | None, zone: str = ...) -> datetime | None: ...
def _moment(name: str, moment: str | date | None, zone: str = "UTC") -> datetime | None:
    try:
        return None if moment is None else instant(moment, zone)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
