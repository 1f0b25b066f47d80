"""A file that is written again while it is read is named, also where that made reading fail."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from iceberg_sample import make, open_catalog

from kldrift.config import Dataset
from kldrift.errors import DatasetError, KldriftError
from kldrift.sources.fingerprint import files_twice, watch
from kldrift.sources.open import open_files


@pytest.mark.parametrize("fails", [True, False], ids=["reading fails", "all is read"])
@pytest.mark.parametrize("change", ["written again", "gone", "not at all"])
def test_the_file_that_changed_is_named(tmp_path, change, fails):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"x": [1, 2]}), path)
    watched = watch(Dataset(path=(str(path),)), "current")

    def read():
        with watched.unchanged():
            if change == "gone":
                path.unlink()
            if change == "written again":
                pq.write_table(pa.table({"x": [1, 2, 3, 4, 5]}), path)
            if fails:
                raise KldriftError("counts add up to other rows")

    if change == "not at all" and not fails:
        read()
        return
    named = {"written again": r"current: '.*rows.parquet' changed during the run", "gone": "rows"}
    with pytest.raises(KldriftError, match=named.get(change, "add up")) as error:
        read()
    assert isinstance(error.value, DatasetError) == (change != "not at all")


@pytest.mark.parametrize("form", ["delta", "iceberg"])
@pytest.mark.parametrize("where", [None, "x > 1"])
def test_a_file_of_a_table_that_is_written_again_with_as_many_rows_is_named(tmp_path, form, where):
    if form == "delta":
        write_deltalake(str(tmp_path / "t"), pa.table({"x": [1, 2]}))
        place = str(tmp_path / "t")
    else:
        table = make(open_catalog(tmp_path), pa.table({"x": [1, 2]}))
        place = table.location().removeprefix("file://")
    dataset = Dataset(path=(place,), format=form, where=where)
    source = open_files(dataset, "current")
    watched = watch(dataset, "current").and_of_table(source)
    with watched.unchanged():
        pass
    (file,) = {piece.file.path for piece in source.footers.pieces}

    def read():
        with watched.unchanged():
            pq.write_table(pa.table({"x": [3, 4]}), file)

    with pytest.raises(DatasetError, match=rf"current: '{file}' changed during the run"):
        read()


def test_a_file_that_is_there_under_two_names_is_told(tmp_path):
    rows, others = (pa.table({"x": range(n, n + 30), "y": [0.5] * 30}) for n in (0, 1))
    names = [
        "a.parquet",
        "b.parquet",
        "c.parquet",
        "day=1/a.parquet",
        "day=2/a.parquet",
        "d.parquet",
    ]
    for name, table in zip(
        names, [rows, others, rows, others, others, rows.slice(0, 0)], strict=True
    ):
        place = tmp_path / "days" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, place)
    shutil.copy(tmp_path / "days/d.parquet", tmp_path / "days/e.parquet")
    folder = str(tmp_path / "days")
    source = open_files(Dataset(path=(folder,)), "current")
    told = f"{folder + '/c.parquet'!r} looks like {folder + '/a.parquet'!r} once more"
    assert files_twice(current=source) == (f"current: {told}, so that rows count twice",)


@pytest.mark.parametrize("times", [1, 2])
def test_rows_that_were_appended_to_a_table_twice_are_told(tmp_path, times):
    for _ in range(times):
        write_deltalake(str(tmp_path), pa.table({"x": range(30)}), mode="append")
    source = open_files(Dataset(path=(str(tmp_path),), format="delta"), "current")
    assert len(files_twice(current=source)) == times - 1
