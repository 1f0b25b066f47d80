"""Run a monitor: ``spark-submit jobs/monitor.py --config FILE [options of kldrift run]``.

spark-submit writes the driver's standard error to its own standard output, so with ``--json`` the
object is the last line there and not the only one.
"""

from __future__ import annotations

import sys

from kldrift.cli.options import add_run_options
from kldrift.cli.runs import run_job, run_monitor
from kldrift.config import load_config

if __name__ == "__main__":
    text = "Compare the current dataset with the reference and judge it."
    sys.exit(run_job(text, add_run_options, load_config, run_monitor))
