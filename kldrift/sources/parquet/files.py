"""Parquet files, how they are split into pieces of work, and the facts in their footers."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs as pafs

from kldrift.arrays import Bools
from kldrift.errors import ConfigError, DatasetError, first_line
from kldrift.features.feature import Skipped
from kldrift.sources.filesystem import RemoteFilesystem
from kldrift.sources.parquet.bounds import Bounds
from kldrift.sources.parquet.column_mapping import ColumnMapping

OTHER_ENDING: Final = re.compile(r"\.(csv|json|orc)l?(?:\.\w+)?$")
"""Of a file that is no Parquet file, and the name of its format."""
ADVICE: Final = {
    **dict.fromkeys((".zip", ".7z", ".tar", ".tgz"), "; unpack it first"),
    **dict.fromkeys((".xls", ".xlsx", ".ods"), "; save its sheet as CSV or Parquet"),
    ".txt": "; if its lines are those of a CSV file, state format: csv (init: --format csv)",
}
"""What to do with files of other kinds, by their ending."""


BEGINNINGS: Final = {b"PAR1": "parquet", b"ORC": "orc", b"Obj\x01": "avro"}
"""What files of a format begin with."""


def check_format(path: str, stated: str, side: str) -> None:
    """Check that a local file does not begin as those of another format do.

    Raises:
        ConfigError: it does.
    """
    with Path(path).open("rb") as file:
        begin = file.read(4)
    other = next((form for mark, form in BEGINNINGS.items() if begin.startswith(mark)), stated)
    if other != stated and stated in ("csv", "json", "orc"):
        raise ConfigError(f"{side}.format: {path!r} is {other}, not {stated}")


class _Nothing:
    """A file that claims to be large and has no bytes."""

    closed = False

    def __init__(self) -> None:
        self._place = 0
        self.asked = False

    def seek(self, place: int, whence: int = 0) -> int:
        self._place = 2**62 if whence == os.SEEK_END else place
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, _: int) -> bytes:
        self.asked = True
        return b""

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class File:
    """One Parquet file.

    Attributes:
        remote: the filesystem it lies on; None for local files.
        partition: partition values by column: text of hive-style folders, or typed by a table.
        deleted: a bit for each row that a table deleted, see :func:`pack_deleted`; empty if none.
        rows: how many rows a table's log says that it has, those deleted too; None if it is silent.
    """

    path: str
    remote: RemoteFilesystem | None
    partition: tuple[tuple[str, Any], ...]
    deleted: bytes = b""
    rows: int | None = None

    @property
    def is_there(self) -> bool:
        """Whether the file still exists."""
        system = pafs.LocalFileSystem() if self.remote is None else self.remote.open()
        return bool(system.get_file_info(self.path).type != pafs.FileType.NotFound)

    def kept(self, rows: int) -> Bools | None:
        """A mask of the rows that are not deleted, shape ``(rows,)``; None if all are kept."""
        if not self.deleted:
            return None
        bits = np.frombuffer(zlib.decompress(self.deleted), np.uint8)
        deleted = np.zeros(rows, np.bool_)
        marked = np.unpackbits(bits)[:rows]  # rows behind the last bit are kept
        deleted[: len(marked)] = marked
        return ~deleted

    def open(
        self,
        dictionary: Sequence[str] = (),
        mapping: ColumnMapping | None = None,
        *,
        checked: bool = False,
    ) -> pq.ParquetFile:
        """Open the file with Arrow; one that was ``checked`` before has a footer that is known."""
        try:
            source: Any = self.path
            if self.remote is not None:
                source = self.remote.open().open_input_file(self.path)
            metadata = pq.read_metadata(source)
            schema = metadata.schema.to_arrow_schema()
            if not checked:
                self._check_columns(metadata)
            self._check(metadata.num_rows, schema, mapping)
            there: Collection[str] = ()
            if dictionary:
                inside = mapping.inside(schema) if mapping else {n: n for n in schema.names}
                # A file may lack a column that others of its dataset have.
                asked = [inside[name] for name in dictionary if name in inside]
                there = _dictionaries(metadata, asked)
            return pq.ParquetFile(
                source,
                metadata=metadata,
                read_dictionary=there,
                coerce_int96_timestamp_unit="us",  # what Spark reads them as
            )
        except UnicodeDecodeError as cause:
            raise DatasetError(f"{self.path!r} has a column whose name is not UTF-8") from cause
        except (pa.ArrowException, OSError) as cause:
            gone = isinstance(cause, FileNotFoundError)
            told = "there is no such file any more" if gone else first_line(cause)
            why = f"cannot read {self.path!r} as Parquet: {told}"
            other = OTHER_ENDING.search(self.path)
            hint = f"; state format: {other[1]}" if other else ""
            hint = ADVICE.get(PurePath(self.path).suffix.lower(), hint)
            raise DatasetError(f"{why.rstrip('.')}{hint}") from cause

    def _check_columns(self, metadata: pq.FileMetaData) -> None:
        """Refuse columns that are encrypted, or damaged in the footer.

        To ask Arrow for the metadata of such a column ends the process; to read it is an error. So
        all are read from a file without bytes: Arrow looks at all of them before it reads one.
        """
        nothing = _Nothing()
        unread = pq.ParquetFile(nothing, metadata=metadata, pre_buffer=True)
        try:
            for _ in unread.iter_batches(1, use_threads=False):
                break
        except (pa.ArrowException, OSError) as cause:
            if "decrypt" in str(cause).lower():
                text = f"{self.path!r} has encrypted columns, and there is no key to read them"
                raise DatasetError(text) from cause
            if not nothing.asked:
                raise

    def _check(self, rows: int, schema: pa.Schema, mapping: ColumnMapping | None) -> None:
        if self.rows is not None and rows != self.rows:
            text = f"{self.path!r} has {rows:,} rows but {self.rows:,} by the log of its table"
            raise DatasetError(f"{text}; was it written again?")
        if mapping is not None and mapping.lacks_ids(schema):
            text = f"the columns of {self.path!r} have no field ids"
            raise DatasetError(f"{text}; scan: dataframe leaves them to Spark")


def _dictionaries(metadata: pq.FileMetaData, names: Sequence[str]) -> list[str]:
    """The text columns that Arrow can give as dictionaries: not those in delta encodings."""
    wanted = frozenset(names)
    leaves = map(metadata.schema.column, range(metadata.num_columns))
    places = {leaf.path: j for j, leaf in enumerate(leaves) if leaf.path in wanted}
    delta = set()
    for i in range(metadata.num_row_groups):
        group = metadata.row_group(i)
        for name, j in places.items():
            if any(e.startswith("DELTA") for e in group.column(j).encodings):
                delta.add(name)
    return [name for name in names if name not in delta]


def pack_deleted(deleted: Bools) -> bytes:
    """The rows of a file that are deleted, as ``File.deleted`` holds them; empty if none is."""
    return zlib.compress(np.packbits(deleted).tobytes()) if deleted.any() else b""


@dataclass(frozen=True, slots=True)
class Piece:
    """The unit of work that is spread over tasks: a row group, or a range of a file's bytes.

    Attributes:
        row_group: the number of the row group; None for a range.
        rows: rows that are not deleted, None if unknown; those of a range are a share, and add up
            to those of the file.
        size: bytes: of a row group not compressed, of a range as they lie there.
    """

    file: File
    row_group: int | None
    rows: int | None
    size: int
    start: int = 0
    end: int | None = None

    @property
    def place(self) -> int:
        """The order of the piece within its file."""
        return self.start if self.row_group is None else self.row_group

    def row_groups(self, starts: Sequence[int]) -> list[int]:
        """The row groups that are read."""
        if self.row_group is not None:
            return [self.row_group]
        end = self.end
        return [i for i, at in enumerate(starts) if self.start <= at and (end is None or at < end)]


@dataclass(frozen=True)
class Footers:
    """The schema and the row groups of a dataset's files, known before a row is read.

    Attributes:
        schema: all columns, those of partitions last unless a table says otherwise.
        partitions: the types of the partition columns.
        sizes: compressed bytes by top-level column; None if no footer was read.
        bounds: bounds of the columns that a predicate names, by piece; empty if unknown.
        mapping: what the files call the columns; None if they speak for themselves.
        mixed: columns and fields whose types do not fit together from file to file: not in the
            schema.
        firsts: a file of each schema that occurs.
        coded: the paths of integers that a file was given as a dictionary.
    """

    schema: pa.Schema
    partitions: pa.Schema
    pieces: tuple[Piece, ...]
    sizes: Mapping[str, int] | None = None
    bounds: tuple[Mapping[str, Bounds], ...] = ()
    mapping: ColumnMapping | None = None
    mixed: tuple[Skipped, ...] = ()
    firsts: tuple[File, ...] = ()
    coded: frozenset[tuple[str, ...]] = frozenset()

    @property
    def rows(self) -> int | None:
        """Rows of the dataset, before any filter; None if unknown."""
        total = 0
        for piece in self.pieces:
            if piece.rows is None:
                return None
            total += piece.rows
        return total
