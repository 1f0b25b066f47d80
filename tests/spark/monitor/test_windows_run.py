"""Windows over files: one backfill is what one run per window is, and goes on where it stopped."""

from __future__ import annotations

import datetime as dt
import doctest
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldrift
from kldrift.cli.main import main
from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError, OutputError
from kldrift.monitor import publish as job
from kldrift.monitor.run import check
from kldrift.tables import TABLES
from kldrift.tables.read import read_table

pytestmark = pytest.mark.spark

OWN = [
    "run_id",
    "config_hash",
    "reference_id",
    "sum1_low",
    "sum2_low",
    "joint_cross",
    "joint_sum1",
    "joint_sum3",
    "joint_sum4",
]
"""What differs from run to run, or in the last digits with the order of rows."""


def orders(days: int, rows: int = 400, shift: dict[int, float] | None = None) -> pa.Table:
    """Rows of some days of March 2024 in New York, the 10th of which has 23 hours."""
    rng = np.random.default_rng(11)
    n = days * rows
    day = rng.integers(0, days, n)
    moved = np.array([(shift or {}).get(int(d), 0.0) for d in day])
    start = dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC)
    at = [
        start + dt.timedelta(days=int(d), minutes=int(m))
        for d, m in zip(day, rng.integers(60, 1300, n), strict=True)
    ]
    return pa.table(
        {
            "at": pa.array(at, pa.timestamp("us", tz="UTC")),
            "amount": rng.normal(20, 4, n) + moved,
            "kind": pa.array(rng.choice(["card", "cash"], n)),
            "fee": rng.normal(3, 1, n),
        }
    )


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "orders"
    folder.mkdir()
    rows = orders(14, shift={8: 9.0})
    half = rows.num_rows // 2
    pq.write_table(rows.slice(0, half), folder / "a.parquet", row_group_size=900)
    pq.write_table(rows.slice(half), folder / "b.parquet", row_group_size=900)
    reference = tmp_path / "reference.parquet"
    pq.write_table(orders(3), reference)
    return {"reference": {"path": str(reference)}, "current": {"path": str(folder)}}


def mapping(files, output, **more):
    return {
        "monitor": "orders",
        **files,
        "features": {"exclude": ["at"]},
        "segments": [["kind"]],
        "joint": {"both": {"features": ["amount", "fee"]}},
        "time": {"column": "at", "window": "1d", "zone": "America/New_York"},
        "output": {"path": str(output)},
        "expectations": False,
    } | more


def tables(output):
    found = {}
    for name in ("profiles", "drift_scores", "drift_cells"):
        table = read_table(str(output), name)
        kept = [c for c in TABLES[name].names if c not in OWN]
        order = [
            (c, "ascending") for c in ("window_start", "feature", "segment", "cell") if c in kept
        ]
        found[name] = table.select(kept).sort_by(order).to_pylist()
    return found


def differing(found, expected):
    """The values of tables that differ, with their names."""
    return [
        (name, column, one[column], other[column])
        for name, rows in expected.items()
        for one, other in zip(found[name], rows, strict=True)
        for column in other
        if one[column] != other[column]
    ]


def test_one_backfill_is_one_run_per_window_and_a_stopped_one_goes_on(
    spark, files, tmp_path, monkeypatch
):
    one = mapping(files, tmp_path / "one")
    done = kldrift.backfill(one, "2024-03-05", "2024-03-12", spark=spark)
    assert [str(w)[:16] for w in done.timeline["window_start"]] == [
        *(f"2024-03-{day:02} 05:00" for day in range(5, 11)),
        "2024-03-11 04:00",
    ]
    critical = done.timeline.set_index("window_start")["critical"]
    assert critical[critical > 0].index.strftime("%d").tolist() == ["09"]
    assert done.exit_code == 3

    each = mapping(files, tmp_path / "each")
    for day in range(6, 13):
        found = kldrift.run(each, spark=spark, as_of=f"2024-03-{day:02}T05:00")
        assert found.exit_code == (3 if day == 10 else 0)
        assert not found.earlier
    expected = tables(tmp_path / "one")
    assert len({row["window_start"] for row in expected["drift_scores"]}) == 7
    assert tables(tmp_path / "each") == expected

    page = tmp_path / "page.html"
    stopped = mapping(files, tmp_path / "stopped", report={"path": str(page)})
    writes = []
    write = job.write_window

    def fails(*args):
        writes.append(args)
        if len(writes) == 3:
            raise KeyboardInterrupt
        return write(*args)

    with monkeypatch.context() as patched:
        patched.setattr(job, "write_window", fails)
        with pytest.raises(KeyboardInterrupt):
            kldrift.backfill(stopped, "2024-03-05", "2024-03-12", spark=spark)
    assert "The last run failed" in page.read_text()
    resumed = kldrift.backfill(stopped, "2024-03-05", "2024-03-12", spark=spark)
    assert resumed.results[-1].page == str(page)
    assert "The last run failed" not in page.read_text()
    assert "Mon 11 Mar 2024 (America/New_York)" in page.read_text()
    assert len(resumed.results) == 5
    assert resumed.notes == ["2 windows are in the tables already; --force runs them again"]
    assert tables(tmp_path / "stopped") == expected
    assert kldrift.backfill(stopped, "2024-03-05", "2024-03-12", spark=spark).results == []


def test_a_run_catches_up_on_windows_that_a_schedule_missed_and_an_empty_one_is_no_success(
    spark, files, tmp_path
):
    config = mapping(files, tmp_path / "drift")
    kldrift.run(config, spark=spark, as_of="2024-03-08T12:00")
    late = kldrift.run(config, spark=spark, as_of="2024-03-11T12:00")
    assert [str(r.run["window_start"])[:10] for r in (*late.earlier, late)] == [
        "2024-03-08",
        "2024-03-09",
        "2024-03-10",
    ]
    assert "2 earlier windows that no run had looked at were run too" in late.notes
    assert late.exit_code == 3  # the 9th is among the earlier ones
    assert late.run["exit_code"] == 0
    empty = kldrift.run(config, spark=spark, as_of="2024-03-17T12:00")
    assert empty.run["rows_current"] == 0
    assert set(empty.scores["status"]) == {"empty"}
    assert empty.exit_code == 4


@pytest.mark.usefixtures("spark")
def test_the_command_prints_a_line_a_window(files, tmp_path, capsys):
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps(mapping(files, tmp_path / "drift")))
    code = main(
        ["backfill", str(path), "--from", "2024-03-08", "--to", "2024-03-11", "-q", "--json"]
    )
    said = json.loads(capsys.readouterr().out)
    assert code == 3 == said["exit_code"]
    assert [w["critical"] > 0 for w in said["windows"]] == [False, True, False]


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ("2024-03-05", "2024-03-05", "--from 2024-03-05T05:00Z is not before --to"),
        ("2024-03-05T01:00", "2024-03-06", "no window of 1d lies between"),
    ],
)
def test_a_range_without_a_window_is_an_error(files, tmp_path, first, last, text):
    with pytest.raises(ConfigError, match=text):
        kldrift.backfill(mapping(files, tmp_path / "drift"), first, last)


def test_a_backfill_needs_windows(files, tmp_path):
    with pytest.raises(ConfigError, match="backfill needs windows: state time"):
        kldrift.backfill(mapping(files, tmp_path / "drift", time=None), "2024-03-05", "2024-03-06")


def counts_of(output, feature="amount"):
    rows = read_table(str(output), "drift_scores").to_pandas()
    return rows[(rows["feature"] == feature) & rows["segment"].isna()].set_index("window_start")


def test_a_trailing_reference_is_the_sum_of_earlier_windows_without_those_that_drifted(
    spark, files, tmp_path
):
    own = {"current": files["current"], "reference": {"trailing": "3d", "exclude": ["2024-03-06"]}}
    output = tmp_path / "drift"
    config = mapping(own, output)
    kldrift.backfill(config, "2024-03-04", "2024-03-10", spark=spark)
    found = kldrift.run(config, spark=spark, as_of="2024-03-13T12:00")
    assert len(found.earlier) == 2
    rows = counts_of(output)
    n = rows["n_current"].tolist()
    assert rows["n_reference"].tolist() == [
        0,  # nothing before the first window
        n[0],
        n[0] + n[1],
        n[1] + n[0],  # the 4th and the 5th, as the 6th is left out
        n[1] + n[3],  # the 5th and the 7th
        n[3] + n[4],  # the 7th and the 8th
        n[3] + n[4],  # the 9th had drifted
        n[4] + n[6],
        n[6] + n[7],
    ]
    assert rows["severity"].tolist() == ["unscored", *["ok"] * 4, "critical", *["ok"] * 3]
    assert rows["reason"].iloc[0] == "no rows in the reference"
    assert rows["reference_id"].nunique() == 1


def test_the_window_before_is_a_reference_from_the_first_one_that_has_rows(spark, files, tmp_path):
    own = {"current": files["current"], "reference": {"previous": 1}}
    config = mapping(own, tmp_path / "drift")
    empty = kldrift.run(config, spark=spark, as_of="2024-02-19T12:00")
    assert any("no window has had rows so far: the first run that" in n for n in empty.notes)
    found = kldrift.backfill(config, "2024-02-20", "2024-03-11", spark=spark)
    assert found.notes == []
    rows = counts_of(tmp_path / "drift")
    assert rows["n_reference"].tolist() == [0, *rows["n_current"].tolist()[:-2], 0]
    assert rows["severity"].tolist()[-9:-1] == [*["ok"] * 7, "critical"]


CHANGES = {
    "scoring": {"bins": 7, "pseudocount": 1.0},
    "thresholds": {"kl": {"warning": 0.02, "critical": 0.3}},
}


@pytest.mark.parametrize("history", [False, True], ids=["rows", "windows"])
def test_stored_windows_are_scored_again_as_a_fresh_run_would_without_the_data(
    spark, files, tmp_path, history
):
    if history:
        files = {"current": files["current"], "reference": {"trailing": "4d"}}
    old, fresh = mapping(files, tmp_path / "old"), mapping(files, tmp_path / "fresh", **CHANGES)
    kldrift.backfill(old, "2024-03-05", "2024-03-10", spark=spark)
    before = tables(tmp_path / "old")
    kldrift.backfill(fresh, "2024-03-05", "2024-03-10", spark=spark)
    expected = tables(tmp_path / "fresh")
    shutil.rmtree(files["current"]["path"])
    (tmp_path / "reference.parquet").unlink()

    again = kldrift.rescore(old)
    assert len(again.results) == 5
    assert tables(tmp_path / "old") == before
    changed = kldrift.rescore(mapping(files, tmp_path / "old", **CHANGES))
    assert differing(tables(tmp_path / "old"), expected) == []
    assert changed.exit_code == 3
    assert expected["drift_scores"] != before["drift_scores"]
    runs = read_table(str(tmp_path / "old"), "runs").to_pylist()
    assert [r["reference_read"] for r in runs][-1].startswith("not read: scored from stored")


def test_a_window_that_nobody_stored_is_no_success(tmp_path, files):
    with pytest.raises(OutputError, match="no window of 'orders' to score again"):
        kldrift.rescore(mapping(files, tmp_path / "drift"))


def test_exit_codes_follow_alerts_and_not_one_window(spark, files, tmp_path):
    some = mapping(files, tmp_path / "drift", alarms={"after": "2 of 3"}, learned=True)
    found = kldrift.backfill(some, "2024-03-07", "2024-03-11", spark=spark)
    rows = read_table(str(tmp_path / "drift"), "drift_scores").to_pandas()
    assert set(rows["threshold_kind"]) == {"learning", "fixed"}  # joint groups learn nothing
    assert set(rows.loc[rows["kind"] == "numeric", "severity"]) == {"ok", "warning"}
    assert found.exit_code == 0

    at_once = some | {"alarms": {}, "learned": False}
    assert kldrift.rescore(at_once).exit_code == 3
    log = read_table(str(tmp_path / "drift"), "alerts").to_pylist()
    assert [(a["features"], a["windows"]) for a in log] == [(["amount", "both"], 1)]
    assert kldrift.rescore(some | {"learned": False}).exit_code == 0
    rows = read_table(str(tmp_path / "drift"), "drift_scores").to_pandas()
    assert set(rows.loc[rows["severity"] == "critical", "alert"]) == {"pending"}


def test_the_examples_of_the_page_give_what_they_show(spark, files, tmp_path):
    page = Path(__file__).parents[3] / "docs" / "windows.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    orders = spark.readStream.schema(spark.read.parquet(files["current"]["path"]).schema)
    names = {
        "config": mapping(files, tmp_path / "drift"),
        "spark": spark,
        "orders": orders.option("maxFilesPerTrigger", 1).parquet(files["current"]["path"]),
        "kldrift": kldrift,
    }
    number = 0
    for block in blocks:
        test = doctest.DocTestParser().get_doctest(block, names, "example", str(page), 0)
        report: list[str] = []
        runner = doctest.DocTestRunner()
        runner.run(test, out=report.append, clear_globs=False)
        assert runner.summarize(verbose=False).failed == 0, "".join(report)
        number += len(test.examples)
    assert number == 8
    batches = [n.name for n in (tmp_path / "drift" / "profiles").glob("orders--batch-*")]
    assert sorted(batches) == ["orders--batch-0.parquet", "orders--batch-1.parquet"]


def test_a_reference_of_windows_goes_on_when_a_column_is_new(spark, files, tmp_path):
    folder = Path(files["current"]["path"])
    rule = {"reference": {"trailing": "30d"}, "current": files["current"], "joint": {}}
    stated = mapping(files, tmp_path / "drift", **rule)
    kldrift.backfill(stated, "2024-03-02", "2024-03-08", spark=spark)
    for file in folder.iterdir():
        rows = pq.read_table(file)
        pq.write_table(rows.append_column("tip", rows["fee"]), file, row_group_size=900)
    as_of = dt.datetime(2024, 3, 9, 5, tzinfo=dt.UTC)
    assert not check(config_from_mapping(stated), spark=spark, as_of=as_of).stored
    result = kldrift.run(stated, spark=spark, as_of="2024-03-09T05:00")
    whole = result.scores[result.scores["segment"].isna()].set_index("feature")
    assert whole["status"].drop("tip").unique().tolist() == ["ok"]
    assert (whole["n_reference"].drop(["tip", ":rows"]) > 1000).all()
    assert whole.loc["tip", ["status", "reason"]].tolist() == [
        "new_feature",
        "no earlier window has it",
    ]
    assert result.exit_code == 0
    result = kldrift.run(stated, spark=spark, as_of="2024-03-12T05:00")
    whole = result.scores[result.scores["segment"].isna()].set_index("feature")
    assert whole.loc["tip", "status"] == "ok"
    ids = read_table(str(tmp_path / "drift"), "runs")["reference_id"].unique().to_pylist()
    assert len(ids) == 2  # and not one more for each run
    for file in folder.iterdir():
        pq.write_table(pq.read_table(file).drop_columns(["fee"]), file, row_group_size=900)
    lines = check(config_from_mapping(stated), spark=spark, as_of=as_of).lines()
    assert any(line.split()[:1] == ["fee"] and "missing" in line for line in lines), lines
    result = kldrift.run(stated, spark=spark, as_of="2024-03-13T05:00")
    whole = result.scores[result.scores["segment"].isna()].set_index("feature")
    assert whole.loc["fee", "status"] == "missing_feature"
    assert whole["status"].drop("fee").unique().tolist() == ["ok"]
    assert result.exit_code == 4


def test_times_of_text_files_without_a_zone_are_in_that_of_the_windows(spark, tmp_path):
    """A day of Sydney ends at its midnight, and its hours are those of its clocks."""
    for day, n in (1, 60), (2, 90):
        hours = [1, 23] * (n // 2)
        lines = [f"2024-03-{day:02d} {h:02d}:30:00,{h % 5}" for h in hours]
        (tmp_path / f"{day}.csv").write_text("\n".join(["at,x", *lines, ""]))
    asked = {
        "monitor": "texts",
        "reference": {"path": str(tmp_path / "1.csv"), "format": "csv"},
        "current": {"path": str(tmp_path / "2.csv"), "format": "csv"},
        "time": {"column": "at", "window": "1d", "zone": "Australia/Sydney"},
        "features": {"override": {"at": {"parts": ["hour"]}}},
        "output": {"path": str(tmp_path / "drift")},
    }
    for side in ("reference", "current"):
        asked[side] |= {"options": {"header": "true"}, "schema": "at timestamp, x int"}
    found = kldrift.backfill(config_from_mapping(asked), "2024-03-01", "2024-03-05", spark=spark)
    assert found.timeline["rows"].tolist() == [0, 90, 0, 0]
    hours = read_table(str(tmp_path / "drift"), "drift_cells").to_pylist()
    told = [(c["lower"], c["rows_current"]) for c in hours if c["feature"] == "hour(at)"]
    assert sorted(one for one in told if one[1]) == [(1, 45), (23, 45)]
