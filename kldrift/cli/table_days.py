"""Which days a Delta or Iceberg table holds, so that each day can be compared with those before."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from kldrift.config import Dataset
from kldrift.features.names import backticked
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import open_table
from kldrift.sources.parquet.bounds import UNKNOWN
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.translate import Unsupported

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class TableDays:
    """The days of a table, by a column.

    Attributes:
        days: its values, in order, as ISO dates; of times, the first and the last day.
        quoted: how a day is written in SQL, with ``{}`` for it.
        times: whether it holds times, so that a day is a range of its values.
    """

    column: str
    days: tuple[str, ...]
    quoted: str = "DATE '{}'"
    times: bool = False

    @property
    def before_the_last(self) -> str:
        """The condition of the days before the last one, or of the only one."""
        if len(self.days) > 1:
            return self._is("<", self.days[-1])
        return self.of_the_last

    @property
    def of_the_last(self) -> str:
        """The condition of the last day."""
        next_day = dt.date.fromisoformat(self.days[-1]) + dt.timedelta(days=1)
        return self._of(self.days[-1], next_day.isoformat())

    @property
    def of_the_run(self) -> str:
        """The condition of the day that a run is for."""
        return self._of("{as_of:%Y-%m-%d}", "{as_of + 1d:%Y-%m-%d}")

    def _of(self, day: str, next_day: str) -> str:
        if not self.times:
            return self._is("=", day)
        return f"{self._is('>=', day)} AND {self._is('<', next_day)}"

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


def days_of(dataset: Dataset, table: DatasetInfo) -> TableDays | None:
    """The days of a table: by its partitions, or by a column of dates or times.

    Of several such columns, by the first of dates, or else of times, that has one day in each file.
    """
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
    return _by_bounds(dataset, table.schema)


def _by_bounds(dataset: Dataset, schema: pa.Schema) -> TableDays | None:
    """The days of a column of dates or times, from the bounds in the log."""
    dates = [f for f in schema if pa.types.is_date(f.type)]
    fields = [*dates, *(f for f in schema if pa.types.is_timestamp(f.type))]
    listed = open_table(dataset, [f.name for f in fields])
    if isinstance(listed, Unsupported):
        return None
    for field in fields:
        bounds = [entry.bounds.get(field.name, UNKNOWN) for entry in listed.entries]
        ends = {(b.low, b.high) for b in bounds if b.values}
        if not ends or any(None in end for end in ends):
            continue
        times = pa.types.is_timestamp(field.type)
        # A log of Delta rounds times to milliseconds, and the bounds lie beyond that.
        beyond = dt.timedelta(milliseconds=1 if times and dataset.format == "delta" else 0)
        days = [tuple(f"{e:%Y-%m-%d}" for e in (low + beyond, high - beyond)) for low, high in ends]
        if len(fields) == 1 or all(first == last for first, last in days):
            both = {min(first for first, _ in days), max(last for _, last in days)}
            return TableDays(field.name, tuple(sorted(both)), times=times)
    return None
