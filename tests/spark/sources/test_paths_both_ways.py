"""Brackets and braces in a path mean the same to Arrow and to Spark."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_values import values_of

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
        "a[1]/*.parquet": 1,
        "a[1-3]/*.parquet": 2,
        "{x}/*.parquet": 3,
    }.items():
        assert rows_read(spark, tmp_path / path, way) == rows, path


def rows_of(spark, paths, kind, way):
    dataset = Dataset(path=tuple(map(str, paths)), format=kind)
    source = open_source(spark, dataset, {}, way=way, side="current")
    if way == "arrow":
        values = values_of(source)
        return sorted(zip(values["v"], values["part"], strict=True))
    return sorted(map(tuple, source.frame.select("v", "part").collect()))


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_days_with_partitions_inside_are_read_whatever_their_folders_are_called(
    spark, tmp_path, kind
):
    for day, part, value in (("1", "a", 1), ("1", "b", 2), ("2", "07", 3)):
        folder = tmp_path / day / f"part={part}"
        folder.mkdir(parents=True)
        if kind == "parquet":
            pq.write_table(pa.table({"v": [value]}), folder / "0.parquet")
        else:
            (folder / "0.csv").write_text(f"v\n{value}\n")
    first, second = [(1, "a"), (2, "b")], [(3, "07")]
    all_paths = (
        (["1", "1/part=a", "**/*"], first + second),
        (["1", "2"], first + second),
        (["."], first + second),
        (["1", "2/part=07"], [*first, (3, None)]),
    )
    for paths, rows in all_paths if kind == "parquet" else all_paths[:2]:
        places = [tmp_path / path for path in paths]
        assert rows_of(spark, places, kind, "dataframe") == rows, paths
        if kind == "parquet":
            assert rows_of(spark, places, kind, "arrow") == rows, paths
