"""Runs over Iceberg tables, without JARs."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from iceberg_sample import config, delete_equal, make, open_catalog, rows
from pyiceberg.catalog.sql import SqlCatalog

import kldrift
from kldrift.config import config_from_mapping
from kldrift.errors import DatasetError
from kldrift.monitor.run import check

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    return open_catalog(tmp_path)


def test_a_run_over_iceberg_gives_the_scores_of_the_same_rows_as_parquet(spark, catalog, tmp_path):
    data = pa.table({"n": [i % 7 for i in range(400)], "x": [i % 31 / 7 for i in range(400)]})
    make(catalog, data)
    folder = tmp_path / "plain"
    folder.mkdir()
    pq.write_table(data.filter(pa.array([i % 7 < 4 for i in range(400)])), folder / "f.parquet")
    lake = kldrift.run(config(tmp_path / "ns" / "t", tmp_path / "o1", where="n < 4"), spark=spark)
    mapping = {
        "monitor": "ice",
        "reference": {"path": str(folder)},
        "current": {"path": str(tmp_path / "ns" / "t"), "format": "iceberg"},
        "output": {"path": str(tmp_path / "o2")},
        "expectations": False,
    }
    plain = kldrift.run(config_from_mapping(mapping), spark=spark)
    wanted = ["feature", "kl", "psi", "n_reference", "n_current", "severity"]
    assert lake.scores[wanted].equals(plain.scores[wanted])
    assert lake.run["reference_read"].startswith("Iceberg table, snapshot")


def test_what_neither_arrow_nor_spark_reads_says_why(spark, catalog, monkeypatch):
    table = make(catalog, rows(9))
    path = delete_equal(table, pa.table({"n": pa.array([3], pa.int32())}), [1])
    with pytest.raises(DatasetError, match=r"no reader for iceberg.*equality deletes") as found:
        check(config(path), spark=spark)
    assert "\n" not in str(found.value)
    monkeypatch.setitem(sys.modules, "pyiceberg.exceptions", None)
    with pytest.raises(DatasetError, match=r"pip install 'kldrift\[iceberg\]'"):
        check(config(path), spark=spark)
