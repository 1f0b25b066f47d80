"""Checks and marks the output folder before any data is read."""

from __future__ import annotations

from typing import Final

from kldrift.errors import OutputError, first_names
from kldrift.tables.layout import ALERTS_TABLE, MARKER, OPTIONAL_TABLES, is_foreign
from kldrift.tables.marker import PARQUET, Marker, read_marker
from kldrift.tables.schema import SCHEMA_VERSION, TABLES
from kldrift.tables.store import open_folder, open_store

MOST_NAMED: Final = 3  # foreign files that a message lists


def prepare_output(path: str, tables: str = PARQUET) -> None:
    """Create the output folder, or check that an existing one is ours and can be written.

    Raises:
        OutputError: the folder cannot be written, holds files that kldrift did not write, or
            tables of another version or format; what the format needs is not there.
    """
    store = open_folder(path)
    store.make_ready("")
    # Names before the marker: a run that starts now writes the marker first, so what stands here
    # without a marker afterwards is not another run's beginning.
    names = [name for name in store.names("") if not name.startswith(".")]
    marker = read_marker(store)
    if marker is None and names:
        raise OutputError(
            f"{store.location('')}: holds files that kldrift did not write: "
            f"{first_names(names, MOST_NAMED, repr)}; "
            f"set output.path to a new or empty folder (kldrift marks its own with {MARKER})"
        )
    new = "set output.path to a new folder (the old tables stay as they are)"
    if marker is not None and marker.schema_version != SCHEMA_VERSION:
        raise OutputError(
            f"{store.location('')}: holds tables of schema_version {marker.schema_version}, this "
            f"kldrift writes {SCHEMA_VERSION}; {new}"
        )
    if marker is not None and marker.tables != tables:
        raise OutputError(
            f"{store.location('')}: holds tables of the format {marker.tables}, output.format is "
            f"{tables}; set it to {marker.tables}, or {new}"
        )
    # Written again on each run: it proves that the folder can be written.
    store.put({MARKER: Marker(tables=tables).to_bytes()})
    store = open_store(path)
    for table in TABLES:
        there = store.names(table)
        foreign = [name for name in there if is_foreign(table, name)]
        if foreign:
            raise OutputError(
                f"{store.location(table)}: holds files that kldrift did not write: "
                f"{first_names(foreign, MOST_NAMED, repr)}; readers would take them for rows, "
                "so move them elsewhere"
            )
        may_never_come = table in (*OPTIONAL_TABLES, ALERTS_TABLE)
        if there or not may_never_come:
            store.make_ready(table)
