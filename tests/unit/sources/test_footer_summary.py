"""What footers say is added up: it grows with row groups and schemas, not with columns by file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldrift.sources.parquet.footer_summary import SPARK_NOTES, read_each, read_footers, summed
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.source import ArrowSource


def write(folder: Path) -> Path:
    """Files of two schemas; pandas notes in each how long it is."""
    for i in range(6):
        extra = {} if i % 3 else {"new": [str(i)] * (i + 1)}
        pd.DataFrame({"n": range(i + 1), **extra}).to_parquet(folder / f"{i}.parquet")
    return folder


def test_files_of_one_schema_are_one_shape_whatever_else_is_noted_in_them(tmp_path):
    files = list_files([str(write(tmp_path))])
    notes = {pq.read_schema(file.path).metadata[b"pandas"] for file in files}
    assert len(notes) == 6
    read = read_each(files)
    assert [shape.first for shape in read.shapes] == [files[0], files[1]]
    assert [piece.file for piece in read.pieces] == list(files)


def test_summaries_of_any_shares_add_up_to_that_of_all(tmp_path):
    files = list_files([str(write(tmp_path))])
    whole = read_each(files)
    for cut in range(7):
        parts = [read_each(files[:cut]), read_each(files[cut:])]
        assert summed(parts) == whole
        assert read_footers(files, read_each=lambda *_, p=parts: summed(p)) == read_footers(files)
    assert summed([]).pieces == ()


def test_sizes_are_those_of_all_files(tmp_path):
    pq.write_table(pa.table({"n": [1, 2], "s": [{"a": "x"}] * 2}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"n": [3]}), tmp_path / "2.parquet")
    sizes: dict[str, int] = {}
    for path in tmp_path.iterdir():
        group = pq.read_metadata(path).row_group(0)
        for column in map(group.column, range(group.num_columns)):
            name = column.path_in_schema.split(".")[0]
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    assert read_footers(list_files([str(tmp_path)])).sizes == sizes


def test_integers_that_a_file_was_given_as_dictionaries_are_known(tmp_path):
    codes = pa.array([3, 1, None]).dictionary_encode()
    inside = pa.StructArray.from_arrays([codes, pa.array(["a"] * 3)], ["n", "t"])
    words = pa.array(["a", "b", "c"]).dictionary_encode()
    plain = {"Code": pa.array([1]), "later": pa.array([1])}
    pq.write_table(pa.table(plain), tmp_path / "0.parquet", store_schema=False)
    columns = {"code": codes, "s": inside, "text": words, "later": codes, "n": pa.array([1, 2, 3])}
    pq.write_table(pa.table(columns), tmp_path / "1.parquet")
    footers = read_footers(list_files([str(tmp_path)]))
    assert footers.coded == {("Code",), ("later",), ("s", "n")}
    assert footers.schema.field("Code").type == pa.int64()
    schema = ArrowSource(footers).schema
    assert {f.name for f in schema if pa.types.is_dictionary(f.type)} == {"Code", "later"}
    assert pa.types.is_dictionary(schema.field("s").type.field("n").type)


@pytest.mark.parametrize(
    ("notes", "kind"),
    [
        ('{"fields": [{"name": "x", "type": "interval day to second"}]}', pa.duration("us")),
        ('{"fields": [{"name": "x", "type": "long"}]}', pa.int64()),
        ('{"fields": ["interval"]}', pa.int64()),
        ('["interval"]', pa.int64()),
        ('{"interval"', pa.int64()),
    ],
)
def test_a_number_is_an_interval_where_notes_of_spark_say_so(tmp_path, notes, kind):
    table = pa.table({"x": [1, 2]}).replace_schema_metadata({SPARK_NOTES: notes})
    pq.write_table(table, tmp_path / "x.parquet")
    assert read_footers(list_files([str(tmp_path)], {})).schema.field("x").type == kind
