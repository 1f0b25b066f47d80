"""A stored reference gives the same scores without being read, unless it must be read."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rescoring import differences, rescored, stored

import kldrift
from kldrift.cli.main import main
from kldrift.config import config_from_mapping
from kldrift.errors import KldriftError
from kldrift.execution.engine import SparkEngine
from kldrift.monitor.run import check
from kldrift.sources.predicates.translate import steady
from kldrift.tables import Window, read_table
from tests.all_types import all_types

pytestmark = pytest.mark.spark


class ReadAgainError(KldriftError):
    """The reference was read though it need not have been."""


@pytest.fixture
def unread(monkeypatch):
    """Make it an error to read the reference."""

    def propose(*_):
        raise ReadAgainError("the reference is read again")

    def forbid():
        monkeypatch.setattr(SparkEngine, "propose", propose)

    return forbid


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("reference", "current")):
        rng = np.random.default_rng(seed)
        made = all_types(500, seed)
        vectors = rng.normal(size=(500, 3)).tolist()
        made = made.append_column("embedding", pa.array([None, *vectors[1:]]))
        made = made.append_column("row_id", pa.array(np.arange(500) + 10_000 * seed))
        (tmp_path / name).mkdir()
        for i in range(2):
            pq.write_table(made.slice(250 * i, 250), tmp_path / name / f"{i}.parquet")
    return tmp_path


def mapping(folder, **more):
    return {
        "monitor": "daily",
        "reference": {"path": str(folder / "reference")},
        "current": {"path": str(folder / "current")},
        "joint": {"pair": {"features": ["double", "int"]}},
        "output": {"path": str(folder / "drift")},
        "expectations": False,
    } | more


def run(session, folder, *, refresh=False, **more):
    config = config_from_mapping(mapping(folder, **more))
    return kldrift.run(config, spark=session, fail_on="never", refresh_reference=refresh)


@pytest.mark.parametrize("scan", ["arrow", "dataframe"])
def test_a_second_run_says_the_same_without_reading_the_reference(spark, folder, unread, scan):
    first = run(spark, folder, scan=scan)
    unread()
    second = run(spark, folder, scan=scan)
    for frame in ("scores", "cells"):
        before, after = (getattr(r, frame).drop(columns="run_id") for r in (first, second))
        pd.testing.assert_frame_equal(before, after)
    assert {"pair", "embedding"} <= set(second.scores["feature"])
    assert first.skipped == second.skipped
    assert "row_id" in dict(second.skipped)
    assert second.run["reference_read"].startswith(
        f"not read: unchanged, as read by run {first.run['run_id']} on "
    )
    assert second.run["rows_reference"] == 500


def test_stored_profiles_give_the_scores_of_the_run_bit_for_bit(spark, folder):
    result = run(spark, folder, segments=[["string"]], scoring={"max_segments": 3})
    output, reference_id = str(folder / "drift"), result.run["reference_id"]
    found = stored(output, "daily", reference_id, Window())
    scores = rescored(*found, pseudocount=0.5)
    table = read_table(output, "drift_scores")
    assert table.num_rows > 100
    assert differences(table, scores) == []


def test_a_plan_says_that_the_reference_need_not_be_read(spark, folder):
    config = config_from_mapping(mapping(folder))
    before = check(config, spark=spark)
    run(spark, folder)
    after = check(config, spark=spark)
    assert before.as_dict()["reference"]["passes"] == 2
    assert after.as_dict()["reference"]["passes"] == 0
    assert "not read: unchanged" in after.lines()[1]


@pytest.mark.parametrize(
    "more",
    [
        {"thresholds": {"kl": {"warning": 0.5}}},
        {"scoring": {"pseudocount": 1.0}},
        {"joint": {}},
        {"features": {"exclude": ["int"]}, "joint": {}},
    ],
    ids=["thresholds", "pseudocount", "a group less", "a feature less"],
)
def test_what_does_not_change_the_profile_does_not_read_the_reference(
    spark, folder, unread, monkeypatch, more
):
    run(spark, folder)
    unread()
    remembered = run(spark, folder, **more)
    monkeypatch.undo()
    fresh = run(spark, folder, output={"path": str(folder / "other")}, **more)
    left_out = ["run_id"]
    pd.testing.assert_frame_equal(
        fresh.scores.drop(columns=left_out), remembered.scores.drop(columns=left_out)
    )


@pytest.mark.parametrize(
    "more",
    [
        {"scoring": {"bins": 10}},
        {"scoring": {"max_categories": 3}},
        {"joint": {"pair": {"features": ["double", "long"]}}},
        {"joint": {"pair": {"features": ["double", "int"], "covariance": "diagonal"}}},
        {"features": {"override": {"int": {"kind": "categorical"}}}, "joint": {}},
    ],
    ids=["bins", "categories", "another group", "covariance", "another kind"],
)
def test_what_may_change_the_profile_reads_the_reference_again(spark, folder, unread, more):
    run(spark, folder)
    unread()
    with pytest.raises(ReadAgainError):
        run(spark, folder, **more)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spark.sql.session.timeZone", "America/New_York"),
        ("spark.sql.parquet.datetimeRebaseModeInRead", "LEGACY"),
        ("spark.sql.caseSensitive", "false"),
    ],
    ids=["time zone", "old calendar", "letters"],
)
def test_a_session_with_another_setting_reads_the_reference_again(
    spark, new_session, folder, unread, name, value
):
    run(spark, folder)
    unread()
    other = new_session()
    other.conf.set("spark.sql.session.timeZone", "UTC")
    other.conf.set("spark.sql.caseSensitive", "true")
    run(other, folder)  # has the same settings
    other.conf.set(name, value)
    with pytest.raises(ReadAgainError):
        run(other, folder)


def test_settings_that_a_given_session_does_not_have_are_no_reason_to_read_again(
    spark, folder, unread
):
    run(spark, folder)
    unread()
    run(spark, folder, spark={"conf": {"spark.sql.parquet.int96AsTimestamp": "false"}})


def _added(folder):
    source = folder / "reference" / "0.parquet"
    (folder / "reference" / "2.parquet").write_bytes(source.read_bytes())


def _removed(folder):
    (folder / "reference" / "1.parquet").unlink()


def _written_again(folder):
    file = folder / "reference" / "0.parquet"
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def _damaged(folder):
    for file in (folder / "drift" / "supports").iterdir():
        file.write_bytes(b"PAR1")


def _without_profiles(folder):
    for file in (folder / "drift" / "profiles").glob("daily--reference-*"):
        file.unlink()


def _of_another_shape(folder):
    for file in (folder / "drift" / "profiles").glob("daily--reference-*"):
        pq.write_table(pq.read_table(file).drop_columns(["rows"]), file)


@pytest.mark.parametrize(
    "happens",
    [_added, _removed, _written_again, _damaged, _without_profiles, _of_another_shape],
    ids=lambda f: f.__name__,
)
def test_a_reference_that_changed_or_was_forgotten_is_read_again(spark, folder, unread, happens):
    run(spark, folder)
    happens(folder)
    after = run(spark, folder)
    assert not after.run["reference_read"].startswith("not read")
    told = any("the reference is not what it was on" in note for note in after.notes)
    assert told == (happens in (_added, _removed))  # the others leave its rows as they were
    unread()
    same = run(spark, folder)
    assert same.run["rows_reference"] == after.run["rows_reference"]
    assert not any("is not what it was" in note for note in same.notes)


def test_a_run_can_be_told_to_read_the_reference_again(spark, folder, unread):
    run(spark, folder)
    unread()
    with pytest.raises(ReadAgainError):
        run(spark, folder, refresh=True)


def test_the_command_line_can_tell_it(spark, folder, unread, capsys):
    run(spark, folder)
    config = folder / "kldrift.yaml"
    config.write_text(
        f"monitor: daily\nreference: {{path: {folder}/reference}}\n"
        f"current: {{path: {folder}/current}}\njoint: {{pair: {{features: [double, int]}}}}\n"
        f"output: {{path: {folder}/drift}}\nexpectations: false\n"
    )
    unread()
    assert main(["run", str(config), "--fail-on", "never", "--quiet"]) in (0, 4)
    assert main(["run", str(config), "--refresh-reference"]) == 1
    assert "the reference is read again" in capsys.readouterr().err


def test_a_reference_that_changes_while_it_is_read_is_not_remembered(
    spark, folder, monkeypatch, unread
):
    real = SparkEngine.count

    def count(*args):
        found = real(*args)
        _written_again(folder)
        return found

    monkeypatch.setattr(SparkEngine, "count", count)
    with pytest.raises(KldriftError, match=r"reference: '.*' changed during the run"):
        run(spark, folder)
    monkeypatch.undo()
    unread()
    with pytest.raises(ReadAgainError):
        run(spark, folder)


def test_the_rows_of_a_reference_that_stays_the_same_are_written_once(spark, folder):
    run(spark, folder)
    tables = folder / "drift"
    before = {f: f.stat().st_mtime_ns for f in tables.rglob("*.parquet")}
    run(spark, folder)
    after = {f: f.stat().st_mtime_ns for f in tables.rglob("*.parquet")}
    same = {f.relative_to(tables).parts[0] for f in before if after[f] == before[f]}
    assert same == {"supports", "profiles", "runs"}
    (current,) = [f for f in (tables / "profiles").iterdir() if "--reference-" not in f.name]
    assert after[current] > before[current]
    profiles = pq.read_table(current)
    assert set(profiles["dataset"].to_pylist()) == {"current"}


@pytest.mark.parametrize(
    "more",
    [
        {"where": "date > date_sub(current_date(), 36500)"},
        {"derived": {"age": "datediff(now(), date)"}},
    ],
    ids=["where", "derived"],
)
def test_what_asks_for_the_time_reads_the_reference_each_time(spark, folder, unread, more):
    where = {"where": more["where"]} if "where" in more else {}
    wanted = {
        "reference": {"path": str(folder / "reference")} | where,
        "features": {"derived": more.get("derived", {})},
    }
    run(spark, folder, **wanted)
    unread()
    with pytest.raises(ReadAgainError):
        run(spark, folder, **wanted)


def test_a_condition_that_does_not_move_leaves_the_reference_unread(spark, folder, unread):
    reference = {"path": str(folder / "reference"), "where": "length(string) > 0 or int > 3"}
    features = {"derived": {"twice": "int * 2"}}
    run(spark, folder, reference=reference, features=features)
    unread()
    assert len(run(spark, folder, reference=reference, features=features).scores)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 2 and b in ('x', 'y')", True),
        ("(unix_timestamp(a) - unix_timestamp(b)) / 60", True),
        ("cast(a as double) between 1 and 2", True),
        ("unix_timestamp() > a", False),
        ("a > current_timestamp", False),
        ("localtimestamp() > a", False),
        ("rand() < 0.5", False),
        ("uuid() = a", False),
        ("a in (select b from t)", False),
        ("a > timestamp 'now'", False),
        ("not sql (", False),
    ],
)
def test_what_may_change_without_the_files_is_known_by_its_functions(text, expected):
    assert steady(text) is expected


def test_a_query_has_no_version_and_is_read_each_time(spark, folder, unread):
    spark.read.parquet(str(folder / "reference")).createOrReplaceTempView("reference_rows")
    wanted = {"reference": {"sql": "select * from reference_rows"}}
    run(spark, folder, **wanted)
    unread()
    with pytest.raises(ReadAgainError):
        run(spark, folder, **wanted)


def test_a_delta_table_is_read_again_when_it_has_a_new_version(spark, tmp_path, unread):
    deltalake = pytest.importorskip("deltalake")
    rows = pa.table({"x": np.arange(100) % 7, "y": np.arange(100) / 9})
    for name in ("reference", "current"):
        deltalake.write_deltalake(str(tmp_path / name), rows)
    table = {"path": str(tmp_path / "reference"), "format": "delta"}
    wanted = {
        "reference": table,
        "current": table | {"path": str(tmp_path / "current")},
        "joint": {},
    }
    run(spark, tmp_path, **wanted)
    deltalake.write_deltalake(str(tmp_path / "reference"), rows, mode="append")
    again = run(spark, tmp_path, **wanted)
    assert again.run["rows_reference"] == 200
    assert any("the reference is not what it was on" in note for note in again.notes)
    unread()
    assert run(spark, tmp_path, **wanted).run["rows_reference"] == 200
