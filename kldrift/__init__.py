"""Data drift, measured: which features no longer look like their reference, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from kldrift import divergence, spark
    from kldrift.config import Config, ModelShift, load_config
    from kldrift.errors import (
        ConfigError,
        DatasetError,
        KldriftError,
        OutputError,
        SupportMismatchError,
    )
    from kldrift.execution.progress import Progress
    from kldrift.monitor.backtest import Backtest
    from kldrift.monitor.compare import compare
    from kldrift.reporting.history import Backfill
    from kldrift.reporting.result import Result, RunResult
    from kldrift.shift.result import ShiftResult

__version__ = "0.1.0"
__all__ = [
    "Backfill",
    "Backtest",
    "ConfigError",
    "DatasetError",
    "KldriftError",
    "OutputError",
    "Result",
    "RunResult",
    "ShiftResult",
    "SupportMismatchError",
    "__version__",
    "backfill",
    "backtest",
    "compare",
    "divergence",
    "load_config",
    "model_shift",
    "report",
    "rescore",
    "run",
    "spark",
]

# No package has the name of a function, which it would replace: docs/decisions/package-names.md
_HOMES: Final = {
    "Backfill": "kldrift.reporting.history",
    "Backtest": "kldrift.monitor.backtest",
    "ConfigError": "kldrift.errors",
    "DatasetError": "kldrift.errors",
    "KldriftError": "kldrift.errors",
    "OutputError": "kldrift.errors",
    "Result": "kldrift.reporting.result",
    "RunResult": "kldrift.reporting.result",
    "ShiftResult": "kldrift.shift.result",
    "SupportMismatchError": "kldrift.errors",
    "compare": "kldrift.monitor.compare",
    "load_config": "kldrift.config",
}
_PACKAGES: Final = ("divergence", "spark")

Made = TypeVar("Made")


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: executors and `kldrift --help` need none of them."""
    from importlib import import_module

    if name in _PACKAGES:
        return import_module(f"kldrift.{name}")
    if name in _HOMES:
        found = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def run(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    spark: SparkSession | None = None,
    as_of: str | date | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    refresh_reference: bool = False,
    progress: Progress | None = None,
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
    from kldrift.config import Config, config_from_mapping, load_config
    from kldrift.execution.progress import SILENT
    from kldrift.monitor import run as job  # Spark is needed only now

    return job.run(
        _made(config, Config, load_config, config_from_mapping, set),
        spark=spark,
        as_of=_moment(as_of),
        fail_on=fail_on,
        refresh_reference=refresh_reference,
        progress=progress or SILENT,
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
    progress: Progress | None = None,
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
    from kldrift.config import Config, config_from_mapping, load_config
    from kldrift.execution.progress import SILENT
    from kldrift.monitor import run as job

    made = _made(config, Config, load_config, config_from_mapping, set)
    zone = made.time.zone if made.time else "UTC"
    return job.backfill(
        made,
        _moment_of("from", first, zone),
        _moment_of("to", last, zone),
        spark=spark,
        fail_on=fail_on,
        force=force,
        progress=progress or SILENT,
    )


def rescore(
    config: Config | Mapping[str, Any] | str | Path,
    first: str | date | None = None,
    last: str | date | None = None,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    progress: Progress | None = None,
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
    from kldrift.config import Config, config_from_mapping, load_config
    from kldrift.execution.progress import SILENT
    from kldrift.monitor import rescore as job

    made = _made(config, Config, load_config, config_from_mapping, set)
    zone = made.time.zone if made.time else "UTC"
    return job.rescore(
        made,
        None if first is None else _moment_of("from", first, zone),
        None if last is None else _moment_of("to", last, zone),
        fail_on=fail_on,
        progress=progress or SILENT,
    )


def backtest(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    pages: float = 1.0,
    days: float = 90.0,
    plant: Sequence[str] | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    progress: Progress | None = None,
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
    from kldrift.config import Config, config_from_mapping, load_config
    from kldrift.execution.progress import SILENT
    from kldrift.monitor import backtest as job
    from kldrift.monitor.planted import USUAL

    made = _made(config, Config, load_config, config_from_mapping, set)
    drifts = USUAL if plant is None else plant
    return job.backtest(made, pages=pages, days=days, plant=drifts, progress=progress or SILENT)


def report(
    config: Config | Mapping[str, Any] | str | Path,
    path: str | Path | None = None,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
) -> str:
    """Write the page of a monitor's last window: one HTML file that needs nothing but itself.

    It is made from the tables, without Spark and without data.

    Args:
        config: as in :func:`run`.
        path: where to write it, a path or a URI; by default ``report.path`` of the configuration,
            or ``report.html`` beside the tables.
        set: as in :func:`run`.

    Returns:
        Where the page is.

    Raises:
        ConfigError: the configuration is wrong.
        OutputError: the tables have no run or cannot be read, or the page cannot be written.
    """
    from kldrift.config import Config, config_from_mapping, load_config
    from kldrift.reporting.stored import write_report

    made = _made(config, Config, load_config, config_from_mapping, set)
    return write_report(made, None if path is None else str(path))


def model_shift(
    config: ModelShift | Mapping[str, Any] | str | Path,
    *,
    spark: SparkSession | None = None,
    as_of: str | date | None = None,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - as the option of the command line
    fail_on: str = "critical",
    progress: Progress | None = None,
) -> ShiftResult:
    """Compare what two models say of the same rows, write the tables, and judge.

    ``kl`` is the mean over rows of D(challenger || champion), in nats.

    Args:
        config: a configuration, the path of its YAML file, or the mapping that the file would
            hold; relative paths in a mapping are relative to the working directory.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for: ISO 8601 text, a datetime or a date, UTC unless it says
            otherwise; with ``time``, windows that end later are left to a later run.
        set: key paths of the configuration to the values they get instead, as ``--set`` does; for
            a file or a mapping.
        fail_on: the severity from which the exit code is 3: ``critical``, ``warning``, ``never``.
        progress: told what goes on; by default nothing is.

    Returns:
        The scores by window and segment, the cells, the worst rows and the exit code that
        ``kldrift model-shift`` would end with. docs/model-shift.md has an example.

    Raises:
        ConfigError: the configuration is wrong or does not fit the data.
        DatasetError: the dataset cannot be read, or has more than 10,000 windows and segments.
        OutputError: the tables cannot be written.
    """
    from kldrift.config import ModelShift, load_model_shift, model_shift_from_mapping
    from kldrift.execution.progress import SILENT
    from kldrift.shift import run as job  # Spark is needed only now

    return job.run(
        _made(config, ModelShift, load_model_shift, model_shift_from_mapping, set),
        spark=spark,
        as_of=_moment(as_of),
        fail_on=fail_on,
        progress=progress or SILENT,
    )


def _made(
    config: Any,
    made: type[Made],
    load: Callable[..., Made],
    from_mapping: Callable[..., Made],
    overrides: Mapping[str, Any] | None,
) -> Made:
    """A configuration from what a caller has: itself, its file or the mapping in the file."""
    from kldrift.errors import ConfigError

    if isinstance(config, str | Path):
        return load(config, overrides=overrides or {})
    if not isinstance(config, made):
        return from_mapping(config, overrides=overrides or {})
    if overrides:
        raise ConfigError("set: a configuration that is made already is changed with replace()")
    return config


def _moment(as_of: str | date | None) -> datetime | None:
    return None if as_of is None else _moment_of("as_of", as_of)


def _moment_of(name: str, moment: str | date, zone: str = "UTC") -> datetime:
    from kldrift.config.instant import instant
    from kldrift.errors import ConfigError

    try:
        return instant(moment, zone)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
