"""Plain columns with Arrow, derived features with Spark: one dataset, each feature its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from kldrift.counting.joint import Group
from kldrift.features.plan import Feature, Skipped
from kldrift.sources.dataframe.frame import FrameSource
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.program import Accumulator, Program


@dataclass(frozen=True)
class MixedSource:
    """A dataset of files with derived features: only what Spark SQL computes goes through Spark.

    Attributes:
        plain: the files.
        frame: the same rows as a Spark DataFrame, with the derived features.
    """

    plain: ArrowSource
    frame: FrameSource

    @property
    def schema(self) -> pa.Schema:
        """The columns of the files."""
        return self.plain.schema

    @property
    def derived(self) -> pa.Schema:
        """The derived features."""
        return self.frame.derived

    @property
    def foreign(self) -> tuple[Skipped, ...]:
        """Columns that cannot be read."""
        return self.plain.foreign

    @property
    def why(self) -> str:
        """Both ways, and why."""
        return f"{self.plain.why}; derived features through a Spark DataFrame"

    @property
    def rows(self) -> int | None:
        """Rows, unless filtered."""
        return self.plain.rows

    def size(self, features: Sequence[Feature]) -> int | None:
        """Compressed bytes of the plain columns; what Spark reads it does not say."""
        return self.plain.size(features)

    def through(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:
        """The results of a program's tasks; a group with a derived feature is Spark's alone."""
        if any(f.sql is not None for f in program.beside):
            return self.frame.through(spark, program, schema)  # they stand beside all features
        ways = []
        for source, derived in ((self.plain, False), (self.frame, True)):
            features = [i for i, f in enumerate(program.features) if (f.sql is not None) is derived]
            groups = [
                j
                for j, group in enumerate(program.groups)
                if any(f.sql is not None for f in group.features) is derived
            ]
            if features or groups:
                ways.append(source.through(spark, Part(program, features, groups), schema))
        first, *rest = ways
        return first.union(rest[0]) if rest else first


class Part:
    """Some features and groups of a program, numbered as in the whole."""

    def __init__(self, whole: Program, features: Sequence[int], groups: Sequence[int]) -> None:
        self.features: tuple[Feature, ...] = tuple(whole.features[i] for i in features)
        self.groups: tuple[Group, ...] = tuple(whole.groups[j] for j in groups)
        self._part = whole.part(features, groups)
        self.beside = whole.beside
        self.numbering = whole.numbering
        self.batch_rows = whole.batch_rows
        self._numbers = whole.numbering.of_part(features, groups)

    def part(self, features: Sequence[int], groups: Sequence[int]) -> Program:
        """Some of these features and groups."""
        return Part(self, features, groups)

    def start(self) -> Accumulator:
        """A new accumulator, for one task."""
        return _Renumbered(self._part.start(), self._numbers)


class _Renumbered:
    """An accumulator whose features have other numbers outside the task."""

    def __init__(self, inner: Accumulator, numbers: Sequence[int]) -> None:
        self._inner = inner
        self._numbers = numbers
        self.add = inner.add
        self.add_group = inner.add_group
        self.add_beside = inner.add_beside

    def results(self) -> Iterator[pa.RecordBatch]:
        """What leaves the task."""
        outside = pa.array(self._numbers, pa.int32())
        for found in self._inner.results():
            yield found.set_column(0, found.schema.field(0), outside.take(found.column(0)))
