"""The types of a dataset's columns, where its files differ and where folders name the values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any

import pyarrow as pa

from kldrift.errors import DatasetError


def common_type(
    name: str, known: pa.DataType, first: str, kind: pa.DataType, path: str
) -> pa.DataType:
    """The type that holds a column's values of two files.

    Args:
        name: the column.
        known: its type in the files before.
        first: the path of one of these.
        kind: its type in another file.
        path: the path of that.

    Raises:
        DatasetError: there is no such type.
    """
    types = pa.types
    if known == kind or types.is_null(kind):
        return known
    if types.is_null(known):
        return kind
    if types.is_integer(known) and types.is_integer(kind):
        return pa.int64()
    if all(
        types.is_integer(t) or types.is_floating(t) or types.is_decimal(t) for t in (known, kind)
    ):
        return pa.float64()
    texts = (pa.string(), pa.large_string())
    if known in texts and kind in texts:
        return pa.string()
    if types.is_timestamp(known) and types.is_timestamp(kind) and known.tz == kind.tz:
        return pa.timestamp("us", tz=known.tz)
    raise DatasetError(
        f"column {name!r} is {known} in {first!r} but {kind} in {path!r}; "
        "rewrite one of them, or leave the column out with features.exclude"
    )


def partition_types(
    partitions: Iterable[tuple[tuple[str, Any], ...]],
) -> list[tuple[str, pa.DataType]]:
    """The types of the columns of hive-style folders.

    Args:
        partitions: the values that the folders of each file name.
    """
    values: dict[str, set[str]] = {}
    for partition in partitions:
        for name, value in partition:
            values.setdefault(name, set()).update(() if value is None else (value,))
    return [(name, _inferred(texts)) for name, texts in values.items()]


def _inferred(texts: set[str]) -> pa.DataType:
    """The type that Spark infers for partition values: integers, numbers, dates or text."""
    if texts and all(re.fullmatch(r"[+-]?\d{1,18}", t) for t in texts):
        return pa.int64()
    if texts and all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", t) for t in texts):
        return pa.float64()
    if texts and all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", t) for t in texts):
        return pa.date32()
    return pa.string()


def partition_scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    """A partition value as a scalar of its column's type; text is that of a folder's name."""
    converted = value
    if not isinstance(value, str):
        return pa.scalar(value, kind)
    if kind == pa.int64():
        converted = int(value)
    elif kind == pa.float64():
        converted = float(value)
    elif kind == pa.date32():
        converted = date.fromisoformat(value)
    return pa.scalar(converted, kind)
