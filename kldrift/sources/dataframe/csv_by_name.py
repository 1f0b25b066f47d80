"""CSV files by the names in their headers, whatever the order of the columns in each of them.

Spark takes the names of the first file, or of a stated schema, and reads every file by place: the
same columns in another order are then other numbers. Files are put together by their first line,
each kind is read as Spark reads it, and the columns are matched by name. A column that a header
lacks, or has more than the schema, is gone or new, as in Parquet files.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial, reduce
from io import BufferedReader
from itertools import chain
from typing import Final, NamedTuple

from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it

from kldrift.errors import DatasetError, first_line, first_names
from kldrift.features.names import backticked
from kldrift.sources.dataframe.partitioned import by_partition
from kldrift.sources.parquet.files import File
from kldrift.sources.parquet.listing import for_spark, list_files, named_by_folders
from kldrift.sources.text_files import WIDE, opened

BY_PLACE: Final = {"header": "false", "enforceschema": "true"}
"""Options that ask for columns by place."""
OF_HEADERS: Final = {"charset", "quote", "ignoreleadingwhitespace", "ignoretrailingwhitespace"}
"""Options by which Spark reads other names in a header."""
WHOLE_NUMBERS: Final = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
LONGEST_HEADER: Final = 2**20
NAMES_TOLD: Final = 20
LONGEST_TOLD: Final = 60


class Kind(NamedTuple):
    """Files with one header, and whether one of them has rows below it."""

    paths: list[str]
    has_rows: bool = True


def read_csv(
    spark: SparkSession,
    paths: Sequence[str],
    options: Mapping[str, str],
    schema: T.StructType | None,
) -> DataFrame:
    """Read CSV files, by name where there are headers; types that no schema states are inferred."""
    given = {name.lower(): value for name, value in options.items()}
    whole = _for_spark(paths)
    if given.get("header") != "true" or any(given.get(k) == v for k, v in BY_PLACE.items()):
        return _reader(spark, options, schema).load(whole)
    kinds, folders = [Kind(whole)], frozenset[str]()
    if any("://" in path for path in paths):
        options = {**options, "enforceSchema": "false"}  # Spark compares the headers, by place
    else:
        files = list_files(paths)
        found = _by_first_line(files, given.get("comment", ""))
        folders = named_by_folders(files)
        if len(found) > 1 and folders:
            load = lambda paths_read, inside: read_csv(spark, paths_read, options, inside)  # noqa: E731
            return by_partition(spark, load, files, schema)
        if len(found) > 1:
            kinds = [kind._replace(paths=_for_spark(kind.paths)) for kind in found]
    if schema is None and len(kinds) == 1:
        return _reader(spark, options, None).load(whole)
    return _by_name(spark, options, kinds, folders, schema)


def _by_name(
    spark: SparkSession,
    options: Mapping[str, str],
    kinds: Sequence[Kind],
    folders: Collection[str],
    schema: T.StructType | None,
) -> DataFrame:
    """All kinds of files as one frame, with the columns of the schema first."""
    fold = str if spark.conf.get("spark.sql.caseSensitive", "false") == "true" else str.lower
    stated = schema or T.StructType()
    called = (value for k, value in options.items() if k.lower() == "columnnameofcorruptrecord")
    corrupt = next(called, "_corrupt_record")
    heads = _heads(spark, options, kinds, {corrupt, *folders}, schema, fold)
    # Without a row below its header, a file has no values that tell types.
    told = [head for head, kind in zip(heads, kinds, strict=True) if kind.has_rows]
    fields = _merged(heads, fold) | _merged(told, fold) | _merged([stated], fold)
    frames = []
    for kind, head in zip(kinds, heads, strict=True):
        in_order = T.StructType([fields[fold(name)] for name in head.names])
        if corrupt in stated.names:
            in_order.add(stated[corrupt])
        frames.append(_reader(spark, options, in_order).load(kind.paths))
    together = reduce(partial(DataFrame.unionByName, allowMissingColumns=True), frames)
    there = {fold(name): name for name in together.columns}
    names = dict.fromkeys(fold(name) for name in (*stated.names, *together.columns))
    return together.select(*[backticked(there[name]) for name in names if name in there])


def _heads(
    spark: SparkSession,
    options: Mapping[str, str],
    kinds: Sequence[Kind],
    no_columns: Collection[str],
    schema: T.StructType | None,
    fold: Callable[[str], str],
) -> list[T.StructType]:
    """The columns in the header of each kind; their types are found where no schema states them."""
    free = {**options, "inferSchema": "false" if schema else "true"}
    heads = [_reader(spark, free, None).load(kind.paths).schema for kind in kinds]
    named = [f.name for f in schema or heads[0] if f.name not in no_columns]
    for i, (kind, head) in enumerate(zip(kinds, heads, strict=True)):
        header = [name for name in head.names if name not in no_columns]
        if _beside(header, named, kind.paths[0], fold) and schema:
            heads[i] = _reader(spark, options, None).load(kind.paths).schema
    return heads


def names_in_headers(paths: Sequence[str], options: Mapping[str, str]) -> list[str]:
    """The names of the columns of local files, and of their folders; none if no header has them."""
    given = {name.lower(): value for name, value in options.items()}
    by_place = any(given.get(key) == value for key, value in BY_PLACE.items())
    if by_place or not OF_HEADERS.isdisjoint(given) or WIDE.match(given.get("encoding", "")):
        return []
    files = list_files(paths)
    names = chain.from_iterable(_header(file.path, given) for file in files)
    return [*dict.fromkeys(names), *named_by_folders(files)]


def named_twice(paths: Sequence[str], options: Mapping[str, str]) -> dict[str, list[str]]:
    """The names that several columns of the first file have, and what Spark calls these columns.

    Nothing where a file has no header, or lies in a store that only Spark can read.
    """
    if any("://" in path for path in paths):
        return {}
    given = {name.lower(): value for name, value in options.items()}
    called: dict[str, list[str]] = {}
    for place, name in enumerate(_header(list_files(paths)[0].path, given)):
        called.setdefault(name, []).append(f"{name}{place}")
    return {name: columns for name, columns in called.items() if name and len(columns) > 1}


def _header(path: str, given: Mapping[str, str]) -> list[str]:
    """The names in the header of a file; none where it has none, or Spark alone can read it."""
    separator = given.get("sep", given.get("delimiter", ",")).replace("\\t", "\t")
    if given.get("header") != "true" or len(separator) != 1:
        return []
    line, _ = _first_line(path, given.get("comment", "").encode())
    if line.count(b'"') % 2:  # a name over several lines
        return []
    try:
        text = line.decode(given.get("encoding", given.get("charset", "utf-8")), "replace")
    except LookupError:  # an encoding that only Java knows
        return []
    return next(csv.reader([text], delimiter=separator), [])


def _reader(
    spark: SparkSession, options: Mapping[str, str], schema: T.StructType | None
) -> DataFrameReader:
    options = {**({"inferSchema": "true"} if schema is None else {}), **options}
    reader = spark.read.format("csv").options(**options)
    return reader if schema is None else reader.schema(schema)


def _by_first_line(files: Sequence[File], comment: str) -> list[Kind]:
    """The files by their header; those without a line are left out."""
    groups: dict[bytes, Kind] = {}
    for file in files:
        first, more = _first_line(file.path, comment.encode())
        alike, rows = groups.get(first, Kind([], has_rows=False))
        alike.append(file.path)
        groups[first] = Kind(alike, rows or more)
    groups.pop(b"", None)
    if not groups:
        raise DatasetError(f"{files[0].path!r} is empty: it has no line, not even a header")
    return list(groups.values())


def _for_spark(paths: Sequence[str]) -> list[str]:
    return [place for path in paths for place in for_spark(path)]


def _first_line(path: str, comment: bytes) -> tuple[bytes, bool]:
    """The first line that is neither blank nor a comment, as bytes, and whether another follows."""
    first = b""
    try:
        with BufferedReader(opened(path)) as file:
            while line := file.readline(LONGEST_HEADER):
                text = line.removeprefix(b"\xef\xbb\xbf").strip()
                if text and not (comment and text.startswith(comment)):
                    if first:
                        return first, True
                    first = text
    except OSError as error:
        raise DatasetError(f"cannot read {path!r}: {first_line(error)}") from error
    return first, False


def _merged(heads: Sequence[T.StructType], fold: Callable[[str], str]) -> dict[str, T.StructField]:
    """The columns of all by their folded names, with types that hold the values of all."""
    kinds: dict[str, list[T.StructField]] = {}
    for field in chain.from_iterable(head.fields for head in heads):
        kinds.setdefault(fold(field.name), []).append(field)
    return {
        name: T.StructField(alike[0].name, reduce(_wider, [field.dataType for field in alike]))
        for name, alike in kinds.items()
    }


def _wider(one: T.DataType, other: T.DataType) -> T.DataType:
    if one == other:
        return one
    numbers = (*WHOLE_NUMBERS, T.DecimalType, T.DoubleType)
    if isinstance(one, WHOLE_NUMBERS) and isinstance(other, WHOLE_NUMBERS):
        return T.LongType()
    both = isinstance(one, numbers) and isinstance(other, numbers)
    return T.DoubleType() if both else T.StringType()


def _beside(
    header: Sequence[str], wanted: Sequence[str], path: str, fold: Callable[[str], str]
) -> list[str]:
    """The unexpected names in a header; if there are any, all expected ones must be there."""
    there, known = ({fold(name) for name in names} for names in (header, wanted))
    absent = [name for name in wanted if fold(name) not in there]
    foreign = [name for name in header if fold(name) not in known]
    if absent and foreign:
        raise DatasetError(
            f"{path!r}: its header does not fit: the header lacks {_short(absent)}; "
            f"the schema lacks {_short(foreign)} "
            f"(header: {_short(header, str)}; schema: {_short(wanted, str)}); a file with "
            "another separator or encoding needs options: {sep: ...} or {encoding: ...}, one "
            "without a header {header: false}"
        )
    return foreign


def _short(names: Sequence[str], written: Callable[[str], str] = repr) -> str:
    """Names of columns for a message: of a damaged header there may be many, and long ones."""
    return first_names(names, NAMES_TOLD, lambda name: written(name[:LONGEST_TOLD]))
