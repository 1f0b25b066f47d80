from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from predicate_sample import ALL, COMPARED, REFUSED, TABLE

from kldrift.sources.predicates.translate import Unsupported, columns, to_arrow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# pyspark leaves the socket that it collects through to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


def _kept_by_arrow(where: str, table: pa.Table = TABLE) -> list[int] | Unsupported:
    expression = to_arrow(where, table.schema)
    if isinstance(expression, Unsupported):
        return expression
    batches = table.to_batches(max_chunksize=100)
    return [i for batch in batches for i in batch.filter(expression)["id"].to_pylist()]


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


@pytest.mark.parametrize("predicates", COMPARED.values(), ids=COMPARED.keys())
def test_predicates_of_the_supported_subset_are_translated(predicates: list[str]) -> None:
    answers = {where: to_arrow(where, TABLE.schema) for where in predicates}
    assert {w: a for w, a in answers.items() if isinstance(a, Unsupported)} == {}


@pytest.mark.spark
def test_spark_and_arrow_keep_the_same_rows(session: SparkSession, path: Path) -> None:
    for first in range(0, len(ALL), 250):
        some = ALL[first : first + 250]
        expected = dict(zip(some, _kept_by_spark(session, path, some), strict=True))
        got = {where: _kept_by_arrow(where) for where in some}
        assert {w: r for w, r in got.items() if r != expected[w]} == {}


LEAVES = st.sampled_from([w for w in ALL if "--" not in w and "!" not in w[0]])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("NOT ({})".format),
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
            "({0[0]}) {0[1]} {0[2]}".format
        ),
    ),
    max_leaves=6,
)


@pytest.mark.spark
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


@pytest.mark.parametrize(("where", "reason"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_not_certain_is_refused_with_a_reason(where: str, reason: str) -> None:
    answer = to_arrow(where, TABLE.schema)
    assert isinstance(answer, Unsupported)
    assert reason in answer.reason


def test_two_columns_that_differ_only_in_case_are_ambiguous() -> None:
    schema = pa.schema([("a", pa.int32()), ("A", pa.int32())])
    assert to_arrow("a = 1", schema) == Unsupported("more than one column matches 'a'")


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.time64("us"), pa.binary(), pa.float16(), pa.decimal256(50, 2)]
)
def test_types_that_spark_does_not_compare_in_the_same_way_are_refused(kind: pa.DataType) -> None:
    schema = pa.schema([("v", kind), ("w", kind)])
    for where in ["v = 1", "v = '2024-01-01'", "v < w", "v IN (1)", "v LIKE 'a'", "v"]:
        assert isinstance(to_arrow(where, schema), Unsupported)
    assert not isinstance(to_arrow("v IS NULL", schema), Unsupported)


@pytest.mark.parametrize("marker", ["__COLLATIONS", "__CHAR_VARCHAR_TYPE_STRING"])
def test_strings_with_rules_of_their_own_are_refused(marker: str) -> None:
    spark_schema = {"org.apache.spark.sql.parquet.row.metadata": f'{{"metadata": "{marker}"}}'}
    schema = pa.schema([("s", pa.string()), ("n", pa.int32())], metadata=spark_schema)
    assert isinstance(to_arrow("s = 'a'", schema), Unsupported)
    assert not isinstance(to_arrow("n = 1", schema), Unsupported)


def test_a_predicate_of_a_thousand_terms_is_answered() -> None:
    where = " OR ".join(f"n = {i}" for i in range(5000))
    assert to_arrow(where, TABLE.schema) == Unsupported("the predicate is nested too deeply")


def test_batches_with_dictionaries_need_no_other_expression() -> None:
    plain = TABLE.set_column(
        TABLE.schema.get_field_index("code"), "code", TABLE["code"].cast("string")
    )
    for where in [w for w in ALL if w.startswith("code")]:
        expression = to_arrow(where, plain.schema)
        assert TABLE.filter(expression)["id"].equals(plain.filter(expression)["id"])


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("n = 1 AND (x > 2 OR NOT ok)", {"n", "x", "ok"}),
        ("trip.to.zip = 'a'", {"trip"}),
        ("a.b.c.d.e.f = 1", {"a"}),
        ("`dotted.name` > N", {"dotted.name", "N"}),
        ("round(x) = n AND s RLIKE 'n'", {"x", "n", "s"}),
        ("TRUE", set()),
    ],
)
def test_the_columns_of_a_predicate_are_named(where: str, names: set[str]) -> None:
    assert columns(where) == names


def test_columns_are_spelled_as_the_schema_spells_them() -> None:
    assert columns("TRIP.km > 1 AND `MIXED case` = N", TABLE.schema) == {"trip", "Mixed Case", "n"}


@pytest.mark.parametrize("where", ["n = ", 's = "a"', "a.* = 1"])
def test_columns_of_what_cannot_be_read_are_an_error(where: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be parsed|double quotes|not a column"):
        columns(where)
