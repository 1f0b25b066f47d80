"""The views of ``conf/sql`` say on Spark what they say on DuckDB."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from sql_views import connected, files, records, text_of, write_days

VIEW = re.compile(r"^create or replace view (\w+) as$", re.MULTILINE)


def plain(value):
    """A value of either dialect in the types of Python; floats to 9 digits."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return tuple(map(plain, value.values()))
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return value


@pytest.mark.spark
def test_the_views_of_spark_have_the_columns_and_the_rows_of_those_of_duckdb(spark, tmp_path):
    folder = write_days(tmp_path / "drift")
    connection = connected(folder)
    statements = [
        statement
        for file in files("spark")
        for statement in text_of(file, folder).split(";\n")
        if statement.strip()
    ]
    names = [name for statement in statements for name in VIEW.findall(statement)]
    try:
        for statement in statements:
            spark.sql(statement)
        for name in names:
            frame = spark.table(name)
            assert frame.columns == connection.sql(f"from {name}").columns, name
            wanted = [plain(list(row.values())) for row in records(connection, f"from {name}")]
            assert sorted(map(plain, frame.collect()), key=repr) == sorted(wanted, key=repr), name
    finally:
        for name in reversed(names):
            spark.sql(f"drop view if exists {name}")
