"""A configuration's SQL reads and does nothing else, unless it is allowed to."""

from __future__ import annotations

import pytest

from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError

CALLS = "reflect('java.lang.System', 'exit', 1)"


def read(*, where="true", derived="1", sql="select 1 as a", **spark):
    return config_from_mapping(
        {
            "monitor": "m",
            "reference": {"path": "x.parquet", "where": where},
            "current": {"sql": sql},
            "features": {"derived": {"d": derived}},
            "spark": spark,
            "output": {"path": "out"},
        }
    )


@pytest.mark.parametrize(
    "sql",
    [
        CALLS,
        "`REFLECT` ('java.lang.System', 'exit')",
        "java_method/**/('java.lang.System', 'exit')",
        "try_reflect(a, b)",
        "identifier('ref' || 'lect')('java.lang.System', 'exit')",
        "a in (select b from csv.`/etc/passwd`)",
        "a in (select b from `json` . `x`)",
        "a in (select b from text/* */.`x`)",
        "a in (select b from `org.apache.spark.sql.execution.datasources.csv.CSVFileFormat`.`x`)",
    ],
)
def test_conditions_and_derived_features_that_call_programs_or_read_files_are_refused(sql):
    for key, where in (("where", "reference.where"), ("derived", "features.derived.d")):
        with pytest.raises(ConfigError, match=r"state spark: \{unsafe_sql: true\}") as raised:
            read(**{key: sql})
        assert str(raised.value).startswith(f"configuration: {where}: ")
        assert read(**{key: sql}, unsafe_sql=True).spark.unsafe_sql


@pytest.mark.parametrize(
    "sql", [f"select {CALLS}", "select transform(a) using 'sh -c id' as (b) from t"]
)
def test_queries_that_start_programs_are_refused(sql):
    with pytest.raises(ConfigError, match=r"configuration: current\.sql: .* any program"):
        read(sql=sql)
    assert read(sql=sql, unsafe_sql=True)


@pytest.mark.parametrize(
    "sql",
    [
        "reflect > 1 and identifier = 'a'",
        "json.value > 1",
        "id in (select id from lake.known)",
        "transform(a, x -> x + 1)[0] = 2",
    ],
)
def test_conditions_that_only_look_alike_are_taken(sql):
    assert read(where=sql).reference.where == sql


def test_a_query_may_read_files_and_join_by_columns():
    sql = "select * from parquet.`x.parquet` join lake.trips using (id)"
    assert read(sql=sql).current.sql == sql
