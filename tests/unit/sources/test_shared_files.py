"""Files of other projects are read by Arrow, counted exactly or refused in one line: no Spark."""

from __future__ import annotations

from collections import Counter

import pytest
from shared_files import FILES, NEEDED, ROWS, TABLES, dataset
from source_values import values_of

from kldrift.config import Features
from kldrift.config.model import Override
from kldrift.errors import DatasetError
from kldrift.sources.open import open_files

pytestmark = NEEDED
TIMES = Features(override={"timestamp_us_no_tz": Override(parts=("whole",))})
BY_ARROW = [name for name in ROWS if not name.startswith("text")]


@pytest.fixture(autouse=True)
def _in_the_folder_of_iceberg(monkeypatch):
    monkeypatch.chdir(FILES / "iceberg")


def values(name, **more):
    source = open_files(dataset(name, **more), "current")
    assert not hasattr(source, "reason"), source
    return source, values_of(source, TIMES)


def test_each_of_the_files_is_one_that_is_tested():
    files = [str(f.relative_to(FILES)) for f in FILES.rglob("*") if f.is_file()]
    unknown = [f for f in files if f != "SOURCES.md" and not f.startswith((*ROWS,))]
    assert not unknown


@pytest.mark.parametrize("where", [None, "true"])
@pytest.mark.parametrize("name", BY_ARROW)
def test_every_row_is_counted_or_the_file_is_named_that_cannot_be_read(name, where):
    expected = ROWS[name]
    if isinstance(expected, int):
        _, found = values(name, where=where)
        assert {len(column) for column in found.values()} == {expected}
        return
    with pytest.raises(DatasetError) as raised:
        values(name, where=where)
    text = str(raised.value)
    assert expected in text
    assert name.split("/")[-1] in text
    assert "\n" not in text


def test_iceberg_values_that_stand_in_the_manifest_only_are_counted():
    name = f"{TABLES}/hive_partitioned_table"
    source, found = values(name)
    assert Counter(found["event_type"]) == {"click": 2, "purchase": 2, "view": 2}
    assert source.schema.field("event_date").type == "date32[day]"
    where = "event_date >= date'2024-01-03' and event_type = 'view'"
    assert values(name, where=where)[1]["event_type"] == ["view"] * 2


def test_names_that_differ_in_case_are_one_column():
    _, found = values("parquet/ci-column-names")
    assert {name: sorted(column) for name, column in found.items()} == {
        "COL1": ["Hannes", "Mark"],
        "col2": [1, 2],
    }


def test_a_name_that_occurs_twice_is_told_with_the_name_of_the_file():
    source, found = values("parquet/bug13053-2.parquet")
    assert set(found) == {"column_1"}
    (told,) = source.foreign
    assert told.ambiguous
    assert told.reason.startswith(f"2 columns called 'column' in '{FILES}/parquet/bug13053-2.par")
