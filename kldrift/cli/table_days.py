"""Which days a Delta or Iceberg table holds, so that each day can be compared with those before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from kldrift.features.sql_names import backticked
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.parquet.source import ArrowSource

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class TableDays:
    """A column of partitions that are days.

    Attributes:
        column: its name.
        days: its values, in order, as ISO dates.
        quoted: how a day is written in SQL, with ``{}`` for it.
    """

    column: str
    days: tuple[str, ...]
    quoted: str

    @property
    def before_the_last(self) -> str:
        """The condition of the days before the last one, or of the only one."""
        return self._is("<" if len(self.days) > 1 else "=", self.days[-1])

    @property
    def of_the_last(self) -> str:
        """The condition of the last day."""
        return self._is("=", self.days[-1])

    @property
    def of_the_run(self) -> str:
        """The condition of the day that a run is for."""
        return self._is("=", "{as_of:%Y-%m-%d}")

    def _is(self, comparison: str, day: str) -> str:
        return f"{backticked(self.column)} {comparison} {self.quoted.format(day)}"


def table_format(source: str) -> str | None:
    """The format of the table in a local folder; None if there is no table."""
    folder = Path(source)
    if "://" in source:
        return None
    if (folder / "_delta_log").is_dir():
        return "delta"
    return "iceberg" if any(folder.glob("metadata/*.metadata.json")) else None


def days_of(table: DatasetInfo) -> TableDays | None:
    """The column of days by which a table is partitioned; None without one."""
    if not isinstance(table, ArrowSource):
        return None
    values: dict[str, set[str]] = {}
    for piece in table.footers.pieces:
        for name, value in piece.file.partition:
            values.setdefault(name, set()).update([] if value is None else [str(value)])
    for name, days in values.items():
        if days and name in table.schema.names and all(map(DAY.fullmatch, days)):
            date = pa.types.is_date(table.schema.field(name).type)
            return TableDays(name, tuple(sorted(days)), "DATE '{}'" if date else "'{}'")
    return None
