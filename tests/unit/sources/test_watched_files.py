"""A file that is written again while it is read is named, also where that made reading fail."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldrift.config import Dataset
from kldrift.errors import DatasetError, KldriftError
from kldrift.sources.fingerprint import watch


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
