"""Whole runs: tables, records, exit codes, and what stays behind when something goes wrong."""

import datetime as dt
import json
import threading
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from all_types import OVERRIDES, all_types, write_parts

import kldrift
from kldrift.cli.main import main
from kldrift.errors import DatasetError, OutputError
from kldrift.monitor import publish
from kldrift.monitor.record import Record

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def sides(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sides")
    rng = np.random.default_rng(0)
    for name, rows, shift in (("reference", 2000, 0.0), ("current", 1500, 2.0)):
        table = pa.table(
            {
                "moved": rng.normal(shift, 1, rows),
                "still": rng.choice(["a", "b", "null"], rows),
                "when": pa.array([dt.datetime(2024, 1, 1)] * rows, pa.timestamp("us")),
            }
        )
        write_parts(table, folder / name, 2)
    return folder


def mapping(sides: Path, output: Path, **more: object) -> dict[str, object]:
    return {
        "monitor": "shop",
        "reference": {"path": str(sides / "reference")},
        "current": {"path": str(sides / "current")},
        "output": {"path": str(output)},
        "expectations": False,
    } | more


def test_the_seed_example_holds_to_the_digit_through_a_whole_run(spark, tmp_path):
    reference = [1] * 5 + [2] + [3] * 4
    write_parts(pa.table({"x": reference}), tmp_path / "r", 1)
    write_parts(pa.table({"x": [1, 1, 2, 2, 3]}), tmp_path / "c", 1)
    wanted = {
        "monitor": "seed",
        "reference": {"path": str(tmp_path / "r")},
        "current": {"path": str(tmp_path / "c")},
        "scoring": {"pseudocount": 0},
        "output": {"path": str(tmp_path / "drift")},
        "expectations": False,
    }
    result = kldrift.run(wanted, spark=spark)
    kl = pd.read_parquet(tmp_path / "drift" / "drift_scores")["kl"][0]
    assert round(kl, 4) == 0.3266
    assert round(kl / np.log(2), 4) == 0.4712
    assert result.cells["contribution"].sum() == pytest.approx(kl, rel=1e-12)
    assert result.exit_code == 0  # far too few rows for evidence


def test_a_run_writes_tables_that_any_reader_understands(spark, sides, tmp_path):
    out = tmp_path / "drift"
    result = kldrift.run(mapping(sides, out), spark=spark)
    assert result.exit_code == 3
    rows = spark.read.parquet(str(out / "drift_scores")).collect()
    scores = pd.DataFrame([row.asDict() for row in rows]).set_index("feature")
    assert scores["severity"].to_dict() == {"moved": "critical", "still": "ok"}
    assert scores["n_current"].tolist() == [1500, 1500]
    sums = duckdb.sql(
        f"select feature, sum(contribution) as kl from '{out}/drift_cells/*.parquet' group by all"
    ).df()
    for row in sums.itertuples():
        assert row.kl == pytest.approx(scores["kl"][row.feature], rel=1e-12)
    rows = duckdb.sql(
        "select dataset, feature, list_sum(rows)::bigint as n, n as told "
        f"from '{out}/profiles/*.parquet'"
    ).df()
    assert rows["n"].tolist() == rows["told"].tolist()
    assert sorted(zip(rows["dataset"], rows["feature"], rows["n"], strict=True)) == [
        ("current", "moved", 1500),
        ("current", "still", 1500),
        ("reference", "moved", 2000),
        ("reference", "still", 2000),
    ]
    runs = pd.read_parquet(out / "runs").iloc[0]
    assert (runs["exit_code"], runs["rows_reference"], runs["rows_current"]) == (3, 2000, 1500)
    assert [s["column"] for s in runs["skipped"]] == ["when"]
    assert {s["stage"] for s in runs["seconds"]} >= {"planning", "current: counting and scoring"}
    json.dumps(result.summary(), allow_nan=False)


def test_a_rerun_replaces_its_window_and_another_time_stands_beside_it(spark, sides, tmp_path):
    out = tmp_path / "drift"
    day = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
    for as_of in (day, day, day + dt.timedelta(days=1)):
        kldrift.run(mapping(sides, out), spark=spark, as_of=as_of)
    scores = pd.read_parquet(out / "drift_scores")
    assert len(scores) == 4
    assert scores["window_end"].nunique() == 2
    assert len(pd.read_parquet(out / "runs")) == 3


def test_a_failed_run_leaves_the_old_tables_and_a_record(spark, sides, tmp_path):
    out, page = tmp_path / "drift", tmp_path / "page.html"
    wanted = mapping(sides, out, report={"path": str(page)})
    result = kldrift.run(wanted, spark=spark)
    assert result.page == result.summary()["report"] == str(page)
    assert "The last run failed" not in page.read_text()
    before = pd.read_parquet(out / "drift_scores")
    broken = wanted | {"current": {"path": str(tmp_path / "nowhere")}}
    with pytest.raises(DatasetError, match="nowhere"):
        kldrift.run(broken, spark=spark)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "drift_scores"), before)
    runs = pd.read_parquet(out / "runs").sort_values("started_at")
    assert runs["exit_code"].tolist() == [3, 2]  # of a wrong configuration
    assert "nowhere" in runs["error"].iloc[1]
    assert "The last run failed.</strong> <bdi>" in page.read_text()


def test_foreign_files_in_the_output_folder_stop_the_run_before_spark_works(spark, sides, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"thesis\.txt"):
        kldrift.run(mapping(sides, tmp_path), spark=spark)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("fail_on", "change", "expected"),
    [
        ("critical", {}, 3),
        ("never", {}, 0),
        ("warning", {"thresholds": {"kl": {"warning": 0.1}}}, 3),
        ("critical", {"thresholds": {"kl": {"warning": 0.1}}}, 0),
        ("critical", {"features": {"include": ["still"]}}, 0),
    ],
    ids=["critical", "never", "warning", "warning only", "nothing moved"],
)
def test_the_exit_code_is_what_a_scheduler_asked_for(
    spark, sides, tmp_path, fail_on, change, expected
):
    result = kldrift.run(mapping(sides, tmp_path / "o", **change), spark=spark, fail_on=fail_on)
    assert result.exit_code == expected


def test_a_session_with_other_settings_gives_the_same_scores(spark, tmp_path):
    folders = [write_parts(all_types(n, s), tmp_path / str(s), 2) for n, s in ((400, 0), (300, 1))]
    wanted = mapping(tmp_path, tmp_path, features={"override": OVERRIDES}, scan="dataframe")
    wanted |= {"reference": {"path": str(folders[0])}, "current": {"path": str(folders[1])}}
    odd = {
        "spark.sql.session.timeZone": "America/New_York",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.execution.arrow.pyspark.enabled": "false",
    }
    found = []
    before = {key: spark.conf.get(key) for key in odd}
    for i, settings in enumerate((before, odd)):
        try:
            for key, value in settings.items():
                spark.conf.set(key, value)
            result = kldrift.run(
                wanted | {"output": {"path": str(tmp_path / f"o{i}")}}, spark=spark
            )
            found.append(result.scores.drop(columns="run_id"))
        finally:
            for key, value in before.items():
                spark.conf.set(key, value)
    pd.testing.assert_frame_equal(found[0], found[1], rtol=1e-12)


def test_the_demo_finds_what_was_planted_on_its_day_and_calls_nobody_for_nothing(
    spark,  # noqa: ARG001
    tmp_path,
    capsys,
):
    assert main(["demo", "--output", str(tmp_path / "demo"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    delays = {e["event"]: e["delay"] for e in said["events"] if e["verdict"] == "found"}
    assert sorted(delays.values())[:-1] == [0] * 6
    assert delays["a slow rise, a little every day"] <= 17
    assert said["false_pages"] == 0
    assert len(said["run"]["windows"]) == 60
    assert said["run"]["exit_code"] == 3


@pytest.mark.parametrize("windows", [False, True])
def test_spark_is_stopped_while_the_verdicts_are_written(
    spark, sides, tmp_path, monkeypatch, windows
):
    written, waited = threading.Event(), []

    @contextmanager
    def session(*_):
        yield spark
        waited.append(written.wait(60))

    def publish_window(*args, **kwargs):
        result = publish.publish_window(*args, **kwargs)
        written.set()
        return result

    monkeypatch.setattr(Record, "session", session)
    monkeypatch.setattr("kldrift.monitor.run.publish_window", publish_window)
    time = {"time": {"column": "when", "window": "1d"}} if windows else {}
    as_of = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    result = kldrift.run(mapping(sides, tmp_path / "drift", **time), as_of=as_of)
    assert result.exit_code == 3
    assert waited == [True]
