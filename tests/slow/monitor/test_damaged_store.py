"""What is damaged in the tables costs a scan or the record of a window, and no run."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from daily_sample import config_of, run_days, window

import kldrift
from kldrift.monitor.table_changes import LastRead, last_read
from kldrift.reporting.stored import stored_page
from kldrift.tables import write_run
from kldrift.tables.layout import alerts_file, window_file
from kldrift.tables.read import read_table, stored_runs
from kldrift.tables.store import open_store

WITH_ALARMS = {"alarms": {}, "thresholds": {"kl": {"warning": 0.05, "critical": 0.1}}}


def bytes_of_another(path: Path) -> None:
    path.write_bytes(b"PAR1 and nothing")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "part-0.parquet").write_bytes(b"of somebody")


def dead_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/no/such/folder/file.parquet")


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGE = [bytes_of_another, folder, dead_link, link_to_itself]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    at = tmp_path_factory.mktemp("written")
    run_days(config_of(at, **WITH_ALARMS), range(9))
    return at


@pytest.fixture
def out(written, tmp_path):
    shutil.copytree(written, tmp_path / "out")
    return tmp_path / "out"


def files(out: Path, what: str) -> list[Path]:
    if what == "alerts":
        return [out / alerts_file("daily")]
    if what == "reference":
        return list(out.glob("profiles/daily--reference-*"))
    if what in ("supports", "runs"):
        return sorted((out / what).iterdir())[-1:]
    return [out / window_file(what, "daily", window(7))]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    "what", ["drift_scores", "drift_cells", "profiles", "alerts", "runs", "supports", "reference"]
)
def test_the_next_day_and_the_day_itself_are_run_whatever_is_damaged(out, what, damage):
    config = config_of(out, **WITH_ALARMS)
    for path in files(out, what):
        damage(path)
    run_days(config, [9], dependents=False)
    run_days(config, [7], dependents=False)
    if what != "runs":  # nobody writes the row of an earlier run again
        assert all(path.is_file() and not path.is_symlink() for path in files(out, what))
    if what not in ("runs", "alerts"):
        read_table(str(out), "profiles" if what == "reference" else what)


def test_a_folder_in_the_place_of_a_file_is_kept_where_no_reader_looks(out, caplog):
    (path,) = files(out, "profiles")
    folder(path)
    run_days(config_of(out, **WITH_ALARMS), [7], dependents=False)
    (kept,) = path.parent.glob(".daily--*")
    assert (kept / "part-0.parquet").read_bytes() == b"of somebody"
    assert not kept.name.endswith(".parquet")
    assert f"{path}: was a folder where a file is expected; it is now {kept}" in caplog.messages


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_earlier_window_that_cannot_be_read_is_named(out, damage):
    (path,) = files(out, "drift_scores")
    damage(path)
    (found,) = run_days(config_of(out, **WITH_ALARMS), [9])
    (said,) = [note for note in found.notes if "left out" in note]
    assert said.startswith(f"an earlier window is left out: {path}: ")
    assert said.endswith("; run its window again")


@pytest.mark.parametrize("damage", DAMAGE)
def test_alerts_that_cannot_be_read_are_logged_anew_and_rescore_brings_them_back(out, damage):
    config = config_of(out, **WITH_ALARMS)
    before = read_table(str(out), "alerts")
    assert len(before) > 0
    (path,) = files(out, "alerts")
    damage(path)
    (note,) = [n for n in stored_page(config).notes if n.startswith("no alert is shown: ")]
    assert note.endswith("kldrift rescore logs alerts anew")
    kldrift.rescore(config)
    assert read_table(str(out), "alerts").equals(before)
    damage(path)
    (found,) = run_days(config, [9])
    assert [note for note in found.notes if note.startswith("alerts are logged anew: ")]


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_record_of_a_run_that_cannot_be_read_is_left_out_of_the_page_and_named(out, damage):
    (path,) = files(out, "runs")
    damage(path)
    rows, unreadable = stored_runs(open_store(str(out)), "daily")
    assert len(rows) == 8
    assert len(unreadable) == 1
    notes = stored_page(config_of(out, **WITH_ALARMS)).notes
    assert [n for n in notes if f"{path.name}: the record of a run is left out" in n]


def test_all_rows_are_read_again_where_the_record_of_a_run_is_damaged(out):
    store = open_store(str(out))
    row = read_table(str(out), "runs").to_pylist()[-1]
    read = "all of it at first; Delta table, version 3: 2 files, read with Arrow; table 1a-2b"
    later = {"run_id": "20300601T000000Z-aa", "started_at": datetime(2030, 6, 1, tzinfo=UTC)}
    write_run(str(out), row | later | {"current_read": read})
    reference_id = row["reference_id"]
    assert last_read(store, "daily", reference_id) == LastRead(3, "1a-2b")
    bytes_of_another(sorted((out / "runs").iterdir())[0])
    assert last_read(store, "daily", reference_id) is None
