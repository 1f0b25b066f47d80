"""The protocols of datasets; plans are made without Spark, so it is not imported here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from kldrift.features.feature import Feature, Skipped
from kldrift.sources.program import Program, RowBatch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class DatasetInfo(Protocol):
    """Facts about a dataset that are known before its rows are read."""

    @property
    def schema(self) -> pa.Schema:
        """The columns."""

    @property
    def derived(self) -> pa.Schema:
        """The derived features, by name, and their types."""

    @property
    def foreign(self) -> tuple[Skipped, ...]:
        """Columns of types that Arrow does not have."""

    @property
    def access_path(self) -> str:
        """How the dataset is read, and why so."""

    @property
    def rows(self) -> int | None:
        """Rows, if known before reading and not filtered."""

    def size(self, features: Sequence[Feature]) -> int | None:
        """Compressed bytes that these features take on disk, if known."""


class NearDataset(Protocol):
    """A dataset whose rows this process can read."""

    def batches(self, program: Program) -> Iterator[RowBatch]:
        """The rows that a program wants, batch by batch."""


class Source(DatasetInfo, Protocol):
    """A dataset whose features can be streamed through a program."""

    def map_tasks(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:
        """The results of a program's tasks; nothing runs until the frame is collected."""
