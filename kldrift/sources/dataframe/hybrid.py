"""Plain columns with Arrow, derived features with Spark: one dataset, each feature its own way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from kldrift.errors import ConfigError
from kldrift.features.feature import Feature, Skipped
from kldrift.sources.dataframe.frame import FrameSource
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.program import Program


@dataclass(frozen=True)
class HybridSource:
    """A dataset of files with derived features: only what Spark SQL computes goes through Spark.

    ``frame`` has the same rows; ``keys`` are the columns that split them, which come with every
    set.
    """

    files: ArrowSource
    frame: FrameSource
    keys: frozenset[str] = frozenset()

    @property
    def schema(self) -> pa.Schema:
        """The columns of the files."""
        return self.files.schema

    @property
    def derived(self) -> pa.Schema:
        """The derived features."""
        return self.frame.derived

    @property
    def foreign(self) -> tuple[Skipped, ...]:
        """Columns that cannot be read, by Spark if it reads all: where it alone has a key."""
        untold = {s.column for s in self.frame.foreign}
        by_spark = self.keys & {*self.derived.names, *untold}
        return self.frame.foreign if by_spark else self.files.foreign

    @property
    def access_path(self) -> str:
        """Both ways, and why."""
        return f"{self.files.access_path}; derived features through a Spark DataFrame"

    @property
    def rows(self) -> int | None:
        """Rows, unless filtered."""
        return self.files.rows

    def size(self, features: Sequence[Feature]) -> int | None:
        """Compressed bytes of the files' columns; of those that Spark reads they are unknown."""
        return self.files.size(features)

    def map_tasks(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:
        """The results of a program's tasks; sets with a derived feature are Spark's alone."""
        derived = {n for n, columns in program.sets.items() if _any_derived(columns)}
        for skipped in self.frame.foreign:
            if any(f.path[0] == skipped.column for n in derived for f in program.sets[n]):
                raise ConfigError(
                    f"{skipped.column!r} is in a group of joint with a derived feature, with which "
                    f"Spark has to read it: {skipped.reason}"
                )
        plain = program.sets.keys() - derived
        if not plain or _any_derived(program.keys):  # which come with every set
            return self.frame.map_tasks(spark, program, schema)
        if not derived:
            return self.files.map_tasks(spark, program, schema)
        by_arrow = self.files.map_tasks(spark, program.only(plain), schema)
        return by_arrow.union(self.frame.map_tasks(spark, program.only(derived), schema))


def _any_derived(features: Iterable[Feature]) -> bool:
    return any(f.sql is not None for f in features)
