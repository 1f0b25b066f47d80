"""Runs with the options of the command line: what the commands and the jobs share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kldrift.cli.answer import Answer, guarded
from kldrift.cli.options import CommandParser
from kldrift.execution.progress import SILENT, BarProgress, LogProgress, Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from kldrift.cli.terminal import Line
    from kldrift.config import Config, ModelShift
    from kldrift.reporting.history import Backfill
    from kldrift.reporting.result import RunResult


def run_monitor(
    config: Config, args: argparse.Namespace, *, spark: SparkSession | None = None
) -> Answer:
    """Run a monitor with the options of ``kldrift run``."""
    from kldrift import run  # noqa: PLC0415
    from kldrift.cli.console import run_lines  # noqa: PLC0415

    with shown_progress(quiet=args.quiet) as progress:
        result = run(
            config,
            spark=spark,
            as_of=args.as_of,
            fail_on=args.fail_on,
            refresh_reference=args.refresh_reference,
            progress=progress,
        )
    lines = run_lines(result, args.fail_on, _shown_path(config), args.set, args.as_of)
    return answer_of(result, lines, args)


def run_backfill(
    config: Config, args: argparse.Namespace, *, spark: SparkSession | None = None
) -> Answer:
    """Run the windows of a range of time with the options of ``kldrift backfill``."""
    from kldrift import backfill  # noqa: PLC0415
    from kldrift.cli.console import backfill_lines  # noqa: PLC0415

    with shown_progress(quiet=args.quiet) as progress:
        result = backfill(
            config,
            args.first,
            args.last,
            spark=spark,
            fail_on=args.fail_on,
            force=args.force,
            progress=progress,
        )
    return answer_of(result, backfill_lines(result, args.fail_on), args)


def run_model_shift(
    config: ModelShift, args: argparse.Namespace, *, spark: SparkSession | None = None
) -> Answer:
    """Compare two models with the options of ``kldrift run``."""
    from kldrift import model_shift  # noqa: PLC0415
    from kldrift.cli.console import shift_lines  # noqa: PLC0415

    with shown_progress(quiet=args.quiet) as progress:
        result = model_shift(
            config, spark=spark, as_of=args.as_of, fail_on=args.fail_on, progress=progress
        )
    return answer_of(result, shift_lines(result, args.fail_on), args)


def answer_of(
    result: RunResult | Backfill, lines: Iterable[Line], args: argparse.Namespace
) -> Answer:
    """The answer of a command that judges: lines, made only where they are shown, or JSON.

    A quiet one says what its exit code means, unless that is 0.
    """
    if args.json:
        return Answer(result.exit_code, summary=result.summary())
    if args.quiet:
        lines = (line for line in lines if line.text.startswith("exit code"))
    return Answer(result.exit_code, tuple(lines) if result.exit_code or not args.quiet else ())


def run_job(
    description: str,
    add_options: Callable[[argparse.ArgumentParser], None],
    load: Callable[..., Any],
    run: Callable[..., Answer],
) -> int:
    """Run a script on the session of spark-submit, if there is one; return the exit code."""
    parser = CommandParser(description=description)
    parser.add_argument("--config", required=True, metavar="FILE")
    add_options(parser)

    def job(args: argparse.Namespace) -> Answer:
        from kldrift.execution.session import submitted_session  # noqa: PLC0415

        config = load(args.config, overrides=args.set)
        return run(config, args, spark=submitted_session())

    return guarded(parser.parse_args(), job)


def _shown_path(config: Config) -> Path | None:
    """The path of a configuration file relative to the working directory, if it is below it."""
    source, folder = config.source, Path.cwd()
    if source is not None and source.is_relative_to(folder):
        return source.relative_to(folder)
    return source


def shown_progress(*, quiet: bool) -> AbstractContextManager[Progress]:
    """A bar on a terminal, lines elsewhere, or nothing."""
    if quiet:
        return nullcontext(SILENT)
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        return BarProgress()
    return LogProgress()
