"""Small files that other projects use to test their readers: the same by both ways in, or refused.

Which is right stands in SOURCES.md beside the files.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from kldrift.config import config_from_mapping
from kldrift.errors import DatasetError, KldriftError
from kldrift.monitor.run import run

FILES = Path(__file__).parents[4] / "shared" / "files"
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(
        not FILES.is_dir(), reason=f"the files of other projects are not there: no folder {FILES}"
    ),
]
WAYS = ("auto", "dataframe")


@pytest.fixture(scope="module")
def session(spark):
    """A session with the settings of Spark itself."""
    own = spark.newSession()
    own.conf.set("spark.sql.caseSensitive", "false")
    return own


@pytest.fixture
def counted(session, tmp_path):
    """Run a file against itself; give rows and counts by feature and cell."""

    def count(path, way="auto", *, where=None, parts=(), **dataset):
        side = {"path": str(FILES / path), **dataset} | ({"where": where} if where else {})
        found = run(
            config_from_mapping(
                {
                    "monitor": "m",
                    "reference": side,
                    "current": side,
                    "features": {"override": {name: {"parts": ["whole"]} for name in parts}},
                    "scan": way,
                    "output": {"path": str(tmp_path / "out")},
                    "expectations": False,
                }
            ),
            spark=session,
        )
        assert (found.scores["kl"].fillna(0.0) == 0.0).all()
        cells: dict[str, Counter] = {}
        columns = ["feature", "label", "cell_kind", "rows_current"]
        for feature, label, kind, rows in found.cells[columns].itertuples(index=False):
            if rows:
                name = label if isinstance(label, str) else kind
                cells.setdefault(feature, Counter())[name] = int(rows)
        return found.run["rows_current"], cells

    return count


def refused(counted, path, way, match, **more):
    with pytest.raises(DatasetError, match=match) as raised:
        counted(path, way, **more)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", [None, "true"])
@pytest.mark.parametrize(
    "name", ["ARROW-GH-41317.parquet", "parquet_column_num_values_mismatch.parquet"]
)
def test_a_column_that_ends_early_is_refused_with_where_too(counted, name, where, way):
    if way == "dataframe":  # Spark refuses both in its own words, and names no file
        with pytest.raises(KldriftError):
            counted(f"damaged/{name}", way, where=where)
    else:
        parts = ["timestamp_us_no_tz"] if name.startswith("ARROW") else []
        refused(counted, f"damaged/{name}", way, name, where=where, parts=parts)


def test_iceberg_values_that_stand_in_the_manifest_only_are_counted(counted, monkeypatch):
    monkeypatch.chdir(FILES / "iceberg")
    path = "iceberg/data/persistent/hive_partitioned_table"
    types = {"click": 2, "purchase": 2, "view": 2}
    rows, cells = counted(path, format="iceberg")
    assert (rows, cells["event_type"]) == (6, types)
    where = "event_date >= date'2024-01-03' and event_type = 'view'"
    rows, cells = counted(path, format="iceberg", where=where)
    assert (rows, cells["event_type"]) == (1 + 1, {"view": 2})


@pytest.mark.parametrize("way", WAYS)
def test_names_that_differ_in_case_are_one_column(counted, way):
    rows, cells = counted("parquet/ci-column-names", way)
    assert rows == 2
    # Two names of one row each have no cells of their own; a null would be one.
    assert cells == {"COL1": {"other": 2}, "col2": {"1": 1, "2": 1}}


@pytest.mark.parametrize("way", WAYS)
def test_a_name_that_occurs_twice_costs_no_other_column(counted, way):
    rows, cells = counted("parquet/bug13053-2.parquet", way)
    assert rows > 0
    assert set(cells) == {"column_1"}


@pytest.mark.parametrize("name", ["delta_byte_array", "spark-store"])
def test_text_in_delta_encodings_is_read_the_same_by_both_ways(counted, name):
    by_arrow, by_spark = (counted(f"parquet/{name}.parquet", way) for way in WAYS)
    assert by_arrow == by_spark
    assert by_arrow[0] == {"delta_byte_array": 1000, "spark-store": 12}[name]
    assert len(by_arrow[1]) > 5


def test_text_in_the_encoding_of_lengths_is_read(counted):
    assert counted("parquet/delta_length_byte_array.parquet")[0] == 1000


@pytest.mark.parametrize("way", WAYS)
def test_encrypted_columns_are_refused_by_name_and_end_no_process(counted, tmp_path, way):
    name = "encrypt_columns_plaintext_footer.parquet"
    copy = tmp_path / name
    shutil.copy(FILES / "parquet" / f"{name}.encrypted", copy)
    refused(counted, copy, way, "encrypted")


def test_an_iceberg_table_without_a_manifest_list_is_refused_in_one_line(counted, monkeypatch):
    monkeypatch.chdir(FILES / "iceberg")
    path = "iceberg/data/persistent/iceberg_v1_deprecated/default/legacy_v1"
    refused(counted, path, "auto", r"legacy_v1': a snapshot has no manifest list", format="iceberg")


def test_rows_of_a_deletion_vector_are_left_out(counted):
    assert counted("delta/table-with-dv-small", format="delta")[0] == 8
