"""Some rows of a dataset, so that a draft of its configuration can be made."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.features.group_columns import has_names
from kldrift.features.names import backticked
from kldrift.sources.dataframe.frame import FrameSource
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.parquet.source import ArrowSource

ROWS: Final = 10_000
FILES: Final = 16


def sample_of(source: DatasetInfo) -> pa.Table:
    """Rows of a dataset with its columns of plain values, from all over it."""
    foreign = {s.column for s in source.foreign}
    names = source.schema.names
    fields = [
        f
        for f in source.schema
        if has_names(f.type) and f.name not in foreign and names.count(f.name) == 1
    ]
    if isinstance(source, ArrowSource):
        return _of_files(source, pa.schema(fields))
    if not isinstance(source, FrameSource) or not fields:
        return pa.table({})
    frame = source.frame.select(*[backticked(f.name) for f in fields])
    rows = frame.orderBy(F.rand(1)).limit(ROWS).collect()
    return pa.table({f.name: pa.array([r[i] for r in rows], f.type) for i, f in enumerate(fields)})


def _of_files(source: ArrowSource, schema: pa.Schema) -> pa.Table:
    pieces, mapping = source.footers.pieces, source.footers.mapping
    chosen = pieces[:: -(-len(pieces) // FILES)] if pieces else ()
    tables = [schema.empty_table()]
    for piece in chosen:
        with piece.file.open([], mapping) as parquet:
            inside = mapping.inside(parquet.schema_arrow) if mapping else None
            names = inside or {n: n for n in parquet.schema_arrow.names}
            present = [f for f in schema if f.name in names]
            wanted = [names[f.name] for f in present]
            groups = [piece.row_group or 0] if parquet.metadata.num_row_groups else []
            batch = next(parquet.iter_batches(ROWS // len(chosen), groups, wanted), None)
            if batch is not None:
                columns = {f.name: batch.column(names[f.name]).cast(f.type, False) for f in present}
                tables.append(pa.table(columns))
    return pa.concat_tables(tables, promote_options="default")
