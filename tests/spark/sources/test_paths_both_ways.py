"""Brackets and braces in a path mean the same to Arrow and to Spark."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldrift.config import Dataset
from kldrift.sources.open import open_source

pytestmark = pytest.mark.spark


def rows_read(spark, path, way):
    source = open_source(spark, Dataset(path=(str(path),)), {}, way=way, side="current")
    return source.rows if way == "auto" else source.frame.count()


@pytest.mark.parametrize("way", ["auto", "dataframe"])
def test_a_path_means_itself_if_it_is_there_and_else_what_it_matches(spark, tmp_path, way):
    for rows, folder in enumerate(("a[1]", "a1", "{x}", "{x,y}", "x", "w*", "wx"), 1):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"v": range(rows)}), tmp_path / folder / "0.parquet")
    for path, rows in {
        "a[1]": 1,
        "a[1-3]": 2,
        "{x}": 3,
        "{x,y}": 4,
        "w*": 6,
        "w*/*": 6 + 7,
        "[x]/*.parquet": 5,
    }.items():
        assert rows_read(spark, tmp_path / path, way) == rows, path
