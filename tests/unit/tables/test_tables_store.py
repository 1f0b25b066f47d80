"""Every kind of location keeps the same promises."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from pyarrow import fs
from tables_sample import DAYS, MONITOR, run_row, window_tables

from kldrift.errors import OutputError
from kldrift.tables import prepare_output, read_table, write_run, write_window
from kldrift.tables.local import LocalStore
from kldrift.tables.store import ObjectStore, open_folder


@pytest.fixture(params=["local", "objects", "objects below a prefix"])
def store(request, tmp_path):
    if request.param == "local":
        return LocalStore(tmp_path)
    if request.param == "objects":
        return ObjectStore(FlatFileSystem(tmp_path), "bucket/drift", "s3://bucket/drift")
    below = fs.SubTreeFileSystem("bucket", FlatFileSystem(tmp_path))
    return ObjectStore(below, "drift", "s3://bucket/drift")


def FlatFileSystem(tmp_path):
    """A file system on which, as in an object store, folders need no making."""
    for table in ("drift_scores", "runs"):
        (tmp_path / "bucket" / "drift" / table).mkdir(parents=True)
    return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())


def test_a_file_is_read_as_it_was_put_and_put_over_the_old_one(store):
    assert store.open("runs/a.parquet") is None
    store.put({"runs/b.parquet": b"b", "runs/a.parquet": b"old"})
    store.put({"runs/a.parquet": b"new"})
    assert store.names("runs") == ["a.parquet", "b.parquet"]
    assert store.open("runs/a.parquet").read() == b"new"


def test_a_folder_that_is_not_there_holds_nothing(store):
    assert store.names("profiles") == []


def test_a_location_is_what_a_person_would_open(store):
    assert store.location("runs/a.parquet").endswith("/runs/a.parquet")
    assert not store.location("").endswith("/")


def test_a_folder_made_ready_stays_empty(store):
    store.make_ready("runs")
    assert store.names("runs") == []


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_folder_that_becomes_read_only_is_an_error_that_names_the_file(
    tmp_path, monkeypatch, renamed
):
    store, replace, done = LocalStore(tmp_path), Path.replace, []

    def read_only(*_args, **_more):
        raise OSError(errno.EROFS, "Read-only file system")

    def replaced(path, target):
        if len(done) == renamed:
            read_only()
        done.append(target.name)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", replaced)
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(OutputError, match=r"/runs/.: cannot write: Read-only file system$"):
        store.put({"runs/a": b"a", "runs/b": b"b"})
    assert [p.name for p in (tmp_path / "runs").iterdir() if p.name[0] != "."] == done


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"/runs/a: cannot write: No space left on device$"):
        LocalStore(tmp_path).put({"runs/a": b"a", "runs/b": b"b"})
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_file_uri_is_a_local_path(tmp_path):
    uri = (tmp_path / "with space").as_uri()
    prepare_output(uri)
    write_window(uri, MONITOR, DAYS[0], window_tables())
    path = write_run(uri, run_row())
    assert path == str(tmp_path / "with space" / "runs" / "run-1.parquet")
    assert read_table(uri, "drift_scores").equals(window_tables()["drift_scores"])
    assert isinstance(open_folder(f"file:{tmp_path}"), LocalStore)


@pytest.mark.parametrize("path", ["drift", "./a:b/drift", "/data/drift", "s3:drift"])
def test_a_path_without_a_scheme_is_local(path):
    assert isinstance(open_folder(path), LocalStore)
    assert open_folder(path).location("") == path.removeprefix("./")


@pytest.mark.parametrize("scheme", ["hdfs", "dbfs", "ftp", "viewfs"])
def test_a_store_that_does_not_replace_whole_objects_is_refused(scheme):
    with pytest.raises(OutputError, match=f"cannot write to '{scheme}' safely; use a local path"):
        open_folder(f"{scheme}://host/drift")


def test_a_uri_that_is_not_understood_is_named():
    with pytest.raises(OutputError, match=r"gs://: names no bucket or container"):
        open_folder("gs://")
    with pytest.raises(OutputError, match=r"gs://b: cannot open this location: .*'x'"):
        open_folder("gs://b?x=1")


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("gs://bucket/drift/?scheme=http", "gs://bucket/drift/runs"),
        ("s3://key:secret@bucket/drift?region=us-east-1", "s3://bucket/drift/runs"),
        ("abfss://box@account.dfs.core.windows.net/drift", None),
    ],
)
def test_a_location_holds_no_secret(uri, location):
    assert open_folder(uri).location("runs") == (location or f"{uri}/runs")


def test_what_a_store_answers_is_reported_with_the_object(tmp_path):
    (tmp_path / "file").touch()
    store = ObjectStore(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "", "s3://b")
    with pytest.raises(OutputError, match=r"s3://b/file/a: cannot write: "):
        store.put({"file/a": b""})
    with pytest.raises(OutputError, match=r"s3://b/file/a: cannot read: "):
        store.open("file/a")
    with pytest.raises(OutputError, match=r"s3://b/file: cannot list: "):
        store.names("file")
