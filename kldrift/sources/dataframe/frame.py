"""Any Spark DataFrame as a dataset: its rows reach the programs through ``mapInArrow``.

What Spark's writers of Arrow take for each value is most of what this way costs; the columns
therefore travel packed, see :mod:`kldrift.sources.dataframe.transport`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.features.plan import Feature, Part, Skipped
from kldrift.sources.dataframe.transport import Packing, pack, unpack
from kldrift.sources.program import BESIDE, Columns, Program, run

BYTES_AT_ONCE: Final = 64 * 2**20


@dataclass(frozen=True)
class FrameSource:
    """Any Spark DataFrame; its batches reach the same programs through ``mapInArrow``."""

    frame: DataFrame
    schema: pa.Schema
    derived: pa.Schema
    foreign: tuple[Skipped, ...]
    why: str
    rows: int | None = None

    def size(self, features: Sequence[Feature]) -> int | None:  # noqa: ARG002 - as Source has it
        """Unknown: only Spark knows what it will read."""
        return None

    def through(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:  # noqa: ARG002
        """The results of a program's tasks."""
        features = _all_features(program)
        wanted = list(dict.fromkeys(_wanted(f) for f in features))
        index = {w: i for i, w in enumerate(wanted)}
        places = {name: i for i, name in enumerate([*self.schema.names, *self.derived.names])}
        packing = pack([self._type(w, places) for w in wanted])
        names, parts = [], {}
        for i, (path, size) in enumerate(wanted):
            name = f"c{places[path[0]]}"
            if size or len(path) > 1:
                parts[f"p{i}"] = _part(F.col(name), path[1:], size=size)
            names.append(f"p{i}" if size or len(path) > 1 else name)
        numbered = self.frame.toDF(*[f"c{i}" for i in range(len(self.frame.columns))])
        named = numbered.withColumns(parts) if parts else numbered
        # SQL, because thousands of columns take a call to the JVM each.
        packed = named.selectExpr(*_packed(packing, names))
        mapper = partial(_read_batches, program, [index[_wanted(f)] for f in features], packing)
        return packed.mapInArrow(mapper, schema)

    def _type(self, wanted: _Wanted, places: Mapping[str, int]) -> pa.DataType | None:
        """The type of a column for packing; None where it has to travel alone."""
        path, size = wanted
        if size:
            return pa.int32()
        place = places[path[0]]
        kind = [*self.schema.types, *self.derived.types][place]
        here: Any = self.frame.schema.fields[place].dataType
        for field in path[1:]:
            kind, here = kind.field(field).type, here[field].dataType
        # Spark does not put texts of two collations together.
        return kind if getattr(here, "collation", "UTF8_BINARY") == "UTF8_BINARY" else None


def _all_features(program: Program) -> tuple[Feature, ...]:
    grouped = (f for g in program.groups for f in g.features)
    return (*program.features, *grouped, *program.beside)


_Wanted = tuple[tuple[str, ...], bool]
"""A path, and whether only the size of what lies there is wanted."""


def _wanted(feature: Feature) -> _Wanted:
    return feature.path, feature.part is Part.SIZE


def _part(column: F.Column, fields: Sequence[str], *, size: bool) -> F.Column:
    for field in fields:
        column = column.getField(field)
    # Only the size of an array or map is sent: Spark counts it where it lies.
    return F.when(column.isNotNull(), F.size(column)) if size else column


def _packed(packing: Packing, names: Sequence[str]) -> Iterator[str]:
    """What travels, as SQL: ``a0`` and ``t0`` of the first bundle, ..., ``v3`` alone."""
    for i, bundle in enumerate(packing.bundles):
        numbers = [_element(names[j], packing.types[j], bundle.kind) for j in bundle.numbers]
        sizes = [_element(f"octet_length({names[j]})", None, bundle.kind) for j in bundle.texts]
        yield f"array({', '.join([*numbers, *sizes])}) as a{i}"
        if bundle.texts:
            texts = [f"coalesce({names[j]}, '')" for j in bundle.texts]
            yield f"concat({', '.join(texts)}) as t{i}"
    for i in packing.alone:
        yield f"{names[i]} as v{i}"


def _element(column: str, kind: pa.DataType | None, of: pa.DataType) -> str:
    if kind == of:
        return column
    if kind == pa.date32():
        column = f"unix_date({column})"
    return f"cast({column} as {'double' if of == pa.float64() else 'bigint'})"


def _read_batches(
    program: Program, index: Sequence[int], packing: Packing, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    return run(program, _batch_columns(program, index, packing, batches))


def gathered(batches: Iterator[pa.RecordBatch], limit: int) -> Iterator[list[pa.RecordBatch]]:
    """Put small batches together: Spark's hold a few thousand rows.

    Args:
        batches: as Spark sends them.
        limit: rows that are enough; 64 MB are, too.
    """
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= limit or size >= BYTES_AT_ONCE:
            yield waiting
            waiting, rows, size = [], 0, 0
    if rows:
        yield waiting


def _batch_columns(
    program: Program, index: Sequence[int], packing: Packing, batches: Iterator[pa.RecordBatch]
) -> Columns:
    """The columns of features one at a time, so that only those of groups are held together."""
    users: dict[int, list[int]] = {}
    for i, place in enumerate(index[: len(program.features)]):
        users.setdefault(place, []).append(i)
    shared = set(index[len(program.features) :])
    beside = index[len(index) - len(program.beside) :]
    for some in gathered(batches, program.batch_rows // 2):
        held: dict[int, pa.Array] = {}
        waiting: list[tuple[int, pa.Array]] = []
        missing = set(beside)
        for place, column in _unpacked(packing, some, missing):
            if place in shared:
                held[place] = column
            waiting.append((place, column))
            if missing:
                missing.discard(place)
                if missing:
                    continue
                there = zip(program.beside, beside, strict=True)
                yield BESIDE, [_of(f, held[p]) for f, p in there]
            for at, known in waiting:
                for i in users.get(at, ()):
                    yield i, [_of(program.features[i], known)]
            waiting.clear()
        end = len(program.features)
        for j, group in enumerate(program.groups):
            start, end = end, end + len(group.features)
            places = index[start:end]
            yield (
                -1 - j,
                [_of(f, held[p]) for f, p in zip(group.features, places, strict=True)],
            )


def _of(feature: Feature, column: pa.Array) -> pa.Array:
    return column if feature.part is Part.SIZE else feature.of_value(column)


def _unpacked(
    packing: Packing, batches: Sequence[pa.RecordBatch], soon: AbstractSet[int]
) -> Iterator[tuple[int, pa.Array]]:
    """The columns of some batches as one, each with its place; what is wanted soon comes first."""
    early = [i for i in packing.alone if i in soon]
    for i in early:
        yield i, _alone(batches, i)
    bundles = sorted(
        enumerate(packing.bundles), key=lambda b: soon.isdisjoint((*b[1].numbers, *b[1].texts))
    )
    for i, bundle in bundles:
        arrays = [batch.column(f"a{i}") for batch in batches]
        texts = [batch.column(f"t{i}") for batch in batches] if bundle.texts else []
        yield from unpack(bundle, packing.types, arrays, texts)
    for i in packing.alone:
        if i not in early:
            yield i, _alone(batches, i)


def _alone(batches: Sequence[pa.RecordBatch], i: int) -> pa.Array:
    column = pa.chunked_array([batch.column(f"v{i}") for batch in batches])
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
