"""What a run does while it starts Spark, in a process that has none."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

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
    print(session.read.orc("times.orc").selectExpr("cast(at as string)").first()[0])
"""


RUN = """
import kldrift

mapping = {
    "monitor": "cold",
    "reference": {"path": "reference.parquet"},
    "current": {"path": "current.parquet"},
    "output": {"path": "drift"},
    "expectations": False,
    "segments": [["name"]],
    "spark": {"master": "local[1]"},
}
for scan in ("auto", "dataframe"):
    kldrift.run(mapping | {"scan": scan, "output": {"path": scan}}, fail_on="never")
"""


def run_alone(folder: Path, text: str, **environment: str) -> str:
    """What a script says that is run in a process of its own, in a folder."""
    script = folder / "start.py"  # of a "-c" newer versions of Spark think that it is a doctest
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a session says that is started on a machine in New York."""
    folder = tmp_path_factory.mktemp("cold")
    noon = pa.array([datetime(2024, 1, 2, 12)], pa.timestamp("us"))
    orc.write_table(pa.table({"at": noon}), folder / "times.orc")
    return run_alone(folder, START, TZ="America/New_York").splitlines()


def test_great_expectations_is_there_when_spark_is(told):
    assert told[:2] == ["False", "True 3"]


def test_times_without_a_zone_do_not_depend_on_the_clock_of_the_machine(told):
    assert told[2] == "2024-01-02 12:00:00"


def test_a_new_session_reads_small_files_itself_and_gives_the_scores_of_its_tasks(tmp_path):
    rng = np.random.default_rng(3)
    for side, mean in (("reference", 0.0), ("current", 0.3)):
        columns = {"x": rng.normal(mean, 1, 5_000), "name": rng.choice(list("abc"), 5_000)}
        pq.write_table(pa.table(columns), tmp_path / f"{side}.parquet", row_group_size=900)
    run_alone(tmp_path, RUN)
    here, tasks = (pq.read_table(tmp_path / scan / "runs") for scan in ("auto", "dataframe"))
    assert here["current_read"].to_pylist() == ["Parquet files, read with Arrow in this process"]
    assert "DataFrame" in tasks["current_read"][0].as_py()
    own = ["run_id", "reference_id", "config_hash"]
    for table in ("drift_scores", "drift_cells"):
        here, tasks = (pq.read_table(tmp_path / scan / table) for scan in ("auto", "dataframe"))
        kept = [name for name in here.column_names if name not in own]
        assert here.select(kept).equals(tasks.select(kept))
