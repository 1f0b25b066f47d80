"""Compare two models: ``spark-submit jobs/model_shift.py --config FILE [options of model-shift]``.

spark-submit writes the driver's standard error to its own standard output, so with ``--json`` the
object is the last line there and not the only one.
"""

from __future__ import annotations

import sys

from kldrift.cli.options import add_shift_options
from kldrift.cli.runs import run_job, run_model_shift
from kldrift.config import load_model_shift

if __name__ == "__main__":
    text = "Compare what two models say of the same rows and judge it."
    sys.exit(run_job(text, add_shift_options, load_model_shift, run_model_shift))
