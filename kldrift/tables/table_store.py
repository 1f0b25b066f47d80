"""Drift tables as tables of a format with a log: each of our files is one partition of a table.

The tables have the columns that Parquet files have, and one more, `FILE`, which says what file the
rows would be in: the name is all that replacing a window needs, it stays when another program
compacts the table, and a commit that replaces a partition is whole or not there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa

from kldrift.errors import OutputError, first_line
from kldrift.tables.parquet import from_parquet, to_parquet
from kldrift.tables.schema import TABLES
from kldrift.tables.store import Store

FILE: Final = "file"
"""The column of partitions: the name that the file has among Parquet files, without its ending."""
ENDING: Final = ".parquet"
TRIES: Final = 20
"""So often a commit is tried beside other writers' commits."""


class TableStore(ABC):
    """A `Store` whose tables are of a format with a log; other files lie in a folder as before."""

    def __init__(self, folder: Store) -> None:
        self._folder = folder

    @abstractmethod
    def _partitions(self, table: str) -> list[str]:
        """The values of `FILE` in a table; none where there is no such table."""

    @abstractmethod
    def _rows(
        self, table: str, partition: str, columns: Sequence[str] | None
    ) -> pa.NativeFile | None:
        """The rows of a partition as a Parquet file; None where there is no such partition."""

    @abstractmethod
    def _replace(self, table: str, partition: str, rows: bytes) -> None:
        """Commit rows in place of those of a partition."""

    @abstractmethod
    def _file(self, table: str, partition: str) -> str | None:
        """Where a file with the rows of a partition is; None where there is none."""

    def location(self, name: str) -> str:
        """See `Store`; a Parquet file that other programs find the rows in, where there is one."""
        table = _table_of(name)
        there = None if table is None else self._file(table, _partition_of(name))
        return there or self._folder.location(name)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        if folder not in TABLES:
            return self._folder.names(folder)
        return sorted(f"{partition}{ENDING}" for partition in self._partitions(folder))

    def open(self, name: str, columns: Sequence[str] | None = None) -> pa.NativeFile | None:
        """See `Store`."""
        table = _table_of(name)
        if table is None:
            return self._folder.open(name)
        return self._rows(table, _partition_of(name), columns)

    def put(self, files: Mapping[str, bytes]) -> None:
        """See `Store`; each file is a commit of its own."""
        for name, data in files.items():
            table = _table_of(name)
            if table is None:
                self._folder.put({name: data})
            else:
                self._replace(table, _partition_of(name), data)

    def make_ready(self, folder: str) -> None:
        """See `Store`; a table is made by its first commit."""
        if folder not in TABLES:
            self._folder.make_ready(folder)

    def _failed(self, what: str, table: str, error: Exception) -> OutputError:
        return OutputError(f"{self.location(table)}: cannot {what}: {first_line(error)}")


def lake_schema(table: str) -> pa.Schema:
    """The columns of a table where there is no unsigned integer, and `FILE` behind them."""
    fields = [pa.field(f.name, _signed(f.type)) for f in TABLES[table]]
    return pa.schema([*fields, pa.field(FILE, pa.string())])


def has_unsigned(table: str) -> bool:
    """Whether a table has unsigned integers, which formats with a log do not know."""
    return any(_signed(f.type) != f.type for f in TABLES[table])


def to_lake(table: str, rows: bytes) -> pa.Table:
    """Rows with signed integers in place of unsigned ones, of the same bits."""
    schema = pa.schema([(f.name, _signed(f.type)) for f in TABLES[table]])
    return _with_types(from_parquet(rows), schema)


def from_lake(table: str, rows: pa.Table) -> pa.NativeFile:
    """Rows of a table as the Parquet file that they were."""
    there = pa.schema([f for f in TABLES[table] if f.name in rows.column_names])
    return pa.BufferReader(to_parquet(_with_types(rows.select(there.names), there)))


def _with_types(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        column = rows[field.name]
        if _signed(column.type) != column.type or _signed(field.type) != field.type:
            column = pa.chunked_array([_viewed(c, field.type) for c in column.chunks], field.type)
        columns.append(column.cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def _viewed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Integers of 64 bits, or lists of them, with or without a sign."""
    if not pa.types.is_list(kind):
        return column.view(kind)
    column = column.cast(pa.list_(column.type.value_type))
    return pa.ListArray.from_arrays(
        column.offsets, column.values.view(kind.value_type), mask=column.is_null()
    )


def _signed(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind) and pa.types.is_uint64(kind.value_type):
        return pa.list_(pa.int64())
    return pa.int64() if pa.types.is_uint64(kind) else kind


def _table_of(name: str) -> str | None:
    table, separator, _ = name.partition("/")
    return table if separator and table in TABLES else None


def _partition_of(name: str) -> str:
    return name.partition("/")[2].removesuffix(ENDING)
