"""What Spark Connect, which has no JVM in the process, does otherwise than Spark does.

All tests of Spark run on it, too, where ``KLDRIFT_TEST_CONNECT`` is ``true``: see CONTRIBUTING.md.
"""

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

USE = """
import sys

from daily_sample import config_of
from pyspark.sql import SparkSession

import kldrift

spark = SparkSession.builder.remote("local[2]").getOrCreate()
assert "connect" in type(spark).__module__, type(spark)
batch = spark.read.parquet(sys.argv[1])
for _ in range(2):
    kldrift.count(batch, config_of(sys.argv[2], features={"exclude": ["at"]}), batch=7)

rows = {"path": sys.argv[1], "options": {"mergeSchema": "true"}}
wrong = {"monitor": "m", "reference": rows | {"where": "no_such > 1"}, "current": rows}
try:
    kldrift.run(wrong | {"output": {"path": sys.argv[2]}}, spark=spark)
except kldrift.ConfigError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def used(classic, tmp_path_factory):  # noqa: ARG001 - a server of the tests would have the port
    """The configuration, a batch of two days, and what was printed when Spark Connect had both."""
    if not list((Path(pyspark.__file__).parent / "jars").glob("spark-connect_*.jar")):
        pytest.skip("this pyspark brings no Connect server")
    folder = tmp_path_factory.mktemp("connect")
    config = config_of(folder / "drift", features={"exclude": ["at"]})
    batch = rows(1)
    at = [START + DAY + i * dt.timedelta(minutes=4) for i in range(batch.num_rows)]
    batch = batch.append_column("at", pa.array(at, pa.timestamp("us", tz="UTC")))
    run_days(config, [0], lambda _: batch)
    pq.write_table(batch, folder / "batch.parquet")
    asked = [sys.executable, "-c", USE, folder / "batch.parquet", folder / "drift"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        asked, stdout=subprocess.PIPE, text=True, check=True, env=env, timeout=300
    )
    return folder, config, batch, done.stdout


def test_a_batch_on_spark_connect_is_counted_as_in_memory_and_twice_is_once(used):
    folder, config, batch, _ = used
    (file,) = (folder / "drift" / "profiles").glob("*batch*")
    on_connect = pq.read_table(file).drop_columns("run_id")
    kldrift.count(batch, config, batch=7)
    assert pq.read_table(file).drop_columns("run_id").equals(on_connect)
    assert on_connect["window_start"].unique().to_pylist() == [START + DAY, START + 2 * DAY]


def test_a_condition_that_does_not_fit_is_named_by_its_key_on_spark_connect(used):
    *_, printed = used
    assert "reference.where: " in printed
    assert "no_such" in printed
