"""kldrift on Spark: the tasks read the files, so there is no time for reading by itself."""

from __future__ import annotations

import os
import sys
import tempfile

from stopwatch import clock

import kldrift
import kldrift.monitor.run
from kldrift.config import Spark
from kldrift.execution.session import open_session

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
spark, _ = open_session(Spark(f"local[{sys.argv[3]}]"), "bench")


def compare(reference: str, current: str) -> int:
    """The scores of all columns, tables written."""
    with tempfile.TemporaryDirectory() as output:
        config = {
            "monitor": "bench",
            "reference": {"path": reference},
            "current": {"path": current},
            "output": {"path": output},
            "expectations": False,
        }
        done = kldrift.run(config, spark=spark, fail_on="never")
        return int(done.scores["kl"].notna().sum())


clock(str, compare)
spark.stop()
