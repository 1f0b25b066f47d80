"""Parquet files: which there are, what their footers say, and how tasks read them with Arrow."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from kldrift.errors import DatasetError
from kldrift.features import Feature
from kldrift.group import Group
from kldrift.scan.tasks import BATCH_ROWS, Columns

FOOTER_THREADS: Final = 16
BLOCK: Final = 64
"""Features that are decoded together: bounds a task's memory on wide tables."""
NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class File:
    """One Parquet file.

    Attributes:
        path: where it lies, as its filesystem writes it.
        uri: the filesystem it lies on, empty for local files.
        partition: hive-style partition values, by column.
    """

    path: str
    uri: str
    partition: tuple[tuple[str, str | None], ...]

    def open(self, dictionary: Sequence[str] = ()) -> pq.ParquetFile:
        """Open the file with Arrow; the named text columns come dictionary-encoded.

        Raises:
            DatasetError: the file cannot be read or is no Parquet file.
        """
        try:
            source: Any = self.path
            if self.uri:
                filesystem, _ = pafs.FileSystem.from_uri(self.uri)
                source = filesystem.open_input_file(self.path)
            metadata = pq.read_metadata(source)
            # A file may lack a column that others of its dataset have.
            there = [name for name in dictionary if name in metadata.schema.to_arrow_schema().names]
            return pq.ParquetFile(
                source,
                metadata=metadata,
                read_dictionary=there,
                coerce_int96_timestamp_unit="us",  # what Spark reads them as
            )
        except (pa.ArrowException, OSError) as cause:
            raise DatasetError(f"cannot read {self.path!r} as Parquet: {cause}") from cause


@dataclass(frozen=True)
class Piece:
    """A row group of a file: the unit of work that is spread over tasks."""

    file: File
    row_group: int
    rows: int
    size: int


def list_files(paths: Sequence[str]) -> tuple[File, ...]:
    """The Parquet files behind paths, globs and folders, in a fixed order.

    Files whose name begins with ``_`` or ``.`` are left out, as Spark does.

    Raises:
        DatasetError: a path does not exist or holds no file.
    """
    files: list[File] = []
    for path in paths:
        files.extend(_remote(path) if "://" in path else _local(path))
    return tuple(sorted(set(files), key=lambda f: (f.uri, f.path)))


def _local(pattern: str) -> Iterator[File]:
    roots = sorted(glob.glob(pattern, recursive=True)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207
    roots = [r for r in roots if Path(r).exists()]
    if not roots:
        raise DatasetError(
            f"{pattern!r}: no such file or folder; check the path in the configuration"
        )
    found = False
    for root in map(Path, roots):
        inside = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        for path in inside:
            parts = path.relative_to(root).parts if path != root else (path.name,)
            if not any(_hidden(part) for part in parts):
                found = True
                yield File(str(path), "", _partition(parts[:-1]))
    if not found:
        raise DatasetError(f"{pattern!r} holds no files")


def _remote(uri: str) -> Iterator[File]:
    try:
        filesystem, root = pafs.FileSystem.from_uri(uri)
        info = filesystem.get_file_info(root)
        selector = pafs.FileSelector(root, recursive=True)
        infos = [info] if info.is_file else filesystem.get_file_info(selector)
    except (pa.ArrowException, OSError) as cause:
        raise DatasetError(f"cannot list {uri!r}: {cause}") from cause
    for found in infos:
        below = found.path[len(root) :].strip("/").split("/")
        if found.is_file and not any(_hidden(part) for part in below):
            yield File(found.path, uri, _partition(below[:-1]))


def _hidden(name: str) -> bool:
    return name.startswith((".", "_")) and "=" not in name


def _partition(folders: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return tuple((unquote(k), None if v == NULL_PARTITION else unquote(v)) for k, v in pairs)


@dataclass(frozen=True)
class Footers:
    """What the footers of a dataset's files say.

    Attributes:
        schema: all columns, those of partitions last.
        partitions: the types of the partition columns.
        pieces: all row groups.
        sizes: compressed bytes by top-level column.
    """

    schema: pa.Schema
    partitions: pa.Schema
    pieces: tuple[Piece, ...]
    sizes: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Rows of the dataset, before any filter."""
        return sum(p.rows for p in self.pieces)


Footer = tuple[pa.Schema, list[Piece], dict[str, int]]
"""What one footer says: the columns, the row groups, and compressed bytes by column."""


def read_here(files: Sequence[File]) -> list[Footer]:
    """Read footers in this process, several at once; equal schemas are one object.

    Raises:
        DatasetError: a file is damaged.
    """
    found: list[Footer] = []
    with ThreadPoolExecutor(FOOTER_THREADS) as pool:
        for schema, pieces, sizes in pool.map(_footer, files):
            same = bool(found) and found[-1][0].equals(schema, check_metadata=True)
            found.append((found[-1][0] if same else schema, pieces, sizes))
    return found


def read_footers(
    files: Sequence[File], read: Callable[[Sequence[File]], list[Footer]] = read_here
) -> Footers:
    """Put together what the footers of a dataset's files say.

    Args:
        files: the files.
        read: reads the footer of each.

    Raises:
        DatasetError: a file is damaged, or two files give one column types that do not fit.
    """
    footers = read(files)
    columns: dict[str, tuple[pa.DataType, File]] = {}
    sizes: dict[str, int] = {}
    pieces: list[Piece] = []
    before = None
    for file, (schema, file_pieces, file_sizes) in zip(files, footers, strict=True):
        pieces.extend(file_pieces)
        for name, size in file_sizes.items():
            sizes[name] = sizes.get(name, 0) + size
        if schema is before:
            continue
        before = schema
        for field in schema:
            kind = _plain_type(field.type)
            known, first = columns.get(field.name, (kind, file))
            columns[field.name] = (_common_type(field.name, known, first, kind, file), first)
    partitions = pa.schema(_partition_types(files))
    fields = [pa.field(n, t) for n, (t, _) in columns.items() if n not in partitions.names]
    # Spark notes in the metadata which text columns do not compare byte by byte.
    notes = footers[0][0].metadata if footers else None
    schema = pa.schema([*fields, *partitions], notes)
    return Footers(schema, partitions, tuple(pieces), sizes)


def _footer(file: File) -> Footer:
    with file.open() as parquet:
        metadata = parquet.metadata
        sizes: dict[str, int] = {}
        pieces = []
        for i in range(metadata.num_row_groups):
            group = metadata.row_group(i)
            pieces.append(Piece(file, i, group.num_rows, group.total_byte_size))
        if metadata.num_row_groups:
            group = metadata.row_group(0)
            scale = metadata.num_rows / max(1, group.num_rows)
            for j in range(group.num_columns):
                column = group.column(j)
                name = column.path_in_schema.split(".")[0]
                sizes[name] = sizes.get(name, 0) + int(column.total_compressed_size * scale)
        return parquet.schema_arrow, pieces, sizes


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _common_type(
    name: str, known: pa.DataType, first: File, kind: pa.DataType, file: File
) -> pa.DataType:
    types = pa.types
    if known == kind or types.is_null(kind):
        return known
    if types.is_null(known):
        return kind
    if types.is_integer(known) and types.is_integer(kind):
        return pa.int64()
    if all(
        types.is_integer(t) or types.is_floating(t) or types.is_decimal(t) for t in (known, kind)
    ):
        return pa.float64()
    texts = (pa.string(), pa.large_string())
    if known in texts and kind in texts:
        return pa.string()
    if types.is_timestamp(known) and types.is_timestamp(kind) and known.tz == kind.tz:
        return pa.timestamp("us", tz=known.tz)
    raise DatasetError(
        f"column {name!r} is {known} in {first.path!r} but {kind} in {file.path!r}; "
        "rewrite one of them, or leave the column out with features.exclude"
    )


def _partition_types(files: Sequence[File]) -> list[tuple[str, pa.DataType]]:
    values: dict[str, set[str]] = {}
    for file in files:
        for name, value in file.partition:
            values.setdefault(name, set()).update(() if value is None else (value,))
    return [(name, _inferred(texts)) for name, texts in values.items()]


def _inferred(texts: set[str]) -> pa.DataType:
    """The type that Spark infers for partition values: integers, numbers, dates or text."""
    if texts and all(re.fullmatch(r"[+-]?\d{1,18}", t) for t in texts):
        return pa.int64()
    if texts and all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", t) for t in texts):
        return pa.float64()
    if texts and all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", t) for t in texts):
        return pa.date32()
    return pa.string()


def partition_scalar(value: str | None, kind: pa.DataType) -> pa.Scalar:
    """A partition value as a scalar of its column's type."""
    if value is None:
        return pa.scalar(None, kind)
    converted: Any = value
    if kind == pa.int64():
        converted = int(value)
    elif kind == pa.float64():
        converted = float(value)
    elif kind == pa.date32():
        converted = date.fromisoformat(value)
    return pa.scalar(converted, kind)


@dataclass(frozen=True)
class Reader:
    """Reads row groups and yields the columns of features; sent to the executors.

    Attributes:
        features: what to read.
        groups: groups of features, read beside one of the features' blocks.
        schema: the columns of all files.
        partitions: the types of the partition columns.
        where: rows to keep, as an Arrow expression; None keeps all.
        where_columns: the columns that ``where`` reads.
        batch_rows: rows that are read at once.
    """

    features: tuple[Feature, ...]
    schema: pa.Schema
    partitions: pa.Schema
    where: Any = None
    where_columns: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    batch_rows: int = BATCH_ROWS

    def columns(self, pieces: Sequence[Piece]) -> Columns:
        """The features of some row groups, block of features by block, batch by batch."""
        # Arrow cannot read the dictionaries of nested text over several chunks.
        texts = [f.path[0] for f in self.features if f.family == "text" and len(f.path) == 1]
        homes = [self._home(group) for group in self.groups]
        for file in dict.fromkeys(p.file for p in pieces):
            groups = [p.row_group for p in pieces if p.file == file]
            with file.open(texts) as parquet:
                names = set(parquet.schema_arrow.names).difference(self.partitions.names)
                try:
                    for first in range(0, len(self.features), BLOCK):
                        block = self.features[first : first + BLOCK]
                        beside = [j for j, home in enumerate(homes) if home == first]
                        extra = [f for j in beside for f in self.groups[j].features]
                        wanted = [*block, *extra]
                        for batch in self._batches(parquet, file, groups, wanted, names):
                            yield first, [_column(batch, f) for f in block]
                            for j in beside:
                                yield -1 - j, [_column(batch, f) for f in self.groups[j].features]
                except (pa.ArrowException, OSError) as cause:
                    raise DatasetError(f"cannot read {file.path!r}: {cause}") from cause

    def _home(self, group: Group) -> int:
        """The block that has a group's columns anyway; the first if none has them all."""
        needed = {f.path for f in group.features}
        starts = range(0, len(self.features), BLOCK)
        blocks = ({f.path for f in self.features[i : i + BLOCK]} for i in starts)
        return next((i for i, have in zip(starts, blocks, strict=True) if needed <= have), 0)

    def _batches(
        self,
        parquet: pq.ParquetFile,
        file: File,
        groups: list[int],
        block: Sequence[Feature],
        names: AbstractSet[str],
    ) -> Iterator[pa.Table]:
        wanted = list(dict.fromkeys(".".join(f.path) for f in block if f.path[0] in names))
        wanted += [c for c in self.where_columns if c in names]
        partition = dict(file.partition)
        for batch in parquet.iter_batches(self.batch_rows, groups, wanted, use_threads=False):
            table = pa.Table.from_batches([batch])
            for field in self.partitions:
                scalar = partition_scalar(partition.get(field.name), field.type)
                column = pa.repeat(scalar, batch.num_rows)
                table = table.append_column(field, column)
            if self.where is not None:
                for name in self.where_columns:
                    if name not in table.column_names:
                        nulls = pa.nulls(batch.num_rows, self.schema.field(name).type)
                        table = table.append_column(name, nulls)
                table = table.filter(self.where)
            yield table


def _column(table: pa.Table, feature: Feature) -> pa.Array:
    if feature.path[0] not in table.column_names:
        return pa.nulls(table.num_rows)
    chunked = table.column(feature.path[0])
    if chunked.num_chunks == 1:
        return feature.of(chunked.chunk(0))
    return feature.of(chunked.combine_chunks())
