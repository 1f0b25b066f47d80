"""Spark and Arrow keep the same rows of a predicate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from predicate_sample import ALL, TABLE, TREES

from kldrift.sources.predicates.translate import Unsupported, to_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# pyspark leaves the socket that it collects through to the garbage collector.
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


def _kept_by_arrow(where: str, table: pa.Table = TABLE) -> list[int] | Unsupported:
    expression = to_arrow(where, table.schema)
    if isinstance(expression, Unsupported):
        return expression
    parts = [table.slice(at, 100) for at in range(0, len(table), 100)]
    return [i for part in parts for i in part.filter(expression)["id"].to_pylist()]


def _kept_by_spark(spark: SparkSession, path: Path, predicates: Sequence[str]) -> list[list[int]]:
    """One job: a boolean column for each predicate, of which a null is as good as a false."""
    frame = spark.read.parquet(str(path))
    asked = [f"CAST((\n{where}\n) AS BOOLEAN) AS p{i}" for i, where in enumerate(predicates)]
    rows = sorted(frame.selectExpr("id", *asked).collect())
    return [[row[0] for row in rows if row[i]] for i in range(1, len(predicates) + 1)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("predicate") / "rows.parquet"
    pq.write_table(TABLE, path, row_group_size=100)
    return path


@pytest.fixture(scope="module", params=["true", "false"], ids=["ansi", "not ansi"])
def session(request: pytest.FixtureRequest, spark: SparkSession) -> Iterator[SparkSession]:
    wanted = {
        "spark.sql.ansi.enabled": request.param,
        "spark.sql.caseSensitive": "false",
        "spark.sql.session.timeZone": "UTC",
    }
    before = {key: spark.conf.get(key) for key in wanted}
    for key, value in wanted.items():
        spark.conf.set(key, value)
    yield spark
    for key, value in before.items():
        spark.conf.set(key, value)


def test_spark_and_arrow_keep_the_same_rows(session: SparkSession, path: Path) -> None:
    for first in range(0, len(ALL), 250):
        some = ALL[first : first + 250]
        expected = dict(zip(some, _kept_by_spark(session, path, some), strict=True))
        got = {where: _kept_by_arrow(where) for where in some}
        assert {w: r for w, r in got.items() if r != expected[w]} == {}


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # one Spark job an example: too slow to shrink
    suppress_health_check=list(HealthCheck),
)
@given(trees=st.lists(TREES, min_size=100, max_size=150, unique=True))
def test_spark_and_arrow_keep_the_same_rows_of_any_combination(
    session: SparkSession, path: Path, trees: list[str]
) -> None:
    expected = dict(zip(trees, _kept_by_spark(session, path, trees), strict=True))
    got = {where: _kept_by_arrow(where) for where in trees}
    assert {w: r for w, r in got.items() if r != expected[w]} == {}
