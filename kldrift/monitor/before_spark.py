"""Checks of the inputs and the output of a run before Spark starts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from kldrift.config import Config, Dataset, ModelShift, Spark
from kldrift.config.dataset import AS_OF
from kldrift.config.values import LOCAL, URI
from kldrift.errors import (
    ConfigError,
    DatasetError,
    NoSuchFileError,
)
from kldrift.features.feature import Skipped
from kldrift.sources.dataframe.load import csv_names
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import TABLE_OPTIONS, table_schema
from kldrift.sources.open import reason_for_spark
from kldrift.sources.parquet.footer_summary import read_footers
from kldrift.sources.parquet.listing import ABSENT, is_there, list_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.translate import Unsupported
from kldrift.sources.table import TableSource
from kldrift.tables.store import OBJECT_STORES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OF_CLUSTERS: Final = ("HADOOP_CONF_DIR", "PYSPARK_GATEWAY_PORT", "SPARK_CONF_DIR", "SPARK_REMOTE")
"""Variables of the environment by which Spark finds settings of its own."""
ANY_TYPE: Final = (pa.string(), pa.float64(), pa.timestamp("us"))
"""Types that the columns of a CSV file may turn out to have."""
_STORE: Final = re.compile(r"[^/]+://[^/]*")
OTHER_TIME: Final = "; {as_of} in it is the time of the run, which --as-of names"


def check_output(config: Config | ModelShift) -> None:
    """Check that nothing is written where rows are read, or where it cannot be."""
    places = [("output.path", config.output.path)]
    if config.expectations is not None:
        places.append(("expectations.path", config.expectations.path))
    if isinstance(config, Config) and config.report is not None:
        places.append(("report.path", config.report.path))
    problems = [
        f"{key}: {place!r} lies in {path!r}, which {side}.path reads: the next run would read "
        "what this one writes; name a folder elsewhere"
        for key, place in places
        for side, dataset in _sides(config)
        if dataset.format not in TABLE_OPTIONS
        for path in dataset.path
        if _reads(path, place)
    ]
    if config.expectations is not None and URI.match(config.expectations.path):
        problems.append(
            f"expectations.path: {config.expectations.path!r} is no local folder, which Great "
            "Expectations needs for its project; state one, or expectations: false"
        )
    if problems:
        raise ConfigError("\n".join(problems))


def check_inputs(
    read: Config | ModelShift, asked: Config | ModelShift, spark: SparkSession | None = None
) -> None:
    """Check that every path leads to something, except those that only Spark can look up.

    ``read`` has times in place of the placeholders of ``asked``.

    Raises:
        NoSuchFileError: a path leads to nothing, or to a store that refuses or does not answer; all
            of them are named, of a store that refuses the first.
    """
    timed = {side for side, dataset in _sides(asked) if any(map(AS_OF.search, dataset.path))}
    problems: list[str] = []
    refusing: set[str] = set()
    for side, dataset in _sides(read):
        for path in dataset.path:
            problem, store = "", _STORE.match(path)
            try:
                if store is None:
                    problem = _problem(path, dataset)
                elif store[0] not in refusing and _can_be_asked(path, dataset, read, spark):
                    problem = _remote_problem(path, dataset)
            except DatasetError as error:
                problem = str(error)
                refusing.add(store[0] if store else "")
            if problem:
                end = OTHER_TIME if side in timed and ABSENT in problem else ""
                problems.append(f"{side}.path: {problem}{end}")
    if problems:
        raise NoSuchFileError("\n".join(problems))


def check_local_names(
    datasets: Sequence[Dataset],
    fit: Callable[[Sequence[DatasetInfo]], object],
    derived: Collection[str] = (),
) -> None:
    """Check the names in a configuration by what local files and tables say of their columns.

    One footer of Parquet files has all names, as a rule; where one is not in it, all are read. A
    mistake is told if it is one whatever type a column has whose type is not known.

    Args:
        datasets: the datasets; nothing is checked where only Spark knows the columns of one.
        fit: raises a ConfigError where the configuration does not fit what is known of them.
        derived: the features that Spark computes.
    """
    unsure = [re.compile(rf"(?<!\w){re.escape(name)}(?!\w)") for name in derived]
    computed = pa.schema([(name, pa.float64()) for name in derived])
    for most in (1, None):
        try:
            known = [_columns(dataset, most) for dataset in datasets]
        except (ConfigError, DatasetError):  # which is told where the data is opened
            return
        sides = [side for side in known if side is not None]
        if len(sides) < len(known):
            return
        texts = [
            _mistakes(fit, [TableSource(_of_type(s, kind), computed, f) for s, f in sides])
            for kind in ANY_TYPE
        ]
        sure = [t for t in texts[0] if not any(name.search(t) for name in unsure)]
        sure = [text for text in sure if all(text in others for others in texts)]
        if not sure:
            return
    raise ConfigError("\n".join(sure))


def _mistakes(
    fit: Callable[[Sequence[DatasetInfo]], object], sides: Sequence[DatasetInfo]
) -> list[str]:
    try:
        fit(sides)
    except ConfigError as error:
        return str(error).split("\n")
    return []


def _of_type(schema: pa.Schema, kind: pa.DataType) -> pa.Table:
    """No rows of columns, those of no known type in a certain one."""
    fields = [f.with_type(kind) if pa.types.is_null(f.type) else f for f in schema]
    return pa.schema(fields).empty_table()


def _columns(dataset: Dataset, most: int | None) -> tuple[pa.Schema, tuple[Skipped, ...]] | None:
    """The columns of a local dataset, and those that are no feature; None if Spark alone knows.

    Those of CSV files have no type yet.
    """
    if not dataset.path or any("://" in p and not LOCAL.match(p) for p in dataset.path):
        return None
    if dataset.format == "csv":
        names = csv_names(dataset)
        return (pa.schema([(name, pa.null()) for name in names]), ()) if names else None
    if reason_for_spark(dataset, "auto"):
        return None
    if dataset.format in TABLE_OPTIONS:
        schema = table_schema(dataset)
        return None if isinstance(schema, Unsupported) else (schema, ())
    source = ArrowSource(read_footers(list_files(dataset.path, dataset.filesystem)[:most]))
    return source.schema, source.foreign


def without_absent(dataset: Dataset, needed: Sequence[str], way: str) -> Dataset:
    """A dataset without paths of earlier windows that lead to nothing, unless they are needed."""
    absent = set[str]()
    for path in dataset.path:
        remote = "://" in path
        if path in needed or (remote and _is_for_spark(dataset, way)):
            continue
        try:
            problem = _remote_problem(path, dataset) if remote else _problem(path, dataset)
        except DatasetError:  # of a store that refuses: the check of all inputs says so
            break
        if ABSENT in problem:
            absent.add(path)
    return replace(dataset, path=tuple(p for p in dataset.path if p not in absent))


def _sides(config: Config | ModelShift) -> Iterator[tuple[str, Dataset]]:
    if isinstance(config, ModelShift):
        yield "data", config.data
    else:
        yield "reference", config.reference
        yield "current", config.current


def _is_for_spark(dataset: Dataset, way: str) -> bool:
    return way == "dataframe" or dataset.format not in ("parquet", *TABLE_OPTIONS)


def _spark_has_own_settings(wanted: Spark, spark: SparkSession | None) -> bool:
    """Whether Spark may open stores by settings that Python does not see."""
    from kldrift.execution.session import active_session  # noqa: PLC0415 - Spark, only here

    return (
        any(".fs." in key for key in wanted.conf)
        or any(name in os.environ for name in OF_CLUSTERS)
        or (spark or active_session()) is not None
    )


def _can_be_asked(
    path: str, dataset: Dataset, config: Config | ModelShift, spark: SparkSession | None
) -> bool:
    """Whether pyarrow sees a store with the same settings as the reader of a dataset."""
    if not _is_for_spark(dataset, config.scan):
        return True
    known = path.partition("://")[0] in OBJECT_STORES
    return known and not _spark_has_own_settings(config.spark, spark)


def _remote_problem(path: str, dataset: Dataset) -> str:
    missing = f"{path!r}: {ABSENT}; check the path in the configuration"
    return "" if is_there(path, dataset.filesystem) else missing


def _problem(path: str, dataset: Dataset) -> str:
    if os.path.isdir(path):  # noqa: PTH112 - as text, as it stands in the configuration
        with os.scandir(path) as inside:
            if any(inside):
                return ""
    elif os.path.exists(path):  # noqa: PTH110
        return ""
    try:
        list_files([path], dataset.filesystem)
    except DatasetError as error:
        # A folder of a table may hold anything but is there.
        return "" if dataset.format in TABLE_OPTIONS and "Delta table" in str(error) else str(error)
    return ""


def _reads(path: str, place: str) -> bool:
    """Whether reading a path, a folder or a pattern, would read files below a place."""
    path, place = _resolved(path), _resolved(place)
    if "://" in path or "://" in place:
        base = path.rstrip("/") + "/"
        return "*" not in path and f"{place.rstrip('/')}/".startswith(base)
    return _leads_to(PurePath(path).parts, PurePath(place).parts)


def _resolved(path: str) -> str:
    """A local path in canonical form: without ``file:``, dots and links."""
    local = LOCAL.match(path)
    plain = path[local.end() :] if local else path
    return plain if "://" in plain else os.path.realpath(plain)


def _leads_to(pattern: Sequence[str], place: Sequence[str]) -> bool:
    if not pattern:
        return not any(part.startswith(("_", ".")) for part in place)
    if pattern[0] == "**":
        return any(_leads_to(pattern[1:], place[i:]) for i in range(len(place) + 1))
    return (
        bool(place)
        and (place[0] == pattern[0] or fnmatchcase(place[0], pattern[0]))
        and _leads_to(pattern[1:], place[1:])
    )
