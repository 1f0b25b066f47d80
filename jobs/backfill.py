"""Run a year of windows: ``spark-submit jobs/backfill.py --config FILE --from T --to T``.

spark-submit writes the driver's standard error to its own standard output, so with ``--json`` the
object is the last line there and not the only one.
"""

from __future__ import annotations

import argparse
import sys

from kldrift.cli.answer import EXIT_CODES, Answer, guarded
from kldrift.cli.options import add_force, add_judging_options, add_range
from kldrift.cli.runs import run_backfill
from kldrift.config import load_config
from kldrift.execution.session import submitted_session


def job(args: argparse.Namespace) -> Answer:
    """Check the configuration, then run it on the session of spark-submit, if there is one."""
    config = load_config(args.config, overrides=args.set)
    return run_backfill(config, args, spark=submitted_session())


def main() -> int:
    """Read the arguments, run, return the exit code."""
    parser = argparse.ArgumentParser(
        prog="backfill.py",
        description="Run every window in a range of time, in one scan.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", required=True, metavar="FILE")
    add_range(parser, required=True)
    add_force(parser)
    add_judging_options(parser)
    return guarded(parser.parse_args(), job)


if __name__ == "__main__":
    sys.exit(main())
