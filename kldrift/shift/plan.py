"""Which columns a model shift reads, checked against the dataset before any row is read."""

from __future__ import annotations

import difflib

import pyarrow as pa

from kldrift.config import ModelShift
from kldrift.errors import ConfigError
from kldrift.features import Feature, Part
from kldrift.reading import Reading
from kldrift.scan.protocol import Known
from kldrift.shift.groups import is_plain
from kldrift.shift.task import ShiftProgram


def make_program(config: ModelShift, source: Known, buckets: int) -> ShiftProgram:
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
        _check_value("key", config.key, source.schema)
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
            _check_value(f"segments[{i}][{j}]", name, source.schema)
    return ShiftProgram(
        features=tuple(
            _feature(name, source.schema, text=place >= first)
            for place, name in enumerate([*columns, *of_segments])
        ),
        probabilities=config.inputs == "probabilities",
        key=key,
        time=time,
        length=config.time.length if config.time else None,
        segments=tuple(tuple(first + of_segments.index(c) for c in n) for n in config.segments),
        buckets=buckets,
    )


def _feature(name: str, schema: pa.Schema, *, text: bool) -> Feature:
    kind = schema.field(name).type
    # Only the values of segments repeat, so that reading them as a dictionary pays.
    family = "text" if text and pa.types.is_string(kind) else "row"
    return Feature(name, (name,), Part.VALUE, family, str(kind), "categorical", Reading.TEXT)


def _type(key: str, name: str, schema: pa.Schema) -> pa.DataType:
    if name not in schema.names:
        close = difflib.get_close_matches(name, schema.names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; it has {_some(schema.names)}"
        raise ConfigError(f"{key}: the data has no column {name!r}{hint}")
    if schema.names.count(name) > 1:
        raise ConfigError(f"{key}: the data has more than one column {name!r}; rename one")
    kind = schema.field(name).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _check_lists(key: str, name: str, schema: pa.Schema) -> None:
    kind, types = _type(key, name, schema), pa.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not types.is_null(kind) and not (lists and types.is_floating(kind.value_type)):
        raise ConfigError(
            f"{key}: expected a column of arrays of float or double, got {name!r} of type {kind}; "
            "cast it, in data.sql for instance"
        )


def _check_time(name: str, schema: pa.Schema) -> None:
    kind = _type("time.column", name, schema)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind)):
        raise ConfigError(f"time.column: expected a timestamp or date, got {name!r} of type {kind}")


def _check_value(key: str, name: str, schema: pa.Schema) -> None:
    kind = _type(key, name, schema)
    if not is_plain(kind):
        raise ConfigError(f"{key}: expected a column of plain values, got {name!r} of type {kind}")
