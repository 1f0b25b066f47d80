"""Rows to files: each table checked against its schema, each file replaced as a whole.

A file that cannot be written is an OutputError, and its old rows are then still there; rows that
are not of the schema, or of something else, are a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from kldrift.tables.conform import conform, same_names
from kldrift.tables.layout import (
    ALERTS_TABLE,
    OPTIONAL_TABLES,
    REFERENCE_TABLES,
    RUNS_TABLE,
    SCORE_TABLES,
    WINDOW_TABLES,
    alerts_file,
    reference_file,
    run_file,
    supports_file,
    window_file,
)
from kldrift.tables.parquet import TableParts, split_rows, to_files, to_parquet
from kldrift.tables.schema import TABLES
from kldrift.tables.store import open_store
from kldrift.tables.window import Window


def write_window(
    path: str, monitor: str, window: Window, tables: Mapping[str, TableParts]
) -> dict[str, str]:
    """Replace all rows of one monitor and window.

    Returns where each table's file is. ``tables`` has ``drift_cells`` and ``drift_scores``, and
    where there are any ``class_pairs`` and ``worst_rows``: rows in their final order, columns in
    any. Without ``profiles`` of the current dataset, those that are there are kept. A table may be
    empty, and may be an iterable of its parts, one at least.

    Raises:
        OutputError: a file cannot be written; each table then has its old rows or its new ones.
        ValueError: a table is not of its schema, or holds rows of something else.
    """
    every = (*OPTIONAL_TABLES, *WINDOW_TABLES)
    wanted = [table for table in every if table in tables or table in SCORE_TABLES]
    same_names("tables", tables, wanted)
    names = {table: window_file(table, monitor, window) for table in wanted}
    about = {"monitor": monitor, "window_start": window.start, "window_end": window.end}
    return write_tables(path, names, tables, about)


def write_reference(
    path: str, monitor: str, reference_id: str, tables: Mapping[str, TableParts]
) -> dict[str, str]:
    """Write what a monitor's reference decided and its profiles, over what stood there.

    ``tables`` has ``supports``, and ``profiles`` of the reference; all else is as in
    `write_window`.
    """
    same_names("tables", tables, REFERENCE_TABLES)
    names = {
        "supports": supports_file(monitor, reference_id),
        "profiles": reference_file(monitor, reference_id),
    }
    return write_tables(path, names, tables, {"monitor": monitor, "reference_id": reference_id})


def write_alerts(path: str, monitor: str, alerts: pa.Table) -> None:
    """Replace all alerts of a monitor."""
    names = {ALERTS_TABLE: alerts_file(monitor)}
    write_tables(path, names, {ALERTS_TABLE: alerts}, {"monitor": monitor})


def write_tables(
    path: str, names: Mapping[str, str], tables: Mapping[str, TableParts], about: Mapping[str, Any]
) -> dict[str, str]:
    """Write one file per table, after checking that all rows belong to it.

    Returns where each file is. ``names`` are in the order of writing; the columns in ``about`` must
    have one value in every row.
    """
    store = open_store(path)
    checked = {name: _checked(table, tables[table], about) for table, name in names.items()}
    store.put(to_files(checked))
    return {table: store.location(name) for table, name in names.items()}


def write_run(path: str, run: Mapping[str, Any]) -> str:
    """Write the row of one run; it comes last, so that its presence says the run is complete.

    Returns where it is. ``run`` has a value, or None, for every column of ``runs``.
    """
    schema = TABLES[RUNS_TABLE]
    same_names("columns of runs", run, schema.names)
    for column, value in run.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"runs.{column}: needs a time zone, got {value.isoformat()!r}")
    name = run_file(run["run_id"])
    store = open_store(path)
    row = conform(RUNS_TABLE, pa.Table.from_pylist([run], schema=schema))
    store.put({name: to_parquet(row)})
    return store.location(name)


def _checked(name: str, rows: TableParts, about: Mapping[str, Any]) -> Iterator[pa.Table]:
    for part in split_rows(rows):
        table = conform(name, part)
        _all_about(name, table, about)
        yield table


def _all_about(name: str, rows: pa.Table, about: Mapping[str, Any]) -> None:
    """Refuse rows of another monitor, window or reference."""
    for column, value in about.items():
        others = [stands for stands in rows[column].unique().to_pylist() if stands != value]
        if others:
            raise ValueError(
                f"{name}.{column}: expected {value!r} in every row, also got {others[0]!r}"
            )
