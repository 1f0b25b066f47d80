"""A run that is stopped from outside says so, has a row, and leaves no JVM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.spark


def children(process: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    found: set[int] = set()
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *children(child)}
    return found


@pytest.mark.parametrize(
    ("sent", "exit_code", "word", "stage"),
    [
        (signal.SIGTERM, 143, "terminated", "starting Spark"),
        (signal.SIGINT, 130, "interrupted", "reference: counting"),
    ],
)
def test_a_signal_ends_a_run_with_its_code_and_a_row_and_no_jvm(
    tmp_path, sent, exit_code, word, stage
):
    pq.write_table(pa.table({"x": list(range(1000))}), tmp_path / "x.parquet")
    config = tmp_path / "kldrift.yaml"
    config.write_text(
        "monitor: m\nreference: {path: x.parquet}\ncurrent: {path: x.parquet}\n"
        "output: {path: out}\nexpectations: false\nspark: {master: 'local[1]'}\n"
        "scan: dataframe\n"  # small files would be counted before the signal comes
    )
    with subprocess.Popen(
        [sys.executable, "-m", "kldrift", "run", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        said = ""
        for line in process.stderr:
            said += line
            if stage in line:
                break
        if stage != "starting Spark":
            assert children(process.pid)
        started = children(process.pid)
        process.send_signal(sent)
        try:
            said += process.communicate(timeout=60)[1]
        finally:
            process.kill()  # one that did not end must not hold up the tests
        assert process.returncode == exit_code, said
    assert f"kldrift: error: {word}\n" in said
    assert "Traceback" not in said
    (row,) = pd.read_parquet(tmp_path / "out" / "runs").to_dict("records")
    assert (row["exit_code"], row["error"]) == (exit_code, word)
    for _ in range(100):  # a JVM ends when its driver has, a moment later
        left = [p for p in started if Path(f"/proc/{p}").exists()]
        if not left:
            return
        time.sleep(0.2)
    raise AssertionError(left)
