"""The columns that every row of a run has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from kldrift import __version__
from kldrift.tables.schema import SCHEMA_VERSION
from kldrift.tables.window import Window


@dataclass(frozen=True)
class Stamp:
    """The columns that every row of a run has."""

    run_id: str
    monitor: str
    window: Window
    reference_id: str | None
    config_hash: str

    def table(self, columns: Mapping[str, Any], rows: int, schema: pa.Schema) -> pa.Table:
        """Complete a table: the run's own columns, and nulls for the others."""
        filled = {f.name: self._filled(f, rows) for f in schema if f.name not in columns}
        every = filled | dict(columns)
        return pa.table({name: every[name] for name in schema.names}, schema=schema)

    def _filled(self, field: pa.Field, rows: int) -> pa.Array:
        """A column of one value; those of the parts of a table share its memory."""
        known = self._longest.get(field.name)
        if known is None or len(known) < rows or known.type != field.type:
            value = pa.scalar(self._values.get(field.name), field.type)
            known = self._longest[field.name] = pa.repeat(value, rows)
        return known.slice(0, rows)

    @cached_property
    def _values(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "run_id": self.run_id,
            "monitor": self.monitor,
            "window_start": self.window.start,
            "window_end": self.window.end,
            "reference_id": self.reference_id,
            "config_hash": self.config_hash,
            "kldrift_version": __version__,
        }

    @cached_property
    def _longest(self) -> dict[str, pa.Array]:
        """Cache of the longest column of each name so far."""
        return {}
