"""DuckDB over tables in memory: it opens no file, loads no extension and asks no network.

The tables come from the readers of the package, so that whatever store they are in, they are
checked, and columns that came later are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb
import pyarrow as pa

ALONE: Final = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "lock_configuration": True,
}


class SqlError(ValueError):
    """DuckDB does not understand a question, or cannot answer it."""


def answer(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Answer a question.

    Args:
        sql: one statement.
        tables: by the names that it may use.

    Raises:
        SqlError: it is wrong.

    Examples:
        >>> answer("select max(x) as s from t", {"t": pa.table({"x": [1, 2]})})["s"].to_pylist()
        [2]
    """
    with duckdb.connect(config=dict(ALONE)) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            found = connection.sql(sql)
            return pa.table({}) if found is None else found.to_arrow_table()
        except duckdb.Error as error:
            raise SqlError(str(error)) from error


def tables_in(sql: str) -> set[str]:
    """The tables that a question names.

    Raises:
        SqlError: it is wrong.
    """
    with duckdb.connect(config=dict(ALONE)) as connection:
        try:
            return set(connection.get_table_names(sql))
        except duckdb.Error as error:
            raise SqlError(str(error)) from error
