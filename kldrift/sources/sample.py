"""Some rows of a dataset, so that a draft of its configuration can be made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import Final

import pyarrow as pa
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.features.group_columns import as_read, has_names
from kldrift.features.layouts import value_type
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
    """The first rows of some files that a condition leaves, if it leaves any of the first."""
    types = {".".join(path): value_type(kind) for path, kind in kinds.items()}
    columns = tuple(replace(as_read(p[0], source.schema, dictionary=False), path=p) for p in kinds)
    pieces = source.footers.pieces
    chosen = pieces[:: -(-len(pieces) // FILES)] if pieces else ()
    reader = source.reader_of({0: columns}, ROWS // max(1, len(chosen)))
    tables = [pa.schema(types.items()).empty_table()]
    for piece in chosen:
        for batch in islice(reader.batches([piece]), FILES):
            ((_, found),) = batch.sets
            if any(map(len, found)):
                cast = [c.cast(kind, False) for c, kind in zip(found, types.values(), strict=True)]
                tables.append(pa.table(dict(zip(types, cast, strict=True))))
                break
    return pa.concat_tables(tables)
