"""The columns of a configuration that are no features: segments, row keys and times.

Segments, keys and times are read from such columns, which need not be features.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from kldrift.errors import ConfigError, did_you_mean, first_names
from kldrift.features.feature import Feature, Skipped
from kldrift.features.keys import KeyType
from kldrift.features.layouts import value_type
from kldrift.features.parts import Part, is_bytes
from kldrift.features.rounding import UNROUNDED, Rounding, rounding_of
from kldrift.features.sentinels import is_number


def column_type(
    key: str,
    name: str,
    schema: pa.Schema,
    whose: str = "the data",
    foreign: Iterable[Skipped] = (),
) -> pa.DataType:
    """The type of a named column; if there is none, the error names the nearest one."""
    for skipped in foreign:
        if skipped.column == name:
            raise ConfigError(f"{key}: {name!r} of {whose} cannot be read: {skipped.reason}")
    if name not in schema.names:
        hint = did_you_mean(name, schema.names) or f"; it has {first_names(schema.names, 10)}"
        raise ConfigError(f"{key}: {whose} has no column {name!r}{hint}")
    if schema.names.count(name) > 1:
        raise ConfigError(f"{key}: {whose} has more than one column {name!r}; rename one")
    return value_type(schema.field(name).type)


def check_plain(
    key: str,
    name: str,
    schema: pa.Schema,
    whose: str = "the data",
    foreign: Iterable[Skipped] = (),
) -> None:
    """Check that a column is there and that its values can be written as a name."""
    kind = column_type(key, name, schema, whose, foreign)
    if not has_names(kind):
        raise ConfigError(f"{key}: expected a column of plain values, got {name!r} of type {kind}")


def has_names(kind: pa.DataType) -> bool:
    """Whether the values of a type can be written as names: no lists, no structs, no bytes."""
    return not (pa.types.is_nested(kind) or pa.types.is_interval(kind) or is_bytes(kind))


def as_read(
    name: str,
    schema: pa.Schema,
    *,
    dictionary: bool = True,
    sql: str | None = None,
    like: pa.DataType | None = None,
) -> Feature:
    """A named column as a feature whose values are read unchanged, but rounded to another type.

    ``dictionary`` says that values repeat, so that reading text as a dictionary pays.
    """
    kind = schema.field(name).type
    to = value_type(like or kind)
    rounding = UNROUNDED if like is None or like == kind else rounding_of(to)
    if pa.types.is_boolean(value_type(kind)) and is_number(to):
        rounding = Rounding(whole=True)
    family = "text" if dictionary and pa.types.is_string(kind) else "row"
    plain = Feature(name, (name,), Part.VALUE, family, str(kind), "categorical", KeyType.TEXT)
    return replace(plain, sql=sql, rounding=rounding)


def check_time(name: str, schema: pa.Schema, foreign: Iterable[Skipped] = ()) -> None:
    """Check that a column holds times."""
    kind = column_type("time.column", name, schema, foreign=foreign)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_null(kind)):
        whole = pa.types.is_integer(kind)
        units = "; timestamp_millis or timestamp_micros of other units" if whole else ""
        to = "timestamp_seconds" if whole else "to_timestamp"
        raise ConfigError(
            f"time.column: expected a timestamp or date, got {name!r} of type {kind}; Spark makes "
            f"one where current and reference are sql: select *, {to}({name}) as ...{units}"
        )
