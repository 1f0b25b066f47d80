"""Run a monitor or a model shift from Python: what ``kldrift run`` and ``model-shift`` call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kldrift.config import (
    Config,
    ModelShift,
    config_from_mapping,
    load_config,
    load_model_shift,
    model_shift_from_mapping,
)
from kldrift.progress import SILENT, Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from kldrift.result import RunResult
    from kldrift.shift.result import ShiftResult


def run(
    config: Config | Mapping[str, Any] | str | Path,
    *,
    spark: SparkSession | None = None,
    as_of: datetime | None = None,
    fail_on: str = "critical",
    refresh_reference: bool = False,
    progress: Progress = SILENT,
) -> RunResult:
    """Compare the current dataset with the reference, write the tables, and judge.

    Args:
        config: a configuration, the path of its YAML file, or the mapping that the file would
            hold; relative paths in a mapping are relative to the working directory.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for, with a time zone; rows of runs for different times
            stand side by side in the tables.
        fail_on: the severity from which the exit code is 3: ``critical``, ``warning``, ``never``.
        refresh_reference: read the reference also where it is known from an earlier run of the same
            configuration and its files have not changed since.
        progress: told what goes on.

    Returns:
        The scores, the cells and the exit code that ``kldrift run`` would end with.

    Raises:
        ConfigError: the configuration is wrong or does not fit the data.
        DatasetError: a dataset cannot be read.
        OutputError: the tables cannot be written.
    """
    from kldrift.monitor import job  # noqa: PLC0415 - Spark is needed only now

    if isinstance(config, str | Path):
        config = load_config(config)
    elif not isinstance(config, Config):
        config = config_from_mapping(config)
    return job.run(
        config,
        spark=spark,
        as_of=as_of,
        fail_on=fail_on,
        refresh_reference=refresh_reference,
        progress=progress,
    )


def model_shift(
    config: ModelShift | Mapping[str, Any] | str | Path,
    *,
    spark: SparkSession | None = None,
    as_of: datetime | None = None,
    fail_on: str = "critical",
    progress: Progress = SILENT,
) -> ShiftResult:
    """Compare what two models say of the same rows, write the tables, and judge.

    ``kl`` is the mean over rows of D(challenger || champion), in nats.

    Args:
        config: a configuration, the path of its YAML file, or the mapping that the file would
            hold; relative paths in a mapping are relative to the working directory.
        spark: the session to use; by default the active one, or a new one that is stopped after.
        as_of: the time that the run is for, with a time zone; with ``time``, windows that end later
            are left to a later run.
        fail_on: the severity from which the exit code is 3: ``critical``, ``warning``, ``never``.
        progress: told what goes on.

    Returns:
        The scores by window and segment, the cells, the worst rows and the exit code that
        ``kldrift model-shift`` would end with. docs/model-shift.md has an example.

    Raises:
        ConfigError: the configuration is wrong or does not fit the data.
        DatasetError: the dataset cannot be read, or has more than 10,000 windows and segments.
        OutputError: the tables cannot be written.
    """
    from kldrift.shift import job  # noqa: PLC0415 - Spark is needed only now

    if isinstance(config, str | Path):
        config = load_model_shift(config)
    elif not isinstance(config, ModelShift):
        config = model_shift_from_mapping(config)
    return job.run(config, spark=spark, as_of=as_of, fail_on=fail_on, progress=progress)
