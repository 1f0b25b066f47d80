"""A folder of expectations that a kill left behind heals, or the file that is damaged is named."""

from __future__ import annotations

import errno
import json
import os
import sys
from contextlib import suppress

import pytest
from expectations_tables import case_rows, publish_rows

from kldrift.errors import OutputError
from kldrift.expectations.folder import open_project
from kldrift.expectations.gx import ValidationResultsStore, great_expectations, tuple_store_backend
from kldrift.expectations.whole_files import unreadable, written_whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("published")
    publish_rows(made, case_rows())
    return made


@pytest.mark.parametrize("part", ["expectations", "validation_definitions", "checkpoints"])
def test_a_file_of_the_monitor_that_is_cut_off_is_made_again(folder, part):
    (file,) = (folder / "gx" / part).glob("*.json")
    whole = file.read_text()
    for left in ("", whole[: len(whole) // 2]):
        file.write_text(left)
        assert publish_rows(folder, case_rows()).evaluated > 0
        assert json.loads(file.read_text())


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("great_expectations.yml", ""),
        ("uncommitted/config_variables.yml", ""),
        ("uncommitted/config_variables.yml", "# a comment\n# and hal"),
        ("expectations/.ge_store_backend_id", "store_backend_id = 1a5456"),
    ],
)
def test_a_file_of_the_project_that_is_empty_is_made_again(folder, name, left, capfd):
    (folder / "gx" / name).write_text(left)
    (folder / "gx" / ".new-1/checkpoints").mkdir(parents=True)
    for place in (name, "uncommitted/validations/m/x.json"):
        staged = (folder / "gx" / place).with_name(".m.json.1-2.tmp")
        staged.parent.mkdir(exist_ok=True)
        staged.write_text("{")
    assert publish_rows(folder, case_rows()).evaluated > 0
    assert len((folder / "gx" / name).read_text()) > max(50, len(left))
    assert "Invalid store" not in "".join(capfd.readouterr())
    left = [p.name for p in (folder / "gx").rglob(".*")]
    assert not [name for name in left if name.startswith(".new-") or name.endswith(".tmp")]


@pytest.mark.parametrize("part", ["expectations", "validation_definitions", "checkpoints"])
def test_a_file_of_somebody_else_that_is_cut_off_is_named(folder, part):
    file = folder / "gx" / part / "theirs.json"
    file.write_text('{"name": ')
    with pytest.raises(OutputError, match=rf"{part}/theirs\.json: cannot be read"):
        publish_rows(folder, case_rows())
    assert file.read_text() == '{"name": '
    file.unlink()


@pytest.mark.parametrize("name", ["great_expectations.yml", "uncommitted/config_variables.yml"])
def test_a_project_that_is_cut_off_is_named(folder, name):
    file = folder / "gx" / name
    whole = file.read_text()
    cut = [whole[: len(whole) // 3]] if "/" not in name else ["a:\xff", "- a"]
    for left in (*cut, "a: ["):
        file.write_text(left, encoding="latin-1")
        with pytest.raises(OutputError, match=rf"{file.name}: cannot be read; repair it"):
            publish_rows(folder, case_rows())
    file.write_text(whole)


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "gx").write_text("")
    with pytest.raises(OutputError, match=r"gx: expectations\.path is a file"):
        unreadable(tmp_path / "gx", "m")
    assert unreadable(tmp_path / "new" / "gx", "m") == []


def test_a_write_of_gx_that_fails_leaves_the_file_that_was_there(tmp_path):
    file = tmp_path / "suite.json"
    file.write_text("whole")
    with written_whole(tmp_path):
        full = OSError(errno.ENOSPC, "No space left on device")  # as a write says it
        with suppress(OSError), tuple_store_backend.open(file, "wb") as stream:
            stream.write(b"ha")
            raise full
        assert full.filename == str(file)
        assert file.read_text() == "whole"
        with tuple_store_backend.open(file, "wb") as stream:
            stream.write(b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["suite.json"]
    assert file.read_text() == "new"


def test_a_full_disk_is_told_by_its_name(folder, monkeypatch):
    def full(*_args, **_more):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "gx/uncommitted/x"))

    monkeypatch.setattr(ValidationResultsStore, "set", full)
    with pytest.raises(OutputError, match=r"gx: cannot be written: .*No space left on device"):
        publish_rows(folder, case_rows())


def test_a_full_disk_is_told_also_where_gx_has_another_error_for_it(folder, monkeypatch):
    def no_project(_root):
        full = OSError(errno.ENOSPC, "No space left on device")
        raise RuntimeError("Could not create .gitignore") from full

    module = sys.modules["kldrift.expectations.publish"]  # its package has a function of that name
    monkeypatch.setattr(module, "open_project", no_project)
    with pytest.raises(OutputError, match=r"gx: cannot be written: .*No space left on device"):
        publish_rows(folder, case_rows())


def test_a_folder_that_becomes_read_only_while_it_is_made_says_so(tmp_path, monkeypatch):
    def denied(path, *_args, **_more):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "rmdir", denied)
    monkeypatch.setattr(
        great_expectations, "get_context", lambda *, context_root_dir, **_: denied(context_root_dir)
    )
    with pytest.raises(PermissionError, match=r"\.new-"), open_project(tmp_path):
        pass
