"""Files below partition folders, where Spark finds no columns that all of their folders name.

Spark wants one folder above all partitions. Several days with partitions inside, of which the
configuration names the folders or a pattern, have more, and so has a folder of such days. Their
files are then read by the values of their partitions, which are columns as Arrow has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it

from kldrift.sources.dataframe.mixed_files import spark_type
from kldrift.sources.parquet.column_types import partition_types
from kldrift.sources.parquet.files import File
from kldrift.sources.parquet.listing import list_files, local_roots, uri_of

Load = Callable[[Sequence[str], T.StructType | None], DataFrame]
"""Reads paths with a schema; without one, Spark infers it."""
NO_COMMON_FOLDER: Final = ("onflicting directory structures", "onflicting partition column names")


def read_paths(
    spark: SparkSession,
    load: Load,
    paths: Sequence[str],
    filesystem: Mapping[str, str],
    schema: T.StructType | None,
) -> DataFrame:
    """Read paths with Spark: every file once, with the columns that its folders name.

    The columns of the folders are part of the schema; without one, all are inferred.
    """
    if not _overlap(paths):
        try:
            frame = load(paths, schema)
            frame.schema  # noqa: B018 - Spark Connect looks at the folders only when asked
        except Exception as error:
            if not any(words in str(error) for words in NO_COMMON_FOLDER):
                raise
        else:
            return frame
    files = list_files(paths, filesystem)
    return by_partition(spark, load, files, schema, lambda f: uri_of(f, paths, filesystem))


def by_partition(
    spark: SparkSession,
    load: Load,
    files: Sequence[File],
    schema: T.StructType | None,
    path_of: Callable[[File], str] = lambda file: file.path,
) -> DataFrame:
    """Read files group by group, each with the values of its partitions."""
    groups: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    for file in files:
        groups.setdefault(file.partition, []).append(path_of(file))
    kinds = {name: spark_type(kind) for name, kind in partition_types(groups)}
    if not kinds:
        return load(groups[()], schema)
    if schema is None:
        inside = load([path for paths in groups.values() for path in paths], None).schema
    else:
        sensitive = spark.conf.get("spark.sql.caseSensitive", "false") == "true"
        named = {name if sensitive else name.lower(): name for name in kinds}
        inside = T.StructType()
        for field in schema.fields:
            folder = named.get(field.name if sensitive else field.name.lower())
            if folder is None:
                inside.add(field)
            else:
                kinds[folder] = field.dataType
    frames = []
    for partition, paths in groups.items():
        values = dict(partition)
        columns = {name: F.lit(values.get(name)).cast(kind) for name, kind in kinds.items()}
        frames.append(load(paths, inside).withColumns(columns))
    return reduce(partial(DataFrame.unionByName, allowMissingColumns=True), frames)


def _overlap(paths: Sequence[str]) -> bool:
    """Whether the paths match a local file twice: Spark would read it twice."""
    if len(paths) == 1 and "**" not in paths[0]:
        return False
    roots = [Path(r).absolute() for p in paths if "://" not in p for r in local_roots(p)]
    places = set(roots)
    return len(places) < len(roots) or any(not places.isdisjoint(root.parents) for root in roots)
