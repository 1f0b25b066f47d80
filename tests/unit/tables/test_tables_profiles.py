"""What stands in ``supports`` and ``profiles`` is what was known, to the last bit."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_sample import one_group
from stored_sample import (
    NAMES,
    REFERENCE_ID,
    STAMP,
    SUPPORTS,
    joint_profiles,
    keys,
    profiles,
    supports,
)
from strategies import INT64, LARGEST, quick

from kldrift.profiles.group_keys import REST, WHOLE, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import PowerSums
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import NumericSupport, Unit
from kldrift.tables.conform import conform
from kldrift.tables.parquet import from_parquet, to_parquet
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.read_profiles import read_profiles
from kldrift.tables.supports import (
    FOR_READERS,
    FeatureSupport,
    Origin,
    Supports,
    read_supports,
    supports_table,
)


def supports_in_a_file(known):
    """What is read of supports that were written."""
    table = from_parquet(to_parquet(conform("supports", supports_table(known, "daily"))))
    return read_supports(table.drop_columns(list(FOR_READERS)))


def profiles_in_a_file(found, joint=None, known=None):
    """What is read of profiles that were written."""
    known = known or supports(found)
    parts = profile_rows(found, joint or {}, NAMES, "current", STAMP)
    data = to_parquet(conform("profiles", part) for part in parts)
    return read_profiles(from_parquet(data), known)


def of_support(support, counts=None):
    counts = np.ones(support.size, dtype=np.int64) if counts is None else counts
    feature = FeatureSupport("x", "numeric", "", 0.0, merge_for_scoring(support, counts, 3))
    return Supports(
        REFERENCE_ID, Origin(None, 0, "r", datetime(2020, 1, 1, tzinfo=UTC)), (feature,)
    )


def assert_same_sums(read, wanted):
    assert read.keys() == wanted.keys()
    for name, other in wanted.items():
        one = read[name]
        assert one.keys == other.keys
        assert one.rows.tolist() == other.rows.tolist()
        assert list(one.moments) == list(other.moments)
        for a, b in zip(one.moments.values(), other.moments.values(), strict=True):
            assert (a.rows.tolist(), a.pivot.tolist()) == (b.rows.tolist(), b.pivot.tolist())
            for x, y in zip(a.arrays[1:], b.arrays[1:], strict=True):
                assert (x.shape, x.tobytes()) == (y.shape, y.tobytes())


def test_supports_are_read_as_they_were_written():
    known = supports(profiles())
    read = supports_in_a_file(known)
    for field in ("reference_id", "origin", "joint", "segments"):
        assert getattr(read, field) == getattr(known, field)
    for one, other in zip(read.features, known.features, strict=True):
        for field in ("name", "kind", "made_from", "joint_pivot", "skipped"):
            assert getattr(one, field) == getattr(other, field)
        if other.rebinning is None:
            assert one.rebinning is None
            continue
        support, wanted = one.rebinning.support, other.rebinning.support
        assert support == wanted
        assert support.identity == wanted.identity
        assert getattr(support, "pivot", None) == getattr(wanted, "pivot", None)
        assert one.rebinning.target.tolist() == other.rebinning.target.tolist()


@quick
@given(
    st.lists(st.integers(*INT64) | st.integers(-(2**53) - 3, -(2**53) + 3), unique=True),
    st.sampled_from([1, 100, 10**18]),
    st.sampled_from(Unit),
    st.floats(-LARGEST, LARGEST),
)
def test_integer_edges_are_exact(edges, scale, unit, pivot):
    support = NumericSupport(np.array(sorted(edges), dtype=np.int64), scale, unit, pivot)
    (read,) = supports_in_a_file(of_support(support)).features
    assert read.rebinning.support.identity == support.identity
    assert read.rebinning.support.pivot == pivot


@quick
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), unique=True))
def test_float_edges_are_exact(edges):
    support = NumericSupport(np.array(sorted(set(edges)), dtype=np.float64))
    (read,) = supports_in_a_file(of_support(support)).features
    assert read.rebinning.support.identity == support.identity


def test_profiles_are_read_as_they_were_written():
    found, joint = profiles(), joint_profiles()
    read, read_joint = profiles_in_a_file(found, joint)
    assert list(read) == list(found)
    for name, wanted in found.items():
        assert read[name] == wanted
    assert_same_sums(read_joint, joint)


def test_the_features_of_a_dataset_share_their_keys():
    read, _ = profiles_in_a_file(profiles())
    assert len({id(p.keys) for p in read.values()}) == 1


def test_profiles_that_are_written_in_parts_are_read_as_one(monkeypatch):
    monkeypatch.setattr("kldrift.tables.profile_rows.WRITTEN_AT_ONCE", 1)
    found = profiles()
    parts = list(profile_rows(found, {}, NAMES, "current", STAMP))
    assert len(parts) == len(found) + 1
    read, _ = read_profiles(pa.concat_tables(parts), supports(found))
    assert all(read[name] == wanted for name, wanted in found.items())


def test_rows_may_stand_in_any_order():
    found, joint = profiles(), joint_profiles()
    table = pa.concat_tables(profile_rows(found, joint, NAMES, "current", STAMP))
    order = np.random.default_rng(0).permutation(table.num_rows)
    read, read_joint = read_profiles(table.take(pa.array(order)), supports(found))
    assert all(read[name] == wanted for name, wanted in found.items())
    assert read_joint.keys() == joint.keys()


def test_sums_beyond_a_double_and_ranges_of_no_values_are_kept():
    support = SUPPORTS["floats"]
    odd = [
        PowerSums(3, np.inf, 0.0, np.inf, 0.0, -LARGEST, LARGEST),
        PowerSums(2, -1e300, -1e283, np.inf, 0.0, -1e300, 5e-324),
        PowerSums(),
    ]
    groups = GroupKeys.of_list(0, 2)
    counts = np.ones((3, support.size), dtype=np.int64)
    found = {"floats": Profile(support, groups, counts, Moments.stacked(odd, support.pivot))}
    read, _ = profiles_in_a_file(found, known=supports(profiles()))
    assert read["floats"] == found["floats"]


def test_moments_about_another_pivot_are_written_about_that_of_the_support():
    support = SUPPORTS["money"]
    counts = np.ones(support.size, dtype=np.int64)
    other = one_group(support, counts, Moments.of(np.array([1.0, 2.0]), pivot=7.0))
    read, _ = profiles_in_a_file({"money": other}, known=supports(profiles()))
    assert read["money"].moments == other.moments.about(support.pivot)


def test_every_group_has_a_row_with_its_name_and_place():
    found = {"texts": profiles()["texts"]}
    table = pa.concat_tables(profile_rows(found, {}, NAMES, "current", STAMP))
    columns = ("segment_list", "segment_place", "segment")
    assert list(zip(*(table[c].to_pylist() for c in columns), strict=True)) == [
        (None, None, None),
        (0, REST, None),
        (0, 0, "sex=F"),
        (0, 1, "sex=M"),
        (1, REST, None),
        (1, 0, 'a="x, y", b=null'),
    ]
    assert table["n"].to_pylist() == found["texts"].rows.tolist()


def test_no_feature_is_a_table_without_rows():
    (table,) = profile_rows({}, {}, (), "current", STAMP)
    assert table.num_rows == 0
    assert read_profiles(table, supports({})) == ({}, {})


def changed(table, column, values):
    return table.set_column(
        table.column_names.index(column),
        table.schema.field(column),
        pa.array(values, table.schema.field(column).type),
    )


def with_first(column, value):
    """A change of a column's first value."""

    def change(table):
        return changed(table, column, [value, *table[column].to_pylist()[1:]])

    change.__name__ = f"{column} {value}"
    return change


DAMAGED = [
    with_first("n", 7),
    with_first("cells", [0, 0]),
    with_first("cells", [10**6]),
    with_first("cells", [-1]),
    with_first("cells", [None, 1]),
    with_first("cells", None),
    with_first("rows", [1]),
    with_first("rows", [-5, 1, 1, 1, 1]),
    with_first("feature", "unknown"),
    with_first("reference_id", "fedcba9876543210"),
    with_first("segment_place", 0),
    with_first("segment_list", 0),
    lambda t: changed(
        t, "segment_list", [9 if x == 1 else x for x in t["segment_list"].to_pylist()]
    ),
    lambda t: changed(t, "segment_place", [x and x + 9 for x in t["segment_place"].to_pylist()]),
    lambda t: pa.concat_tables([t, t.slice(0, 1)]),
    lambda t: t.drop_columns("sum1"),
    lambda t: changed(t, "kind", ["joint"] * t.num_rows),
    lambda t: t.filter(pa.array([k != "joint" for k in t["kind"].to_pylist()])).append_column(
        "more", pa.nulls(t.num_rows - 5)
    ),
    lambda t: changed(t, "joint_sum1", [x and x[:-1] for x in t["joint_sum1"].to_pylist()]),
    lambda t: changed(t, "joint_cross", [x and [*x, 1.0] for x in t["joint_cross"].to_pylist()]),
    lambda t: changed(t, "joint_sum4", [None] * t.num_rows),
    *(
        lambda t, of=of: changed(
            t,
            "moment_rows",
            [
                x and (n + 1 if (kind == "joint") == of else x)
                for x, n, kind in zip(
                    *(t[c].to_pylist() for c in ("moment_rows", "n", "kind")), strict=True
                )
            ],
        )
        for of in (False, True)
    ),
    lambda t: changed(t, "width", [x and x + 1 for x in t["width"].to_pylist()]),
]


@pytest.mark.parametrize("change", DAMAGED)
def test_a_row_that_cannot_be_true_is_refused(change):
    found = profiles()
    table = pa.concat_tables(profile_rows(found, joint_profiles(), NAMES, "current", STAMP))
    read_profiles(table, supports(found))
    with pytest.raises(ValueError, match=r"\w"):
        read_profiles(change(table), supports(found))


DAMAGED_SUPPORTS = [
    with_first("target", [0]),
    with_first("target", None),
    with_first("float_edges", None),
    with_first("float_edges", [3.0, 2.0, 1.0]),
    with_first("unit", "parsec"),
    with_first("scale", None),
    with_first("pivot", None),
    with_first("feature", None),
    with_first("joint_pivots", []),
    with_first("reference_id", "fedcba9876543210"),
    with_first("kind", "segments"),
    with_first("kind", "joint"),
    lambda t: t.drop_columns("scale"),
    lambda t: t.slice(0, t.num_rows - 2).slice(0, 0),
    lambda t: changed(t, "segments", [None] * t.num_rows),
    lambda t: changed(t, "floats", [None] * t.num_rows),
    lambda t: changed(t, "categories", [x and ["a"] * len(x) for x in t["categories"].to_pylist()]),
    lambda t: pa.concat_tables([t.slice(0, t.num_rows - 2), t.slice(t.num_rows - 1)]),
]


@pytest.mark.parametrize("change", DAMAGED_SUPPORTS)
def test_a_row_of_supports_that_cannot_be_true_is_refused(change):
    table = supports_table(supports(profiles()), "daily").drop_columns(list(FOR_READERS))
    read_supports(table)
    with pytest.raises(ValueError, match=r"\w"):
        read_supports(change(table))


def test_the_whole_alone_is_one_row_a_feature():
    found = profiles(groups=WHOLE.union(GroupKeys.none())[0])
    assert len(keys()) == 6
    read, _ = profiles_in_a_file(found)
    assert all(read[name] == wanted for name, wanted in found.items())
