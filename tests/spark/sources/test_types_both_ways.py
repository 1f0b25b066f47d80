"""Columns of other types, layouts and names are judged alike through Arrow and through Spark."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from kldrift import compare, run
from kldrift.binning.choose import Binning
from kldrift.config import Dataset
from kldrift.errors import ConfigError, DatasetError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.progress import SILENT
from kldrift.features.layouts import VARIANT
from kldrift.features.text_looks import LOOKS, dates_as_numbers, look_of
from kldrift.monitor.compare import config_of
from kldrift.monitor.plan import make_plan
from kldrift.sources.open import frame_source, open_source

pytestmark = pytest.mark.spark

ROWS = 200
INTEGERS = pa.int64()
HALF = ROWS // 2
AMOUNTS = np.round(np.random.default_rng(0).gamma(2, 30, ROWS), 2)
WORDS = ["a", "bb", "ccc", None] * (ROWS // 4)
LISTS = [[1, 2], [3, None], [], None] * (ROWS // 4)
ALL = {"include": ["*"], "exclude": [], "override": {}, "derived": {}}
NO_RULES = {"joint": {}, "segments": (), "thresholds": None, "alpha": 0.01, "scoring": {}}
SMALL = [1, 0, 1, 1] * (ROWS // 4)

# Arrow writes views into files from its version 21 on.
OTHER_TEXT = pa.string_view() if int(pa.__version__.split(".")[0]) >= 21 else pa.large_string()


def write(path, first, rows, *, current=False, mixed=INTEGERS):
    """Write a file with the reference's types, or with the other ones of the current dataset."""
    path.parent.mkdir(parents=True, exist_ok=True)
    decimals = pa.array([Decimal(f"{a:.2f}") for a in AMOUNTS], pa.decimal128(10, 2))
    struct = {"a": 1, "b": "new"} if mixed == pa.string() else {"a": 1}
    marks = pa.StructArray.from_arrays([pa.array(SMALL).dictionary_encode()], ["x"])
    both = zip(AMOUNTS.tolist(), SMALL, strict=True)
    vectors = pa.array([[a, float(s)] for a, s in both], pa.list_(pa.float32(), 2))
    columns = {
        "amount": pa.array(AMOUNTS) if current else decimals,
        "price": pa.array(AMOUNTS).cast(pa.float32() if current else pa.float64()),
        "code": pa.array(SMALL).cast(pa.string() if current else pa.int64()),
        "flag": pa.array(SMALL).cast(pa.bool_() if current else pa.int32()),
        "word": pa.array(WORDS).cast(OTHER_TEXT if current else pa.string()),
        "big": pa.array([2**63 + s for s in SMALL], pa.uint64()),
        "level": pa.array(SMALL).dictionary_encode() if current else pa.array(SMALL),
        "grade": pa.array(SMALL).dictionary_encode(),
        "tags": pa.array(LISTS, pa.list_(pa.int32())),
        "size(tags)": pa.array(SMALL),
        "vector": vectors,
        "inside": pa.array([struct] * ROWS),
        "marks": marks,
        "mixed": pa.array(SMALL).cast(mixed),
    }
    pq.write_table(pa.table(columns).slice(first, rows), path)


@pytest.mark.parametrize("way", ["auto", "dataframe"])
def test_other_types_layouts_and_names_are_the_same_both_ways(spark, tmp_path, way):
    write(tmp_path / "reference" / "0.parquet", 0, ROWS)
    write(tmp_path / "current" / "0.parquet", 0, HALF, current=True)
    write(tmp_path / "current" / "1.parquet", HALF, HALF, current=True, mixed=pa.string())
    override = {
        "code": {"kind": "categorical"},
        "flag": {"kind": "numeric"},
        "word": {"parts": ["length"]},
        "tags": {"parts": ["nulls", "mean"]},
    }
    config = config_of({**ALL, "override": override}, **NO_RULES)
    sources = [
        open_source(spark, Dataset(path=(str(tmp_path / side),)), {}, way=way, side=side)
        for side in ("reference", "current")
    ]
    plan = make_plan(config, *sources)
    assert {p.feature.name for p in plan.compared} == {
        *("amount", "price", "code", "flag", "word", "length(word)", "level", "size(tags)", "big"),
        *("nulls(tags)", "mean(tags)", "`size(tags)`", "size(vector)", "inside.a"),
        *("grade", "marks.x"),
    }
    kinds = {p.feature.name: p.feature.kind for p in plan.compared}
    assert {kinds[name] for name in ("level", "grade", "marks.x")} == {"categorical"}
    assert [j.name for j in plan.joint] == ["vector"]
    others = {p.feature.name: p for p in plan.pairs if not p.both}
    assert set(others) == {"inside.b", "mixed"}
    assert others["inside.b"].changed == ""
    assert others["mixed"].changed.startswith("int64 in the reference, int64 in ")
    assert {p.feature.name for p in plan.compared if p.retyped} >= {
        "amount",
        "price",
        "code",
        "flag",
    }
    # The same rows have the same sketches, and so the same supports.
    found = []
    for side, both in (("reference", sources), ("current", sources[::-1])):
        features = tuple(getattr(p, side) for p in plan.compared)
        proposals = SparkEngine(spark, *both, SILENT).propose(features, Binning(128, 1000, 10))
        found.append({f.name: p.support for f, p in zip(features, proposals, strict=True)})
    assert found[0] == found[1]
    assert found[0]["big"].texts(found[0]["big"].edges)[:2] == [str(2**63), str(2**63 + 1)]


def test_names_that_differ_in_case_are_one_column_beside_one_of_mixed_types(new_session, tmp_path):
    own = new_session()
    own.conf.set("spark.sql.caseSensitive", "false")
    first = pa.table({"id": [1], "V": [1.5], "s": [{"a": 1, "b": 1}]})
    second = pa.table({"id": ["1"], "v": [2.5], "S": [{"a": 2, "B": 2}]})
    for i, table in enumerate((first, second)):
        pq.write_table(table, tmp_path / f"{i}.parquet")
    source = open_source(own, Dataset(path=(str(tmp_path),)), {}, way="dataframe", side="current")
    assert source.frame.columns == ["V", "s"]
    assert sorted((row.V, row.s.a) for row in source.frame.collect()) == [(1.5, 1), (2.5, 2)]
    assert [skipped.column for skipped in source.foreign] == ["id", "s.b", "s.B"]


def test_orc_files_of_several_schemas_are_read_by_that_of_all(spark, tmp_path):
    whole = pa.array([1, 2]).cast(pa.int32())
    tables = [
        pa.table({"n": whole, "v": [1, 2], "f": whole}),
        pa.table({"n": [2**40, 4], "v": ["a", "b"], "f": [0.5, 1.5], "late": ["x", "y"]}),
    ]
    for folder in ("first", "day=1"):
        (tmp_path / folder).mkdir()
        for i, table in enumerate(tables):
            orc.write_table(table, tmp_path / folder / f"{i}.orc")
    for path in (str(tmp_path / "first"), (tmp_path / "first").as_uri() + "/*.orc"):
        dataset = Dataset(path=(path,), format="orc")
        source = open_source(spark, dataset, {}, way="auto", side="current")
        assert [(s.column, s.mixed) for s in source.foreign] == [("v", True)]
        rows = sorted(tuple(row) for row in source.frame.select("n", "f", "late").collect())
        assert rows == [(1, 1.0, None), (2, 2.0, None), (4, 1.5, "y"), (2**40, 0.5, "x")]
    below = Dataset(
        path=(str(tmp_path / "day=*"),), format="orc", options={"basePath": str(tmp_path)}
    )
    assert open_source(spark, below, {}, way="auto", side="current").schema.names[-1] == "day"


def test_a_type_of_orc_that_spark_does_not_read_is_named_with_its_file(spark, tmp_path):
    times = pa.array([0, 3600], pa.timestamp("ns", "UTC"))
    orc.write_table(pa.table({"n": [1, 2], "at": times}), tmp_path / "a.orc")
    dataset = Dataset(path=(str(tmp_path / "a.orc"),), format="orc")
    with pytest.raises(
        DatasetError, match=r"^current: .*'timestamp with local time zone' of .*orc;"
    ):
        open_source(spark, dataset, {}, way="auto", side="current")


def test_columns_of_one_name_in_a_query_are_told_and_the_others_compared(spark):
    frame = spark.sql("select id as a, id as a, id % 2 as b from range(40)")
    rows = compare(frame, frame).scores.set_index("feature")
    assert rows["status"].to_dict() == {"a": "error", "b": "ok"}
    assert rows.loc["a", "reason"].startswith("2 columns called 'a' in the reference, 2 columns")
    source = frame_source(frame, {}, "a query")
    plan = make_plan(config_of({**ALL, "exclude": ["a"]}, **NO_RULES), source, source)
    assert [p.feature.name for p in plan.compared] == ["b"]


def test_a_derived_feature_of_a_folder_with_a_mixed_column_is_read_unless_it_names_it(
    spark, tmp_path
):
    for i, value in enumerate((1, "1")):
        rows = [{"a": 1, "b": value, **({"c": 1} if i else {})}]
        pq.write_table(pa.table({"x": [value], "y": [i], "s": rows}), tmp_path / f"{i}.parquet")
    dataset = Dataset(path=(str(tmp_path),))
    source = open_source(spark, dataset, {"z": "y * 2 + s.c"}, way="auto", side="current")
    assert [s.column for s in source.foreign] == ["x", "s.b"]
    assert source.frame.frame.columns == ["y", "s", "z"]
    assert sorted(row["z"] for row in source.frame.frame.fillna(-1).collect()) == [-1, 3]
    with pytest.raises(ConfigError, match=r"features.derived.z: .*x"):
        open_source(spark, dataset, {"z": "x * 2"}, way="auto", side="current")
    remote = Dataset(path=(tmp_path.as_uri() + "/*.parquet",))
    source = open_source(spark, remote, {}, way="dataframe", side="current")
    assert [s.column for s in source.foreign] == ["x", "s.b"]
    assert sorted(row["y"] for row in source.frame.collect()) == [0, 1]


@pytest.mark.parametrize("way", ["auto", "dataframe"])
def test_old_times_are_read_where_spark_asks_how(spark, tmp_path, way):
    times = [dt.datetime(1850, 1 + i % 12, 1, i % 24) for i in range(ROWS)]
    hours = pa.array(times, pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"at": hours}), tmp_path / "a.parquet")
    spark.conf.set("spark.sql.parquet.datetimeRebaseModeInRead", "EXCEPTION")  # as Spark 3.5 has it
    try:
        dataset = Dataset(path=(str(tmp_path),))
        source = open_source(spark, dataset, {}, way=way, side="reference")
        hour = {**ALL, "override": {"at": {"parts": ["hour"]}}}
        plan = make_plan(config_of(hour, **NO_RULES), source, source)
        features = tuple(p.reference for p in plan.compared)
        engine = SparkEngine(spark, source, source, SILENT)
        proposals = engine.propose(features, Binning(128, 1000, 10))
    finally:
        spark.conf.unset("spark.sql.parquet.datetimeRebaseModeInRead")
    assert [f.name for f in features] == ["hour(at)"]
    assert proposals[0].base is not None or len(proposals[0].support.cells) > 20


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_times_in_nanoseconds_which_spark_refuses_are_those_of_their_microseconds(
    spark, tmp_path, zone
):
    nanos = pa.array([-1, 1, 999, 86_400_000_000_123, None], pa.timestamp("ns", zone))
    micros = pa.array([-1, 0, 0, 86_400_000_000, None], pa.timestamp("us", zone))
    found = {}
    for name, times in (("ns", nanos), ("us", micros)):
        (tmp_path / name / "day=1").mkdir(parents=True)
        table = pa.table({"n": [1, 2, 3, 4, 5], "a time": times, "nothing": pa.nulls(5)})
        pq.write_table(table, tmp_path / name / "day=1" / "0.parquet")
        asked = Dataset(path=(str(tmp_path / name),), where="`a time` < TIMESTAMP '1970-01-02'")
        frame = open_source(spark, asked, {}, way="dataframe", side="current").frame
        found[name] = frame.schema, sorted(frame.collect())
    assert found["ns"] == found["us"]
    assert [row["n"] for row in found["ns"][1]] == [1, 2, 3]


@pytest.mark.parametrize("units", [("us", "ns", "ms"), ("ns", "us", "ns")])
def test_nanoseconds_beside_microseconds_are_read_by_spark_each_as_what_they_are(
    spark, tmp_path, units
):
    """As a folder has it whose writer went from pandas 2 to 3."""
    widened = spark.version >= "4"  # before, Spark reads no file of int32 as bigint
    for i, unit in enumerate(units):
        times = pa.array([i * 10**6, None], pa.timestamp("us", "UTC")).cast(
            pa.timestamp(unit, "UTC")
        )
        table = pa.table(
            {"t": times, "n": pa.array([i, i], pa.int32() if widened and not i else pa.int64())}
        )
        (tmp_path / f"day={i}").mkdir()
        pq.write_table(table, tmp_path / f"day={i}" / "x.parquet")
    asked, derived = Dataset(path=(str(tmp_path),)), {"second": "second(t)"}
    nothing = open_source(spark, replace(asked, where="n > 5"), derived, way="auto", side="current")
    assert nothing.frame.frame.count() == 0
    source = open_source(spark, asked, derived, way="dataframe", side="current")
    assert source.schema == pa.schema(
        [("t", pa.timestamp("us", "UTC")), ("n", pa.int64()), ("day", pa.int64())]
    )
    rows = source.frame.orderBy("day", "second").collect()
    assert [(row.n, row.day, row.second) for row in rows] == [
        (i, i, second) for i in range(3) for second in (None, i)
    ]


def both_ways(spark, path, out):
    """The scores and skipped columns of a folder, read with Arrow and by Spark."""
    config = {"monitor": "both", "output": {"path": str(out)}, "expectations": False}
    config |= {"reference": {"path": str(path)}, "current": {"path": str(path)}}
    found = [run(config | {"scan": way}, spark=spark) for way in ("arrow", "dataframe")]
    kept = [result.scores.set_index("feature")["mean_current"].to_dict() for result in found]
    return kept, [dict(result.skipped) for result in found]


def test_intervals_that_spark_wrote_are_no_other_numbers_to_arrow(spark, tmp_path):
    days = "make_dt_interval(cast(id % 7 as int), 3, 0, 0.5)"
    months = "make_ym_interval(cast(id % 5 as int), 2)"
    frame = spark.range(100).selectExpr(
        f"{days} as days", f"{months} as months", f"struct({days} as d, {months} as m) as s"
    )
    frame.write.parquet(str(tmp_path / "data"))
    scores, skipped = both_ways(spark, tmp_path / "data", tmp_path / "out")
    seconds = sum(i % 7 for i in range(100)) / 100 * 86_400 + 3 * 3_600 + 0.5
    assert scores == [pytest.approx({"days": seconds, "s.d": seconds})] * 2
    assert [names.keys() for names in skipped] == [{"months", "s.m"}] * 2


def test_lengths_of_time_in_several_units_are_the_same_ones_or_are_not_read(spark, tmp_path):
    seconds = np.arange(1000) % 90
    (tmp_path / "data").mkdir()
    for unit, times in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        column = pa.array(seconds * times).cast(pa.duration(unit))
        pq.write_table(pa.table({"x": column, "n": seconds}), tmp_path / "data" / f"{unit}.parquet")
    scores, skipped = both_ways(spark, tmp_path / "data", tmp_path / "out")
    mean = seconds.mean()
    assert scores == [pytest.approx({"n": mean, "x": mean}), pytest.approx({"n": mean})]
    assert skipped[1].keys() == {"x"}
    assert skipped[0] == {}


def test_columns_that_spark_does_not_read_together_do_not_hide_the_rest(spark, tmp_path):
    """As pandas writes a day without a text, and others write amounts with more digits."""
    data = tmp_path / "data"
    data.mkdir()
    numbers = pa.array(range(30))
    first = {
        "n": numbers,
        "text": pa.array(["a", "b", "c"] * 10),
        "tags": pa.array([[1], [2, 3]] * 15),
        "inside": pa.array([{"x": i % 3} for i in range(30)]),
        "amount": pa.array([Decimal(i) for i in range(30)], pa.decimal128(9, 2)),
        "size": pa.array([2**63] * 30, pa.uint64()),
    }
    second = {
        "n": numbers,
        **dict.fromkeys(("text", "tags", "inside"), pa.nulls(30)),
        "amount": pa.array([Decimal(i) for i in range(30)], pa.decimal128(18, 4)),
        "size": pa.array([1] * 30, pa.int64()),
    }
    for i, columns in enumerate((first, second, first)):
        pq.write_table(pa.table(columns), data / f"{i}.parquet")
    (by_arrow, by_spark), skipped = both_ways(spark, data, tmp_path / "out")
    assert by_arrow.keys() - by_spark.keys() == skipped[1].keys() == {"amount", "size"}
    told = "values of types that Spark does not read, or not together, are no feature where Spark"
    assert skipped[1]["amount"].startswith(told)
    assert (by_spark["n"], by_spark["inside.x"], by_spark["size(tags)"]) == (14.5, 1.0, 1.5)
    found = run(
        {
            "monitor": "derived",
            "reference": {"path": str(data)},
            "current": {"path": str(data)},
            "features": {"derived": {"letters": "length(text)"}},
            "output": {"path": str(tmp_path / "derived")},
            "expectations": False,
        },
        spark=spark,
    ).scores.set_index("feature")
    assert set(found.index) == {*by_arrow, "letters"}
    assert found.loc["letters", ["n_current", "missing_current"]].tolist() == [90, 30]


def test_durations_keep_their_unit_and_what_spark_does_not_read_does_not_hide_the_rest(
    spark, tmp_path
):
    counts = np.random.default_rng(0).integers(100, 900, ROWS)
    big = pa.array(counts.astype(np.uint64) + np.uint64(2**63))
    lengths = {unit: pa.array(counts).cast(pa.duration(unit)) for unit in ("s", "ms", "us", "ns")}
    inside = pa.StructArray.from_arrays([lengths["ns"], big], ["length", "big"])
    times = pa.array(counts).cast(pa.time64("us"))
    tags = pa.array([[1, 2], [3]] * HALF, pa.list_(pa.uint32()))
    ids = pa.array([bytes(16)] * ROWS, pa.binary(16)).cast(pa.uuid())
    sums = pa.array([Decimal(int(n)) for n in counts], pa.decimal256(50, 2))
    document = pa.array([{"metadata": b"1", "value": b"2"}] * ROWS, VARIANT)
    columns = {**lengths, "inside": inside, "clock": times, "tags": tags, "id": ids}
    columns |= {"long": sums, "document": document}
    nanos = pa.array(counts).cast(pa.timestamp("ns"))
    for at, table in enumerate((pa.table(columns), pa.table(columns | {"at": nanos}))):
        pq.write_table(table, tmp_path / f"{at}.parquet")
        scores = {}
        for way in ("arrow", "dataframe"):
            data = {"path": str(tmp_path / f"{at}.parquet")}
            result = run(
                {
                    "monitor": "lengths",
                    "reference": data,
                    "current": data,
                    "scan": way,
                    "segments": [["ns"]],
                    "output": {"path": str(tmp_path / f"{way}-{at}")},
                    "expectations": False,
                },
                spark=spark,
            )
            rows = result.scores[~result.scores["feature"].isin(["clock", "long"])]
            no_feature = "values of type variant are no feature; add a derived one"
            assert ("document", no_feature) in result.skipped
            kept = rows[["feature", "segment", "status", "mean_reference", "n_current"]]
            scores[way] = kept.sort_values(["segment", "feature"], ignore_index=True)
        assert scores["arrow"].equals(scores["dataframe"])
        means = scores["arrow"][scores["arrow"]["segment"].isna()].set_index("feature")
        assert means["status"]["size(tags)"] == "ok"
        mean = means["mean_reference"]
        assert mean["ns"] == mean["inside.length"] == pytest.approx(mean["s"] * 1e-9)
        for name, kind in (("clock", "time64[us]"), ("long", "decimal256(50, 2)")):
            told = "are no feature where Spark reads; scan: arrow counts them"
            assert (name, f"values of type {kind} {told}") in result.skipped


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["€-1.23", "€1,234.50"], [-1.23, 1234.5]),
        (["(1,234.50)", "2.00"], [-1234.5, 2.0]),
        (["1.23-", "4.50"], [-1.23, 4.5]),
        (["-5,5 €", "1.234,25 €"], [-5.5, 1234.25]),
        (["1\u2009234,5", "-7,25"], [1234.5, -7.25]),
        (["12 %", "-3.5%"], [12.0, -3.5]),
    ],
    ids=str,
)
def test_the_line_that_a_hint_has_reads_the_numbers_in_texts(spark, texts, numbers):
    look = look_of(pa.array(texts + [texts[0].replace("2", str(i)) for i in range(3, 10)] * 4))
    rows = spark.createDataFrame([(text,) for text in texts], ["x"])
    assert [row[0] for row in rows.selectExpr(look.sql.format("x")).collect()] == numbers


def test_the_line_that_a_hint_has_reads_a_text_that_is_none_as_a_null(spark):
    """A hint is given where a few are no numbers, and Spark 4 failed the run at the first."""
    rows = spark.createDataFrame([("n/a",), ("",)], ["x"])
    lines = [look.sql.format("x") for look in LOOKS]
    lines.append(dates_as_numbers("day", np.array([20240131])).partition(": ")[2])
    rows = rows.selectExpr("*", "0 as day").selectExpr(*lines)
    assert {value for row in rows.collect() for value in row} == {None}


def test_what_spark_cannot_read_is_left_out_where_a_condition_splits_all_rows(spark, tmp_path):
    """A time of day beside such a segment, or as one beside a derived feature, was a KeyError."""
    clock = pa.array(range(ROWS), pa.int64()).cast(pa.time64("us"))
    pq.write_table(pa.table({"clock": clock, "a": AMOUNTS}), tmp_path / "x.parquet")

    def plan_of(**asked):
        return run(
            {
                "monitor": "clocks",
                "reference": {"path": str(tmp_path / "x.parquet")},
                "current": {"path": str(tmp_path / "x.parquet")},
                "output": {"path": str(tmp_path / "out")},
                "expectations": False,
                **asked,
            },
            spark=spark,
        )

    derived = {"features": {"derived": {"twice": "2 * a"}}}
    both = plan_of(**derived)
    assert {*both.scores["feature"]} >= {"clock", "a", "twice"}
    split = plan_of(segments=[{"name": "large", "where": "a > 50"}])
    assert {*split.scores["feature"]} == {"a"}
    assert [column for column, _ in split.skipped] == ["clock"]
    with pytest.raises(ConfigError, match=r"segments\[0\]\[0\]: 'clock' .* no feature where Spark"):
        plan_of(**derived, segments=[["clock"]])
    with pytest.raises(ConfigError, match=r"^'clock' is in a group of joint with a derived"):
        plan_of(**derived, joint={"both": {"features": ["clock", "twice"]}})
