"""Opens the datasets of a run, filtered to its times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo

from pyspark.sql import SparkSession

from kldrift import __version__
from kldrift.config import Config, Dataset
from kldrift.config.as_of import with_time
from kldrift.config.instant import instant
from kldrift.errors import ConfigError, DatasetError, on_side
from kldrift.execution.session import THAT_CHANGE_COUNTS, started_here
from kldrift.features.group_columns import check_time
from kldrift.monitor.before_spark import without_absent
from kldrift.monitor.due import FIRST_WINDOWS, Due, between, within
from kldrift.monitor.groups import condition_named
from kldrift.sources.dataset import Source
from kldrift.sources.fingerprint import version_of
from kldrift.sources.open import open_source
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.settings import settings_of
from kldrift.tables.schema import SCHEMA_VERSION

UTC_NAMES: Final = ("UTC", "Etc/UTC", "GMT", "Z", "+00:00")
TEXT_FORMATS: Final = ("csv", "tsv", "json")
"""Files that are read as a whole whatever is asked of them, and twice to infer their types."""

FORMAT: Final = 3
"""Raised when what is stored, or how it is counted, changes within a version of kldrift."""


def reference_key(config: Config, spark: SparkSession) -> str | None:
    """The key that a stored reference must have; computed before the reference is opened."""
    settings = settings_of(spark, (*THAT_CHANGE_COUNTS, *config.spark.conf))
    if config.reference.is_history:  # cells are frozen once, whatever files come
        return digest_of(config, "windows", settings)
    try:
        version = version_of(config.reference, config.expressions.values())
    except DatasetError as error:
        raise on_side(error, "reference") from error
    return digest_of(config, version, settings)


def open_sides(
    config: Config, spark: SparkSession, due: Due | None = None
) -> tuple[Source, Source]:
    """The reference and the current dataset; with windows, as little of the latter as possible."""
    keys = [*chain.from_iterable(config.segment_columns)]
    utc = spark.conf.get("spark.sql.session.timeZone", "UTC") in UTC_NAMES

    def opened(dataset: Dataset, side: str) -> Source:
        with condition_named(config):
            source = open_source(
                spark, dataset, config.expressions, way=config.scan, side=side, keys=keys
            )
        # In a new session the first job takes seconds, however few rows it counts.
        if started_here(spark) and isinstance(source, ArrowSource) and source.small:
            return source.brought_near()
        return source

    if config.reference.since or config.reference.until:
        config = replace(
            config, reference=_ranged(config, opened(config.reference, "reference"), utc=utc)
        )
    if due is None or config.time is None:
        return opened(config.reference, "reference"), opened(config.current, "current")
    current = opened(config.current, "current")
    check_time(config.time.column, current.schema, current.foreign)
    kind = current.schema.field(config.time.column).type
    if config.reference.is_history:
        first = within(config.current, config.time, due.windows[:FIRST_WINDOWS], kind, utc=utc)
        reference = opened(first, "reference")
    else:
        reference = opened(config.reference, "reference")
    whole = config.current.changes is not None  # all that was added counts, whatever its time
    if (
        utc
        and not whole
        and config.current.sql is None
        and config.current.format not in TEXT_FORMATS
    ):
        narrow = within(config.current, config.time, due.windows, kind, utc=utc)
        current = opened(narrow, "current")
    return reference, current


def _ranged(config: Config, reference: Source, *, utc: bool) -> Dataset:
    """The reference without the rows that lie outside of the range of time that is asked for."""
    time, asked = config.time, config.reference
    assert time is not None
    check_time(time.column, reference.schema, reference.foreign)
    first, last = (instant(m, time.zone) if m else None for m in (asked.since, asked.until))
    if first and last and first >= last:
        raise ConfigError(f"reference.to: expected a moment after from, got {asked.until!r}")
    kind = reference.schema.field(time.column).type
    return between(asked, time, (first, last), kind, utc=utc)


def with_times(
    config: Config, as_of: datetime | None, due: Due | None
) -> tuple[Config, datetime | None]:
    """The configuration with times in place of placeholders, and the time that a run is for."""
    if due is None or config.time is None:
        return with_time(config, as_of)
    zone = ZoneInfo(config.time.zone)
    starts = [w.start.astimezone(zone) for w in due.windows if w.start is not None]
    read, as_of = with_time(config, starts[-1], starts)
    if len(read.current.path) > len(config.current.path):
        last, _ = with_time(config, starts[-1])
        read = replace(read, current=without_absent(read.current, last.current.path, config.scan))
    return read, as_of


def files_of(read: Config) -> list[tuple[Dataset, str]]:
    """The datasets that must not change during a run."""
    sides = [(read.reference, "reference"), (read.current, "current")]
    return [(dataset, name) for dataset, name in sides if not dataset.is_history]


def digest_of(
    config: Config, version: str | None, settings: Mapping[str, str | None]
) -> str | None:
    """A digest of all that a reference's numbers depend on, apart from the features asked for.

    None where the version of the files cannot be known; ``settings`` are those of the session that
    may change what is counted.
    """
    if version is None:
        return None
    scoring = config.scoring
    question = [
        FORMAT,
        SCHEMA_VERSION,
        __version__,
        _rows_of(config),
        dict(sorted(config.expressions.items())),
        [scoring.bins, scoring.stored_bins, scoring.max_categories],
        dict(settings),
        version,
    ]
    if config.segments:
        question.append([config.segment_columns, scoring.max_segments])
    text = json.dumps(question, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _rows_of(config: Config) -> Any:
    """The settings that select the rows which freeze the cells."""
    if not config.reference.is_history or config.time is None:
        asked = config.reference.asked()
        ranged = config.reference.since or config.reference.until
        if ranged and config.time is not None:
            asked["time"] = [config.time.column, config.time.zone]
        return asked
    return [config.current.where, config.time.column]
