"""Options that Spark's reader needs for text files are those that the files ask for."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.sources.text_files import LOOKED_AT, text_options


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"encoding": "utf-16"}, "true"),
        ({"charset": "UTF-16LE"}, "true"),
        ({"encoding": "UTF-32"}, "true"),
        ({"encoding": "utf-16", "multiLine": "false"}, None),
        ({"encoding": "latin1"}, None),
        ({}, None),
    ],
)
def test_records_of_wide_encodings_are_not_split_byte_by_byte(tmp_path, stated, expected):
    file = tmp_path / "a.csv"
    file.write_text("a;b\n1;2\n", encoding=stated.get("encoding") or stated.get("charset"))
    dataset = Dataset(path=(str(file),), format="csv", options=stated)
    assert text_options(dataset).get("multiLine") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,b\n1,"said ""hi"", left"\n', None),
        ('a,b\n1,"said \\"hi\\", left"\n', "\\"),
        ('a,b\n"C:\\",2\n', None),  # a folder, not a quote
        ('a,b\n1,"""quoted"""\n1,"a\\"b"\n', None),
        ("a,b\n1,\n", None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_quote_inside_quotes_is_doubled_unless_the_file_has_a_backslash_there(
    tmp_path, content, expected, encoding
):
    file = tmp_path / "a.csv"
    file.write_text(content, encoding=encoding)
    dataset = Dataset(path=(str(file),), format="csv", options={"encoding": encoding})
    assert text_options(dataset).get("escape") == expected


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-16-be", "UTF-16BE"),
        ("utf-32", "UTF-32"),
        ("utf-32-be", "UTF-32"),
    ],
)
def test_wide_encodings_are_named_with_and_without_a_mark(tmp_path, name, encoding, told):
    (tmp_path / name).write_text("ab\nc\n" if name == "a.csv" else '{"a": 1}\n', encoding=encoding)
    dataset = Dataset(path=(str(tmp_path / name),), format=name[2:])
    with pytest.raises(DatasetError, match=rf"is {told}; state options: {{encoding: {told}, multi"):
        text_options(dataset)


@pytest.mark.parametrize(
    ("stated", "encoding", "told"),
    [
        ("utf-16", "utf-16", ""),
        ("UTF-16", "utf-16-be", ""),
        ("utf-16", "utf-16-le", "UTF-16LE"),
        ("utf-16", "utf-8", "UTF-8"),
        ("UTF-16LE", "utf-16", ""),
        ("utf-16le", "utf-16-be", "UTF-16BE"),
        ("utf-16be", "latin-1", "ISO-8859-1"),
    ],
)
def test_a_file_in_another_wide_encoding_than_stated_is_named(tmp_path, stated, encoding, told):
    (tmp_path / "a.csv").write_text("größe,b\n1,2\n", encoding=encoding)
    dataset = Dataset((str(tmp_path),), format="csv", options={"encoding": stated})
    if told:
        with pytest.raises(DatasetError, match=rf"a\.csv' is {told}, not {stated}; write it as"):
            text_options(dataset)
    else:
        assert text_options(dataset)["multiLine"] == "true"


def test_compressed_files_are_looked_at_too(tmp_path):
    with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
        file.write('a,b\n1,"two\nlines"\n')
    dataset = Dataset(path=(str(tmp_path),), format="csv")
    assert text_options(dataset)["multiLine"] == "true"


def test_a_file_that_is_not_utf_8_is_refused_unless_its_encoding_is_stated(tmp_path):
    (tmp_path / "a.csv").write_bytes("a,b\nKöln,1\n".encode("latin-1"))
    asked = Dataset(path=(str(tmp_path),), format="csv")
    with pytest.raises(DatasetError, match=r"a\.csv' is not UTF-8; state options: \{encoding"):
        text_options(asked)
    (tmp_path / "b.csv").write_bytes("a,b\nKöln,1 €\n".encode("cp1252"))
    with pytest.raises(DatasetError, match=r"state options: \{encoding: windows-1252\} or what"):
        text_options(replace(asked, path=(str(tmp_path / "b.csv"),)))
    (tmp_path / "b.csv").unlink()
    for encoding in ("ISO-8859-1", "UTF-8"):
        text_options(replace(asked, options={"encoding": encoding}))
    long = "a,b\n" + "ö" * LOOKED_AT  # the beginning ends inside a letter
    (tmp_path / "a.csv").write_text(long, encoding="utf-8")
    text_options(asked)
