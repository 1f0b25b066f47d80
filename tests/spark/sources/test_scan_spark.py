"""Two ways in, one way to count: over Spark, with every type, any partitioning and any order."""

import json
import re
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from all_types import OVERRIDES, all_types, write_parts
from pyspark.sql import SparkSession
from verdict_rows import Compared

import kldrift
from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError, DatasetError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.inputs import open_sides
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.monitor.run import check
from kldrift.sources.parquet.files import File, Piece
from kldrift.sources.parquet.source import deal

pytestmark = pytest.mark.spark


def config(left, right, **more):
    mapping = {
        "monitor": "test",
        "reference": {"path": str(left)},
        "current": {"path": str(right)},
        "features": {"override": OVERRIDES},
        "output": {"path": "unused"},
        "expectations": False,
    }
    return config_from_mapping(mapping | more)


def outcome_of(spark: SparkSession, wanted) -> Compared:
    reference, current = open_sides(wanted, spark)
    plan = make_plan(wanted, reference, current)
    engine = SparkEngine(spark, reference, current, SILENT)
    return Compared(*compare_plan(plan, engine, SILENT))


def assert_same(left: Compared, right: Compared) -> None:
    reference_ids = {c.findings.reference.reference_id for c in (left, right)}
    assert len(reference_ids) == 1
    assert [v.name for v in left.rows] == [v.name for v in right.rows]
    for a, b in zip(left.rows, right.rows, strict=True):
        assert (a.status, a.severity, a.reason) == (b.status, b.severity, b.reason), a.name
        assert a.scores.keys() == b.scores.keys(), a.name
        if a.comparison is None:
            assert b.comparison is None
            assert a.scores == pytest.approx(b.scores, rel=1e-9), a.name
            continue
        assert a.comparison.support == b.comparison.support, a.name
        assert np.array_equal(a.comparison.current.counts, b.comparison.current.counts), a.name
        for name, score in a.scores.items():
            moments = name.startswith(("gaussian", "mean", "std"))
            expected = pytest.approx(score, rel=1e-12, abs=1e-300) if moments else score
            assert b.scores[name] == expected, (a.name, name)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("all_types")
    reference, current = all_types(400, 0), all_types(300, 1)
    return {
        "reference": write_parts(reference, base / "reference", 1),
        "shuffled": write_parts(reference, base / "shuffled", 5, seed=3),
        "current": write_parts(current, base / "current", 2),
        "mixed": write_parts(current, base / "mixed", 3, seed=4),
    }


@pytest.fixture(scope="module")
def baseline(spark, folders) -> Compared:
    return outcome_of(spark, config(folders["reference"], folders["current"]))


def test_both_ways_and_any_partitioning_give_the_same_profiles_and_scores(spark, folders, baseline):
    frame = config(folders["shuffled"], folders["mixed"], scan="dataframe")
    assert_same(baseline, outcome_of(spark, frame))
    assert_same(baseline, outcome_of(spark, config(folders["shuffled"], folders["mixed"])))


def test_every_type_is_scored_or_skipped_with_a_reason(baseline):
    scored = {v.name for v in baseline.rows if v.status in ("ok", "constant")}
    assert {
        "byte", "short", "int", "long", "wide_long", "float", "double", "odd_double", "decimal",
        "wide_decimal", "boolean", "string", "hostile", "date", "weekday(date)", "month(date)",
        "instant", "hour(instant)", "hour(clock)", "person.age", "person.home.zip", "size(tags)",
        "size(attributes)", "a.b", "back`tick", "sp ace/slash", "Case", "case",
    } <= scored  # fmt: skip
    assert {v.name: v.status for v in baseline.rows}["empty"] == "constant"


def test_the_numbers_without_spark_are_those_with_spark(baseline):
    # Without a Spark session and without files: the same tables, in this process.
    result = kldrift.compare(all_types(400, 0), all_types(300, 1), override=OVERRIDES)
    scores = result.scores.set_index("feature")
    for verdict in baseline.rows:
        assert scores["kl"][verdict.name] == pytest.approx(verdict.scores["kl"], rel=0)
        assert scores["cells"][verdict.name] == verdict.scores["cells"]


def test_a_filter_selects_the_same_rows_both_ways(spark, folders):
    where = "double > 1.5 or odd_double >= 0"
    reference = {"path": str(folders["reference"]), "where": where}
    outcomes = [
        outcome_of(spark, config("", folders["current"], reference=reference, scan=way))
        for way in ("arrow", "dataframe")
    ]
    assert_same(*outcomes)
    assert 0 < outcomes[0].findings.reference.rows < 400


def test_a_filter_that_arrow_cannot_do_exactly_goes_through_spark_and_the_plan_says_so(
    spark, folders
):
    reference = {"path": str(folders["reference"]), "where": "length(string) > 3"}
    wanted = config("", folders["current"], reference=reference)
    lines = check(wanted, spark=spark).lines()
    assert any("through a Spark DataFrame: where:" in line for line in lines)
    assert any("read with Arrow" in line for line in lines)


def test_hive_partitions_are_features_both_ways(spark, tmp_path):
    table = pa.table(
        {"x": np.arange(90) % 7, "plan": ["a b", "c=d", "x"] * 30, "shop": [1, 22, 22] * 30}
    )
    for name in ("reference", "current"):
        pq.write_to_dataset(table, tmp_path / name, partition_cols=["plan", "shop"])
    two = [
        outcome_of(
            spark, config(tmp_path / "reference", tmp_path / "current", features={}, scan=way)
        )
        for way in ("arrow", "dataframe")
    ]
    assert_same(*two)
    plan, shop = two[0].row("plan"), two[0].row("shop")
    assert {c.label for c in plan.comparison.support.cells} == {"a b", "c=d", "x", None}
    assert shop.kind == "numeric"


def test_derived_features_are_spark_sql(spark, folders):
    features = {
        "include": ["int"],
        "derived": {"twice": "int * 2", "first`s": "substr(string, 1, 1)"},
    }
    outcome = outcome_of(spark, config(folders["reference"], folders["current"], features=features))
    assert {v.name for v in outcome.rows} == {"int", "twice", "first`s"}


@pytest.mark.parametrize("where", [None, "double > 1.5"])
def test_plain_columns_are_read_with_arrow_beside_derived_ones(spark, folders, where):
    features = {
        "exclude": ["instant", "clock", "date"],
        "derived": {"twice": "int * 2", "first": "substr(string, 1, 1)"},
    }
    joint = {
        "plain": {"features": ["double", "int"]},
        "both": {"features": ["twice", "int"], "covariance": "diagonal"},
    }
    found = []
    for way in ("auto", "dataframe"):
        wanted = config(
            "",
            folders["current"],
            reference={"path": str(folders["reference"])} | ({"where": where} if where else {}),
            features=features,
            joint=joint,
            scan=way,
        )
        found.append((check(wanted, spark=spark).reference, outcome_of(spark, wanted)))
    (mixed, by_both), (frame, by_spark) = found
    assert (type(mixed).__name__, type(frame).__name__) == ("HybridSource", "FrameSource")
    assert mixed.access_path.endswith("derived features through a Spark DataFrame")
    assert {"twice", "first", "plain", "both", "tags"} <= {
        v.name.removeprefix("size(").removesuffix(")") for v in by_both.rows
    }
    assert_same(by_both, by_spark)


def test_only_derived_features_leave_nothing_to_arrow(spark, folders):
    features = {"include": [], "derived": {"twice": "int * 2"}}
    outcome = outcome_of(spark, config(folders["reference"], folders["current"], features=features))
    assert [v.name for v in outcome.rows] == ["twice"]
    assert outcome.findings.reference.rows == 400


def test_sketches_of_many_tasks_are_merged_in_two_steps_to_the_same(
    spark, folders, baseline, monkeypatch
):
    monkeypatch.setattr("kldrift.execution.spark_stages.TASKS_AT_ONCE", 1)
    assert_same(baseline, outcome_of(spark, config(folders["shuffled"], folders["mixed"])))


def test_footers_of_many_files_are_read_by_the_tasks(spark, tmp_path, monkeypatch):
    table = pa.table({"x": np.arange(900), "y": np.arange(900) / 7})
    write_parts(table, tmp_path / "many", 300)
    wanted = config(tmp_path / "many", tmp_path / "many", features={})
    by_tasks = open_sides(wanted, spark)[0]
    monkeypatch.setattr("kldrift.sources.parquet.footers.FEW", 1000)
    assert open_sides(wanted, spark)[0] == by_tasks
    assert by_tasks.rows == 900
    monkeypatch.undo()
    sorted((tmp_path / "many").glob("*.parquet"))[7].write_bytes(b"PAR1 no more")
    with pytest.raises(DatasetError, match=r"reference: cannot read '.*parquet' as Parquet"):
        open_sides(wanted, spark)


@pytest.mark.parametrize("pieces", [0, 1, 5, 100, 20_000])
def test_row_groups_are_dealt_evenly_and_none_is_lost(pieces):
    rng = np.random.default_rng(pieces)
    file = File("f", None, ())
    sizes = rng.integers(1, 10**8, pieces)
    all_of_them = tuple(Piece(file, i, 1, int(size)) for i, size in enumerate(sizes))
    shares = deal(all_of_them, 4)
    assert sorted(p.row_group for share in shares for p in share) == list(range(pieces))
    assert len(shares) <= 32
    if pieces >= 100:
        loads = [sum(p.size for p in share) for share in shares]
        assert max(loads) - min(loads) <= 2 * max(sizes)


def count_jobs(spark, run) -> tuple[int, int]:
    group = uuid.uuid4().hex
    spark.sparkContext.setJobGroup(group, "counted")
    try:
        run()
        tracker = spark.sparkContext.statusTracker()
        jobs = tracker.getJobIdsForGroup(group)
        stages = {s for job in jobs for s in tracker.getJobInfo(job).stageIds}
        return len(jobs), len(stages)
    finally:
        spark.sparkContext.setJobGroup("rest", "rest")


@pytest.mark.parametrize("way", ["arrow", "dataframe"])
def test_fifty_features_cost_as_many_jobs_and_scans_as_five(classic, tmp_path, way):
    rng = np.random.default_rng(0)
    counted = []
    for width in (5, 50):
        table = pa.table({f"f{i}": rng.normal(size=200) for i in range(width)})
        for side in ("reference", "current"):
            write_parts(table, tmp_path / f"{way}{width}{side}", 2)
        wanted = config(
            tmp_path / f"{way}{width}reference",
            tmp_path / f"{way}{width}current",
            features={},
            scan=way,
        )
        reference, current = open_sides(wanted, classic)
        engine = SparkEngine(classic, reference, current, SILENT)
        scans = []
        for source in (reference, current):
            map_tasks = type(source).map_tasks

            def counting(self, *args, map_tasks=map_tasks):
                scans.append(self)
                return map_tasks(self, *args)

            object.__setattr__(source, "map_tasks", counting.__get__(source))
        jobs, stages = count_jobs(
            classic, lambda: compare_plan(make_plan(wanted, reference, current), engine, SILENT)
        )
        assert [s is reference for s in scans] == [True, True, False]
        counted.append((jobs, stages))
    assert counted[0] == counted[1]


def test_a_column_that_is_missing_new_or_retyped_is_a_row_with_its_status(spark, tmp_path):
    reference = pa.table(
        {"a": [1, 2] * 20, "gone": [1, 2] * 20, "typed": [1, 2] * 20, "void": [None] * 40}
    )
    current = pa.table(
        {"a": [1, 2] * 20, "new": [1, 2] * 20, "typed": ["x", "y"] * 20, "void": [1.5] * 40}
    )
    paths = [write_parts(t, tmp_path / n, 1) for t, n in ((reference, "r"), (current, "c"))]
    for way in ("arrow", "dataframe"):
        outcome = outcome_of(spark, config(*paths, features={}, scan=way))
        found = {v.name: (str(v.status), str(v.severity)) for v in outcome.rows}
        assert found == {
            "a": ("ok", "ok"),
            "gone": ("missing_feature", "unscored"),
            "new": ("new_feature", "unscored"),
            "typed": ("type_changed", "unscored"),
            "void": ("ok", "critical"),
        }
        reasons = {v.name: v.reason for v in outcome.rows}
        assert reasons["typed"] == (
            "int64 in the reference, string in the current dataset; if texts are numbers: "
            "features: {exclude: [typed], derived: {typed_value: "
            "\"try_cast(replace(`typed`, ',', '.') as double)\"}}"
        )


def test_files_of_one_dataset_may_lack_columns_and_contradict_each_other_in_one(spark, tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    pq.write_table(
        pa.table({"x": pa.array([1, 2], pa.int32()), "y": ["a", "b"]}), folder / "1.parquet"
    )
    pq.write_table(pa.table({"x": pa.array([2**40], pa.int64())}), folder / "2.parquet")
    outcome = outcome_of(spark, config(folder, folder, features={}))
    assert outcome.row("y").comparison.reference.counts[0, -1] == 1
    pq.write_table(pa.table({"x": ["one"]}), folder / "3.parquet")
    outcome = outcome_of(spark, config(folder, folder, features={}))
    rows = {v.name: (str(v.status), v.reason) for v in outcome.rows}
    assert rows["y"][0] == "ok"
    status, reason = rows["x"]
    assert status == "type_changed"
    assert re.search(r"int64 in '.*1.parquet' and string in '.*3.parquet' in the reference", reason)


def test_names_that_differ_only_in_case_are_told_how_to_get_through_spark(spark, tmp_path):
    table = pa.table({"Case": [1, 2] * 20, "case": [3, 4] * 20})
    folder = write_parts(table, tmp_path / "r", 1)
    spark.conf.set("spark.sql.caseSensitive", "false")
    try:
        assert len(outcome_of(spark, config(folder, folder, features={})).rows) == 2
        with pytest.raises(
            DatasetError, match=r"set spark.conf: \{spark.sql.caseSensitive: true\}"
        ):
            outcome_of(spark, config(folder, folder, features={}, scan="dataframe"))
    finally:
        spark.conf.set("spark.sql.caseSensitive", "true")


def test_a_truncated_file_is_named(spark, tmp_path):
    folder = write_parts(all_types(100), tmp_path / "r", 2)
    whole = (folder / "part-1.parquet").read_bytes()
    (folder / "part-1.parquet").write_bytes(whole[: len(whole) // 2])
    for way in ("arrow", "dataframe"):
        with pytest.raises(
            DatasetError, match=r"reference: cannot read .*part-1.parquet' as Parquet"
        ):
            outcome_of(spark, config(folder, folder, scan=way))


def test_damage_inside_a_file_is_named(spark, tmp_path):
    folder = write_parts(pa.table({"x": np.random.default_rng(0).random(5000)}), tmp_path / "r", 1)
    path = folder / "part-0.parquet"
    raw = bytearray(path.read_bytes())
    raw[100:20000] = bytes(19900)
    path.write_bytes(bytes(raw))
    with pytest.raises(DatasetError, match=r"cannot read .*part-0.parquet'"):
        outcome_of(spark, config(folder, folder, features={}))


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (
            {"path": "nowhere/*.parquet"},
            r"reference\.path: .*nowhere/\*.parquet': no such file or folder",
        ),
        ({"path": "nowhere.csv", "format": "csv"}, "no such file or folder"),
        (
            {"table": "no.such_table"},
            r"reference.table: .*TABLE_OR_VIEW_NOT_FOUND|reference.table: .*cannot be found",
        ),
    ],
    ids=["glob", "csv", "table"],
)
def test_a_dataset_that_is_not_there_is_named(spark, folders, dataset, message):
    with pytest.raises(DatasetError, match=message):
        check(config("", folders["current"], reference=dataset), spark=spark)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference": {"where": "nothing_like_it > 1"}}, r"reference.where: .*nothing_like_it"),
        ({"reference": {"where": "int >"}}, r"reference.where: .*(PARSE|syntax)"),
        (
            {"features": {"derived": {"d": "no_such_column + 1"}}},
            r"features.derived.d: .*no_such_column",
        ),
        ({"features": {"include": ["itn"]}}, r"features.include: .*'itn'; did you mean 'int'\?"),
        (
            {"features": {"override": {"strin": {"kind": "categorical"}}}},
            r"override: .*did you mean 'string'\?",
        ),
        (
            {"features": {"override": {"string": {"kind": "numeric"}}}},
            "a string column cannot be numeric",
        ),
        ({"features": {"include": ["blob"]}}, "no feature is left to compare.*blob: binary"),
    ],
    ids=["where column", "where syntax", "derived", "include", "override", "kind", "nothing left"],
)
def test_a_configuration_that_does_not_fit_the_data_says_what_to_change(
    spark, folders, change, message
):
    wanted = {
        "reference": {"path": str(folders["reference"]), **change.pop("reference", {})},
        **change,
    }
    with pytest.raises(ConfigError, match=message):
        check(config("", folders["current"], **wanted), spark=spark)


def test_no_rows_after_the_filter_is_a_status_and_nothing_is_silent(spark, folders, tmp_path):
    for way in ("arrow", "dataframe"):
        current = {"path": str(folders["current"]), "where": "int > 1000"}
        result = kldrift.run(
            config(
                folders["reference"],
                "",
                current=current,
                scan=way,
                output={"path": str(tmp_path / way)},
            ),
            spark=spark,
        )
        assert result.exit_code == 4
        assert set(result.scores["status"]) == {"empty"}
        (reason,) = set(result.scores["reason"])
        assert reason.startswith("no rows in the current dataset, where int > 1000: ")
        assert result.scores["kl"].isna().all()


def test_one_row_is_too_few(spark, tmp_path):
    one = write_parts(pa.table({"x": [1.0]}), tmp_path / "one", 1)
    outcome = outcome_of(spark, config(one, one, features={}))
    assert [(str(v.status), v.reason) for v in outcome.rows] == [
        ("too_few_rows", "1 row, scoring.min_rows is 2")
    ]


def test_a_million_text_values_and_a_megabyte_of_text_stay_bounded(spark, tmp_path):
    values = np.char.add("value ", np.arange(60_000).astype(str)).tolist()
    table = pa.table(
        {
            "many": values + ["often"] * 60_000,
            "ids": [f"id {i}" for i in range(120_000)],
            "long": ["y" * 1_000_000 if i % 5_000 == 0 else "short" for i in range(120_000)],
        }
    )
    folder = write_parts(table, tmp_path / "r", 1)
    outcome = outcome_of(spark, config(folder, folder, features={}))
    assert [(s.column, s.reason[:11]) for s in outcome.findings.skipped] == [("ids", "near-unique")]
    found = {v.name: v.comparison for v in outcome.rows}
    many = dict(
        zip(
            (c.label or c.kind for c in found["many"].support.cells),
            found["many"].reference.counts[0],
            strict=True,
        )
    )
    # Values of one row stand for those that are still to be seen.
    assert many == {"often": 60_000, "other": 0, "never_seen": 60_000, "null": 0}
    labels = [c.label for c in found["long"].support.cells if c.label]
    assert len(labels) == 2
    assert max(map(len, labels)) < 300


def test_five_thousand_columns_run(spark, tmp_path):
    rng = np.random.default_rng(0)
    table = pa.table({f"column {i}": rng.integers(0, 9, 20) for i in range(5_000)})
    folder = write_parts(table, tmp_path / "wide", 1)
    outcome = outcome_of(spark, config(folder, folder, features={}))
    assert len(outcome.rows) == 5_000
    assert {str(v.severity) for v in outcome.rows} == {"ok"}


def test_the_plan_reads_no_rows(classic, folders):
    jobs, _ = count_jobs(
        classic, lambda: check(config(folders["reference"], folders["current"]), spark=classic)
    )
    assert jobs == 0
    json.dumps(
        check(config(folders["reference"], folders["current"]), spark=classic).as_dict(),
        allow_nan=False,
    )


def test_a_spark_frame_compares_like_the_files_it_came_from(spark, folders, baseline):
    frames = [spark.read.parquet(str(folders[n])) for n in ("reference", "current")]
    result = kldrift.compare(*frames, override=OVERRIDES)
    expected = {v.name: v.scores["kl"] for v in baseline.rows}
    assert dict(zip(result.scores["feature"], result.scores["kl"], strict=True)) == pytest.approx(
        expected, rel=0
    )


def test_pandas_data_compares_without_spark():
    frame = pd.DataFrame({"x": [1.0, 2.0, None] * 20, "g": pd.Categorical(["a", "b", "b"] * 20)})
    scores = kldrift.compare(frame, frame).scores
    assert scores["kl"].tolist() == [0, 0]
    assert scores["missing_current"].sum() == 20
