"""Which columns a model shift reads, checked against the dataset before any row is read."""

from __future__ import annotations

import pyarrow as pa

from kldrift.config import ModelShift
from kldrift.counting.row_groups import SegmentList
from kldrift.errors import ConfigError
from kldrift.features.feature import Feature
from kldrift.features.group_columns import as_read, check_plain, check_time, column_type
from kldrift.shift.program import ShiftProgram
from kldrift.sources.dataset import DatasetInfo


def make_program(config: ModelShift, source: DatasetInfo, buckets: int) -> ShiftProgram:
    """Plan what tasks do.

    Raises:
        ConfigError: a column is not there or not of a type that fits.
    """
    schema = source.schema
    for side in ("champion", "challenger"):
        _check_lists(side, getattr(config, side), schema)
    if config.key is not None:
        check_plain("key", config.key, schema)
    if config.time is not None:
        check_time(config.time.column, schema)
    for i, names in enumerate(config.segments):
        for j, name in enumerate(names):
            check_plain(f"segments[{i}][{j}]", name, schema)

    def one(name: str | None) -> Feature | None:
        return None if name is None else as_read(name, schema, dictionary=False)

    return ShiftProgram(
        champion=as_read(config.champion, schema, dictionary=False),
        challenger=as_read(config.challenger, schema, dictionary=False),
        probabilities=config.inputs == "probabilities",
        key=one(config.key),
        time=one(config.time.column if config.time else None),
        windows=config.time.windows if config.time else None,
        lists=tuple(SegmentList(tuple(as_read(n, schema) for n in ns)) for ns in config.segments),
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
