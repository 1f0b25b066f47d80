"""How tasks read row groups of Parquet files with Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.counting.joint import Group
from kldrift.errors import DatasetError
from kldrift.features.plan import Feature
from kldrift.sources.parquet.bounds import ALL_NULL
from kldrift.sources.parquet.byte_ranges import starts_of
from kldrift.sources.parquet.column_mapping import Naming
from kldrift.sources.parquet.column_types import partition_scalar, plain_type
from kldrift.sources.parquet.files import File, Piece
from kldrift.sources.predicates.pruning import Matcher, matcher, partition_bounds, prune_groups
from kldrift.sources.program import BATCH_ROWS, BESIDE, Columns

BLOCK: Final = 64
"""Features that are decoded together: bounds a task's memory on wide tables."""


@dataclass(frozen=True)
class Reader:
    """Reads row groups and yields the columns of features; sent to the executors.

    Attributes:
        features: what to read.
        groups: groups of features, read beside one of the features' blocks.
        beside: columns that are read beside every block of features.
        schema: the columns of all files.
        partitions: the types of the partition columns.
        where: rows to keep, as an Arrow expression; None keeps all.
        where_columns: the columns that ``where`` reads.
        batch_rows: rows that are read at once.
        naming: what files call the columns; None if they speak for themselves.
        predicate: ``where`` as it is written, by which row groups of ranges are dropped; empty
            keeps all.
    """

    features: tuple[Feature, ...]
    schema: pa.Schema
    partitions: pa.Schema
    where: Any = None
    where_columns: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    beside: tuple[Feature, ...] = ()
    batch_rows: int = BATCH_ROWS
    naming: Naming | None = None
    predicate: str = ""

    def columns(self, pieces: Sequence[Piece]) -> Columns:
        """The features of some pieces, block of features by block, batch by batch."""
        # Arrow cannot read the dictionaries of nested text over several chunks.
        plain = [f.path[0] for f in self._all() if f.family == "text" and len(f.path) == 1]
        homes = [self._home(group) for group in self.groups]
        matches = matcher(self.predicate, self.schema) if self.predicate else None
        by_file: dict[File, list[Piece]] = {}
        for piece in pieces:
            by_file.setdefault(piece.file, []).append(piece)
        for file, mine in by_file.items():
            with file.open(plain, self.naming) as parquet:
                names = self._names(parquet.schema_arrow)
                groups = self._row_groups(parquet.metadata, file, mine, names, matches)
                try:
                    for first in self._starts():
                        block = self.features[first : first + BLOCK]
                        beside = [j for j, home in enumerate(homes) if home == first]
                        extra = [f for j in beside for f in self.groups[j].features]
                        wanted = [*block, *extra, *self.beside]
                        for some in _together(parquet, groups, self.batch_rows):
                            for batch in self._batches(parquet, file, some, wanted, names):
                                if self.beside:
                                    yield BESIDE, _columns(batch, self.beside)
                                yield first, _columns(batch, block)
                                for j in beside:
                                    yield -1 - j, _columns(batch, self.groups[j].features)
                except (pa.ArrowException, OSError) as cause:
                    raise DatasetError(f"cannot read {file.path!r}: {cause}") from cause

    def _all(self) -> Iterator[Feature]:
        yield from self.features
        yield from self.beside
        for group in self.groups:
            yield from group.features

    def _starts(self) -> range:
        """The first feature of each block; one block without features where there are none."""
        return range(0, max(1, len(self.features)), BLOCK)

    def _home(self, group: Group) -> int:
        """The block that has a group's columns anyway; the first if none has them all."""
        needed = {f.path for f in group.features}
        starts = self._starts()
        blocks = ({f.path for f in self.features[i : i + BLOCK]} for i in starts)
        return next((i for i, have in zip(starts, blocks, strict=True) if needed <= have), 0)

    def _names(self, file: pa.Schema) -> dict[str, str]:
        """The columns that a file has, and what it calls them."""
        inside = self.naming.inside(file) if self.naming else {n: n for n in file.names}
        partitions = frozenset(self.partitions.names)
        return {n: i for n, i in inside.items() if n not in partitions}

    def _row_groups(
        self,
        metadata: pq.FileMetaData,
        file: File,
        pieces: Sequence[Piece],
        names: Mapping[str, str],
        matches: Matcher | None,
    ) -> list[int]:
        """The row groups that pieces of a file stand for, and that may have rows to keep."""
        if all(p.row_group is not None for p in pieces):
            return [p.row_group for p in pieces if p.row_group is not None]
        starts = starts_of(metadata)
        groups = [i for p in pieces for i in p.row_groups(starts)]
        if matches is None:
            return groups
        fixed = dict.fromkeys(self.where_columns, ALL_NULL)
        fixed |= partition_bounds(file, self.partitions)
        inside = {n: names[n] for n in self.where_columns if n in names}
        return prune_groups(metadata, groups, fixed, inside, matches)

    def _batches(
        self,
        parquet: pq.ParquetFile,
        file: File,
        groups: list[int],
        block: Sequence[Feature],
        names: Mapping[str, str],
    ) -> Iterator[pa.Table]:
        paths = [".".join((names[f.path[0]], *f.path[1:])) for f in block if f.path[0] in names]
        paths += [names[c] for c in self.where_columns if c in names]
        wanted = list(dict.fromkeys(paths))
        partition = dict(file.partition)
        kept = _kept(parquet, file, groups)
        first = 0
        for batch in parquet.iter_batches(self.batch_rows, groups, wanted, use_threads=False):
            end = first + batch.num_rows
            left = batch if kept is None else batch.filter(pa.array(kept[first:end]))
            first, rows = end, left.num_rows
            table = pa.Table.from_batches([left])
            if self.naming is not None:
                table = self._as_in_table(table, {i: n for n, i in names.items()})
            for field in self.partitions:
                scalar = partition_scalar(partition.get(field.name), field.type)
                column = pa.repeat(scalar, rows)
                table = table.append_column(field, column)
            if self.where is not None:
                for name in self.where_columns:
                    if name not in table.column_names:
                        nulls = pa.nulls(rows, self.schema.field(name).type)
                        table = table.append_column(name, nulls)
                table = table.filter(self.where)
            yield table

    def _as_in_table(self, table: pa.Table, names: Mapping[str, str]) -> pa.Table:
        """Columns of a file with the names and types that the dataset's table gives them."""
        table = table.rename_columns([names[n] for n in table.column_names])
        for i, field in enumerate(table.schema):
            wanted = self.schema.field(field.name).type
            if not pa.types.is_nested(wanted) and plain_type(field.type) != wanted:
                # Spark cuts times to microseconds; no other widening loses anything.
                safe = not pa.types.is_timestamp(wanted)
                table = table.set_column(i, field.name, table.column(i).cast(wanted, safe=safe))
        return table


def _together(parquet: pq.ParquetFile, groups: Sequence[int], rows: int) -> Iterator[list[int]]:
    """Row groups that are read in one go: small ones fill a batch, a large one is alone.

    Arrow holds two large ones at once where a batch reaches from one into the next.
    """
    some: list[int] = []
    held = 0
    for group in groups:
        size = parquet.metadata.row_group(group).num_rows
        if some and held + size > rows:
            yield some
            some, held = [], 0
        some.append(group)
        held += size
    if some:
        yield some


def _kept(
    parquet: pq.ParquetFile, file: File, groups: Sequence[int]
) -> npt.NDArray[np.bool_] | None:
    """Which rows of some row groups, one after the other, are not deleted; None if all are kept."""
    metadata = parquet.metadata
    kept = file.kept(metadata.num_rows)
    if kept is None:
        return None
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    ends = np.cumsum(sizes)
    return np.concatenate([kept[ends[i] - sizes[i] : ends[i]] for i in groups])


def _columns(table: pa.Table, features: Sequence[Feature]) -> list[pa.Array]:
    there = frozenset(table.column_names)
    return [
        _values(table.column(f.path[0]), f) if f.path[0] in there else pa.nulls(table.num_rows)
        for f in features
    ]


def _values(column: pa.ChunkedArray, feature: Feature) -> pa.Array:
    return feature.of(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())
