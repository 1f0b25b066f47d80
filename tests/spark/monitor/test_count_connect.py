"""A batch on Spark Connect, which has no JVM in the process, counts as it does in memory."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
import pytest
from daily_sample import DAY, START, config_of, rows, run_days

import kldrift

pytestmark = pytest.mark.spark

COUNT = """
import sys

from daily_sample import config_of
from pyspark.sql import SparkSession

import kldrift

spark = SparkSession.builder.remote("local[2]").getOrCreate()
assert "connect" in type(spark).__module__, type(spark)
batch = spark.read.parquet(sys.argv[1])
for _ in range(2):
    kldrift.count(batch, config_of(sys.argv[2], features={"exclude": ["at"]}), batch=7)
"""


def test_a_batch_on_spark_connect_is_counted_as_in_memory_and_twice_is_once(tmp_path):
    pytest.importorskip("grpc", reason="Spark Connect needs pyspark[connect]")
    if not list((Path(pyspark.__file__).parent / "jars").glob("spark-connect_*.jar")):
        pytest.skip("this pyspark brings no Connect server")
    config = config_of(tmp_path / "drift", features={"exclude": ["at"]})
    table = rows(1)
    at = [START + DAY + i * dt.timedelta(minutes=4) for i in range(table.num_rows)]  # two days
    table = table.append_column("at", pa.array(at, pa.timestamp("us", tz="UTC")))
    run_days(config, [0], lambda _: table)
    pq.write_table(table, tmp_path / "batch.parquet")
    asked = [sys.executable, "-c", COUNT, tmp_path / "batch.parquet", tmp_path / "drift"]
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run(asked, check=True, env=os.environ | {"PYTHONPATH": path}, timeout=300)
    (file,) = (tmp_path / "drift" / "profiles").glob("*batch*")
    on_connect = pq.read_table(file).drop_columns("run_id")
    kldrift.count(table, config, batch=7)
    assert pq.read_table(file).drop_columns("run_id").equals(on_connect)
    assert on_connect["window_start"].unique().to_pylist() == [START + DAY, START + 2 * DAY]
