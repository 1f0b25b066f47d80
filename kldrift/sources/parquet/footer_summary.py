"""Facts from many footers, aggregated: their size does not grow with files times columns."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.errors import DatasetError
from kldrift.features.layouts import as_coded, coded_paths
from kldrift.sources.parquet.bounds import Bounds, bounds_in
from kldrift.sources.parquet.column_mapping import ColumnMapping
from kldrift.sources.parquet.column_types import ColumnOfFiles, partition_types
from kldrift.sources.parquet.files import File, Footers, Piece

FOOTER_THREADS: Final = 16
FOOTERS_AT_ONCE: Final = 128
"""Read ahead of their being added up: bounds what is held of wide files."""
ARROW_NOTES: Final = b"ARROW:schema"
"""The schema that Arrow wrote the file from."""
SPARK_NOTES: Final = b"org.apache.spark.sql.parquet.row.metadata"
"""Spark's own schema: it says which text columns do not compare byte by byte, and what numbers
are intervals."""


@dataclass(frozen=True)
class WantedBounds:
    """The columns whose bounds are wanted; names without regard to case, as in Spark."""

    names: frozenset[str] = frozenset()
    mapping: ColumnMapping | None = None

    def inside(self, file: pa.Schema) -> dict[str, str]:
        """The wanted columns that a file has, and their names in the file."""
        if not self.names:
            return {}
        inside = self.mapping.inside(file) if self.mapping else {n: n for n in file.names}
        one = (i for i in inside.items() if file.get_field_index(i[1]) >= 0)  # and not several
        return {n: i for n, i in one if n.lower() in self.names}


NOTHING: Final = WantedBounds()


def ask_by_name(names: Collection[str], mapping: ColumnMapping | None = None) -> WantedBounds:
    """Ask for the bounds of columns by name."""
    return WantedBounds(frozenset(name.lower() for name in names), mapping)


@dataclass(frozen=True)
class SchemaFiles:
    """The files of one schema, and their compressed bytes by top-level column."""

    schema: pa.Schema
    first: File
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class FooterSummary:
    """Facts from the footers of some files; a column without bounds is not in the file."""

    shapes: tuple[SchemaFiles, ...]
    pieces: tuple[Piece, ...]
    bounds: tuple[Mapping[str, Bounds], ...]


def summed(summaries: Iterable[FooterSummary]) -> FooterSummary:
    """Add up the facts from the footers of several files."""
    shapes: dict[bytes, tuple[pa.Schema, File, dict[str, int]]] = {}
    pieces: list[Piece] = []
    bounds: list[Mapping[str, Bounds]] = []
    before: pa.Schema | None = None
    sizes: dict[str, int] = {}
    for summary in summaries:
        pieces += summary.pieces
        bounds += summary.bounds
        for shape in summary.shapes:
            if before is None or not shape.schema.equals(before, check_metadata=True):
                key = shape.schema.serialize().to_pybytes()
                before, _, sizes = shapes.setdefault(key, (shape.schema, shape.first, {}))
            for name, size in shape.sizes.items():
                sizes[name] = sizes.get(name, 0) + size
    of_files = (SchemaFiles(*shape) for shape in shapes.values())
    return FooterSummary(tuple(of_files), tuple(pieces), tuple(bounds))


def read_each(files: Sequence[File], asked: WantedBounds = NOTHING) -> FooterSummary:
    """Read the footers of files, in parallel."""
    return in_threads(functools.partial(_footer, asked=asked), files)


def in_threads(read: Callable[[File], FooterSummary], files: Sequence[File]) -> FooterSummary:
    """The facts from the footers of files, which are read in parallel."""
    starts = range(0, len(files), FOOTERS_AT_ONCE)
    with ThreadPoolExecutor(FOOTER_THREADS) as pool:
        return summed(s for i in starts for s in pool.map(read, files[i : i + FOOTERS_AT_ONCE]))


ReadEach = Callable[[Sequence[File], WantedBounds], FooterSummary]
"""Reads the footers of files: here, or on the executors."""


def read_footers(
    files: Sequence[File], asked: WantedBounds = NOTHING, read_each: ReadEach = read_each
) -> Footers:
    """Read all footers of a dataset that is nothing but its files.

    Raises:
        DatasetError: a file is damaged.
    """
    files = _same_partitions(files)
    read = read_each(files, asked)
    partitions = pa.schema(partition_types(file.partition for file in files))
    written = [*partitions.names, *(n for s in read.shapes for n in s.schema.names)]
    spelled = _spelled(written, [s.schema.names for s in read.shapes])
    columns: dict[str, ColumnOfFiles] = {}
    coded: set[tuple[str, ...]] = set()
    sizes: dict[str, int] = {}
    for shape in read.shapes:
        for inside, column in ColumnOfFiles.each(shape.schema, shape.first.path).items():
            name = spelled.get(inside, inside)
            columns[name] = columns[name].plus(column) if name in columns else column
        coded.update((spelled.get(n, n), *below) for n, *below in coded_paths(shape.schema))
        for inside, size in shape.sizes.items():
            name = spelled.get(inside, inside)
            sizes[name] = sizes.get(name, 0) + size
    inner = {n: c for n, c in columns.items() if n not in partitions.names}
    fields = [pa.field(n, c.type) for n, c in inner.items() if c.type is not None]
    mixed = tuple(skipped for n, c in inner.items() for skipped in c.mixed(n))
    notes = read.shapes[0].schema.metadata if read.shapes else None
    schema = pa.schema([*fields, *partitions], notes)
    firsts = tuple(shape.first for shape in read.shapes)
    footers = Footers(
        schema,
        partitions,
        read.pieces,
        sizes,
        read.bounds,
        mixed=mixed,
        firsts=firsts,
        coded=frozenset(coded),
    )
    if not spelled:
        return footers
    bounds = tuple({spelled.get(n, n): b for n, b in one.items()} for one in read.bounds)
    mapping = ColumnMapping(tuple(columns), retyped=False)
    return replace(footers, bounds=bounds, mapping=mapping)


def _with_intervals(schema: pa.Schema) -> pa.Schema:
    """A schema with the intervals that Spark writes as whole numbers, and notes."""
    notes = (schema.metadata or {}).get(SPARK_NOTES, b"")
    if b'"interval' not in notes:
        return schema
    try:
        fields = _noted(schema, json.loads(notes).get("fields", ()))
    except (ValueError, TypeError, KeyError, AttributeError):  # not Spark's
        return schema
    return pa.schema(fields, schema.metadata)


def _noted(fields: Iterable[pa.Field], notes: Iterable[Mapping[str, Any]]) -> list[pa.Field]:
    types = {note["name"]: note["type"] for note in notes}
    noted = []
    for field in fields:
        kind, of_spark = field.type, types.get(field.name)
        if isinstance(of_spark, dict) and pa.types.is_struct(kind):
            kind = pa.struct(_noted(kind, of_spark.get("fields", ())))
        elif str(of_spark).startswith("interval") and pa.types.is_int64(kind):
            kind = pa.duration("us")
        elif str(of_spark).startswith("interval") and pa.types.is_int32(kind):
            kind = pa.month_day_nano_interval()
        noted.append(field.with_type(kind))
    return noted


def _same_partitions(files: Sequence[File]) -> Sequence[File]:
    """Files whose folders spell the names of partitions alike."""
    first: dict[str, str] = {}
    for name in dict.fromkeys(name for file in files for name, _ in file.partition):
        first.setdefault(name.lower(), name)
    if all(name in first.values() for file in files for name, _ in file.partition):
        return files
    return [
        replace(file, partition=tuple((first[n.lower()], v) for n, v in file.partition))
        for file in files
    ]


def _spelled(written: Iterable[str], together: Iterable[Sequence[str]]) -> dict[str, str]:
    """Names that differ only in case from file to file, and the spelling that all of them get.

    Names that one file has side by side are different columns.
    """
    apart = {
        n for names in together if len({m.lower() for m in names}) < len(set(names)) for n in names
    }
    first: dict[str, str] = {}
    for name in written:
        first.setdefault(name.lower(), name)
    other = {n: first[n.lower()] for n in written if n != first[n.lower()]}
    return {} if apart & {*other, *other.values()} else other


def _footer(file: File, asked: WantedBounds) -> FooterSummary:
    try:
        return _summary(file, asked)
    except UnicodeDecodeError as cause:
        raise DatasetError(f"{file.path!r} has a column whose name is not UTF-8") from cause


def _summary(file: File, asked: WantedBounds) -> FooterSummary:
    with file.open() as parquet:
        metadata = parquet.metadata
        schema = parquet.schema_arrow
        kept = file.kept(metadata.num_rows)
        known = bounds_in(metadata, schema, asked.inside(schema))
        pieces = []
        first = 0
        for i in range(metadata.num_row_groups):
            group = metadata.row_group(i)
            end = first + group.num_rows
            rows = group.num_rows if kept is None else int(kept[first:end].sum())
            pieces.append(Piece(file, i, rows, group.total_byte_size))
            first = end
        bounds = tuple(known(i) for i in range(len(pieces)))
        # Arrow gives back the dictionaries of texts alone, and notes of what it was given.
        schema = as_coded(schema, _coded_by(metadata.metadata or {}))
        schema = _with_intervals(schema)
        # Notes that differ from file to file, such as those of pandas, make no other schema.
        notes = {k: v for k, v in (schema.metadata or {}).items() if k == SPARK_NOTES}
        shape = SchemaFiles(
            schema.with_metadata(notes or None), file, _sizes(metadata, schema.names)
        )
        return FooterSummary((shape,), tuple(pieces), bounds)


def _coded_by(notes: Mapping[bytes, bytes]) -> frozenset[tuple[str, ...]]:
    """The paths of integers that the writer of a file was given as dictionaries."""
    if ARROW_NOTES not in notes:
        return frozenset()
    given = pa.py_buffer(base64.b64decode(notes[ARROW_NOTES]))
    return coded_paths(pa.ipc.read_schema(given))


def _sizes(metadata: pq.FileMetaData, names: Sequence[str]) -> dict[str, int]:
    """Compressed bytes by top-level column, from the first row group."""
    sizes: dict[str, int] = {}
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        scale = metadata.num_rows / max(1, group.num_rows)
        flat = group.num_columns == len(names)
        for j in range(group.num_columns):
            column = group.column(j)
            name = names[j] if flat else column.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + int(column.total_compressed_size * scale)
    return sizes
