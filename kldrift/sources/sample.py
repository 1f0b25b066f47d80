"""Some rows of a dataset, so that a draft of its configuration can be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.features.group_columns import has_names
from kldrift.features.names import backticked
from kldrift.sources.dataframe.frame import FrameSource
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.parquet.source import ArrowSource

Path = tuple[str, ...]
ROWS: Final = 10_000
FILES: Final = 16


def sample_of(source: DatasetInfo) -> pa.Table:
    """Rows from all over a dataset, with its columns of plain values, also those in structs."""
    foreign = {s.column for s in source.foreign}
    names = source.schema.names
    fields = [f for f in source.schema if f.name not in foreign and names.count(f.name) == 1]
    kinds = dict(chain.from_iterable(map(_plain, fields)))
    if isinstance(source, ArrowSource):
        return _of_files(source, kinds)
    if not isinstance(source, FrameSource) or not kinds:
        return pa.table({})
    columns = [F.col(".".join(map(backticked, path))).alias(".".join(path)) for path in kinds]
    rows = source.frame.select(*columns).orderBy(F.rand(1)).limit(ROWS).collect()
    return pa.table(
        {".".join(p): pa.array([r[i] for r in rows], kinds[p]) for i, p in enumerate(kinds)}
    )


def _plain(field: pa.Field, above: Path = ()) -> Iterator[tuple[Path, pa.DataType]]:
    """The plain values in a column: its own, or those in its fields."""
    path = (*above, field.name)
    if pa.types.is_struct(field.type):
        yield from chain.from_iterable(_plain(inner, path) for inner in field.type)
    elif has_names(field.type):
        yield path, field.type


def _of_files(source: ArrowSource, kinds: Mapping[Path, pa.DataType]) -> pa.Table:
    pieces, mapping = source.footers.pieces, source.footers.mapping
    chosen = pieces[:: -(-len(pieces) // FILES)] if pieces else ()
    tables = [pa.schema([(".".join(p), kind) for p, kind in kinds.items()]).empty_table()]
    for piece in chosen:
        with piece.file.open([], mapping) as parquet:
            inside = mapping.inside(parquet.schema_arrow) if mapping else None
            names = inside or {n: n for n in parquet.schema_arrow.names}
            present = list(dict.fromkeys(names[p[0]] for p in kinds if p[0] in names))
            groups = [piece.row_group or 0] if parquet.metadata.num_row_groups else []
            batch = next(parquet.iter_batches(ROWS // len(chosen), groups, present), None)
            if batch is not None:
                found = {p: _at(batch, (names.get(p[0], ""), *p[1:])) for p in kinds}
                columns = {p: c.cast(kinds[p], False) for p, c in found.items() if c is not None}
                tables.append(pa.table({".".join(p): c for p, c in columns.items()}))
    return pa.concat_tables(tables, promote_options="default")


def _at(rows: pa.RecordBatch, path: Path) -> pa.Array | None:
    """The values of a column, or of a field in it; None if it is not there."""
    if path[0] not in rows.schema.names:
        return None
    column = rows.column(path[0])
    for name in path[1:]:
        if column.type.get_field_index(name) < 0:
            return None
        column = pc.struct_field(column, name)
    return column
