"""Converts tables to the bytes of Parquet files and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.errors import first_line
from kldrift.tables.schema import ADDED_LATER

GROUP_ROWS: Final = 1 << 20
JOINED_ROWS: Final = 1 << 18
"""Rows of small parts that are one row group: each has dictionaries of its own."""
SMALL_FILE: Final = 1 << 16
"""Rows of a file up to which threads cost more than they save."""
TableParts: TypeAlias = "pa.Table | Iterable[pa.Table]"
"""A table, or its parts one after the other: those of segments need not be in memory at once."""


def to_parquet(rows: TableParts) -> bytes:
    """Return a table, or its parts, as one Parquet file; the same rows give the same bytes.

    Only texts have dictionaries: those of numbers make files a sixth larger.
    """
    sink = pa.BufferOutputStream()
    writer: pq.ParquetWriter | None = None
    for part in _joined(split_rows(rows)):
        if writer is None:
            writer = pq.ParquetWriter(
                sink,
                part.schema,
                compression="zstd",
                compression_level=1,
                version="2.6",
                use_dictionary=[f.name for f in part.schema if pa.types.is_string(f.type)],
                data_page_version="1.0",
                write_statistics=True,
                write_page_checksum=True,
            )
        writer.write_table(part, row_group_size=GROUP_ROWS)
    if writer is None:
        raise ValueError("a file needs at least one part, which may be empty")
    writer.close()
    return bytes(sink.getvalue())


def to_files(rows: Mapping[str, TableParts]) -> dict[str, bytes]:
    """Several Parquet files by their names, each encoded in a thread of its own.

    Parts that are made one after the other are made in another thread, one ahead of the encoding.
    """
    with ThreadPoolExecutor(max(1, 2 * len(rows))) as pool:
        encoded = [
            pool.submit(to_parquet, of if isinstance(of, pa.Table) else _ahead(of, pool))
            for of in rows.values()
        ]
        return dict(zip(rows, (file.result() for file in encoded), strict=True))


def _ahead(parts: Iterable[pa.Table], pool: ThreadPoolExecutor) -> Iterator[pa.Table]:
    """Iterate over parts, preparing each while the one before it is used."""
    each = iter(parts)
    coming = pool.submit(next, each, None)
    while (part := coming.result()) is not None:
        coming = pool.submit(next, each, None)
        yield part


def _joined(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join consecutive small parts."""
    held: list[pa.Table] = []
    for part in parts:
        if held and sum(map(len, held)) + len(part) > JOINED_ROWS:
            yield pa.concat_tables(held)
            held = []
        held.append(part)
    if held:
        yield pa.concat_tables(held)


def split_rows(rows: TableParts) -> Iterator[pa.Table]:
    """The parts of a table, none larger than a row group: a check copies what it looks at."""
    for part in [rows] if isinstance(rows, pa.Table) else rows:
        for start in range(0, max(1, part.num_rows), GROUP_ROWS):
            yield part.slice(start, GROUP_ROWS)


def from_parquet(
    source: bytes | pa.NativeFile,
    columns: Sequence[str] | None = None,
    schema: pa.Schema | None = None,
) -> pa.Table:
    """The rows of a Parquet file.

    Columns of ``schema`` that the table got later are null where the file has none.
    """
    reader = pa.BufferReader(source) if isinstance(source, bytes) else source
    try:
        file = pq.ParquetFile(reader, page_checksum_verification=True)
        names = columns or (schema.names if schema is not None else None)
        there = file.schema_arrow.names
        kept = None if names is None else [name for name in names if name in there]
        rows = file.read(kept, use_threads=file.metadata.num_rows > SMALL_FILE)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise ValueError(f"not a Parquet file of kldrift: {first_line(error)}") from error
    for field in schema or ():
        asked = field.name in ADDED_LATER and (columns is None or field.name in columns)
        if asked and field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(len(rows), field.type))
    missing = set(names or ()) - set(rows.column_names)
    if missing:
        raise ValueError(f"no column {min(missing)!r}")
    return rows
