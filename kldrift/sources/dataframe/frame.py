"""Any Spark DataFrame as a dataset: its rows reach the programs through ``mapInArrow``.

Spark's conversion to Arrow is most of what this way costs; the columns
therefore travel in bundles, see :mod:`kldrift.sources.dataframe.transport`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it

from kldrift.features.feature import Feature, Skipped
from kldrift.features.layouts import VARIANT, value_type
from kldrift.features.names import backticked
from kldrift.features.parts import Part
from kldrift.sources.dataframe.transport import Transport, choose_transport, unbundle
from kldrift.sources.program import Program, RowBatch, run

BYTES_AT_ONCE: Final = 64 * 2**20


@dataclass(frozen=True)
class FrameSource:
    """Any Spark DataFrame; its batches reach the same programs through ``mapInArrow``."""

    frame: DataFrame
    schema: pa.Schema
    derived: pa.Schema
    foreign: tuple[Skipped, ...]
    access_path: str
    rows: int | None = None
    explain: Callable[[], str] = str
    """Says why its rows could not be read, once that failed; empty if there is no better reason."""

    def size(self, features: Sequence[Feature]) -> int | None:  # noqa: ARG002 - as Source has it
        """Unknown: only Spark knows what it will read."""
        return None

    def map_tasks(self, spark: SparkSession, program: Program, schema: str) -> DataFrame:  # noqa: ARG002
        """The results of a program's tasks."""
        features = [*program.keys, *(f for columns in program.sets.values() for f in columns)]
        wanted = list(dict.fromkeys(_wanted(f) for f in features))
        index = {w: i for i, w in enumerate(wanted)}
        places = {name: i for i, name in enumerate([*self.schema.names, *self.derived.names])}
        transport = choose_transport([self._type(w, places) for w in wanted])
        names = [_sql(places[path[0]], path[1:], size=size) for path, size in wanted]
        numbered = self.frame.toDF(*[f"c{i}" for i in range(len(self.frame.columns))])
        # SQL, because thousands of columns take a call to the JVM each.
        bundled = numbered.selectExpr(*_bundle_sql(transport, names))
        keys = [index[_wanted(f)] for f in program.keys]
        sets = {n: [index[_wanted(f)] for f in fs] for n, fs in program.sets.items()}
        mapper = partial(_read_batches, program, _Places(keys, sets), transport)
        return bundled.mapInArrow(mapper, schema)

    def _type(self, wanted: _Wanted, places: Mapping[str, int]) -> pa.DataType | None:
        """The type a column is bundled as; None where it cannot be bundled."""
        path, size = wanted
        if size:
            return pa.int32()
        place = places[path[0]]
        kind = [*self.schema.types, *self.derived.types][place]
        spark_type: Any = self.frame.schema.fields[place].dataType
        for field in path[1:]:
            kind, spark_type = kind.field(field).type, spark_type[field].dataType
        # Spark does not put texts of two collations together.
        binary = getattr(spark_type, "collation", "UTF8_BINARY") == "UTF8_BINARY"
        return value_type(kind) if binary else None


_Wanted = tuple[tuple[str, ...], bool]
"""A path, and whether only the size of what lies there is wanted."""


@dataclass(frozen=True)
class _Places:
    """The positions of a program's columns among the bundled ones."""

    keys: Sequence[int]
    sets: Mapping[int, Sequence[int]]

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """The sets that need the column of a place, by their numbers."""
        users: dict[int, list[int]] = {}
        for number, places in self.sets.items():
            for place in dict.fromkeys(places):
                users.setdefault(place, []).append(number)
        return users

    @cached_property
    def widths(self) -> dict[int, int]:
        """How many columns each set needs."""
        return {number: len(set(places)) for number, places in self.sets.items()}


def _wanted(feature: Feature) -> _Wanted:
    return feature.path, feature.part is Part.SIZE


def _sql(place: int, fields: Sequence[str], *, size: bool) -> str:
    """A column, or a field of a struct, in SQL."""
    path = ".".join([f"c{place}", *(backticked(field) for field in fields)])
    # Only the size of an array or map is sent: Spark counts it where it lies.
    return f"case when {path} is not null then size({path}) end" if size else path


def _bundle_sql(transport: Transport, names: Sequence[str]) -> Iterator[str]:
    """The columns that travel, as SQL: ``a0`` and ``t0`` of the first bundle, ``v3`` alone."""
    for i, bundle in enumerate(transport.bundles):
        numbers = [_element(names[j], transport.types[j], bundle.kind) for j in bundle.numbers]
        sizes = [_element(f"octet_length({names[j]})", None, bundle.kind) for j in bundle.texts]
        yield f"array({', '.join([*numbers, *sizes])}) as a{i}"
        if bundle.texts:
            texts = [f"coalesce({names[j]}, '')" for j in bundle.texts]
            yield f"concat({', '.join(texts)}) as t{i}"
    for i in transport.alone:
        yield f"{names[i]} as v{i}"


def _element(column: str, kind: pa.DataType | None, of: pa.DataType) -> str:
    if kind == of:
        return column
    if kind == pa.date32():
        column = f"unix_date({column})"
    return f"cast({column} as {'double' if of == pa.float64() else 'bigint'})"


def _read_batches(
    program: Program, places: _Places, transport: Transport, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    return run(program, _row_batches(program, places, transport, batches))


def gathered(batches: Iterator[pa.RecordBatch], limit: int) -> Iterator[list[pa.RecordBatch]]:
    """Put small batches together: Spark's hold a few thousand rows.

    ``limit`` rows are enough; 64 MB are, too.
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


def _row_batches(
    program: Program, places: _Places, transport: Transport, batches: Iterator[pa.RecordBatch]
) -> Iterator[RowBatch]:
    """Turn Spark's batches into a program's; columns are unbundled one after the other."""
    early = frozenset(places.keys)
    for batch in gathered(batches, program.batch_rows // 2):
        columns = _unbundled(transport, batch, early)
        waiting: deque[tuple[int, pa.Array]] = deque()
        early_columns: dict[int, pa.Array] = {}
        while len(early_columns) < len(early):
            place, column = next(columns)
            waiting.append((place, column))
            if place in early:
                early_columns[place] = column
        keys = [_of(f, early_columns[p]) for f, p in zip(program.keys, places.keys, strict=True)]
        yield RowBatch(keys, _sets(program.sets, places, chain(_emptied(waiting), columns)))


def _emptied(waiting: deque[tuple[int, pa.Array]]) -> Iterator[tuple[int, pa.Array]]:
    while waiting:
        yield waiting.popleft()


def _sets(
    sets: Mapping[int, tuple[Feature, ...]],
    places: _Places,
    columns: Iterable[tuple[int, pa.Array]],
) -> Iterator[tuple[int, list[pa.Array]]]:
    """Yield each set as soon as its columns are there; hold only what other sets need."""
    users, missing = places.users, dict(places.widths)
    uses = {place: len(numbers) for place, numbers in users.items()}
    held: dict[int, pa.Array] = {}
    for place, column in columns:
        if place in users:
            held[place] = column
        for number in users.get(place, ()):
            missing[number] -= 1
            if missing[number]:
                continue
            mine = places.sets[number]
            yield number, [_of(f, held[p]) for f, p in zip(sets[number], mine, strict=True)]
            for used in set(mine):
                uses[used] -= 1
                if not uses[used]:
                    del held[used]


def _of(feature: Feature, column: pa.Array) -> pa.Array:
    return column if feature.part is Part.SIZE else feature.of_value(column)


def _unbundled(
    transport: Transport, batches: Sequence[pa.RecordBatch], early: AbstractSet[int]
) -> Iterator[tuple[int, pa.Array]]:
    """The columns of some batches, concatenated, each with its position; the early ones first."""
    for i in transport.alone:
        if i in early:
            yield i, _alone(batches, i)
    bundles = sorted(
        enumerate(transport.bundles), key=lambda b: early.isdisjoint((*b[1].numbers, *b[1].texts))
    )
    for i, bundle in bundles:
        arrays = [batch.column(f"a{i}") for batch in batches]
        texts = [batch.column(f"t{i}") for batch in batches] if bundle.texts else []
        yield from unbundle(bundle, transport.types, arrays, texts)
    for i in transport.alone:
        if i not in early:
            yield i, _alone(batches, i)


def _alone(batches: Sequence[pa.RecordBatch], i: int) -> pa.Array:
    column = pa.chunked_array([batch.column(f"v{i}") for batch in batches])
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def arrow_type(kind: T.DataType) -> pa.DataType | None:  # noqa: PLR0911 - one line per type
    """The Arrow type that Spark sends a column as; None if it has none that can be counted."""
    simple = {
        T.ByteType: pa.int8(),
        T.ShortType: pa.int16(),
        T.IntegerType: pa.int32(),
        T.LongType: pa.int64(),
        T.FloatType: pa.float32(),
        T.DoubleType: pa.float64(),
        T.BooleanType: pa.bool_(),
        T.BinaryType: pa.binary(),
        T.DateType: pa.date32(),
        T.TimestampType: pa.timestamp("us", tz="UTC"),
        T.TimestampNTZType: pa.timestamp("us"),
        T.DayTimeIntervalType: pa.duration("us"),
        T.NullType: pa.null(),
    }
    if type(kind).__name__ == "VariantType":  # since Spark 4
        return VARIANT
    if isinstance(kind, T.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, T.StringType | T.CharType | T.VarcharType):
        return pa.string()
    if isinstance(kind, T.ArrayType):
        return pa.list_(arrow_type(kind.elementType) or pa.null())
    if isinstance(kind, T.MapType):
        return pa.map_(pa.string(), arrow_type(kind.valueType) or pa.null())
    if isinstance(kind, T.StructType):
        fields = [(f.name, arrow_type(f.dataType)) for f in kind.fields]
        return pa.struct([pa.field(n, t or pa.month_day_nano_interval()) for n, t in fields])
    return simple.get(type(kind))
