"""What a run does while it starts Spark, in a process that has none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.spark

ROOT = Path(__file__).parents[3]
START = """
import datetime, sys
from kldrift.config import config_from_mapping
from kldrift.execution.progress import SILENT
from kldrift.monitor.record import Record
from kldrift.tables import Window

mapping = {
    "monitor": "cold",
    "reference": {"path": "x"},
    "current": {"path": "x"},
    "output": {"path": "drift"},
    "spark": {"master": "local[1]"},
}
config = config_from_mapping(mapping)
record = Record(config, Window(None, None), datetime.datetime.now(datetime.UTC), SILENT)
print("great_expectations" in sys.modules)
with record.session(None) as session:
    print("great_expectations" in sys.modules, session.range(3).count())
"""


def test_great_expectations_is_there_when_spark_is(tmp_path):
    script = tmp_path / "start.py"  # of a "-c" newer versions of Spark think that it is a doctest
    script.write_text(START)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.split() == ["False", "True", "3"], done.stderr
