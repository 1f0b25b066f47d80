"""Dates and times of centuries ago, the same whoever reads them."""

from __future__ import annotations

from typing import Final

from pyspark.sql import SparkSession

SETTINGS: Final = {
    "datetimeRebaseMode": "spark.sql.parquet.datetimeRebaseModeInRead",
    "int96RebaseMode": "spark.sql.parquet.int96RebaseModeInRead",
}
"""Options of Spark's reader of Parquet files, and the settings of a session that they replace."""


def old_dates(spark: SparkSession) -> dict[str, str]:
    """Options to read them as Arrow and Spark 4 do, where Spark 3.5 would refuse to read them."""
    asked = {option: spark.conf.get(name) for option, name in SETTINGS.items()}
    return {option: "CORRECTED" for option, mode in asked.items() if mode == "EXCEPTION"}
