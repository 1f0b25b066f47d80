"""The tables that leave a run: their schemas, and how they are written and read."""

from __future__ import annotations

from kldrift.tables.prepare import prepare_output
from kldrift.tables.read import read_table
from kldrift.tables.schema import SCHEMA_VERSION, TABLES
from kldrift.tables.window import Window
from kldrift.tables.write import (
    write_alerts,
    write_reference,
    write_run,
    write_window,
)

__all__ = [
    "SCHEMA_VERSION",
    "TABLES",
    "Window",
    "prepare_output",
    "read_table",
    "write_alerts",
    "write_reference",
    "write_run",
    "write_window",
]
