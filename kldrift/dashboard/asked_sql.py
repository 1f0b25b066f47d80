"""DuckDB over tables in memory: it opens no file, loads no extension and asks no network.

The tables come from the readers of the package, so that whatever store they are in, they are
checked, and columns that came later are there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import duckdb
import pyarrow as pa

ALONE: Final[dict[str, str | bool]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "lock_configuration": True,
}

NOT_FOR_COLUMNS: Final = "statistics_propagation,filter_pushdown"
"""With these a plan over no rows reads less than one over rows."""


class SqlError(ValueError):
    """DuckDB does not understand a question, or cannot answer it."""


def answer(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Answer a question.

    Examples:
        >>> answer("select max(x) as s from t", {"t": pa.table({"x": [1, 2]})})["s"].to_pylist()
        [2]
    """
    with duckdb.connect(config=ALONE) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            result = connection.sql(sql)
            return pa.table({}) if result is None else result.to_arrow_table()
        except duckdb.Error as error:
            raise SqlError(str(error)) from error


def columns_in(sql: str, schemas: Mapping[str, pa.Schema]) -> dict[str, list[str]]:
    """The tables that a question names, and of each the columns that its plan reads.

    A plan is made for tables without rows: what a question asks for by the values in the rows, as
    a pivot does, is not in it.

    Examples:
        >>> columns_in("from t where x > 1", {"t": pa.schema([("x", pa.int64())])})
        {'t': ['x']}
    """
    columns_of = {name: list[str]() for name in schemas if name in sql.lower()}
    with duckdb.connect(config=ALONE | {"disabled_optimizers": NOT_FOR_COLUMNS}) as connection:
        try:
            for name in columns_of:
                connection.register("empty rows", schemas[name].empty_table())
                connection.execute(f'create table {name} as from "empty rows"')
            plans = connection.execute(f"explain (format json) {sql}").fetchall()
        except duckdb.Error as error:
            raise SqlError(str(error)) from error
    steps = list(json.loads(plans[-1][1]))
    for step in steps:  # grows
        steps += step.get("children", ())
        about = step.get("extra_info", {})
        table = str(about.get("Table", "")).rpartition(".")[2]
        if table in columns_of:
            read = about.get("Projections") or schemas[table].names[0]
            columns_of[table] += [read] if isinstance(read, str) else read
    return {name: list(dict.fromkeys(columns)) for name, columns in columns_of.items()}
