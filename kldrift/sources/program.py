"""The protocol between sources, which read rows, and the programs that take them.

A program names the columns that it wants together: one feature, the features of a joint, the
columns of a list of segments. A source reads them in whatever order costs least and yields batches
of rows, in which all columns have the same rows.
"""

from __future__ import annotations

import sys
import zipimport
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from kldrift.features.feature import Feature

BATCH_ROWS: Final = 131_072


@dataclass(frozen=True, eq=False)
class RowBatch:
    """Some rows of a dataset, in sets of columns.

    A batch need not have all sets of its program: wide tables are read in blocks of columns. Over
    all batches, each set comes with every row once. Sets can be taken once, one after the other:
    the columns of one are unpacked when it is asked for.
    """

    keys: Sequence[pa.Array]
    sets: Iterator[tuple[int, list[pa.Array]]]


class Accumulator(Protocol):
    """Adds up batches of rows."""

    @property
    def full(self) -> bool:
        """Whether its results should leave the task now, so that a new accumulator goes on."""

    def add(self, batch: RowBatch) -> None:
        """Add a batch."""

    def results(self) -> Iterator[pa.RecordBatch]:
        """The results that leave the task; those of all tasks add up to those of all rows."""


class Program(Protocol):
    """A computation over the rows of a dataset; sent to the executors."""

    @property
    def keys(self) -> tuple[Feature, ...]:
        """Columns that come with every batch."""

    @property
    def sets(self) -> Mapping[int, tuple[Feature, ...]]:
        """Columns that are wanted together, by the number under which their results travel."""

    @property
    def batch_rows(self) -> int:
        """Rows that are read at once."""

    def only(self, numbers: Collection[int]) -> Program:
        """The program restricted to some of its sets, which keep their numbers."""

    def start(self) -> Accumulator:
        """A new accumulator, for one task."""


def run(program: Program, batches: Iterator[RowBatch]) -> Iterator[pa.RecordBatch]:
    """Send a task's rows through a program."""
    accumulator = program.start()
    for batch in batches:
        accumulator.add(batch)
        if accumulator.full:
            yield from accumulator.results()
            accumulator = program.start()
    yield from accumulator.results()
    forget_archives()


def forget_archives() -> None:
    """Drop the cached importers of zip files; see docs/decisions/file-splits.md.

    A Spark worker invalidates import caches before each task, and each cached importer then reads
    its archive's directory again: 150 ms for ``pyspark.zip``, longer than counting ten million
    values. The next import makes a new importer, from the directory that Python still remembers.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[path]
