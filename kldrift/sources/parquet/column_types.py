"""The types of a dataset's columns, where its files differ and where folders name the values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import pyarrow as pa

from kldrift.features.feature import Skipped
from kldrift.features.layouts import is_ml_vector, value_type
from kldrift.features.parts import is_list
from kldrift.features.sentinels import is_number, is_text

MIXED: Final = "its types do not fit together"
"""Why a column is no feature that has one type in some files and another in others."""
SPELLED: Final = "its name is spelled in two ways"
"""Why a field of a struct is no feature whose name differs in case from file to file."""


@dataclass(frozen=True)
class ColumnOfFiles:
    """A column or field, as the files have it that were looked at.

    Attributes:
        type: holds the values of all of them; None if there is no such type.
        types: the types or names that do not fit together, with a file of each; empty if all do.
        fields: those of a struct, by name.
        alike: how many columns the first file has of this name; the type is None if it is not one.
        unlike: why the type is None, if it is for what files have.
    """

    type: pa.DataType | None
    first: str
    types: str = ""
    fields: Mapping[str, ColumnOfFiles] = field(default_factory=dict)
    alike: int = 1
    unlike: str = MIXED

    @classmethod
    def of(cls, kind: pa.DataType, path: str) -> ColumnOfFiles:
        """A column of one file."""
        if not pa.types.is_struct(kind) or is_ml_vector(kind):
            return cls(kind, path)
        return cls(
            kind, path, fields=cls.each((kind.field(i) for i in range(kind.num_fields)), path)
        )

    @classmethod
    def each(cls, fields: Iterable[pa.Field], path: str) -> dict[str, ColumnOfFiles]:
        """The columns of one file, or the fields of a struct in it, by name."""
        columns: dict[str, ColumnOfFiles] = {}
        for one in fields:
            if one.name in columns:
                columns[one.name] = cls(None, path, alike=columns[one.name].alike + 1)
            else:
                columns[one.name] = cls.of(value_type(one.type), path)
        return columns

    def plus(self, other: ColumnOfFiles) -> ColumnOfFiles:
        """The column of the files of both; a struct may gain and lose fields."""
        if self.type is None or self.type == other.type:
            return self
        if other.type is None or pa.types.is_null(self.type):
            return other
        if self.fields and other.fields:
            fields = {
                name: mine.plus(other.fields[name]) if name in other.fields else mine
                for name, mine in self.fields.items()
            }
            names = {name.lower(): name for name in fields}
            for name, theirs in other.fields.items():
                mine = names.get(name.lower(), name)
                if mine in other.fields:  # the same name, or both names in one file
                    fields.setdefault(name, theirs)
                else:
                    text = f"named {mine!r} in {self.first!r} and {name!r} in {other.first!r}"
                    unlike = ColumnOfFiles(None, self.first, text, unlike=SPELLED)
                    fields[mine] = fields[name] = unlike
            there = [pa.field(name, f.type) for name, f in fields.items() if f.type is not None]
            return replace(self, type=pa.struct(there), fields=fields)
        kind = common_type(self.type, other.type)
        if kind is not None:
            return replace(self, type=kind)
        text = f"{self.type} in {self.first!r} and {other.type} in {other.first!r}"
        return ColumnOfFiles(None, self.first, text)

    def mixed(self, name: str) -> Iterator[Skipped]:
        """What is no feature because its types do not fit together: itself, or fields of it."""
        if self.alike > 1:
            yield Skipped.named_alike(name, self.alike, self.first)
        elif self.type is None:
            yield Skipped(name, f"{self.unlike}: {self.types}", self.types, mixed=True)
        for inner, one in self.fields.items():
            yield from one.mixed(f"{name}.{inner}")


def common_type(  # noqa: PLR0911 - one line per kind of type
    known: pa.DataType, kind: pa.DataType
) -> pa.DataType | None:
    """The type that holds the values of two types; None if there is none."""
    types = pa.types
    if known == kind or types.is_null(kind):
        return known
    if types.is_null(known):
        return kind
    if pa.uint64() in (known, kind) and all(map(types.is_unsigned_integer, (known, kind))):
        return pa.uint64()
    if types.is_integer(known) and types.is_integer(kind) and pa.uint64() not in (known, kind):
        return pa.int64()
    if is_number(known) and is_number(kind):
        return pa.float64()
    if is_text(known) and is_text(kind):
        return pa.string()
    if types.is_timestamp(known) and types.is_timestamp(kind):
        zone = known.tz if known.tz == kind.tz else "UTC"  # a moment is the same in all zones
        return pa.timestamp("us", zone) if bool(known.tz) == bool(kind.tz) else None
    if types.is_time(known) and types.is_time(kind):
        return pa.time64("us")
    if types.is_duration(known) and types.is_duration(kind):
        return pa.duration("us")
    if types.is_struct(known) and types.is_struct(kind):
        return known  # inside a list or map, of which the size is read
    if types.is_map(known) and types.is_map(kind):
        item = common_type(known.item_type, kind.item_type)
        return None if item is None else pa.map_(known.key_type, item)
    if is_list(known) and is_list(kind) and types.is_map(known) == types.is_map(kind):
        element = common_type(value_type(known.value_type), value_type(kind.value_type))
        return None if element is None else pa.list_(element)
    return None


def partition_types(
    partitions: Iterable[tuple[tuple[str, Any], ...]],
) -> list[tuple[str, pa.DataType]]:
    """The types of the columns of hive-style folders."""
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
