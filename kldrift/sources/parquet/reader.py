"""Reads row groups of Parquet files with Arrow, in the tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kldrift.arrays import Bools
from kldrift.errors import DatasetError, first_line
from kldrift.features.feature import Feature
from kldrift.features.layouts import as_values, is_plain, value_type
from kldrift.sources.parquet.bounds import ALL_NULL, bounds_of_value
from kldrift.sources.parquet.byte_ranges import starts_of
from kldrift.sources.parquet.column_mapping import ColumnMapping
from kldrift.sources.parquet.column_types import partition_scalar
from kldrift.sources.parquet.files import File, Piece
from kldrift.sources.program import BATCH_ROWS, RowBatch

if TYPE_CHECKING:
    from kldrift.sources.predicates.pruning import Matcher

BLOCK_COLUMNS: Final = 64
"""Columns that are decoded together: bounds a task's memory on wide tables."""


@dataclass(frozen=True)
class Reader:
    """Reads row groups and yields their rows; sent to the executors.

    Attributes:
        where: rows to keep, as an Arrow expression; None keeps all.
        where_columns: the columns that ``where`` reads.
        mapping: what files call the columns; None if they speak for themselves.
        predicate: ``where`` as it is written, by which row groups of ranges are dropped; empty
            keeps all.
        block_columns: columns that are read at once.
    """

    keys: tuple[Feature, ...]
    sets: Mapping[int, tuple[Feature, ...]]
    schema: pa.Schema
    partitions: pa.Schema
    where: Any = None
    where_columns: tuple[str, ...] = ()
    batch_rows: int = BATCH_ROWS
    mapping: ColumnMapping | None = None
    predicate: str = ""
    block_columns: int = BLOCK_COLUMNS

    def batches(self, pieces: Sequence[Piece]) -> Iterator[RowBatch]:
        """The rows of some pieces: file by file, block of columns by block, batch by batch."""
        features = [*self.keys, *(f for columns in self.sets.values() for f in columns)]
        # Arrow cannot read the dictionaries of nested text over several chunks.
        flat_texts = [f.path[0] for f in features if f.family == "text" and len(f.path) == 1]
        blocks = read_together(self.sets, self.block_columns)
        matches = self._matcher()
        by_file: dict[File, list[Piece]] = {}
        for piece in pieces:
            by_file.setdefault(piece.file, []).append(piece)
        for file, mine in by_file.items():
            planned = all(p.row_group is not None for p in mine)  # from its footer
            with file.open(flat_texts, self.mapping, checked=planned) as parquet:
                names = self._names(parquet.schema_arrow)
                groups = self._row_groups(parquet.metadata, file, mine, names, matches)
                try:
                    for block in blocks:
                        wanted = [*self.keys, *(f for n in block for f in self.sets[n])]
                        for row_groups in _together(parquet, groups, self.batch_rows):
                            for table in self._tables(parquet, file, row_groups, wanted, names):
                                keys = _columns(table, self.keys, frozenset(table.column_names))
                                yield RowBatch(keys, self._sets_of(table, block))
                except (pa.ArrowException, OSError) as cause:
                    place = f"{_unreadable(parquet, groups)}{file.path!r}"
                    raise DatasetError(f"cannot read {place}: {first_line(cause)}") from cause

    def _matcher(self) -> Matcher | None:
        if not self.predicate:
            return None
        # Loads a parser, which a task without a predicate does not wait for.
        from kldrift.sources.predicates.pruning import matcher  # noqa: PLC0415

        return matcher(self.predicate, self.schema)

    def _sets_of(
        self, table: pa.Table, block: Sequence[int]
    ) -> Iterator[tuple[int, list[pa.Array]]]:
        there = frozenset(table.column_names)
        for number in block:
            yield number, _columns(table, self.sets[number], there)

    def _names(self, file: pa.Schema) -> dict[str, str]:
        """The columns that a file has, and their names in it."""
        inside = self.mapping.inside(file) if self.mapping else {n: n for n in file.names}
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
        from kldrift.sources.predicates.pruning import (  # noqa: PLC0415 - as above
            partition_bounds,
            prune_groups,
        )

        fixed = dict.fromkeys(self.where_columns, ALL_NULL)
        fixed |= partition_bounds(file, self.partitions)
        fixed |= {n: bounds_of_value(v) for n, v in self._constants(file, names).items()}
        inside = {n: names[n] for n in self.where_columns if n in names}
        return prune_groups(metadata, groups, fixed, inside, matches)

    def _tables(
        self,
        parquet: pq.ParquetFile,
        file: File,
        groups: list[int],
        features: Sequence[Feature],
        names: Mapping[str, str],
    ) -> Iterator[pa.Table]:
        present = [f.path for f in features if f.path[0] in names]
        paths = [".".join((names[first], *fields)) for first, *fields in present]
        paths += [names[c] for c in self.where_columns if c in names]
        wanted = list(dict.fromkeys(paths))
        partition = dict(file.partition)
        constant = self._constants(file, names)
        kept = _kept(parquet, file, groups)
        first = 0
        for batch in parquet.iter_batches(self.batch_rows, groups, wanted, use_threads=False):
            _check_dictionaries(batch)
            end = first + batch.num_rows
            left = batch if kept is None else batch.filter(pa.array(kept[first:end]))
            first, rows = end, left.num_rows
            table = pa.Table.from_batches([left])
            if self.mapping is not None:
                table = self._as_in_table(table, {i: n for n, i in names.items()})
            for name, value in constant.items():
                kind = self.schema.field(name).type
                table = table.append_column(name, pa.repeat(pa.scalar(value, kind), rows))
            for field in self.partitions:
                scalar = partition_scalar(partition.get(field.name), field.type)
                column = pa.repeat(scalar, rows)
                table = table.append_column(field, column)
            if self.where is not None:
                for name in self.where_columns:
                    if name not in table.column_names:
                        nulls = pa.nulls(rows, self.schema.field(name).type)
                        table = table.append_column(name, nulls)
                table = _comparable(table, self.where_columns, self.schema)
                table = table.filter(self.where)
            yield table
        expected = sum(parquet.metadata.row_group(i).num_rows for i in groups)
        if first != expected:  # Arrow ends where the shortest column ends
            text = f"a column ends after {first:,} of {expected:,} rows"
            raise DatasetError(f"cannot read {file.path!r}: {text}; the file is damaged")

    def _constants(self, file: File, names: Mapping[str, str]) -> dict[str, Any]:
        """The values that a table's log has for a file, of columns that the file itself lacks."""
        known = {*names, *self.partitions.names}
        return {n: v for n, v in file.partition if n not in known and n in self.schema.names}

    def _as_in_table(self, table: pa.Table, names: Mapping[str, str]) -> pa.Table:
        """Columns of a file with the names and types that the dataset's table gives them."""
        table = table.rename_columns([names[n] for n in table.column_names])
        if self.mapping is not None and not self.mapping.retyped:
            return table
        for i, field in enumerate(table.schema):
            wanted = self.schema.field(field.name).type
            if not pa.types.is_nested(wanted) and value_type(field.type) != wanted:
                # Spark cuts times to microseconds; no other widening loses anything.
                safe = not pa.types.is_timestamp(wanted)
                table = table.set_column(i, field.name, table.column(i).cast(wanted, safe=safe))
        return table


def read_together(
    sets: Mapping[int, tuple[Feature, ...]], most: int = BLOCK_COLUMNS
) -> list[list[int]]:
    """The numbers of sets that are read together: where the columns of one are read anyway."""
    blocks: list[list[int]] = []
    home: dict[tuple[str, ...], int] = {}
    room = 0
    for number, columns in sets.items():
        paths = {f.path for f in columns}
        homes = {home.get(path) for path in paths}
        place = homes.pop() if len(homes) == 1 else None
        if place is None:
            if room <= 0:
                blocks.append([])
                room = most
            place = len(blocks) - 1
            room -= len(paths)
            for path in paths:
                home.setdefault(path, place)
        blocks[place].append(number)
    return blocks


def _together(parquet: pq.ParquetFile, groups: Sequence[int], rows: int) -> Iterator[list[int]]:
    """Row groups that are read at once: small ones together, a large one alone.

    Arrow holds two large ones at once where a batch reaches from one into the next.
    """
    groups_read: list[int] = []
    held = 0
    for group in groups:
        size = parquet.metadata.row_group(group).num_rows
        if groups_read and held + size > rows:
            yield groups_read
            groups_read, held = [], 0
        groups_read.append(group)
        held += size
    if groups_read:
        yield groups_read


def _comparable(table: pa.Table, names: Sequence[str], schema: pa.Schema) -> pa.Table:
    """A table in which some columns have a layout, and times a zone, that Arrow can compare."""
    for i, (name, kind) in enumerate(zip(table.column_names, table.schema.types, strict=True)):
        if name not in names:
            continue
        if not is_plain(kind):
            values = pa.chunked_array(map(as_values, table.column(i).chunks))
            table = table.set_column(i, name, values)
        elif pa.types.is_timestamp(kind) and kind.tz != (zone := schema.field(name).type.tz):
            in_zone = table.column(i).cast(pa.timestamp(kind.unit, zone))
            table = table.set_column(i, name, in_zone)
    return table


def _kept(parquet: pq.ParquetFile, file: File, groups: Sequence[int]) -> Bools | None:
    """Which rows of some row groups, one after the other, are not deleted; None if all are kept."""
    metadata = parquet.metadata
    kept = file.kept(metadata.num_rows)
    if kept is None:
        return None
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    ends = np.cumsum(sizes)
    return np.concatenate([kept[ends[i] - sizes[i] : ends[i]] for i in groups])


def _unreadable(parquet: pq.ParquetFile, groups: Sequence[int]) -> str:
    """The first column that cannot be read, for messages: a file can be read without it."""
    for name in parquet.schema_arrow.names:
        try:
            parquet.read_row_groups(groups, [name])
        except (pa.ArrowException, OSError):
            return f"column {name!r} of "
    return ""


def _check_dictionaries(batch: pa.RecordBatch) -> None:
    """Refuse indices beyond their dictionary: Arrow reads them, and would look up any memory."""
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            last = pc.max(column.indices).as_py()
            if last is not None and last >= len(column.dictionary):
                raise pa.ArrowInvalid(f"index {last} is beyond a dictionary of texts")


def _columns(
    table: pa.Table, features: Sequence[Feature], there: AbstractSet[str]
) -> list[pa.Array]:
    return [
        _values(table.column(f.path[0]), f) if f.path[0] in there else pa.nulls(table.num_rows)
        for f in features
    ]


def _values(column: pa.ChunkedArray, feature: Feature) -> pa.Array:
    return feature.of(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())
