"""A DataFrame's columns arrive in the tasks as Spark alone would send them, however they travel."""

from __future__ import annotations

import pickle
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from all_types import all_types
from py4j.protocol import MEMORY_COMMAND_NAME
from pyspark import cloudpickle
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.config import Features, Override
from kldrift.execution.session import NEW_SESSION
from kldrift.features.names import backticked
from kldrift.features.plan import plan_side
from kldrift.sources.dataframe.frame import BYTES_AT_ONCE, gathered
from kldrift.sources.open import frame_source
from kldrift.sources.program import BATCH_ROWS

pytestmark = pytest.mark.spark

# The tasks have the library, not its tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Kept:
    """A program that keeps every column, and how much memory its task took."""

    batch_rows = BATCH_ROWS

    def __init__(self, features, *larger, keys=(), values=True):
        self.sets = dict(enumerate([*((f,) for f in features), *larger]))
        self.keys = keys
        self.values = values

    def only(self, numbers):
        raise NotImplementedError

    def start(self):
        if Path("/proc/self/clear_refs").exists():
            Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of earlier tasks
        return _Keeper(self.values)


class _Keeper:
    full = False

    def __init__(self, values):
        self.values = values
        self.batches = {}
        self.rows = {}

    def add(self, batch):
        for i, column in enumerate(batch.keys):
            self.keep(("key", i), column)
        for number, columns in batch.sets:
            for i, column in enumerate(columns):
                self.keep((number, i), column)

    def keep(self, place, column):
        self.rows[place] = self.rows.get(place, 0) + len(column)
        if self.values:
            column.validate(full=True)
            self.batches.setdefault(place, []).append(column)

    def results(self):
        found = [pickle.dumps((k, pa.concat_arrays(v))) for k, v in self.batches.items()]
        status = Path("/proc/self/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
        found.append(pickle.dumps(("peak", [*peak, self.rows])))
        yield pa.record_batch([found], names=["column"])


def kept(spark, source, program) -> dict:
    rows = source.map_tasks(spark, program, "column binary").collect()
    return dict(pickle.loads(row["column"]) for row in rows)


def as_they_are(batches):
    for batch in batches:
        yield pa.record_batch([[pickle.dumps(batch)]], names=["batch"])


def as_spark_sends(source, features) -> pa.Table:
    """The columns of features, each on its own."""
    paths = [".".join(f"`{p.replace('`', '``')}`" for p in f.path) for f in features]
    columns = [F.col(path).alias(f"x{i}") for i, path in enumerate(paths)]
    sent = source.frame.select(*columns).mapInArrow(as_they_are, "batch binary").collect()
    return pa.Table.from_batches([pickle.loads(row["batch"]) for row in sent])


def bits_of(column: pa.Array) -> list:
    if pa.types.is_floating(column.type) or pa.types.is_temporal(column.type):
        column = column.view(pa.int32() if column.type.bit_width == 32 else pa.int64())
    return column.to_pylist()


def odd_times(rows: int) -> dict[str, pa.Array]:
    """Instants, wall clocks, dates and decimals that a calendar or a double could not hold."""
    least, most = -(2**63), 2**63 - 1
    times = pa.array(([least, most, 0, -1, None] * rows)[:rows], pa.int64())
    dates = pa.array(([-(2**31), 2**31 - 1, -719_163, None] * rows)[:rows], pa.int32())
    small = [Decimal("9999999.99"), Decimal("-9999999.99"), Decimal("0.01"), None]
    large = [Decimal("9" * 35 + ".999"), Decimal("-" + "9" * 35 + ".999"), None]
    return {
        "instant 2": times.view(pa.timestamp("us", "UTC")),
        "clock 2": times.view(pa.timestamp("us")),
        "date 2": dates.view(pa.date32()),
        "decimal 2": pa.array((small * rows)[:rows], pa.decimal128(9, 2)),
        "wide decimal 2": pa.array((large * rows)[:rows], pa.decimal128(38, 3)),
        "string 2": pa.array((["é", "", None, "x" * 5000] * rows)[:rows]),
        "double 2": pa.array(([-0.0, float("inf"), None, float("nan")] * rows)[:rows]),
        "int 2": pa.array(([None, -(2**31), 2**31 - 1] * rows)[:rows], pa.int32()),
        "boolean 2": pa.array(([None, True, False] * rows)[:rows]),
    }


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    rows = 400
    table = all_types(rows, 0)
    for name, column in odd_times(rows).items():
        table = table.append_column(name, column)
    path = tmp_path_factory.mktemp("frame") / "all.parquet"
    pq.write_table(table, path)
    return path


def planned(source, derived=()):
    times = ("instant", "instant 2", "clock", "clock 2", "date", "date 2")
    override = {name: Override(parts=("whole", "weekday", "month")) for name in times}
    wanted = Features(override=override, derived=dict(derived))
    return plan_side(source.schema, wanted, source.derived).features


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("rows", ["10000", "7"])
def test_every_column_is_the_one_that_spark_alone_sends(spark, table, zone, rows):
    settings = {
        "spark.sql.session.timeZone": zone,
        "spark.sql.execution.arrow.maxRecordsPerBatch": rows,
    }
    before = {key: spark.conf.get(key) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        derived = {"twice": "int * 2", "first": "substr(string, 1, 1)", "longer": "long div 3"}
        source = frame_source(
            spark.read.option("datetimeRebaseMode", "CORRECTED").parquet(str(table)),
            derived,
            "test",
        )
        features = planned(source, derived)
        assert len(features) > 45
        program = Kept(features, features, features[3:1:-1], keys=features[-1:] + features[:1])
        found = kept(spark, source, program)
        alone = as_spark_sends(source, features)
        for i, feature in enumerate(features):
            expected = feature.of_value(alone[i].combine_chunks())
            assert found[i, 0].type == expected.type, feature.name
            assert bits_of(found[i, 0]) == bits_of(expected), feature.name
            assert bits_of(found[len(features), i]) == bits_of(expected), feature.name
        assert [found[len(features) + 1, i] for i in (0, 1)] == [found[3, 0], found[2, 0]]
        assert [found["key", i] for i in (0, 1)] == [found[len(features) - 1, 0], found[0, 0]]
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)


def test_no_rows_and_partitions_without_rows_give_no_batches(spark, table):
    whole = spark.read.option("datetimeRebaseMode", "CORRECTED").parquet(str(table))
    source = frame_source(whole.where("int > 1000"), {}, "test")
    assert kept(spark, source, Kept(planned(source)))["peak"][-1] == {}
    few = frame_source(whole.limit(3).repartition(8), {}, "test")
    found = few.map_tasks(spark, Kept(planned(few)), "column binary").collect()
    peaks = [v for k, v in (pickle.loads(row["column"]) for row in found) if k == "peak"]
    assert len(peaks) == 8
    assert sum(rows[-1].get((0, 0), 0) for rows in peaks) == 3


def test_texts_of_a_collation_of_their_own_travel_alone(spark):
    if spark.version < "4":
        pytest.skip("texts have collations from Spark 4.0 on")
    frame = spark.range(0, 5, 1, 1).selectExpr(
        "string(id) a",
        "string(id) collate UTF8_LCASE b",
        "string(id) c",
        "string(id) collate UNICODE d",
    )
    source = frame_source(frame, {}, "test")
    found = kept(spark, source, Kept(planned(source)))
    parts = [found[i, 0].to_pylist() for i in range(4)]
    assert parts == [list("01234")] * 4


NAMES = ["a.b", "c`d", "e f", "``", "Größe", "1", "select", "a"]


def nested_sql(names, depth=2):
    """A struct of structs whose fields hold numbers, texts and lists."""
    inside = ", ".join(
        f"id + {i} as {backticked(n)}, string(id) as {backticked(n + ' text')}, "
        f"if(id = 1, null, sequence(0, id)) as {backticked(n + ' list')}"
        for i, n in enumerate(names)
    )
    for name in names[:depth]:
        inside = f"struct({inside}) as {backticked(name)}"
    return inside


def test_fields_of_structs_are_found_whatever_their_names_are(spark):
    frame = spark.range(0, 3, 1, 1).selectExpr("1 as c0", nested_sql(NAMES))
    source = frame_source(frame, {}, "test")
    features = planned(source)
    found = kept(spark, source, Kept(features))
    by_name = {f.path[-1]: found[i, 0].to_pylist() for i, f in enumerate(features)}
    for i, name in enumerate(NAMES):
        assert by_name[name] == [i, i + 1, i + 2]
        assert by_name[f"{name} text"] == ["0", "1", "2"]
        assert by_name[f"{name} list"] == [1, None, 3]


def calls_of(spark, names, monkeypatch):
    """How often the driver is asked for the columns of a scan."""
    frame = spark.range(0, 1, 1, 1).selectExpr(nested_sql(names))
    source = frame_source(frame, {}, "test")
    client, calls = spark.sparkContext._gateway._gateway_client, []
    send = type(client).send_command

    def counting(self, command, *rest, **options):
        calls.append(command)
        return send(self, command, *rest, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(client), "send_command", counting)
        source.map_tasks(spark, Kept(planned(source)), "column binary")
    # What earlier tests left is let go at any time.
    return sum(not command.startswith(MEMORY_COMMAND_NAME) for command in calls)


def test_a_driver_is_not_asked_for_each_field_of_a_struct(classic, monkeypatch):
    few, many = (calls_of(classic, [f"f{i}" for i in range(n)], monkeypatch) for n in (3, 60))
    assert many - few < 180  # it was asked 200 times a name


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are Linux's")
def test_three_thousand_columns_take_less_than_half_a_gigabyte(spark):
    settings = {k: v for k, v in NEW_SESSION.items() if "arrow" in k}
    before = {key: spark.conf.get(key, None) for key in settings}
    columns = [f"id / {i % 7 + 1} as x{i}" for i in range(3_000)]
    source = frame_source(spark.range(0, 20_000, 1, 1).selectExpr(*columns), {}, "test")
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        peak, rows = kept(spark, source, Kept(planned(source), values=False))["peak"]
    finally:
        for key, value in before.items():
            spark.conf.unset(key) if value is None else spark.conf.set(key, value)
    assert set(rows.values()) == {20_000}
    assert len(rows) == 3_000
    assert peak < 512 * 1024


def test_small_batches_are_put_together_and_large_ones_left_alone():
    small = [pa.record_batch([np.arange(n)], names=["x"]) for n in (40, 0, 40, 40, 5)]
    found = list(gathered(iter(small), 100))
    assert [[b.num_rows for b in some] for some in found] == [[40, 40, 40], [5]]
    wide = pa.record_batch([np.zeros(BYTES_AT_ONCE // 8)], names=["x"])
    assert [len(some) for some in gathered(iter([wide, wide]), 10**9)] == [1, 1]
    assert list(gathered(iter([]), 1)) == []
