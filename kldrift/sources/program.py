"""What tasks do with the rows of a dataset: the protocol between sources and engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from kldrift.counting.joint import Group
from kldrift.features.plan import Feature
from kldrift.sources.zipimport_cache import forget_archives

Columns = Iterator[tuple[int, list[pa.Array]]]
"""Batches of the features ``first, first + 1, ...``: (first, their columns).

``-1 - j`` instead of a first feature stands for group j of the program, with its columns;
``BESIDE`` for the columns that its program wants beside the batches of features that follow."""

BESIDE: Final = -(2**31)

BATCH_ROWS: Final = 131_072


@dataclass(frozen=True)
class Numbering:
    """The numbers under which what a task found travels: features, then groups, then segments.

    Attributes:
        features: number of features.
        groups: number of groups of features.
        lists: number of lists of segments.
    """

    features: int
    groups: int
    lists: int = 0

    @property
    def first_list(self) -> int:
        """The number of the first feature by the first list."""
        return self.features + self.groups

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.first_list + self.features * self.lists

    def by_list(self, feature: int, which: int) -> int:
        """The number of a feature by one of the lists."""
        return self.first_list + feature * self.lists + which

    def feature_of(self, number: int) -> tuple[int, int]:
        """The feature and the list behind such a number."""
        return divmod(number - self.first_list, self.lists)

    def of_part(self, features: Sequence[int], groups: Sequence[int]) -> list[int]:
        """The numbers here of what a part of the features and groups has from 0 on."""
        alone = [*features, *(self.features + j for j in groups)]
        return alone + [self.by_list(i, k) for i in features for k in range(self.lists)]


class Accumulator(Protocol):
    """Adds up batches of columns."""

    def add(self, feature: int, column: pa.Array) -> None:
        """Add a batch of one feature, named by its number."""

    def add_group(self, group: int, columns: list[pa.Array]) -> None:
        """Add a batch of one group, named by its number."""

    def add_beside(self, columns: list[pa.Array]) -> None:
        """Take the columns beside the batches of features that follow."""

    def results(self) -> Iterator[pa.RecordBatch]:
        """What leaves the task."""


class Program(Protocol):
    """What to do with a task's rows; sent to the executors."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features, in the order of their numbers."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """Groups of features that are looked at together."""

    @property
    def beside(self) -> tuple[Feature, ...]:
        """Columns that come before each batch of features, with the same rows."""

    @property
    def numbering(self) -> Numbering:
        """The numbers under which its results travel."""

    @property
    def batch_rows(self) -> int:
        """Rows that are read from files at once."""

    def start(self) -> Accumulator:
        """A new accumulator, for one task."""

    def part(self, features: Sequence[int], groups: Sequence[int]) -> Program:
        """The same for some of the features and groups only, numbered from 0."""


def run(program: Program, columns: Columns) -> Iterator[pa.RecordBatch]:
    """Send a task's columns through a program."""
    accumulator = program.start()
    for first, batch in columns:
        if first == BESIDE:
            accumulator.add_beside(batch)
            continue
        if first < 0:
            accumulator.add_group(-1 - first, batch)
            continue
        for i, column in enumerate(batch, first):
            accumulator.add(i, column)
    yield from accumulator.results()
    forget_archives()
