from __future__ import annotations

import pyarrow as pa
import pytest
from predicate_sample import ALL, COMPARED, REFUSED, TABLE

from kldrift.sources.predicates.translate import Unsupported, columns, to_arrow


@pytest.mark.parametrize("predicates", COMPARED.values(), ids=COMPARED.keys())
def test_predicates_of_the_supported_subset_are_translated(predicates: list[str]) -> None:
    answers = {where: to_arrow(where, TABLE.schema) for where in predicates}
    assert {w: a for w, a in answers.items() if isinstance(a, Unsupported)} == {}


@pytest.mark.parametrize(("where", "reason"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_not_certain_is_refused_with_a_reason(where: str, reason: str) -> None:
    answer = to_arrow(where, TABLE.schema)
    assert isinstance(answer, Unsupported)
    assert reason in answer.reason


def test_two_columns_that_differ_only_in_case_are_ambiguous() -> None:
    schema = pa.schema([("a", pa.int32()), ("A", pa.int32())])
    assert to_arrow("a = 1", schema) == Unsupported("more than one column matches 'a'")


@pytest.mark.parametrize(
    "kind", [pa.duration("ns"), pa.time64("us"), pa.binary(), pa.float16(), pa.decimal256(50, 2)]
)
def test_types_that_spark_does_not_compare_in_the_same_way_are_refused(kind: pa.DataType) -> None:
    schema = pa.schema([("v", kind), ("w", kind)])
    for where in ["v = 1", "v = '2024-01-01'", "v < w", "v IN (1)", "v LIKE 'a'", "v"]:
        assert isinstance(to_arrow(where, schema), Unsupported)
    assert not isinstance(to_arrow("v IS NULL", schema), Unsupported)


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("t >= TIMESTAMP '1970-01-01 00:00:00.000001'", [1000, 1001, 2000]),
        ("t > TIMESTAMP '1970-01-01 00:00:00.000001'", [1001, 2000]),
        ("t < '1970-01-01 00:00:00.000001'", [-1, 999]),
        ("t <= TIMESTAMP '1970-01-01 00:00:00.000001'", [-1, 999, 1000]),
        ("t = TIMESTAMP '1970-01-01 00:00:00.000001'", [1000]),
        ("t BETWEEN DATE '1970-01-01' AND DATE '2300-01-01'", [999, 1000, 1001, 2000]),
    ],
)
def test_times_of_nanoseconds_are_compared_to_the_nanosecond(where, kept, zone) -> None:
    """Spark refuses files that have them, so that no other answer is to be had."""
    times = pa.array([-1, 999, 1000, 1001, 2000, None], pa.timestamp("ns", zone))
    table = pa.table({"t": times})
    expression = to_arrow(where, table.schema)
    assert not isinstance(expression, Unsupported)
    assert table.filter(expression)["t"].cast(pa.int64()).to_pylist() == kept


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
