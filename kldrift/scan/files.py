"""Parquet files, and what their footers say."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.errors import DatasetError
from kldrift.scan.bounds import Bounds, bounds_of_chunk
from kldrift.scan.filesystem import Store

FOOTER_THREADS: Final = 16


@dataclass(frozen=True)
class File:
    """One Parquet file.

    Attributes:
        path: where it lies, as its filesystem writes it.
        store: the filesystem it lies on; None for local files.
        partition: partition values by column: text of hive-style folders, or typed by a table.
        names: for a file of a table, its columns and what the file calls them; None for a file
            that speaks for itself.
        deleted: a bit for each row that a table deleted, see :func:`pack`; empty if there is none.
    """

    path: str
    store: Store | None
    partition: tuple[tuple[str, Any], ...]
    names: tuple[tuple[str, str], ...] | None = None
    deleted: bytes = b""

    def kept(self, rows: int) -> npt.NDArray[np.bool_] | None:
        """Which of the file's rows are not deleted, shape ``(rows,)``; None if all are kept."""
        if not self.deleted:
            return None
        bits = np.frombuffer(zlib.decompress(self.deleted), np.uint8)
        deleted = np.zeros(rows, np.bool_)
        marked = np.unpackbits(bits)[:rows]  # rows behind the last bit are kept
        deleted[: len(marked)] = marked
        return ~deleted

    def open(self, dictionary: Sequence[str] = ()) -> pq.ParquetFile:
        """Open the file with Arrow; the named text columns come dictionary-encoded.

        Raises:
            DatasetError: the file cannot be read or is no Parquet file.
        """
        try:
            source: Any = self.path
            if self.store is not None:
                source = self.store.open().open_input_file(self.path)
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


def pack(deleted: npt.NDArray[np.bool_]) -> bytes:
    """Which rows of a file are deleted, as ``File.deleted`` holds it; empty if none is."""
    return zlib.compress(np.packbits(deleted).tobytes()) if deleted.any() else b""


@dataclass(frozen=True)
class Piece:
    """A row group of a file: the unit of work that is spread over tasks; rows not deleted."""

    file: File
    row_group: int
    rows: int
    size: int


@dataclass(frozen=True)
class Footer:
    """What the footer of one file says.

    Attributes:
        file: the file.
        schema: its columns.
        pieces: its row groups.
        sizes: compressed bytes by top-level column.
        bounds: what is known of the columns that were asked for, by row group.
    """

    file: File
    schema: pa.Schema
    pieces: tuple[Piece, ...]
    sizes: Mapping[str, int]
    bounds: tuple[Mapping[str, Bounds], ...] = ()


@dataclass(frozen=True)
class Footers:
    """What the footers of a dataset's files say.

    Attributes:
        schema: all columns, those of partitions last unless a table says otherwise.
        partitions: the types of the partition columns.
        files: the files, and what is in them.
    """

    schema: pa.Schema
    partitions: pa.Schema
    files: tuple[Footer, ...]

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All row groups."""
        return tuple(piece for file in self.files for piece in file.pieces)

    @property
    def sizes(self) -> dict[str, int]:
        """Compressed bytes by top-level column."""
        sizes: dict[str, int] = {}
        for file in self.files:
            for name, size in file.sizes.items():
                sizes[name] = sizes.get(name, 0) + size
        return sizes

    @property
    def rows(self) -> int:
        """Rows of the dataset, before any filter."""
        return sum(p.rows for file in self.files for p in file.pieces)


Asked = Callable[[pa.Field], bool]
"""Whether the bounds of a file's column are wanted."""


def ask_nothing(_: pa.Field) -> bool:
    """No bounds are wanted."""
    return False


def ask_by_name(names: Collection[str]) -> Asked:
    """The bounds of these columns are wanted; names as in Spark, without regard to case."""
    lower = {name.lower() for name in names}
    return lambda field: field.name.lower() in lower


def read_each(files: Sequence[File], asked: Asked = ask_nothing) -> list[Footer]:
    """Read the footers of files, in parallel.

    Raises:
        DatasetError: a file is missing or damaged.
    """
    found: list[Footer] = []
    with ThreadPoolExecutor(FOOTER_THREADS) as pool:
        for footer in pool.map(lambda file: _footer(file, asked), files):
            before = found[-1].schema if found else None
            same = before is not None and before.equals(footer.schema, check_metadata=True)
            # One object for equal schemas: they are wide, and there may be many.
            found.append(replace(footer, schema=before) if same else footer)
    return found


ReadEach = Callable[[Sequence[File], Asked], list[Footer]]
"""Reads the footers of files: here, or on the executors."""


def read_footers(
    files: Sequence[File], asked: Asked = ask_nothing, read_each: ReadEach = read_each
) -> Footers:
    """Read all footers of a dataset that is nothing but its files.

    Raises:
        DatasetError: a file is damaged, or two files give one column types that do not fit.
    """
    read = read_each(files, asked)
    columns: dict[str, tuple[pa.DataType, File]] = {}
    before = None
    for footer in read:
        if footer.schema is before:
            continue
        before = footer.schema
        for field in footer.schema:
            kind = plain_type(field.type)
            known, first = columns.get(field.name, (kind, footer.file))
            common = _common_type(field.name, known, first, kind, footer.file)
            columns[field.name] = (common, first)
    partitions = pa.schema(_partition_types(files))
    fields = [pa.field(n, t) for n, (t, _) in columns.items() if n not in partitions.names]
    # Spark notes in the metadata which text columns do not compare byte by byte.
    notes = read[0].schema.metadata if read else None
    return Footers(pa.schema([*fields, *partitions], notes), partitions, tuple(read))


def _footer(file: File, asked: Asked) -> Footer:
    with file.open() as parquet:
        metadata = parquet.metadata
        schema = parquet.schema_arrow
        kept = file.kept(metadata.num_rows)
        wanted = {field.name for field in schema if asked(field)}
        places = {c: i for i in range(metadata.num_columns) if (c := _path(metadata, i)) in wanted}
        sizes: dict[str, int] = {}
        pieces = []
        bounds = []
        first = 0
        for i in range(metadata.num_row_groups):
            group = metadata.row_group(i)
            end = first + group.num_rows
            rows = group.num_rows if kept is None else int(kept[first:end].sum())
            pieces.append(Piece(file, i, rows, group.total_byte_size))
            found = {
                name: bounds_of_chunk(group.column(j), schema.field(name).type, group.num_rows)
                for name, j in places.items()
            }
            bounds.append(found)
            first = end
        if metadata.num_row_groups:
            group = metadata.row_group(0)
            scale = metadata.num_rows / max(1, group.num_rows)
            for j in range(group.num_columns):
                column = group.column(j)
                name = column.path_in_schema.split(".")[0]
                sizes[name] = sizes.get(name, 0) + int(column.total_compressed_size * scale)
        return Footer(file, schema, tuple(pieces), sizes, tuple(bounds))


def _path(metadata: pq.FileMetaData, column: int) -> str:
    path: str = metadata.schema.column(column).path
    return path


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values, of a column that may be a dictionary."""
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


def partition_scalar(value: Any, kind: pa.DataType) -> pa.Scalar:
    """A partition value as a scalar of its column's type; text is that of a folder's name."""
    converted = value
    if not isinstance(value, str):
        return pa.scalar(value, kind)
    if kind == pa.int64():
        converted = int(value)
    elif kind == pa.float64():
        converted = float(value)
    elif kind == pa.date32():
        converted = date.fromisoformat(value)
    return pa.scalar(converted, kind)
