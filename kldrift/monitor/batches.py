"""Count the rows of a batch, as ``foreachBatch`` has them, on the cells of a stored reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from kldrift.config import Config, configured
from kldrift.counting.windows import at_instant
from kldrift.errors import ConfigError, DatasetError, first_line
from kldrift.monitor.compare_data import planned
from kldrift.monitor.history import PastWindow, of_window, sum_of, sum_of_joint
from kldrift.monitor.reference_store import newest
from kldrift.monitor.stages import Counting, Reference, counting, rows_read
from kldrift.monitor.windows import joint_of_window, time_column
from kldrift.profiles.group_keys import NO_WINDOW, UNTIMED
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.tables.batches import BATCH_MARK, StoredBatches, checked_name, write_batch
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import Supports
from kldrift.tables.window import Window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def count(
    data: pd.DataFrame | pa.Table | pa.RecordBatch | DataFrame,
    config: Config | Mapping[str, Any] | str | Path,
    *,
    batch: int | str,
) -> pd.DataFrame:
    """Count a batch of rows by window, on the cells of the monitor's reference, and store it.

    What is stored stands beside what other batches counted; a batch that comes again replaces what
    it counted before. ``rescore`` adds the batches of each window up and judges it.

    Args:
        data: the rows, as they are: ``where`` of the configuration is not applied. A pandas frame,
            an Arrow table or record batch, or a Spark DataFrame.
        config: a configuration with ``time``, its path or its mapping; its reference was read by an
            earlier run.
        batch: what the batch is called, such as the number that ``foreachBatch`` gives.

    Returns:
        The rows of ``profiles`` that were stored.

    Raises:
        ConfigError: the configuration is wrong, or has no windows.
        DatasetError: the rows have other columns or types than the reference.
        OutputError: there is no reference yet, or the tables cannot be read or written.
    """
    config = configured(Config, config)
    if config.time is None:
        raise ConfigError("batches are counted by window: state time: {column: ..., window: 1d}")
    name = checked_name(batch)
    plan, engine = planned(config, {"data": data})
    reference = newest(plan)
    what = counting(plan, reference, time_column(plan))
    try:
        counted, together, _ = engine.count(what.program, current=True)
    except pa.ArrowException as error:
        raise DatasetError(f"the rows cannot be counted: {first_line(error)}") from error
    rows_read(counted, [p.feature.name for p in what.pairs], plan.current.rows)
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{BATCH_MARK}"
    parts = list(batch_rows(config, reference, what, counted, together, run_id))
    write_batch(config.output.path, config.monitor, name, parts)
    stored: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return stored


def batch_rows(
    config: Config,
    reference: Reference,
    what: Counting,
    counted: Sequence[Profile],
    together: Sequence[JointProfile],
    run_id: str,
) -> Iterator[pa.Table]:
    """The rows of ``profiles`` of a batch, window by window; at least one part."""
    names = [known.names for known in reference.segments]
    features = [p.feature.name for p in what.pairs]
    windows = windows_with_rows(config, counted)
    for window in windows or (Window(),):
        profiles = [of_window(p, window) for p in counted] if windows else []
        joint = [joint_of_window(p, window) for p in together] if windows else []
        stamp = Stamp(run_id, config.monitor, window, reference.reference_id, config.config_hash)
        yield from profile_rows(
            dict(zip(features, profiles, strict=False)),
            dict(zip((j.name for j in what.joint), joint, strict=False)),
            names,
            BATCH_MARK,
            stamp,
        )


def windows_with_rows(config: Config, counted: Sequence[Profile]) -> list[Window]:
    """The windows that have rows, in the order of time."""
    assert config.time is not None
    keys = [p.keys.window for p in counted]
    starts_of = np.unique(np.concatenate(keys)) if keys else np.zeros(0, dtype=np.int64)
    starts = [at_instant(s) for s in starts_of.tolist() if s not in (NO_WINDOW, UNTIMED)]
    return [Window(start, config.time.windows.end(start)) for start in starts]


def added_up(
    batches: StoredBatches, supports: Supports, window: Window
) -> tuple[dict[str, Profile], dict[str, JointProfile]]:
    """The profiles of a window, of features and of joint groups: the sums of its batches."""
    past = [PastWindow.stored(*counted) for counted in batches.profiles(supports, window)]
    joint = {j.name: sum_of_joint(past, j.name) for j in supports.joint}
    counted = {name for window_part in past for name in window_part.profiles}
    known = {name: s for name, s in supports.by_feature().items() if name in counted}
    return sum_of(past, known), joint
