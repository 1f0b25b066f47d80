"""The job of a monitor, started in the ways in which a scheduler starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def assert_job_checks_first(program: Sequence[str]) -> None:
    """The job takes the options of run, and reads its configuration before Spark starts."""
    arguments = ["jobs/monitor.py", "--config", "none.yaml", "--fail-on", "warning", "--json"]
    done = subprocess.run(
        [*program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable},
    )
    assert done.returncode == 2
    # spark-submit writes standard error to standard output.
    assert "kldrift: error: none.yaml: no such file" in done.stderr + done.stdout
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 2
