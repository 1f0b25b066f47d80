"""Compare two models: ``spark-submit jobs/model_shift.py --config FILE [options of model-shift]``.

spark-submit writes the driver's standard error to its own standard output, so with ``--json`` the
object is the last line there and not the only one.
"""

from __future__ import annotations

import argparse
import sys

from kldrift.cli.answer import Answer
from kldrift.cli.options import add_shift_options
from kldrift.cli.runs import run_job, run_model_shift
from kldrift.config import load_model_shift
from kldrift.execution.session import submitted_session


def job(args: argparse.Namespace) -> Answer:
    """Check the configuration, then run it on the session of spark-submit, if there is one."""
    config = load_model_shift(args.config, overrides=args.set)
    return run_model_shift(config, args, spark=submitted_session())


if __name__ == "__main__":
    sys.exit(
        run_job(
            "Compare what two models say of the same rows and judge it.", add_shift_options, job
        )
    )
