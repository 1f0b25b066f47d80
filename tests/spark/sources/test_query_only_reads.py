"""A query of a configuration reads, also where it is written to do something else."""

from __future__ import annotations

import pytest

from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError
from kldrift.monitor.run import check

pytestmark = pytest.mark.spark


def checked(spark, sql, tmp_path):
    side = {"sql": sql}
    stated = {"monitor": "m", "reference": side, "current": side, "output": {"path": str(tmp_path)}}
    return check(config_from_mapping(stated), spark=spark)


def test_a_statement_is_refused_and_does_nothing(spark, tmp_path):
    spark.range(3).createOrReplaceTempView("precious")
    for sql in (
        "drop view precious",
        "drop view precious; select 1",
        "select 1) ; drop view precious --",
        "create or replace temp view precious as select 1",
        "set spark.sql.ansi.enabled=false",
    ):
        with pytest.raises(ConfigError, match=r"reference\.sql: "):
            checked(spark, sql, tmp_path)
    assert spark.table("precious").count() == 3


@pytest.mark.parametrize(
    "sql",
    [
        "select * from precious",
        "select * from precious; ",
        "with p as (select id + 1 as n from precious) select n from p -- of all",
        "select * from precious order by id limit 2",
        "table precious",
        "values (1), (2)",
        "select id from precious union all select 1",
    ],
)
def test_any_query_is_taken(spark, tmp_path, sql):
    spark.range(3).createOrReplaceTempView("precious")
    assert len(checked(spark, sql, tmp_path).reference.schema) == 1
