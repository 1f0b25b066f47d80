"""Text files are read as records, or refused with the number of rows that do not fit."""

from __future__ import annotations

import pyspark
import pytest

from kldrift.config import Dataset, config_from_mapping
from kldrift.errors import DatasetError
from kldrift.execution.session import NEW_SESSION
from kldrift.monitor.run import run
from kldrift.sources.open import open_source

pytestmark = pytest.mark.spark


@pytest.fixture
def rows_of(spark, tmp_path):
    def count(name, content, schema=None, **options):
        (tmp_path / name).write_bytes(content)
        side = {"path": str(tmp_path / name), "options": options, "schema": schema}
        found = run(
            config_from_mapping(
                {
                    "monitor": "m",
                    "reference": side,
                    "current": side,
                    "output": {"path": str(tmp_path / "out")},
                    "expectations": False,
                }
            ),
            spark=spark,
        )
        return found.run["rows_current"], set(found.scores["feature"])

    return count


@pytest.mark.parametrize("quote", [b'""', b'\\"'])
def test_a_quote_in_quotes_ends_no_field(rows_of, quote):
    said = b'"said ' + quote + b"hi" + quote + b', left",1\n'
    assert rows_of("x.csv", b"a,b\n" + said * 2 + b"x,2\n") == (3, {"a", "b"})


def test_a_newline_in_quotes_ends_no_record(rows_of):
    names = {"a", "_corrupt_record"}  # which Spark would take for its own
    assert rows_of("x.csv", b'a,_corrupt_record\n"x\ny",1\nx,2\nx,2\nx,1\n') == (4, names)


def test_an_array_of_objects_is_read_by_object(rows_of):
    lines = b",\n".join(b'{"a": %d, "_corrupt_record": "u"}' % (i % 2) for i in range(6))
    names = {"a", "_corrupt_record"}
    for name in ("x.json", "x.ndjson"):
        assert rows_of(name, b"\xef\xbb\xbf [\n" + lines + b"\n]\n") == (6, names)


def test_rows_with_too_many_fields_are_refused_with_their_number(rows_of):
    content = b"a,b\n" + b"1,2\n" * 5 + b"1,2,3\n" * 2
    with pytest.raises(DatasetError, match=r"2 rows do not fit .*\{mode: PERMISSIVE\}"):
        rows_of("x.csv", content)
    assert rows_of("x.csv", content, mode="PERMISSIVE")[0] == 7
    assert rows_of("x.csv", content, mode="DROPMALFORMED", columnPruning="false")[0] == 5


@pytest.mark.parametrize(
    ("name", "line"), [("x.csv", "{},{},{}\n"), ("x.json", '{{"a": {}, "b`": "{}", "c": {}}}\n')]
)
def test_the_column_is_named_in_which_values_are_of_another_type(rows_of, name, line):
    begin = "a,b`,c\n" if name.endswith("csv") else ""
    rows = [line.format(i % 3, "x", i % 2) for i in range(6)]
    bad = [line.format(1, "x", "true"), line.format(2, "y", "true"), line.format("{}", "z", 1)]
    told = r"3 rows do not fit .* of another type \(no value in 'c' in 2 of them\); mend"
    with pytest.raises(DatasetError, match=told):
        rows_of(name, (begin + "".join(rows + bad)).encode(), schema="a int, `b``` string, c int")


def test_damaged_lines_of_json_are_refused_with_their_number(rows_of):
    content = b'{"a": 1}\n' * 5 + b'{"a": 1\n' + b'{"a": 2}\n'
    with pytest.raises(DatasetError, match=r"reference: 1 row does not fit"):
        rows_of("x.json", content)
    rows, features = rows_of("x.json", content, mode="DROPMALFORMED")
    assert (rows, features) == (6, {"a"})


@pytest.mark.parametrize("content", [b'[{"a": 1},\n{"a": 2', b'{"a": 1,\n', b"none\n"])
def test_json_of_which_no_row_can_be_read_is_refused_by_name(rows_of, content):
    with pytest.raises(DatasetError, match=r"no row can be read in '.*x\.json': damaged"):
        rows_of("x.json", content)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_unless_it_is_stated(rows_of, encoding):
    content = "\ufeffa,b\n1,2\n1,2\n2,1\n".encode(encoding)
    with pytest.raises(DatasetError, match=r"is UTF-16; state options: \{encoding: UTF-16, "):
        rows_of("x.csv", content)
    assert rows_of("x.csv", content, encoding="UTF-16", multiLine="true") == (3, {"a", "b"})


@pytest.mark.parametrize("schema", [None, "b int"], ids=["inferred", "stated"])
def test_columns_of_a_csv_file_that_share_a_name_are_told_and_the_rest_is_read(
    rows_of, tmp_path, spark, schema
):
    content = b"a;a;b\n" + b"1;2;3\n2;4;5\n" * 5
    rows, features = rows_of("x.csv", content, schema, sep=";")
    assert (rows, features) == (10, {"a", "b"})
    dataset = Dataset(path=(str(tmp_path / "x.csv"),), format="csv", options={"sep": ";"})
    (told,) = open_source(spark, dataset, {}, way="auto", side="current").foreign
    assert told.reason.startswith(f"2 columns called 'a' in '{tmp_path / 'x.csv'}'; rename or drop")
    assert rows_of("x.csv", content, "a0 int, a1 int, b int", sep=";")[1] == {"a0", "a1", "b"}


def test_a_json_file_with_a_key_twice_is_named(spark, tmp_path):
    for day, line in enumerate(['{"a": 1}', '{"a": 1, "a": 2}', '{"a": 3}']):
        (tmp_path / f"{day}.json").write_text(line + "\n")
    dataset = Dataset(path=(str(tmp_path),), format="json")
    with pytest.raises(DatasetError, match=r"`a` already exists.* in '.*1\.json'; rename one"):
        open_source(spark, dataset, {}, way="auto", side="current")


@pytest.mark.skipif(pyspark.__version__ < "4", reason="Spark 3 reads all encodings of Java")
def test_windows_1252_is_read_by_a_session_of_ours_and_another_is_told_what_it_needs(
    new_session, tmp_path
):
    (tmp_path / "x.csv").write_bytes("a,price in €\n1,2\n".encode("cp1252"))
    asked = Dataset(
        path=(str(tmp_path / "x.csv"),), format="csv", options={"encoding": "windows-1252"}
    )
    session, key = new_session(), "spark.sql.legacy.javaCharsets"
    with pytest.raises(DatasetError, match=rf"spark\.conf: \{{{key}: true\}}"):
        open_source(session, asked, {}, way="auto", side="current")
    session.conf.set(key, NEW_SESSION[key])
    source = open_source(session, asked, {}, way="auto", side="current")
    assert source.schema.names == ["a", "price in €"]
