"""Which features a schema has, how both sides are matched, and what is said about the rest."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa
import pytest

from kldrift.config import Features, Override
from kldrift.errors import ConfigError
from kldrift.features.feature import Feature
from kldrift.features.keys import KeyType
from kldrift.features.layouts import VARIANT
from kldrift.features.names import check_names
from kldrift.features.pairs import pair
from kldrift.features.plan import FeaturePlan, plan_features, plan_side
from kldrift.profiles.support import Unit

INSTANT = dt.datetime(2024, 2, 29, 13, 30)  # a Thursday


def plan(columns: dict[str, pa.DataType], **wanted: Any) -> FeaturePlan:
    return plan_features(pa.schema(columns), Features(**wanted))


def one(column: pa.DataType, /, **override: Any) -> Feature:
    overrides = {"x": Override(**override)} if override else {}
    (feature,) = plan({"x": column}, override=overrides).features
    return feature


def struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(fields)


@pytest.mark.parametrize(
    ("kind", "key_type", "category", "scale"),
    [
        (pa.int8(), KeyType.INTEGER, "numeric", 1),
        (pa.uint32(), KeyType.INTEGER, "numeric", 1),
        (pa.int64(), KeyType.INTEGER, "numeric", 1),
        (pa.uint64(), KeyType.UNSIGNED, "numeric", 1),
        (pa.float32(), KeyType.FLOAT, "numeric", 1),
        (pa.decimal128(18, 2), KeyType.INTEGER, "numeric", 100),
        (pa.decimal128(19, 2), KeyType.FLOAT, "numeric", 1),
        (pa.bool_(), KeyType.TEXT, "categorical", 1),
        (pa.string(), KeyType.TEXT, "categorical", 1),
        (pa.large_string(), KeyType.TEXT, "categorical", 1),
        (pa.dictionary(pa.int32(), pa.string()), KeyType.TEXT, "categorical", 1),
        (pa.dictionary(pa.int32(), pa.int64()), KeyType.TEXT, "categorical", 1),
        (pa.dictionary(pa.int8(), pa.uint64()), KeyType.TEXT, "categorical", 1),
        (pa.dictionary(pa.int32(), pa.float64()), KeyType.FLOAT, "numeric", 1),
        (pa.null(), KeyType.PRESENCE, "categorical", 1),
    ],
    ids=str,
)
def test_the_type_of_a_column_says_how_it_is_read(kind, key_type, category, scale):
    feature = one(kind)
    assert (feature.name, feature.path) == ("x", ("x",))
    assert (feature.key_type, feature.kind, feature.scale) == (key_type, category, scale)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (pa.binary(), "binary values are no feature"),
        (pa.binary(8), "binary values are no feature"),
        (pa.uuid(), "binary values are no feature"),
        (pa.month_day_nano_interval(), "values of type month_day_nano_interval"),
        (pa.struct([]), "values of type struct"),
        (VARIANT, "values of type variant"),
        (pa.struct([*VARIANT, pa.field("typed_value", pa.int64())]), "values of type variant"),
        (pa.timestamp("us"), r"timestamps always move; .*x.parts: \[hour, weekday\]"),
        (pa.date32(), r"dates always move; .*x.parts: \[weekday\]"),
    ],
    ids=str,
)
def test_a_column_that_is_no_feature_is_listed_with_the_reason(kind, reason):
    found = plan({"x": kind})
    assert found.features == ()
    assert [s.column for s in found.skipped] == ["x"]
    assert re.search(reason, found.skipped[0].reason)


# ------------------------------------------------------------------------------------ overrides


def test_numbers_can_be_categories():
    assert one(pa.int64(), kind="categorical").key_type is KeyType.TEXT
    floats = one(pa.float64(), kind="categorical")
    assert (floats.kind, floats.floats) == ("categorical", True)
    decimal = one(pa.decimal128(9, 2), kind="categorical")
    assert (decimal.key_type, decimal.scale) == (KeyType.TEXT, 1)


def test_booleans_can_be_numbers_and_text_cannot():
    feature = one(pa.bool_(), kind="numeric")
    assert (feature.key_type, feature.unit) == (KeyType.INTEGER, Unit.NUMBER)
    with pytest.raises(ConfigError, match=r'features.override.x.kind: .* "cast\(x as double\)"'):
        one(pa.string(), kind="numeric")


@pytest.mark.parametrize("override", [{"keep": True}, {"kind": "numeric"}])
def test_what_is_asked_for_is_kept_even_if_it_looks_like_an_identifier(override):
    assert one(pa.int64(), **override).keep
    assert not one(pa.int64()).keep


def test_parts_of_a_time_are_features_of_their_own():
    parts = Override(parts=("hour", "weekday", "month", "whole"))
    found = plan({"x": pa.timestamp("us", tz="UTC")}, override={"x": parts}).features
    assert [f.name for f in found] == ["hour(x)", "weekday(x)", "month(x)", "x"]
    assert {f.column for f in found} == {"x"}
    column = pa.array([INSTANT, None], pa.timestamp("us", tz="Asia/Tokyo"))
    assert [f.of(column).to_pylist() for f in found[:3]] == [[13, None], [3, None], [2, None]]
    assert (found[3].unit, found[3].scale) == (Unit.SECONDS, 1_000_000)


def test_parts_of_an_instant_are_told_by_the_clock_of_the_zone_and_others_as_they_stand():
    wanted = Features(override={"x": Override(parts=("hour", "weekday", "month", "whole"))})
    late = [dt.datetime(2024, 2, 29, 23, 30, tzinfo=dt.UTC), None]
    for tz, right in ("UTC", [0, 4, 3]), (None, [23, 3, 2]):
        kind = pa.timestamp("us", tz=tz)
        hour, weekday, month, whole = plan_side(
            pa.schema({"x": kind}), wanted, zone="Europe/Berlin"
        ).features
        column = pa.array(late if tz else [late[0].replace(tzinfo=None), None], kind)
        parts = (hour, weekday, month)
        assert [f.of(column).to_pylist() for f in parts] == [[n, None] for n in right]
        assert ["zone='Europe/Berlin'" in repr(f) for f in (*parts, whole)] == [bool(tz)] * 3 + [
            False
        ]


def test_parts_of_a_date_have_no_hour():
    found = one(pa.date32(), parts=("weekday",))
    assert found.of(pa.array([INSTANT.date()])).to_pylist() == [3]
    assert one(pa.date32(), parts=("whole",)).unit is Unit.DAYS
    with pytest.raises(ConfigError, match="its parts are weekday, month, whole"):
        one(pa.date32(), parts=("hour",))
    with pytest.raises(ConfigError, match="column of int64 has no part 'hour'; it has no parts"):
        one(pa.int64(), parts=("hour",))


# --------------------------------------------------------------------------------- nested values


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.list_(pa.int64()), [[1, 2], [], None, [None]]),
        (pa.large_list(pa.int64()), [[1, 2], [], None, [None]]),
        (pa.map_(pa.string(), pa.int64()), [[("a", 1), ("b", 2)], [], None, [("c", None)]]),
    ],
    ids=["list", "large list", "map"],
)
def test_the_size_of_a_collection_is_the_feature(kind, values):
    feature = one(kind)
    assert (feature.name, feature.column) == ("size(x)", "x")
    column = pa.array(values, kind)
    assert feature.of(column).to_pylist() == [2, 0, None, 1]
    assert feature.of(column.slice(1, 2)).to_pylist() == [0, None]


def test_fields_of_structs_are_features_where_a_null_struct_has_null_fields():
    kind = struct(age=pa.int32(), home=struct(zip=pa.string()))
    found = plan({"p": kind}).features
    assert [f.name for f in found] == ["p.age", "p.home.zip"]
    rows = [{"age": 7, "home": {"zip": "a"}}, {"age": None, "home": None}, None]
    column = pa.array(rows, kind)
    assert [f.of(column).to_pylist() for f in found] == [[7, None, None], ["a", None, None]]
    assert found[0].of(column.slice(1)).to_pylist() == [None, None]
    assert found[1].of(pa.nulls(2)).to_pylist() == [None, None]


def test_a_dotted_column_and_a_field_of_a_struct_are_told_apart():
    found = plan({"a.b": pa.int64(), "a": struct(b=pa.int64())}).features
    assert [(f.name, f.path) for f in found] == [("`a.b`", ("a.b",)), ("`a`.`b`", ("a", "b"))]


# ---------------------------------------------------------------------------- include and exclude


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["a", "b[0]", "s.x", "s.y"]),
        ({"include": ("a",)}, ["a"]),
        ({"include": ("s",)}, ["s.x", "s.y"]),
        ({"include": ("s.*",), "exclude": ("*.y",)}, ["s.x"]),
        ({"include": ("b[0]",)}, ["b[0]"]),
        ({"exclude": ("b[0]", "s")}, ["a"]),
        ({"include": ("A",)}, []),
    ],
    ids=str,
)
def test_patterns_choose_columns_and_fields_by_name(wanted, names):
    columns = {"a": pa.int64(), "b[0]": pa.int64(), "s": struct(x=pa.int64(), y=pa.int64())}
    found = plan(columns, **wanted)
    assert [f.name for f in found.features] == names
    excluded = {s.column for s in found.skipped}
    assert excluded.isdisjoint(names)
    if "exclude" in wanted:
        assert all(s.reason == "excluded by the configuration" for s in found.skipped)


def test_a_name_that_matches_nothing_is_an_error_with_the_nearest_one():
    wanted = Features(include=("agee",), override={"incom": Override(keep=True)})
    with pytest.raises(ConfigError) as error:
        check_names(wanted, ["age", "income"], [])
    assert str(error.value).splitlines() == [
        "features.include: no column or feature is called 'agee'; did you mean 'age'?",
        "features.override: no column or feature is called 'incom'; did you mean 'income'?",
    ]
    check_names(Features(include=("*", "a*", "b[0]")), ["age", "b[0]"], [])


# --------------------------------------------------------------------------------------- derived


def test_derived_features_carry_their_sql_and_have_names_of_their_own():
    wanted = Features(derived={"minutes": "seconds / 60"})
    schema, derived = pa.schema({"seconds": pa.int64()}), pa.schema({"minutes": pa.float64()})
    *_, feature = plan_side(schema, wanted, derived).features
    assert (feature.name, feature.sql) == ("minutes", "seconds / 60")
    with pytest.raises(ConfigError, match=r"derived.seconds: a column of that name is a feature"):
        plan_side(schema, Features(derived={"seconds": "1"}), schema)
    leave = Features(derived={"seconds": "1"}, exclude=("seconds",))
    assert [f.sql for f in plan_side(schema, leave, schema).features] == ["1"]


def test_a_derived_value_that_is_no_feature_is_an_error():
    with pytest.raises(ConfigError, match=r"features.derived.raw: binary values are no feature"):
        plan_side(pa.schema({}), Features(derived={"raw": "r"}), pa.schema({"raw": pa.binary()}))


# --------------------------------------------------------------------------------------- matching


def matched(reference: pa.DataType | None, current: pa.DataType | None, **wanted: Any) -> Any:
    sides = [plan({"x": kind} if kind else {}, **wanted) for kind in (reference, current)]
    found = pair(*sides)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("reference", "current", "key_type"),
    [
        (pa.int32(), pa.int64(), KeyType.INTEGER),
        (pa.int64(), pa.float64(), KeyType.FLOAT),
        (pa.decimal128(9, 2), pa.decimal128(9, 2), KeyType.INTEGER),
        (pa.decimal128(9, 2), pa.decimal128(9, 3), KeyType.FLOAT),
        (pa.string(), pa.dictionary(pa.int32(), pa.string()), KeyType.TEXT),
        (pa.int8(), pa.dictionary(pa.int32(), pa.int64()), KeyType.TEXT),
        (pa.dictionary(pa.int32(), pa.int64()), pa.float64(), KeyType.TEXT),
        (pa.dictionary(pa.int32(), pa.int64()), pa.decimal128(9, 2), KeyType.TEXT),
        (pa.dictionary(pa.int32(), pa.int64()), pa.null(), KeyType.TEXT),
        (pa.null(), pa.float64(), KeyType.FLOAT),
        (pa.float64(), pa.null(), KeyType.FLOAT),
        (pa.null(), pa.null(), KeyType.PRESENCE),
    ],
    ids=str,
)
def test_types_of_one_family_are_read_the_same_on_both_sides(reference, current, key_type):
    found = matched(reference, current)
    assert found.changed == ""
    assert found.reference.key_type is found.current.key_type is key_type
    assert found.reference.scale == found.current.scale
    assert found.reference.kind == found.current.kind


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (pa.int64(), pa.string()),
        (pa.bool_(), pa.int64()),
        (pa.string(), pa.float64()),
    ],
    ids=str,
)
def test_of_types_of_different_families_only_presence_is_compared(reference, current):
    found = matched(reference, current)
    told = found.changed.partition("; if texts are numbers: ")[0]
    assert told == f"{reference} in the reference, {current} in the current dataset"
    assert found.reference.key_type is found.current.key_type is KeyType.PRESENCE


def test_floats_that_are_categories_on_one_side_are_so_on_both():
    categorical = {"override": {"x": Override(kind="categorical")}}
    found = matched(pa.int64(), pa.float64(), **categorical)
    assert found.reference.floats
    assert found.current.floats


@pytest.mark.parametrize(
    ("reference", "current", "changed"),
    [
        (pa.int64(), None, ""),
        (None, pa.int64(), ""),
        (pa.int64(), pa.binary(), "int64 in the reference, binary in the current dataset: binary"),
        (pa.timestamp("us"), pa.string(), "timestamp[us] in the reference, string in the current"),
        (struct(y=pa.int64()), struct(y=pa.binary()), "int64 in the reference, binary in the cur"),
        (struct(y=pa.int64()), pa.binary(), "struct in the reference, binary in the current"),
        (pa.list_(pa.int64()), pa.int64(), "list<item: int64> in the reference, int64 in the cur"),
        (pa.int64(), struct(y=pa.int64()), "int64 in the reference, struct in the current data"),
    ],
    ids=str,
)
def test_a_feature_of_one_side_only_is_missing_new_or_has_changed(reference, current, changed):
    found = matched(reference, current)
    assert (found.reference is None) != (found.current is None)
    assert found.changed.startswith(changed)
    assert bool(found.changed) == bool(changed)


def test_a_part_of_a_column_that_has_changed_its_type_has_changed():
    for parts, kind in (("hour",), pa.timestamp("us")), (("nulls",), pa.list_(pa.int64())):
        override = {"override": {"x": Override(parts=parts)}}
        schemas = pa.schema({"x": kind}), pa.schema({"x": pa.bool_()})
        for sides in (schemas, schemas[::-1]):
            found = pair(*(plan_side(side, Features(**override)) for side in sides))
            types = [f"{side.field('x').type}" for side in sides]
            text = f"{types[0]} in the reference, {types[1]} in the current dataset"
            assert {p.changed for p in found} == {text}
            assert f"{parts[0]}(x)" in {p.feature.name for p in found}


def test_an_override_that_fits_no_side_is_an_error():
    side = plan_side(
        pa.schema({"x": pa.int64()}), Features(override={"x": Override(parts=("hour",))})
    )
    with pytest.raises(ConfigError, match="a column of int64 has no part 'hour'"):
        pair(side, side)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), struct(y=pa.int64()), pa.int64()], ids=str)
def test_nulls_of_no_type_fit_every_feature(kind):
    for sides in ((kind, pa.null()), (pa.null(), kind)):
        found = matched(*sides)
        assert found.both
        assert found.changed == ""


def test_a_column_that_is_called_as_a_part_of_another_is_quoted_on_both_sides():
    both = {"tags": pa.list_(pa.int64()), "size(tags)": pa.int64()}
    for sides in ((both, both), (both, {"size(tags)": pa.int64()}), ({"tags": both["tags"]}, both)):
        found = pair(*(plan(side) for side in sides))
        assert [p.changed for p in found] == ["", ""]
        assert {p.feature.name for p in found} == {"size(tags)", "`size(tags)`"}
        for p in found:
            assert len({f.path for f in (p.reference, p.current) if f}) == 1


def test_a_column_and_a_field_of_one_name_are_told_apart_on_both_sides():
    sides = {"a.b": pa.int64()}, {"a.b": pa.int64(), "a": struct(b=pa.string())}
    found = {p.feature.name: p for p in pair(*(plan(side) for side in sides))}
    assert set(found) == {"`a.b`", "`a`.`b`"}
    assert found["`a.b`"].both


def test_a_column_that_is_called_as_the_number_of_rows_is_quoted():
    """Both had rows of one key in the tables, and `kldrift show` mixed them."""
    (feature,) = plan({":rows": pa.float64()}).features
    assert (feature.name, feature.path) == ("`:rows`", (":rows",))
    derived = pa.schema({":rows": pa.int64()})
    with pytest.raises(ConfigError, match=r"derived.:rows: a column of that name is a feature"):
        plan_side(pa.schema({}), Features(derived={":rows": "1"}), derived)


def test_columns_of_one_name_are_no_feature_and_said_to_be_alike():
    schema = pa.schema([("x", pa.int64()), ("x", pa.string()), ("y", pa.int64())])
    found = plan_features(schema, Features())
    assert [f.name for f in found.features] == ["y"]
    assert [(s.column, s.ambiguous, s.reason[:23]) for s in found.skipped] == [
        ("x", True, "2 columns called 'x'; r")
    ]
    found = plan_features(schema, Features(exclude=("x",)))
    assert [(s.column, s.reason) for s in found.skipped] == [("x", "excluded by the configuration")]
    inner = pa.struct([("x", pa.int64()), ("x", pa.int64()), ("z", pa.int64())])
    found = plan_features(pa.schema({"s": inner}), Features())
    assert [f.name for f in found.features] == ["s.z"]
    assert [(s.column, s.ambiguous) for s in found.skipped] == [("s.x", True)]


@pytest.mark.parametrize("other", [{"x": pa.int64()}, {"x": struct(a=pa.int64())}, {}])
def test_a_name_that_one_side_has_twice_has_not_changed_its_type(other):
    twice = plan_features(pa.schema([("x", pa.int64())] * 2 + [("y", pa.int64())]), Features())
    side = plan(other | {"y": pa.int64()})
    for sides in ((twice, side), (side, twice)):
        found = {p.feature.name: p for p in pair(*sides)}
        assert found.pop("y").both
        for p in found.values():
            assert (p.changed, p.both) == ("", False)
            assert p.ambiguous.startswith("2 columns called 'x' in the ")


def test_what_is_excluded_has_not_changed():
    sides = plan({"x": pa.int64()}), plan({"x": pa.int64(), "y": pa.int64()}, exclude=("x",))
    assert [(p.feature.name, p.changed) for p in pair(*sides)] == [("x", ""), ("y", "")]
