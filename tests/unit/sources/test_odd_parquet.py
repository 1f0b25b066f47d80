"""Parquet files that are valid and odd are read, and damaged ones are refused by name."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_sample import write_log
from source_values import values_of

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.sources.open import open_files
from kldrift.sources.parquet.source import ArrowSource


def opened(path, kind="parquet", **more):
    source = open_files(Dataset(path=(str(path),), format=kind, **more), "current")
    assert isinstance(source, ArrowSource), source
    return source


def test_names_that_differ_in_case_from_file_to_file_are_one_column(tmp_path):
    pq.write_table(pa.table({"Fare": [1.5], "City": ["a"]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"city": ["b"], "fare": [2.5]}), tmp_path / "1.parquet")
    assert values_of(opened(tmp_path)) == {"Fare": [1.5, 2.5], "City": ["a", "b"]}
    kept = opened(tmp_path, where="fare > 2 and CITY = 'b'")
    assert values_of(kept) == {"Fare": [2.5], "City": ["b"]}


def test_names_that_a_file_has_side_by_side_are_columns_of_their_own(tmp_path):
    pq.write_table(pa.table({"x": [1, 2], "X": [3, 4]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"x": [5]}), tmp_path / "1.parquet")
    assert values_of(opened(tmp_path)) == {"x": [1, 2, 5], "X": [3, 4, None]}


def test_folders_that_spell_a_partition_in_several_ways_are_one_column(tmp_path):
    for folder in ("Day=1", "day=2"):
        (tmp_path / folder).mkdir()
        pq.write_table(pa.table({"x": [1, 2]}), tmp_path / folder / "0.parquet")
    assert values_of(opened(tmp_path)) == {"x": [1, 2, 1, 2], "Day": [1, 1, 2, 2]}


def test_a_delta_log_may_spell_a_column_in_another_case_and_name_files_absolutely(tmp_path):
    elsewhere = tmp_path / "elsewhere.parquet"
    pq.write_table(pa.table({"x": [1, 2], "CITY": ["a", "b"]}), elsewhere)
    table = tmp_path / "table"
    table.mkdir()
    add = {"path": str(elsewhere), "size": elsewhere.stat().st_size, "partitionValues": {}}
    add |= {"modificationTime": 0, "dataChange": True}
    write_log(table, [("x", "long"), ("city", "string")], [add])
    assert values_of(opened(table, "delta")) == {"x": [1, 2], "city": ["a", "b"]}


def test_a_name_that_a_file_has_twice_is_told_and_the_other_columns_are_read(tmp_path):
    alike = pa.StructArray.from_arrays([pa.array([1])] * 3, names=["a", "a", "b"])
    twice = pa.table([[1], [2], [3], alike], names=["x", "x", "y", "s"])
    pq.write_table(twice, tmp_path / "0.parquet")
    once = pa.table({"x": [4], "y": [5], "s": [{"a": 1, "b": 2}]})
    pq.write_table(once, tmp_path / "1.parquet")
    source = opened(tmp_path, where="y > 0")
    assert values_of(source)["y"] == [3, 5]
    assert [(s.column, s.ambiguous) for s in source.foreign] == [("x", True), ("s.a", True)]
    assert source.foreign[0].reason.startswith("2 columns called 'x' in '")
    with pytest.raises(DatasetError, match="where names 'x': 2 columns called 'x' in '"):
        opened(tmp_path, where="x > 0")


@pytest.mark.parametrize("column", [[1], [{"x": 1, "y": 2}]])
def test_a_name_that_is_no_utf_8_is_refused(tmp_path, column):
    file = tmp_path / "0.parquet"
    pq.write_table(pa.table({"abcdefgh": column}), file, store_schema=False)
    data = file.read_bytes()
    start = data.rindex(b"abcdefgh") if column != [1] else 0  # of the path of a chunk, or anywhere
    file.write_bytes(data[:start] + data[start:].replace(b"abcdefgh", b"\xff\xfecdefgh"))
    with pytest.raises(DatasetError, match=r"0\.parquet' has a column whose name is not UTF-8"):
        opened(tmp_path)


@pytest.mark.parametrize("where", [None, "x >= 'a'"])
def test_an_index_beyond_its_dictionary_is_refused(tmp_path, where):
    file = tmp_path / "0.parquet"
    texts = ["a", "b", *["c"] * 98]
    pq.write_table(pa.table({"x": texts}), file, compression="none", write_statistics=False)
    runs = b"\x02\x03\xa4\xaa\xb8\x01"
    assert file.read_bytes().count(runs + b"\x02") == 1
    file.write_bytes(file.read_bytes().replace(runs + b"\x02", runs + b"\x03"))
    with pytest.raises(DatasetError, match=r"cannot read '.*0\.parquet'"):
        values_of(opened(tmp_path, where=where))


@pytest.mark.parametrize("delta", [False, True], ids=["files", "a table planned from its log"])
def test_a_footer_whose_size_statistics_are_damaged_is_refused_though_arrow_aborts(tmp_path, delta):
    file = tmp_path / "0.parquet"
    pq.write_table(pa.table({"n": [1, 2], "xyz": ["a", "b"]}), file)
    named = b"\x18\x03xyz"  # in the footer, after its being optional
    content = file.read_bytes()
    assert content.count(b"\x25\x02" + named) == 1
    file.write_bytes(content.replace(b"\x25\x02" + named, b"\x25\x00" + named))
    if delta:
        added = {"path": file.name, "size": file.stat().st_size, "partitionValues": {}}
        added |= {"modificationTime": 0, "dataChange": True}
        write_log(tmp_path, [("n", "long"), ("xyz", "string")], [added])
    with pytest.raises(DatasetError, match=r"cannot read '.*0.parquet' as Parquet: .* mismatch"):
        values_of(opened(tmp_path, "delta" if delta else "parquet"))


@pytest.mark.parametrize("place", [-20, 30], ids=["footer", "page"])
def test_what_arrow_says_of_a_damaged_file_is_one_line_without_its_bytes(tmp_path, place):
    file = tmp_path / "0.parquet"
    pq.write_table(pa.table({"x": list(range(100))}), file, compression="none")
    data = bytearray(file.read_bytes())
    data[4 if place > 0 else place] = 0x1F if place > 0 else data[place]
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    if place < 0:
        data[end] = 0x1F
    file.write_bytes(data)
    of_column = "column 'x' of " if place > 0 else ""
    with pytest.raises(DatasetError, match=rf"cannot read {of_column}'.*0\.parquet'") as raised:
        values_of(opened(tmp_path))
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_text_in_delta_encodings_is_read_beside_other_text(tmp_path, encoding):
    table = pa.table({"x": ["a", "b", "a"], "y": ["u", None, "v"]})
    pq.write_table(
        table, tmp_path / "0.parquet", use_dictionary=["y"], column_encoding={"x": encoding}
    )
    assert values_of(opened(tmp_path)) == table.to_pydict()


@pytest.mark.parametrize("where", [None, "a > 3"])
def test_columns_that_end_before_the_rows_of_their_file_do_are_refused(tmp_path, where):
    """With a condition, rows that were not there were taken for some that it left out."""
    rows = pa.table({"a": [i % 7 for i in range(1000)]})
    pq.write_table(rows, tmp_path / "x.parquet", write_statistics=False)
    raw = (tmp_path / "x.parquet").read_bytes()
    start = len(raw) - 8 - int.from_bytes(raw[-8:-4], "little")
    thousand, one_more = b"\xd0\x0f", b"\xd2\x0f"  # as the footer writes numbers of rows
    of_file, of_group = raw.index(thousand, start), raw.rindex(thousand)
    for at in (of_file, of_group):
        raw = raw[:at] + one_more + raw[at + 2 :]
    (tmp_path / "x.parquet").write_bytes(raw)
    with pytest.raises(DatasetError, match=r"ends after 1,000 of 1,001 rows; the file is damaged"):
        values_of(opened(tmp_path, where=where))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x.csv.gz", "; state format: csv"),
        ("x.csv.ZIP", "; unpack it first"),
        ("x.xlsx", "; save its sheet as CSV or Parquet"),
        ("x.txt", r"; if .* a CSV file, state format: csv \(init: --format csv\)"),
    ],
)
def test_a_file_of_another_format_says_what_to_do(tmp_path, name, told):
    (tmp_path / name).write_text("a,b\n" * 10)
    with pytest.raises(DatasetError, match=f"{name}' as Parquet: .*[^.]{told}$"):
        opened(tmp_path)
