from __future__ import annotations

import json
import os
import time

import pytest
from tables_sample import DAYS, MONITOR, REFERENCE_ID, reference_tables, run_row, window_tables

from kldrift.errors import OutputError
from kldrift.tables import prepare_output, read_table, write_reference, write_run, write_window


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_is_made_and_marked(tmp_path):
    output = tmp_path / "a" / "b"
    prepare_output(str(output))
    assert json.loads((output / "_kldrift.json").read_text()) == {
        "format": "kldrift tables",
        "schema_version": 2,
    }
    tables = ["drift_cells", "drift_scores", "profiles", "runs", "supports"]
    assert names(output) == ["_kldrift.json", *tables]
    assert not any(names(output / table) for table in tables)


def test_an_output_folder_is_accepted_again_with_all_that_stands_in_it(tmp_path):
    prepare_output(str(tmp_path))
    write_reference(str(tmp_path), MONITOR, REFERENCE_ID, reference_tables())
    write_window(str(tmp_path), MONITOR, DAYS[0], window_tables())
    write_run(str(tmp_path), run_row())
    (tmp_path / "gx").mkdir()
    (tmp_path / "report.html").write_text("x")
    (tmp_path / "drift_scores" / "_SUCCESS").touch()
    prepare_output(str(tmp_path))
    assert read_table(str(tmp_path), "runs").num_rows == 1


def test_a_hidden_file_does_not_make_a_folder_foreign(tmp_path):
    (tmp_path / ".kldrift-0a.tmp").touch()
    prepare_output(str(tmp_path))


def test_a_folder_of_other_files_is_refused(tmp_path):
    for name in ("a.csv", "b.csv", "c.csv", "d.csv", "e.csv"):
        (tmp_path / name).touch()
    with pytest.raises(OutputError, match=r"'a\.csv', 'b\.csv', 'c\.csv' and 2 more; set output"):
        prepare_output(str(tmp_path))
    assert names(tmp_path) == ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"]


@pytest.mark.parametrize("name", ["part-0.parquet", "_old.parquet", "2020"])
def test_a_table_folder_with_other_files_is_refused(tmp_path, name):
    prepare_output(str(tmp_path))
    (tmp_path / "drift_scores" / name).mkdir()
    with pytest.raises(OutputError, match=f"drift_scores: holds files .* write: '{name}'; readers"):
        prepare_output(str(tmp_path))


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (
            '{"format": "kldrift tables", "schema_version": 3}',
            "schema_version 3, this kldrift .* 2; upgrade",
        ),
        (
            '{"format": "kldrift tables", "schema_version": 1}',
            "schema_version 1, this kldrift writes 2; set output.path to a new folder",
        ),
        ('{"format": "kldrift tables", "schema_version": "x"}', "to be a number, got 'x'"),
        ('{"format": "other"}', "expected the format 'kldrift tables', got {'format': 'other'}"),
        ("[]", "expected the format"),
        ("half a mark", "not the marker that kldrift writes"),
    ],
    ids=["newer", "older", "no number", "other format", "no object", "damaged"],
)
def test_a_marker_that_is_not_understood_is_refused(tmp_path, marker, message):
    (tmp_path / "_kldrift.json").write_text(marker)
    with pytest.raises(OutputError, match=message):
        prepare_output(str(tmp_path))
    assert (tmp_path / "_kldrift.json").read_text() == marker


def test_a_newer_output_is_not_read_as_if_it_were_understood(tmp_path):
    (tmp_path / "_kldrift.json").write_text('{"format": "kldrift tables", "schema_version": 3}')
    with pytest.raises(OutputError, match="upgrade kldrift"):
        read_table(str(tmp_path), "runs")


def test_a_folder_that_cannot_be_made_is_named_with_the_cause(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/drift: cannot write to: Not a directory"):
        prepare_output(str(tmp_path / "file" / "drift"))
    with pytest.raises(OutputError, match=r"file: cannot write to: File exists"):
        prepare_output(str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"/proc/drift: cannot write to: "):
        prepare_output("/proc/drift")


@pytest.mark.parametrize(
    ("target", "message"),
    [("/proc/1/none", "cannot write to: File exists"), ("/dev/null", "cannot list: Not a dir")],
)
def test_a_table_folder_that_cannot_be_written_is_found_before_the_run(tmp_path, target, message):
    prepare_output(str(tmp_path))
    (tmp_path / "drift_cells").rmdir()
    (tmp_path / "drift_cells").symlink_to(target)
    with pytest.raises(OutputError, match=f"drift_cells: {message}"):
        prepare_output(str(tmp_path))


@pytest.mark.parametrize("table", ["", "profiles", "alerts", "worst_rows"])
def test_what_dead_runs_left_is_cleared_after_a_day(tmp_path, table):
    prepare_output(str(tmp_path))
    folder = tmp_path / table
    folder.mkdir(exist_ok=True)
    old, young = (folder / f".kldrift-{name}.tmp" for name in ("old", "young"))
    old.touch()
    young.touch()
    two_days_ago = time.time() - 2 * 24 * 60 * 60
    os.utime(old, (two_days_ago, two_days_ago))
    prepare_output(str(tmp_path))
    left = [name for name in names(folder) if name.startswith(".")]
    assert left == [young.name]
