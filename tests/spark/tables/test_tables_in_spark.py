"""What Spark makes of the tables, without kldrift."""

from __future__ import annotations

import pytest
from tables_sample import OF_EVERY_RUN, write_two_days

from kldrift.tables import TABLES, read_table

pytestmark = pytest.mark.spark


@pytest.fixture
def output(tmp_path):
    return write_two_days(tmp_path)


@pytest.mark.parametrize("name", OF_EVERY_RUN)
def test_spark_reads_a_table_without_kldrift(output, spark, name):
    (output / name / ".kldrift-0a.tmp").write_bytes(b"half a fi")
    frame = spark.read.parquet(str(output / name))
    assert frame.columns == TABLES[name].names
    assert frame.count() == read_table(str(output), name).num_rows
