"""CSV files are read by the names in their headers."""

from __future__ import annotations

import bz2

import pytest

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.sources.dataframe.load import what_is_bad
from kldrift.sources.open import open_source

pytestmark = pytest.mark.spark

SCHEMA = "age bigint, fare double"


def rows(spark, path, schema=SCHEMA, **options):
    dataset = Dataset(path=(str(path),), format="csv", schema=schema, options=options)
    source = open_source(spark, dataset, {}, way="auto", side="current")
    return sorted((row.asDict() for row in source.frame.collect()), key=lambda r: -r["age"])


def test_columns_in_another_order_than_in_the_schema_keep_their_values(spark, tmp_path):
    (tmp_path / "a.csv").write_text("fare,age\n1.5,30\n")
    assert rows(spark, tmp_path / "a.csv") == [{"age": 30, "fare": 1.5}]


@pytest.mark.parametrize("schema", [SCHEMA, None])
def test_files_of_one_folder_may_have_their_columns_in_different_orders(spark, tmp_path, schema):
    (tmp_path / "a.csv").write_text("age,fare\n20,2.5\n")
    with bz2.open(tmp_path / "b.csv.bz2", "w") as file:
        file.write(b'"fare",age\n1,30\n')
    (tmp_path / "c.csv").write_text("")
    tmp_path = tmp_path.rename(tmp_path.parent / f"{tmp_path.name}[1] {{x}} #%20")
    assert rows(spark, tmp_path, schema) == [{"age": 30, "fare": 1.0}, {"age": 20, "fare": 2.5}]


def test_a_file_without_rows_says_nothing_of_types(spark, tmp_path):
    (tmp_path / "a.csv").write_text("fare,age\n")
    (tmp_path / "b.csv").write_text("age,fare\n20,2.5\n")
    assert rows(spark, tmp_path, None) == [{"age": 20, "fare": 2.5}]


def test_a_column_that_folders_name_is_in_no_header(spark, tmp_path):
    for folder, text in (("zone=1", "age,fare\n20,2.5\n"), ("zone=2", "fare,age\n1,30\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text(text)
    first, second = {"age": 20, "fare": 2.5, "zone": 1}, {"age": 30, "fare": 1.0, "zone": 2}
    (tmp_path / "zone=2").rename(away := tmp_path.parent / f"{tmp_path.name}-2")
    assert rows(spark, tmp_path) == [first]
    away.rename(tmp_path / "zone=2")
    assert rows(spark, tmp_path) == rows(spark, tmp_path, None) == [second, first]


def test_a_header_that_does_not_fit_is_an_error_that_shows_both(spark, tmp_path):
    (tmp_path / "a.csv").write_text("age,price\n20,2.5\n")
    with pytest.raises(DatasetError) as caught:
        rows(spark, tmp_path / "a.csv")
    text = str(caught.value)
    assert text.startswith("current: ")
    assert "the header lacks 'fare'; the schema lacks 'price'" in text
    assert "(header: age, price; schema: age, fare)" in text
    (tmp_path / "a.csv").write_text(",".join(["x" * 2_000, *map(str, range(99))]) + "\n1\n")
    with pytest.raises(DatasetError, match="and 80 more") as caught:
        rows(spark, tmp_path / "a.csv")
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("schema", [f"{SCHEMA}, city string", None])
def test_a_column_that_a_header_lacks_is_not_there(spark, tmp_path, schema):
    (tmp_path / "a.csv").write_text("fare,age\n1.5,30\n")
    assert rows(spark, tmp_path, schema) == [{"age": 30, "fare": 1.5}]
    (tmp_path / "b.csv").write_text("age,city,fare\n20,Oslo,2.5\n")
    first, second = {"age": 30, "fare": 1.5}, {"age": 20, "city": "Oslo", "fare": 2.5}
    assert rows(spark, tmp_path, schema) == [{**first, "city": None}, second]
    (tmp_path / "day=1").mkdir()
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).rename(tmp_path / "day=1" / name)
    (tmp_path / "day=2").mkdir()
    (tmp_path / "day=2" / "c.csv").write_text("age\n10\n")
    assert rows(spark, tmp_path, schema) == [
        {**first, "city": None, "day": 1},
        {**second, "day": 1},
        {"age": 10, "city": None, "fare": None, "day": 2},
    ]


def test_a_column_that_the_schema_lacks_is_read_with_the_type_of_its_values(spark, tmp_path):
    (tmp_path / "a.csv").write_text("fare,age,rate\n1.5,30,2\n")
    assert rows(spark, tmp_path) == [{"age": 30, "fare": 1.5, "rate": 2}]
    (tmp_path / "b.csv").write_text("rate,age,fare\n0.5,20,2\n")
    (tmp_path / "c.csv").write_text("age,fare,rate\n")
    both = [{"age": 30, "fare": 1.5, "rate": 2.0}, {"age": 20, "fare": 2.0, "rate": 0.5}]
    assert rows(spark, tmp_path) == both


def test_rows_that_do_not_fit_are_counted_by_name_too(spark, tmp_path):
    (tmp_path / "a.csv").write_text("fare,age\n1.5,30\n1.5,x\n")
    (tmp_path / "b.csv").write_text("age\n20\n")
    dataset = Dataset(path=(str(tmp_path),), format="csv", schema=f"{SCHEMA}, city string")
    assert what_is_bad(spark, dataset).startswith("1 row does not fit the columns, in 'file:")


def test_a_file_without_a_line_is_named(spark, tmp_path):
    (tmp_path / "a[1].csv").write_text("")
    with pytest.raises(DatasetError, match=r"a\[1\]\.csv' is empty: it has no line, not even a h"):
        rows(spark, tmp_path / "a[1].csv")


def test_without_a_header_columns_are_read_by_place(spark, tmp_path):
    (tmp_path / "a.csv").write_text("20,2.5\n")
    assert rows(spark, tmp_path / "a.csv", header="false") == [{"age": 20, "fare": 2.5}]
