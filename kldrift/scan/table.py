"""A table over Parquet files: what its own log says of them.

A log knows which files are part of the table, the values of its partitions, the rows that were
deleted and what columns are called now. So nothing is taken from folder names or from whatever
lies in the folder, and tasks read the files as those of any other dataset.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from kldrift.scan.files import Asked, File, Footer, Footers, ReadEach, plain_type, read_each
from kldrift.scan.predicate import Unsupported

FIELD_ID: Final = b"PARQUET:field_id"


@dataclass(frozen=True)
class Snapshot:
    """One version of a table.

    Attributes:
        what: what it is and which version, for the plan.
        files: its data files, with partition values and deleted rows.
        schema: its columns, those of partitions too.
        partitions: the columns whose values stand in the log.
        names: what its files call a column, if not by its name.
        ids: the Parquet field ids of its columns, if its files are read by these.
    """

    what: str
    files: tuple[File, ...]
    schema: pa.Schema
    partitions: pa.Schema
    names: Mapping[str, str] | None = None
    ids: Mapping[str, int] | None = None

    def footers(
        self, asked: Collection[str] = (), read_each: ReadEach = read_each
    ) -> Footers | Unsupported:
        """Read the footers of the files, in parallel.

        Args:
            asked: the columns whose bounds are wanted, without regard to case.
            read_each: reads the footers.

        Returns:
            What they say, by the names of the table; or why Arrow cannot read one of them as a
            part of it.

        Raises:
            DatasetError: a file is missing or damaged.
        """
        read = []
        for footer in read_each(self.files, self._asked(asked)):
            names = self._names_in(footer.schema)
            other = self._other_fields(footer, names)
            if other:
                return Unsupported(other)
            read.append(_renamed(footer, names))
        return Footers(self.schema, self.partitions, tuple(read))

    def _asked(self, names: Collection[str]) -> Asked:
        lower = {name.lower() for name in names}
        columns = {name for name in self.schema.names if name.lower() in lower}
        if self.ids is not None:
            ids = {self.ids[name] for name in columns}
            return lambda field: _id(field) in ids
        named = self.names or {}
        inside = {named.get(name, name) for name in columns}
        return lambda field: field.name in inside

    def _names_in(self, file: pa.Schema) -> dict[str, str]:
        """The table's columns that a file has, and what it calls them."""
        columns = [n for n in self.schema.names if n not in self.partitions.names]
        if self.ids is not None:
            by_id = {_id(field): field.name for field in file}
            return {n: by_id[self.ids[n]] for n in columns if self.ids[n] in by_id}
        named = self.names or {}
        return {n: named.get(n, n) for n in columns if named.get(n, n) in file.names}

    def _other_fields(self, footer: Footer, names: Mapping[str, str]) -> str:
        """Why a file cannot be read by the table's names; empty if it can."""
        if self.ids is not None and all(_id(field) < 0 for field in footer.schema):
            return f"the columns of {footer.file.path!r} have no field ids"
        for name, inside in names.items():
            wanted, got = self.schema.field(name).type, footer.schema.field(inside).type
            if pa.types.is_struct(wanted) and _fields(wanted) != _fields(got):
                return f"the struct {name!r} has other fields in {footer.file.path!r}"
        return ""


def _id(field: pa.Field) -> int:
    return int((field.metadata or {}).get(FIELD_ID, b"-1"))


def _fields(kind: pa.DataType) -> object:
    """The names and types of a struct's fields, of structs within it too."""
    if pa.types.is_struct(kind):
        return {field.name: _fields(field.type) for field in kind}
    return "nested" if pa.types.is_nested(kind) else str(plain_type(kind))


def _renamed(footer: Footer, names: Mapping[str, str]) -> Footer:
    file = replace(footer.file, names=tuple(names.items()))
    pieces = tuple(replace(p, file=file) for p in footer.pieces)
    sizes = {n: footer.sizes[i] for n, i in names.items() if i in footer.sizes}
    fields = [footer.schema.field(inside).with_name(n) for n, inside in names.items()]
    bounds = tuple({n: b[i] for n, i in names.items() if i in b} for b in footer.bounds)
    return Footer(file, pa.schema(fields), pieces, sizes, bounds)
