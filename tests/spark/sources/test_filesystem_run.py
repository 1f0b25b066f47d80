"""Files in object stores: over real HTTP, inside Spark's tasks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from object_store import BUCKET, mapping, object_store, write_local

import kldrift
from kldrift.config import config_from_mapping
from kldrift.sources.lakehouse import iceberg

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with object_store() as options:
        yield options


def test_a_run_reads_an_iceberg_table_of_a_store_in_the_tasks(spark, store, tmp_path):
    from iceberg_sample import sql_catalog

    uri, place = f"sqlite:///{tmp_path}/c.db", f"s3://{BUCKET}/ice-run"
    catalog = sql_catalog("lake", uri=uri, warehouse=place, **iceberg._storage(store))
    catalog.create_namespace("ns")
    table = pa.table({"n": np.arange(200) % 7, "x": np.arange(200) % 50})
    catalog.create_table("ns.t", schema=table.schema).append(table)
    side = {"path": f"{place}/ns/t", "format": "iceberg", "filesystem": store}
    sides = (side, side | {"where": "n >= 2"})
    result = kldrift.run(config_from_mapping(mapping(*sides, tmp_path / "drift")), spark=spark)
    assert result.scores["n_reference"].tolist() == [200, 200]
    assert result.scores["n_current"].tolist() == [sum(i % 7 >= 2 for i in range(200))] * 2


def test_a_run_reads_s3_and_fsspec_in_the_tasks(spark, store, tmp_path):
    sides = [
        {"path": f"s3://{BUCKET}/trips/month=2024-0{m}/*.parquet", "filesystem": store}
        for m in (1, 2)
    ]
    sides[1]["where"] = "n >= 2"
    result = kldrift.run(config_from_mapping(mapping(*sides, tmp_path / "drift")), spark=spark)
    scores = result.scores.set_index("feature")
    assert scores["n_reference"].to_dict() == {"n": 400, "x": 400}
    assert scores["n_current"]["x"] == 2 * sum(i % 7 >= 2 for i in range(200))
    assert result.run["error"] is None
    root = write_local(tmp_path / "data")
    side = {"path": f"local://{root}/*.parquet"}
    plain = kldrift.run(config_from_mapping(mapping(side, side, tmp_path / "o2")), spark=spark)
    assert plain.scores["n_reference"].tolist() == [200]
