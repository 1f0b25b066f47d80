"""Files that cannot match by the statistics of a log are left out, and no row is ever lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from delta_sample import add, write_log
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st
from iceberg_sample import sql_catalog
from predicate_sample import ALL, TABLE

from kldrift.sources.lakehouse.delta import open_delta
from kldrift.sources.lakehouse.delta_files import _bound
from kldrift.sources.lakehouse.iceberg import open_iceberg
from kldrift.sources.lakehouse.snapshot import Snapshot
from kldrift.sources.parquet.bounds import ALL_NULL, UNKNOWN, Bounds
from kldrift.sources.predicates.translate import Unsupported, to_arrow

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")

FILES = 10
ORDERS = ["n", "big", "x", "day", "at", "wall", "amount", "wide", "s"]
LEFT_OUT = ["unsigned", "code", "trip", "tags", "dotted.name"]


def parts(order: str) -> list[pa.Table]:
    """The sample in some parts, by one of its columns."""
    table = TABLE.take(pc.sort_indices(TABLE[order])).drop_columns(LEFT_OUT)
    size = -(-len(table) // FILES)
    return [table.slice(i * size, size).combine_chunks() for i in range(FILES)]


def write_delta(root: Path, tables: list[pa.Table]) -> Snapshot:
    for table in tables:
        write_deltalake(root, table, mode="append")
    found = open_delta(str(root), {}, {}, TABLE.column_names)
    assert isinstance(found, Snapshot)
    return found


def write_iceberg(root: Path, tables: list[pa.Table]) -> Snapshot:
    catalog = sql_catalog("lake", uri=f"sqlite:///{root}.db", warehouse=f"file://{root}")
    catalog.create_namespace("ns")
    made = catalog.create_table("ns.t", schema=_micros(tables[0]).schema)
    for table in tables:
        made.append(_micros(table))
    found = open_iceberg(f"{root}/ns/t", {}, {}, TABLE.column_names)
    assert isinstance(found, Snapshot)
    return found


def _micros(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("coarse")
    return table.set_column(place, "coarse", table["coarse"].cast(pa.timestamp("us", "UTC")))


@pytest.mark.parametrize("write", [write_delta, write_iceberg], ids=["delta", "iceberg"])
@pytest.mark.parametrize("order", ORDERS)
def test_no_predicate_of_the_sample_loses_a_row(tmp_path, write, order):
    tables = parts(order)
    snapshot = write(tmp_path / "table", tables)
    assert sum(entry.rows for entry in snapshot.entries) == len(TABLE)
    of_id = {i: n for n, table in enumerate(tables) for i in table["id"].to_pylist()}
    numbers = {
        entry.file.path: of_id[pq.read_table(entry.file.path, columns=["id"])["id"][0].as_py()]
        for entry in snapshot.entries
    }
    rows = pa.concat_tables(
        _micros(table).append_column("file", pa.repeat(n, len(table)))
        for n, table in enumerate(tables)
    )
    lost, dropped = {}, 0
    for where in ALL[ORDERS.index(order) :: 3]:
        keeps = to_arrow(where, snapshot.schema)
        if isinstance(keeps, Unsupported):
            continue
        needed = set(rows.filter(keeps)["file"].to_pylist())
        kept = {numbers[entry.file.path] for entry in snapshot.only(where).entries}
        dropped += FILES - len(kept)
        if needed - kept:
            lost[where] = needed - kept
    assert lost == {}
    assert dropped > 50


AMOUNTS = st.integers(1 - 10**20, 10**20 - 1).map(lambda n: Decimal(n).scaleb(-2))
TIMES = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))


@given(amount=AMOUNTS)
def test_a_decimal_that_went_through_a_double_is_within_its_bounds(amount):
    unit = Decimal("0.01")
    written = Decimal(repr(float(amount))).quantize(unit)
    bounds = _bound(1, 0, written, written)
    assert bounds.low <= amount <= bounds.high
    assert bounds.high - bounds.low < abs(amount) * Decimal("3e-15") + 5 * unit


@given(at=TIMES)
def test_a_time_that_was_cut_to_milliseconds_is_within_its_bounds(at):
    cut = at.replace(microsecond=at.microsecond // 1000 * 1000)
    bounds = _bound(1, 0, cut, cut)
    assert bounds.low <= at <= bounds.high


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((9, 0, 1, 5), Bounds(1, 5, nulls=False)),
        ((9, 3, 1, 5), Bounds(1, 5)),
        ((9, 9, None, None), ALL_NULL),
        ((9, None, 1, 5), Bounds(1, 5)),
        ((None, 0, 1, 5), UNKNOWN),
        ((9, {"a": 0}, None, None), UNKNOWN),
        ((9, 0, dt.date(2024, 1, 1), dt.date(2024, 1, 2)),
         Bounds(dt.date(2024, 1, 1), dt.date(2024, 1, 2), nulls=False)),
        ((9, 0, dt.datetime.min, dt.datetime.max), Bounds(nulls=False)),
    ],
)  # fmt: skip
def test_what_the_log_does_not_tell_is_not_known(found, expected):
    assert _bound(*found) == expected


def test_statistics_of_renamed_columns_and_files_without_any_are_read_as_they_are(tmp_path):
    table = pa.table({"col-1": [1, 2, 3]})
    stats = '{"numRecords": 3, "minValues": {"col-1": 1}, "maxValues": {"col-1": 3}}'
    files = [add(tmp_path, "1.parquet", table, stats=stats), add(tmp_path, "2.parquet", table)]
    files.append(add(tmp_path, "3.parquet", table))
    del files[2]["stats"]
    write_log(tmp_path, [("N", "long")], files, mapping="name", features=["columnMapping"])
    found = open_delta(str(tmp_path), {}, {}, ["n"])
    assert isinstance(found, Snapshot)
    assert [entry.bounds["N"] for entry in found.entries] == [Bounds(1, 3), UNKNOWN, UNKNOWN]
    assert [entry.rows for entry in found.entries] == [3, 3, None]
    assert found.planned().rows is None
    assert [Path(e.file.path).name for e in found.only("n > 3").entries] == [
        "2.parquet",
        "3.parquet",
    ]
