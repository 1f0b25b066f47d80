"""Rows to files: each table checked against its schema, each file replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from kldrift.tables.layout import (
    OPTIONAL_TABLES,
    RUNS_TABLE,
    WINDOW_TABLES,
    baseline_file,
    run_file,
    window_file,
)
from kldrift.tables.schema import NEVER, TABLES
from kldrift.tables.store import open_store
from kldrift.tables.window import Window

GROUP_ROWS: Final = 1 << 20
Rows: TypeAlias = "pa.Table | Iterable[pa.Table]"
"""A table, or its parts one after the other: those of segments need not be in memory at once."""


def write_window(
    path: str, monitor: str, window: Window, tables: Mapping[str, Rows]
) -> dict[str, str]:
    """Replace all rows of one monitor and window.

    Args:
        path: the output folder, as in `prepare_output`.
        monitor: the monitor that the rows are about.
        window: the window that the rows are about.
        tables: ``profiles``, ``drift_cells`` and ``drift_scores``, rows in their final order;
            a table may be empty, and may come as an iterable of its parts, one at least.
            ``worst_rows`` too, where there are any. Columns may stand in any order.

    Returns:
        Where each table's file is.

    Raises:
        OutputError: a file cannot be written; each table then has its old rows or its new ones.
        ValueError: a table is not of its schema, or holds rows of something else.
    """
    wanted = [*(table for table in OPTIONAL_TABLES if table in tables), *WINDOW_TABLES]
    _same_names("tables", tables, wanted)
    store = open_store(path)
    names = {table: window_file(table, monitor, window) for table in wanted}
    files = {}
    for table, name in names.items():
        parts = _parts(tables[table])
        files[name] = to_parquet(_checked(table, part, monitor, window) for part in parts)
    store.put(files)
    return {table: store.location(name) for table, name in names.items()}


def write_run(path: str, run: Mapping[str, Any]) -> str:
    """Write the row of one run; it comes last, so that its presence says the run is complete.

    Args:
        path: the output folder, as in `prepare_output`.
        run: a value, or None, for every column of ``runs``.

    Returns:
        Where the file is.

    Raises:
        OutputError: the file cannot be written.
        ValueError: the row is not of the schema.
    """
    schema = TABLES[RUNS_TABLE]
    _same_names("columns of runs", run, schema.names)
    for column, value in run.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"runs.{column}: needs a time zone, got {value.isoformat()!r}")
    name = run_file(run["run_id"])
    store = open_store(path)
    row = conform(RUNS_TABLE, pa.Table.from_pylist([run], schema=schema))
    store.put({name: to_parquet(row)})
    return store.location(name)


def write_baseline(path: str, monitor: str, data: bytes) -> None:
    """Replace what is remembered of a monitor's reference.

    Raises:
        OutputError: the file cannot be written; what was there before is then still there.
    """
    open_store(path).put({baseline_file(monitor): data})


def read_baseline(path: str, monitor: str) -> bytes | None:
    """What is remembered of a monitor's reference, as it was written; None if nothing is.

    Raises:
        OutputError: the file cannot be read.
    """
    return open_store(path).read(baseline_file(monitor))


def conform(name: str, table: pa.Table) -> pa.Table:
    """Return the table with exactly the columns, order and types of its schema.

    NaN and infinities become null: a table holds numbers or nothing, so that SQL's ``avg`` and
    ``max`` mean something.  A cast that would lose digits is an error.

    Raises:
        ValueError: a column is unknown, missing, of another kind, or null where it never is.
    """
    schema = TABLES[name]
    _same_names(f"columns of {name}", table.column_names, schema.names)
    columns = [_column(name, field, table.column(field.name)) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(name: str, field: pa.Field, column: pa.ChunkedArray) -> pa.ChunkedArray:
    where = f"{name}.{field.name}"
    if not _same_kind(column.type, field.type):
        raise ValueError(f"{where}: expected {field.type}, got {column.type}")
    if types.is_floating(column.type):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    try:
        column = column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"{where}: cannot be stored as {field.type}: {error}") from error
    if column.null_count and field.metadata[b"null"].decode() == NEVER:
        raise ValueError(f"{where}: must not be null, got {column.null_count} nulls")
    return column


def _same_kind(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Tell whether a cast keeps the meaning; Arrow would also cast 7 to "7" without a word."""
    kinds = (_is_number, _is_text, _is_instant, types.is_list)
    return types.is_null(given) or any(kind(given) and kind(wanted) for kind in kinds)


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_instant(kind: pa.DataType) -> bool:
    return bool(types.is_timestamp(kind) and kind.tz is not None)


def _parts(rows: Rows) -> Iterable[pa.Table]:
    """The parts of a table, none larger than a row group: a check copies what it looks at."""
    for part in [rows] if isinstance(rows, pa.Table) else rows:
        for start in range(0, max(1, part.num_rows), GROUP_ROWS):
            yield part.slice(start, GROUP_ROWS)


def _checked(name: str, part: pa.Table, monitor: str, window: Window) -> pa.Table:
    rows = conform(name, part)
    _all_about(name, rows, monitor, window)
    return rows


def _all_about(name: str, rows: pa.Table, monitor: str, window: Window) -> None:
    """Refuse rows that another file's replacement would not replace."""
    expected = {"monitor": monitor, "window_start": window.start, "window_end": window.end}
    for column, value in expected.items():
        others = [found for found in rows[column].unique().to_pylist() if found != value]
        if others:
            raise ValueError(
                f"{name}.{column}: expected {value!r} in every row, also got {others[0]!r}"
            )


def _same_names(what: str, given: Mapping[str, Any] | list[str], wanted: Any) -> None:
    names, wanted = list(given), list(wanted)
    unknown = [name for name in names if name not in wanted]
    if unknown:
        near = get_close_matches(unknown[0], wanted, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown {what}: {', '.join(map(repr, unknown))}{hint}")
    missing = [name for name in wanted if name not in names]
    if missing:
        raise ValueError(f"missing {what}: {', '.join(map(repr, missing))}")
    if len(names) != len(wanted):
        raise ValueError(f"some {what} stand there twice: {', '.join(map(repr, names))}")


def to_parquet(rows: Rows) -> bytes:
    """Return a table, or its parts, as one Parquet file; the same rows give the same bytes."""
    sink = pa.BufferOutputStream()
    writer: pq.ParquetWriter | None = None
    for part in _parts(rows):
        if writer is None:
            writer = pq.ParquetWriter(
                sink,
                part.schema,
                compression="zstd",
                compression_level=3,
                version="2.6",
                data_page_version="1.0",
                write_statistics=True,
            )
        writer.write_table(part, row_group_size=GROUP_ROWS)
    if writer is None:
        raise ValueError("a file needs one part at least, which may be empty")
    writer.close()
    return bytes(sink.getvalue())
