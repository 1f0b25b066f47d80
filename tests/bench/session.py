"""The Spark session of a benchmark: the one that ``kldrift run`` opens by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from kldrift.config import Spark
from kldrift.execution.session import open_session


@contextmanager
def session(cores: int) -> Iterator[SparkSession]:
    """A session with ``cores`` cores, stopped after the block."""
    spark, _ = open_session(Spark(f"local[{cores}]", {"spark.driver.memory": "2g"}), "bench")
    try:
        yield spark
    finally:
        spark.stop()
