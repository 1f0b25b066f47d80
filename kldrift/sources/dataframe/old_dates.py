"""Dates and times of centuries ago, the same whoever reads them."""

from __future__ import annotations

from typing import Final

from pyspark.sql import SparkSession

from kldrift.sources.settings import settings_of

SETTINGS: Final = {
    "datetimeRebaseMode": "spark.sql.parquet.datetimeRebaseModeInRead",
    "int96RebaseMode": "spark.sql.parquet.int96RebaseModeInRead",
}
"""Options of Spark's reader of Parquet files, and the settings of a session that they replace."""


def old_dates(spark: SparkSession) -> dict[str, str]:
    """Options to read them as Arrow and Spark 4 do, where Spark 3.5 would refuse to read them."""
    modes = settings_of(spark, SETTINGS.values())
    return {o: "CORRECTED" for o, name in SETTINGS.items() if modes[name] == "EXCEPTION"}
