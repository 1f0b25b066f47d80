"""Reads settings of a Spark session, and tells Spark's errors from others."""

from __future__ import annotations

from collections.abc import Iterable

from pyspark.sql import SparkSession


def settings_of(session: SparkSession, names: Iterable[str]) -> dict[str, str | None]:
    """The settings of a session, its defaults included; None for names that it does not know."""
    return {name: _setting(session, name) for name in sorted(set(names))}


def _setting(session: SparkSession, name: str) -> str | None:
    try:
        value: str | None = session.conf.get(name)
    except Exception as error:
        if raised_by_spark(error):
            return None
        raise
    return value


def raised_by_spark(error: BaseException) -> bool:
    """Whether an error is Spark's own, and no mistake in this program."""
    return type(error).__module__.split(".")[0] in ("pyspark", "py4j", "grpc")
