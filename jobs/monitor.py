"""Run a monitor: ``spark-submit jobs/monitor.py --config FILE [options of kldrift run]``.

spark-submit writes the driver's standard error to its own standard output, so with ``--json`` the
object is the last line there and not the only one.
"""

from __future__ import annotations

import argparse
import sys

from kldrift.cli.answer import Answer
from kldrift.cli.options import add_run_options
from kldrift.cli.runs import run_job, run_monitor
from kldrift.config import load_config
from kldrift.execution.session import submitted_session


def job(args: argparse.Namespace) -> Answer:
    """Check the configuration, then run it on the session of spark-submit, if there is one."""
    config = load_config(args.config, overrides=args.set)
    return run_monitor(config, args, spark=submitted_session())


if __name__ == "__main__":
    sys.exit(
        run_job(
            "Compare the current dataset with the reference and judge it.", add_run_options, job
        )
    )
