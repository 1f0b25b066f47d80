"""Row groups that cannot match are not read, and no row that matches is ever lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from predicate_sample import ALL, TABLE, TREES, write_days

from kldrift.config import Dataset
from kldrift.sources.open import open_files
from kldrift.sources.parquet.bounds import ALL_NULL, Bounds
from kldrift.sources.parquet.files import File, Footers
from kldrift.sources.parquet.footer_summary import ask_by_name, read_footers
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.pruning import matcher, prune
from kldrift.sources.predicates.translate import columns, to_arrow

ORDERS = ["id", "n", "tiny", "big", "x", "g", "s", "day", "at", "wall", "coarse", "amount", "wide"]


GROUPS = 12


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[pa.Table, Footers]]:
    """The sample in some row groups, by each of some orders."""
    folder = tmp_path_factory.mktemp("pruning")
    out = {}
    for name in ORDERS:
        table = TABLE.take(pc.sort_indices(TABLE[name]))
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, row_group_size=-(-len(table) // GROUPS))
        footers = read_footers([File(str(path), None, ())], ask_by_name(table.column_names))
        numbers = np.repeat(np.arange(len(footers.pieces)), [p.rows for p in footers.pieces])
        out[name] = (table.append_column("row group", pa.array(numbers)), footers)
    return out


def footers_of(path: Path, where: str) -> Footers:
    return read_footers([File(str(path), None, ())], ask_by_name(columns(where)))


def lost(table: pa.Table, footers: Footers, where: str) -> set[int]:
    """The row groups that hold rows that a predicate keeps, and that are not read."""
    needed = table.filter(to_arrow(where, TABLE.schema))["row group"].to_pylist()
    return set(needed) - {p.row_group for p in prune(footers, where).pieces}


@pytest.mark.parametrize("order", ORDERS)
def test_no_predicate_of_the_sample_loses_a_row(ordered, order):
    found = {where: lost(*ordered[order], where) for where in ALL[ORDERS.index(order) :: 4]}
    assert {where: groups for where, groups in found.items() if groups} == {}


def test_the_sample_is_pruned(ordered):
    assert sum(len(prune(ordered["n"][1], w).pieces) < GROUPS for w in ALL) > 50


@given(order=st.sampled_from(ORDERS), where=TREES)
def test_no_combination_of_predicates_loses_a_row(ordered, order, where):
    assert lost(*ordered[order], where) == set()


INTEGERS = st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=4)
LEAF = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from("ab"),
        st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "<=>"]),
        st.sampled_from(["-2", "0", "1", "3", "1.5", "NULL"]),
    ),
    st.builds("{} IS {}NULL".format, st.sampled_from("ab"), st.sampled_from(["", "NOT "])),
    st.builds("{} BETWEEN {} AND {}".format, st.sampled_from("ab"), st.integers(-3, 3), st.just(2)),
    st.builds("{} {}IN ({}, 2)".format, st.sampled_from("ab"), st.sampled_from(["", "NOT "]),
              st.sampled_from(["1", "-3", "NULL"])),
)  # fmt: skip
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        inner.map("NOT ({})".format),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["AND", "OR"]), inner),
    ),
    max_leaves=5,
)


@given(a=INTEGERS, b=INTEGERS, where=TREE)
def test_what_cannot_match_holds_no_row(a, b, where):
    n = min(len(a), len(b))
    table = pa.table({"a": pa.array(a[:n], pa.int64()), "b": pa.array(b[:n], pa.int64())})
    known = {}
    for name in "ab":
        there = [v for v in table[name].to_pylist() if v is not None]
        nulls = len(there) < n
        known[name] = Bounds(min(there), max(there), nulls) if there else ALL_NULL
    kept = table.filter(to_arrow(where, table.schema)).num_rows
    assert kept == 0 or matcher(where, table.schema)(known)


SCHEMA = pa.schema(
    [("n", pa.int64()), ("x", pa.float64()), ("s", pa.string()), ("day", pa.date32())]
)
N = {"n": Bounds(1, 5, nulls=False)}


@pytest.mark.parametrize(
    ("where", "known", "matches"),
    [
        ("n > 5", N, False),
        ("n >= 5", N, True),
        ("n < 1", N, False),
        ("n = 0", N, False),
        ("6 <= n", N, False),
        ("n = 1.5", N, True),
        ("n > 4.5", N, True),
        ("n > 5.5", N, False),
        ("n IS NULL", N, False),
        ("NOT (n IS NOT NULL)", N, False),
        ("n <=> NULL", N, False),
        ("n = NULL", N, False),
        ("n IN (0, 6)", N, False),
        ("n IN (0, 3)", N, True),
        ("n BETWEEN 6 AND 9", N, False),
        ("n NOT BETWEEN 1 AND 5", N, False),
        ("NOT (n <= 5 OR s = 'a')", N, False),
        ("n > 5 AND s = 'a'", N, False),
        ("n > 5 OR s = 'a'", N, True),
        ("n <> 3", {"n": Bounds(3, 3)}, False),
        ("n IS DISTINCT FROM 3", {"n": Bounds(3, 3)}, True),
        ("n IS DISTINCT FROM 3", {"n": Bounds(3, 3, nulls=False)}, False),
        ("n > 0", {"n": ALL_NULL}, False),
        ("n IS NULL", {"n": ALL_NULL}, True),
        ("n > 5", {}, True),
        ("x > 5", {"x": Bounds(1.0, 2.0)}, True),
        ("x IS NULL", {"x": Bounds(nulls=False)}, False),
        ("s = 'b'", {"s": Bounds("a", "a", nulls=False)}, False),
        ("s = 'a'", {"s": Bounds("a", "a", nulls=False)}, True),
        ("s > 'é'", {"s": Bounds("z", "z", nulls=False)}, False),
        ("s LIKE 'b%'", {"s": Bounds("a", "a", nulls=False)}, True),
        ("day >= '2024-02-01'", {"day": Bounds(dt.date(2024, 1, 1), dt.date(2024, 1, 31))}, False),
        ("FALSE", {}, False),
    ],
)
def test_three_valued_logic_over_bounds(where, known, matches):
    assert matcher(where, SCHEMA)(known) is matches


def test_nan_beyond_the_bounds_of_a_float_is_not_lost(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"x": [5.0, float("nan")]}), path)
    statistics = pq.read_metadata(path).row_group(0).column(0).statistics
    assert (statistics.min, statistics.max) == (5.0, 5.0)  # Parquet leaves it out
    assert len(prune(footers_of(path, "x > 6"), "x > 6").pieces) == 1


def test_bounds_of_text_are_not_looked_at(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"s": ["a", "b"]}), path)
    assert len(prune(footers_of(path, "s > 'c'"), "s > 'c'").pieces) == 1


@pytest.mark.parametrize(
    ("column", "low"),
    [
        (pa.array([1, None]), 1),
        (pa.array([1.0]), None),
        (pa.array(["a"]), None),
        (pa.array([1], pa.uint64()), None),
        (pa.array([2000], pa.timestamp("ns")), dt.datetime(1970, 1, 1, 0, 0, 0, 2)),
        (pa.array([1], pa.timestamp("us", "UTC")), dt.datetime(1970, 1, 1, 0, 0, 0, 1)),
        (pa.array([2**62], pa.timestamp("us")), None),  # a time that Python does not have
        (pa.array([Decimal("1.50")]), Decimal("1.50")),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_only_what_is_exact_has_bounds(tmp_path, column, low):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"c": column}), path)
    (found,) = footers_of(path, "c IS NULL").bounds
    assert found["c"] == Bounds(low, low, nulls=column.null_count > 0)


def test_bounds_of_nanoseconds_are_the_microseconds_around_them(tmp_path):
    path = tmp_path / "f.parquet"
    for zone in (None, "Europe/Berlin"):
        pq.write_table(pa.table({"c": pa.array([-1500, 1500], pa.timestamp("ns", zone))}), path)
        (found,) = footers_of(path, "c IS NULL").bounds
        epoch, micro = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
        assert found["c"] == Bounds(epoch - 2 * micro, epoch + 2 * micro, nulls=False)


def test_files_whose_common_type_is_a_double_have_no_bounds(tmp_path):
    pq.write_table(pa.table({"x": [1, 2]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"x": [1.5]}), tmp_path / "2.parquet")
    footers = read_footers(list_files([str(tmp_path)]), ask_by_name({"x"}))
    assert len(prune(footers, "x > 6").pieces) == 2


def test_bounds_of_a_dotted_name_are_not_taken_for_those_of_a_struct_field(tmp_path):
    table = pa.table({"a": [{"b": 9}], "a.b": [1]})
    pq.write_table(table, tmp_path / "f.parquet")
    assert len(opened(tmp_path, "a.b = 9 AND `a.b` = 1").footers.pieces) == 1


def opened(path: Path, where: str) -> ArrowSource:
    source = open_files(Dataset(path=(str(path),), where=where), "reference")
    assert isinstance(source, ArrowSource)
    return source


def test_a_partition_that_cannot_match_is_not_read_and_the_plan_says_so(tmp_path):
    source = opened(write_days(tmp_path), "day >= '2024-01-02' AND n < 3100")
    assert source.access_path == (
        "Parquet files, read with Arrow in the tasks; 3 of 6 row groups may hold rows to "
        "count (300 of 600 rows)"
    )
    assert {p.file.partition for p in source.footers.pieces} == {
        (("day", "2024-01-02"),),
        (("day", "2024-01-03"),),
    }
    everything = opened(tmp_path, "x >= 0")
    assert 0.45 < sum(source.footers.sizes.values()) / sum(everything.footers.sizes.values()) < 0.55


def test_a_column_that_a_file_lacks_is_null_in_it(tmp_path):
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"n": [3], "new": [1]}), tmp_path / "2.parquet")
    assert [p.rows for p in opened(tmp_path, "new = 1").footers.pieces] == [1]
    assert [p.rows for p in opened(tmp_path, "new IS NULL").footers.pieces] == [2]
