"""The columns that every row of a run has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from kldrift import __version__
from kldrift.tables.schema import SCHEMA_VERSION, TIMESTAMP
from kldrift.tables.window import Window


@dataclass(frozen=True)
class Stamp:
    """The columns that every row of a run has.

    Attributes:
        run_id: the run.
        monitor: its monitor.
        window: the window of the current dataset.
        reference_id: a fingerprint of the reference's profiles; None where there are none.
        config_hash: a fingerprint of the configuration.
    """

    run_id: str
    monitor: str
    window: Window
    reference_id: str | None
    config_hash: str

    def columns(self, rows: int) -> dict[str, Any]:
        """The columns that all tables begin with."""
        start, end = (
            pa.repeat(pa.scalar(t, TIMESTAMP), rows) for t in (self.window.start, self.window.end)
        )
        return {
            "schema_version": np.full(rows, SCHEMA_VERSION, dtype=np.int32),
            "run_id": pa.repeat(self.run_id, rows),
            "monitor": pa.repeat(self.monitor, rows),
            "window_start": start,
            "window_end": end,
            "segment": pa.nulls(rows, pa.string()),
        }

    def table(self, columns: dict[str, Any], rows: int, schema: pa.Schema) -> pa.Table:
        """Complete a table: the run's own columns, and nulls for the others."""
        known = {
            "reference_id": self.reference_id,
            "config_hash": self.config_hash,
            "kldrift_version": __version__,
        }
        columns = self.columns(rows) | columns
        for field in schema:
            if field.name not in columns:
                columns[field.name] = pa.repeat(pa.scalar(known.get(field.name), field.type), rows)
        return pa.table({name: columns[name] for name in schema.names}, schema=schema)
