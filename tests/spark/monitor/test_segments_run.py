"""Segments over Spark: both ways in and in memory alike, in as many jobs as without."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from all_types import OVERRIDES, all_types, write_parts
from verdict_rows import Compared

import kldrift
from kldrift.config import config_from_mapping
from kldrift.errors import KldriftError
from kldrift.execution.engine import SparkEngine
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.inputs import open_sides
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.monitor.publish import MOST_SEGMENT_ROWS, held_to_expectations
from kldrift.monitor.run import check
from kldrift.sources.table import TableSource

pytestmark = pytest.mark.spark

LISTS = [["string"], ["boolean", "odd_double"], ["instant"], ["sp ace/slash", "byte"]]


@pytest.fixture(scope="module")
def sides():
    return all_types(900, 0), all_types(700, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, sides):
    base = tmp_path_factory.mktemp("segments")
    for name, side in zip(("reference", "current"), sides, strict=True):
        write_parts(side, base / name, 3, seed=5)
    return base


def mapping(folder, **more):
    return {
        "monitor": "daily",
        "reference": {"path": str(folder / "reference")},
        "current": {"path": str(folder / "current")},
        "features": {"override": OVERRIDES},
        "segments": LISTS,
        "output": {"path": str(folder / "drift")},
        "expectations": False,
    } | more


def outcome_of(spark, config):
    reference, current = open_sides(config, spark)
    engine = SparkEngine(spark, reference, current, SILENT)
    return Compared(*compare_plan(make_plan(config, reference, current), engine, SILENT))


def segments(compared):
    """The names of all segments."""
    return {name for name in compared.verdicts.segment.tolist() if name is not None}


def assert_same(left, right):
    assert left.findings.skipped == right.findings.skipped
    a, b = left.verdicts, right.verdicts
    assert len(a) == len(b) > a.whole.sum()
    assert [s.name for s in a.subjects] == [s.name for s in b.subjects]
    for column in ("of", "segment", "status", "reason"):
        assert getattr(a, column).tolist() == getattr(b, column).tolist(), column
    sides = zip(left.findings.comparisons, right.findings.comparisons, strict=True)
    for mine, other in sides:
        np.testing.assert_array_equal(mine.current.counts, other.current.counts)
        np.testing.assert_array_equal(mine.reference.counts, other.reference.counts)
    for name, values in a.scores.items():
        moments = name.startswith(("gaussian", "mean", "std", "wasserstein_std"))
        # Where means differ in their last digit only, that digit is all that is to be seen.
        tolerance = {"rtol": 1e-9, "atol": 1e-14} if moments else {"rtol": 0}
        np.testing.assert_allclose(values, b.scores[name], **tolerance, err_msg=name)


@pytest.mark.parametrize("way", ["arrow", "dataframe"])
def test_every_way_in_gives_the_segments_that_memory_gives(spark, folder, sides, way):
    config = config_from_mapping(mapping(folder, scan=way))
    sources = [TableSource(side) for side in sides]
    plan, engine = make_plan(config, *sources), MemoryEngine(*sources)
    expected = Compared(*compare_plan(plan, engine, SILENT))
    assert {name.split("=")[0].split(",")[0] for name in segments(expected)} == {
        "string",
        "boolean",
        "instant",
        "sp ace/slash",
    }
    assert_same(outcome_of(spark, config), expected)


def test_partitioning_and_order_change_no_count(spark, folder, sides, tmp_path):
    for name, side in zip(("reference", "current"), sides, strict=True):
        write_parts(side, tmp_path / name, 1)
    one = outcome_of(spark, config_from_mapping(mapping(tmp_path)))
    assert_same(outcome_of(spark, config_from_mapping(mapping(folder))), one)


def test_derived_features_have_segments_and_part_the_rows(spark, folder):
    derived = {"twice": "int * 2", "sign": "case when int < 0 then 'below' else 'above' end"}
    features = {"include": ["double", "string"], "derived": derived}
    lists = [["boolean"], ["sign"]]
    frame = outcome_of(
        spark,
        config_from_mapping(mapping(folder, features=features, segments=lists, scan="dataframe")),
    )
    for some in (lists, lists[:1]):
        config = config_from_mapping(mapping(folder, features=features, segments=some))
        found = outcome_of(spark, config)
        mine, others = found.verdicts, frame.verdicts
        assert {s.name for s in mine.subjects} == {"double", "string", "twice", "sign"}
        kept = [
            place
            for place, name in enumerate(others.segment.tolist())
            if name is not None and name.split("=")[0] in {n for (n,) in some}
        ]
        parts = np.flatnonzero(~mine.whole)
        assert mine.segment[parts].tolist() == others.segment[kept].tolist()
        assert mine.of[parts].tolist() == others.of[kept].tolist()
        for name, sizes in mine.sizes.items():
            np.testing.assert_array_equal(sizes[parts], others.sizes[name][kept])
        np.testing.assert_array_equal(mine.scores["kl"][parts], others.scores["kl"][kept])


def test_wide_tables_are_parted_in_every_block_of_features(spark, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("reference", "current"):
        columns = {f"f{i}": rng.integers(0, 5, 400) for i in range(70)}
        write_parts(pa.table({"s": rng.choice(["a", "b"], 400), **columns}), tmp_path / name, 2)
    result = kldrift.run(
        mapping(tmp_path, segments=[["s"]], features={"exclude": ["s"]}), spark=spark
    )
    rows = result.scores[result.scores["segment"].notna()]
    assert len(rows) == 140
    assert rows.groupby("feature")["n_current"].sum().unique().tolist() == [400]


def test_a_partition_of_the_files_parts_the_rows(spark, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("reference", "current"):
        for day in ("2024-01-01", "2024-01-02", "__HIVE_DEFAULT_PARTITION__"):
            write_parts(pa.table({"x": rng.normal(size=90)}), tmp_path / name / f"day={day}", 1)
    found = [
        outcome_of(
            spark, config_from_mapping(mapping(tmp_path, segments=[["day"]], features={}, scan=way))
        )
        for way in ("arrow", "dataframe")
    ]
    assert segments(found[0]) == {
        "day=2024-01-01",
        "day=2024-01-02",
        "day=null",
    }
    assert_same(*found)


def count_jobs(spark, work):
    """How many jobs something takes."""
    import uuid

    group = uuid.uuid4().hex
    spark.sparkContext.setJobGroup(group, group)
    try:
        work()
        return len(spark.sparkContext.statusTracker().getJobIdsForGroup(group))
    finally:
        spark.sparkContext.setJobGroup("rest", "rest")


def test_segments_cost_no_job_and_no_scan(classic, folder):
    without = count_jobs(
        classic, lambda: outcome_of(classic, config_from_mapping(mapping(folder, segments=[])))
    )
    assert count_jobs(
        classic, lambda: outcome_of(classic, config_from_mapping(mapping(folder)))
    ) == (without)


class ReadAgainError(KldriftError):
    """The reference was read though it need not have been."""


def test_a_stored_reference_has_its_segments(spark, folder, tmp_path, monkeypatch):
    wanted = mapping(folder, output={"path": str(tmp_path / "drift")})

    def run(**more):
        return kldrift.run(config_from_mapping(wanted | more), spark=spark, fail_on="never")

    first = run()

    def propose(*_):
        raise ReadAgainError("the reference is read again")

    monkeypatch.setattr(SparkEngine, "propose", propose)
    second = run()
    assert second.run["reference_read"].startswith("not read: unchanged")
    assert first.skipped == second.skipped
    for frame in ("scores", "cells"):
        before, after = (getattr(r, frame).drop(columns="run_id") for r in (first, second))
        pd.testing.assert_frame_equal(before, after)
    run(features={"override": OVERRIDES, "exclude": ["int"]})
    for more in (
        {"segments": LISTS[:2]},
        {"segments": []},
        {"scoring": {"max_segments": 2}},
    ):
        with pytest.raises(ReadAgainError):
            run(**more)


@pytest.fixture
def hidden(tmp_path):
    """Drift in one small segment, which all rows hide; another segment has vanished."""
    rng = np.random.default_rng(0)
    for name, moved, last in (("reference", 0.0, "gone"), ("current", 3.0, "big")):
        group = np.repeat(["big", "small", last], [8_000, 200, 30])
        x = rng.normal(size=len(group)) + moved * (group == "small")
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"group": group, "x": x}), tmp_path / name / "a.parquet")
    kl = {"kl": {"warning": 0.1, "critical": 0.25}}
    return mapping(
        tmp_path, segments=[["group"]], features={"include": ["x"]}, thresholds=kl
    ), tmp_path


def test_drift_in_a_segment_fails_the_run_and_a_segment_without_score_does_not(spark, hidden):
    wanted, _ = hidden
    result = kldrift.run(wanted, spark=spark)
    rows = result.scores.set_index(result.scores["segment"].fillna("all"))
    assert rows["severity"].to_dict() == {
        "all": "ok",
        "group=small": "critical",
        "group=gone": "unscored",
        "group=big": "ok",
    }
    assert rows.loc["group=gone", "status"] == "empty"
    assert result.exit_code == 3
    assert kldrift.run(wanted, spark=spark, fail_on="never").exit_code == 0


def test_the_tables_hold_segments_and_add_up(spark, hidden):
    wanted, folder = hidden
    result = kldrift.run(wanted, spark=spark)
    stored = {
        name: pd.read_parquet(folder / "drift" / name)
        for name in ("drift_scores", "drift_cells", "profiles")
    }
    assert len(stored["drift_scores"]) == 4
    cells = stored["drift_cells"]
    sums = cells.groupby(cells["segment"].fillna("all"))["contribution"].sum()
    kl = stored["drift_scores"].set_index(stored["drift_scores"]["segment"].fillna("all"))["kl"]
    for segment in sums.index:
        assert sums[segment] == pytest.approx(kl[segment], abs=1e-12)
    assert set(sums.index) == {"all", "group=small", "group=big"}
    profiles = stored["profiles"].explode(["cells", "rows"])
    profiles["part"] = profiles["segment_list"].notna()  # a segment, or the rows of none
    rows = profiles.groupby(["dataset", "part", "cells"])["rows"].sum()
    for side in ("reference", "current"):
        assert rows[side][True].to_dict() == rows[side][False].to_dict()
    scores = stored["drift_scores"].set_index("segment")
    assert scores.loc["group=small", "mean_current"] == pytest.approx(3, abs=0.3)
    shown = result.to_html()
    assert "<bdi>group=small</bdi>" in shown
    assert "1 of 3 scores drifted" in shown
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["severities"] == {"critical": 0, "warning": 0, "unscored": 0, "ok": 1}
    assert summary["segment_severities"] == {"critical": 1, "warning": 0, "unscored": 1, "ok": 1}
    assert (summary["worst"][0]["feature"], summary["worst"][0]["segment"]) == ("x", "group=small")


def test_a_plan_names_the_lists(spark, hidden):
    wanted, _ = hidden
    plan = check(config_from_mapping(wanted), spark=spark)
    assert "segments, 1,000 of each list at most:" in plan.lines()
    assert plan.as_dict()["segments"] == [["group"]]
    assert plan.as_dict()["current"]["columns"] == 2


def test_expectations_are_held_for_all_rows_and_for_segments_that_drifted(spark, hidden):
    wanted, folder = hidden
    result = kldrift.run(wanted | {"expectations": {"path": str(folder / "gx")}}, spark=spark)
    assert result.exit_code == 3
    suite = json.loads((folder / "gx" / "expectations" / "daily.json").read_text())
    kwargs = [e["kwargs"] for e in suite["expectations"]]
    assert [(k["feature"], k.get("segment"), k["threshold"]) for k in kwargs] == [
        ("x", None, 0.1),
        ("x", None, 0.25),
        ("x", "group=small", 0.1),
        ("x", "group=small", 0.25),
    ]


def test_of_many_segments_that_drifted_the_worst_are_held_and_the_others_are_said():
    rows = [("a", None, "ok")] + [("a", f"s={i}", "critical") for i in range(250)]
    rows += [("a", "s=ok", "ok"), ("a", "s=x", "unscored")]
    scores = pd.DataFrame(rows, columns=["feature", "segment", "severity"])
    held, said = held_to_expectations(scores)
    assert held["segment"].fillna("").tolist() == [
        "",
        *(f"s={i}" for i in range(MOST_SEGMENT_ROWS)),
    ]
    assert said[0].reason.startswith(
        "250 scores of segments drifted; Great Expectations has the 200"
    )
    assert held_to_expectations(scores.head(100))[1] == ()


def test_the_console_names_segments_and_counts_them(hidden, capsys):
    from kldrift.cli.main import main

    wanted, folder = hidden
    path = folder / "m.yaml"
    path.write_text(json.dumps(wanted))
    assert main(["run", str(path)]) == 3
    out = capsys.readouterr().out
    assert "critical  x [group=small]" in out
    assert out.startswith(
        "critical: by segment: 1 of 3 scores drifted: 1 critical; 1 could not be scored; "
        "over all rows no drift in 1 feature\n"
    )
