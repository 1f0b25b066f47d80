"""Opens Delta and Iceberg tables by their own logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import pyarrow as pa

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.sources.lakehouse import delta, iceberg
from kldrift.sources.lakehouse.snapshot import Snapshot
from kldrift.sources.predicates.translate import Unsupported

TABLE_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "delta": delta.OPTIONS,
    "iceberg": iceberg.OPTIONS,
}
"""The formats of tables over Parquet files, and the options that are read without Spark."""


def open_table(dataset: Dataset, asked: Collection[str] = ()) -> Snapshot | Unsupported:
    """A Delta or Iceberg table, as its log has it.

    The bounds of the columns in ``asked`` are wanted, without regard to case.

    Raises:
        DatasetError: there is no such table, or more than one.
        ConfigError: an option has no such value.
    """
    read = iceberg.open_iceberg if dataset.format == "iceberg" else delta.open_delta
    return read(_folder(dataset), dataset.options, dataset.filesystem, asked)


def table_schema(dataset: Dataset) -> pa.Schema | Unsupported:
    """The columns of a Delta or Iceberg table, without its files; errors as of `open_table`."""
    read = iceberg.iceberg_schema if dataset.format == "iceberg" else delta.delta_schema
    return read(_folder(dataset), dataset.options, dataset.filesystem)


def _folder(dataset: Dataset) -> str:
    if len(dataset.path) != 1:
        raise DatasetError(f"a {dataset.format} table is one folder, got {len(dataset.path)} paths")
    return dataset.path[0]
