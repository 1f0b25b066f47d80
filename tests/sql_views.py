"""The views of ``conf/sql`` over the tables of some days, for DuckDB and for Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import daily_sample
import duckdb
import pyarrow as pa

FOLDER = Path(__file__).parents[1] / "conf" / "sql"
COMMON = ("latest_scores", "timeline", "worst_now", "cells_now", "profile_cells", "alert_list")


def files(dialect: str, *, alerts: bool = True) -> list[str]:
    """The names of the files, in the order in which they build on one another."""
    own = [f"tables.{dialect}.sql", *[f"alerts.{dialect}.sql"] * alerts]
    common = [f"{name}.sql" for name in COMMON if alerts or name != "alert_list"]
    return [*own, *common, f"databricks.{dialect}.sql"]


def text_of(file: str, folder: object) -> str:
    """A file's text with another folder in place of ``drift``."""
    return (FOLDER / file).read_text().replace("drift/", f"{folder}/")


def connected(folder: object, *, alerts: bool = True) -> duckdb.DuckDBPyConnection:
    """DuckDB with all views; its times are UTC."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for file in files("duckdb", alerts=alerts):
        connection.execute(text_of(file, folder))
    return connection


def records(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The rows of an answer."""
    return connection.sql(query).to_arrow_table().to_pylist()


def of_day(day: int) -> pa.Table:
    """The last of three days lies elsewhere, in one part more than in the other."""
    return daily_sample.rows(day, shift=2.0 * (day == 3), nulls=0.1 * (day == 3))


def write_days(folder: object) -> object:
    """Tables of three days with segments, a joint group and alerts."""
    js = {"warning": 0.004, "critical": 0.02}
    more = {"segments": [["part"]], "joint": {"pair": {"features": ["x", "y"]}}, "alarms": {}}
    config = daily_sample.config_of(folder, thresholds={"js": js}, **more)
    daily_sample.run_days(config, (1, 2, 3), of_day)
    return folder
