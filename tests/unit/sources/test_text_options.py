"""Options that Spark's reader needs for text files are those that the files ask for."""

from __future__ import annotations

import pytest

from kldrift.config import Dataset
from kldrift.sources.text_files import text_options


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
