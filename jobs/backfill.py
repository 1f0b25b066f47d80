"""Run a year of windows: ``spark-submit jobs/backfill.py --config FILE --from T --to T``.

spark-submit writes the driver's standard error to its own standard output, so with ``--json`` the
object is the last line there and not the only one.
"""

from __future__ import annotations

import sys

from kldrift.cli.options import add_backfill_options
from kldrift.cli.runs import run_backfill, run_job
from kldrift.config import load_config

if __name__ == "__main__":
    text = "Run every window in a range of time, in one scan."
    sys.exit(run_job(text, add_backfill_options, load_config, run_backfill))
