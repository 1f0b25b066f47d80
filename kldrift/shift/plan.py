"""Which columns a model shift reads, checked against the dataset before any row is read."""

from __future__ import annotations

import pyarrow as pa

from kldrift.config import ModelShift
from kldrift.errors import ConfigError
from kldrift.features.group_columns import as_read, check_plain, column_type
from kldrift.shift.program import ShiftProgram
from kldrift.sources.dataset import DatasetInfo


def make_program(config: ModelShift, source: DatasetInfo, buckets: int) -> ShiftProgram:
    """Plan what tasks do.

    Args:
        config: the configuration.
        source: the dataset.
        buckets: shares in which groups are merged.

    Raises:
        ConfigError: a column is not there or not of a type that fits.
    """
    columns = [config.champion, config.challenger]
    for side in ("champion", "challenger"):
        _check_lists(side, getattr(config, side), source.schema)
    key: int | None = None
    time: int | None = None
    if config.key is not None:
        check_plain("key", config.key, source.schema)
        key = len(columns)
        columns.append(config.key)
    if config.time is not None:
        _check_time(config.time.column, source.schema)
        time = len(columns)
        columns.append(config.time.column)
    first = len(columns)
    of_segments = list(dict.fromkeys(c for names in config.segments for c in names))
    for i, names in enumerate(config.segments):
        for j, name in enumerate(names):
            check_plain(f"segments[{i}][{j}]", name, source.schema)
    return ShiftProgram(
        features=tuple(
            as_read(name, source.schema, dictionary=place >= first)
            for place, name in enumerate([*columns, *of_segments])
        ),
        probabilities=config.inputs == "probabilities",
        key=key,
        time=time,
        length=config.time.length if config.time else None,
        segments=tuple(tuple(first + of_segments.index(c) for c in n) for n in config.segments),
        buckets=buckets,
    )


def _check_lists(key: str, name: str, schema: pa.Schema) -> None:
    kind, types = column_type(key, name, schema), pa.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not types.is_null(kind) and not (lists and types.is_floating(kind.value_type)):
        raise ConfigError(
            f"{key}: expected a column of arrays of float or double, got {name!r} of type {kind}; "
            "cast it, in data.sql for instance"
        )


def _check_time(name: str, schema: pa.Schema) -> None:
    kind = column_type("time.column", name, schema)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind)):
        raise ConfigError(f"time.column: expected a timestamp or date, got {name!r} of type {kind}")
