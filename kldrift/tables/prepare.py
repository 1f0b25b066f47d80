"""Checks the output folder before any data is read."""

from __future__ import annotations

import json
from typing import Final

from kldrift.errors import OutputError
from kldrift.tables.layout import ALERTS_TABLE, MARKER, OPTIONAL_TABLES, is_foreign
from kldrift.tables.schema import SCHEMA_VERSION, TABLES
from kldrift.tables.store import Store, open_store

FORMAT: Final = "kldrift tables"
NAMED: Final = 3  # foreign files that a message lists


def prepare_output(path: str) -> None:
    """Create the output folder, or check that an existing one is ours and can be written.

    Args:
        path: a local path or a URI; see `open_store`.

    Raises:
        OutputError: the folder cannot be written, holds files that kldrift did not write, or
            tables of another version.
    """
    store = open_store(path)
    store.make_ready("")
    # Names before the marker: a run that starts now writes the marker first, so what stands here
    # without a marker afterwards is not another run's beginning.
    names = [name for name in store.names("") if not name.startswith(".")]
    version = check_marker(store)
    if version is None and names:
        raise OutputError(
            f"{store.location('')}: holds files that kldrift did not write: {_some(names)}; "
            f"set output.path to a new or empty folder (kldrift marks its own with {MARKER})"
        )
    if version not in (None, SCHEMA_VERSION):
        raise OutputError(
            f"{store.location('')}: holds tables of schema_version {version}, this kldrift writes "
            f"{SCHEMA_VERSION}; set output.path to a new folder (the old tables stay as they are)"
        )
    # Written again on each run: it proves that the folder can be written.
    store.put({MARKER: _marker()})
    for table in TABLES:
        there = store.names(table)
        foreign = [name for name in there if is_foreign(table, name)]
        if foreign:
            raise OutputError(
                f"{store.location(table)}: holds files that kldrift did not write: "
                f"{_some(foreign)}; readers would take them for rows, so move them elsewhere"
            )
        if there or table not in (
            *OPTIONAL_TABLES,
            ALERTS_TABLE,
        ):  # the folder of rows that may never come
            store.make_ready(table)


def check_marker(store: Store) -> int | None:
    """The ``schema_version`` of a folder that is marked as ours; None for any other folder.

    Raises:
        OutputError: the marker is damaged, or names a newer version of the tables.
    """
    data = store.read(MARKER)
    if data is None:
        return None
    where = store.location(MARKER)
    try:
        marker = json.loads(data)
    except ValueError as error:
        raise OutputError(f"{where}: not the marker that kldrift writes: {error}") from error
    if not isinstance(marker, dict) or marker.get("format") != FORMAT:
        raise OutputError(f"{where}: expected the format {FORMAT!r}, got {marker!r}")
    version = marker.get("schema_version")
    if not isinstance(version, int):
        raise OutputError(f"{where}: expected schema_version to be a number, got {version!r}")
    if version > SCHEMA_VERSION:
        raise OutputError(
            f"{where}: the tables have schema_version {version}, this kldrift knows "
            f"{SCHEMA_VERSION}; upgrade kldrift or set output.path to another folder"
        )
    return version


def _marker() -> bytes:
    return json.dumps({"format": FORMAT, "schema_version": SCHEMA_VERSION}).encode() + b"\n"


def _some(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(map(repr, names[:NAMED])) + (f" and {more} more" if more > 0 else "")
