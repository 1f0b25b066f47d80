"""Runs with the options of the command line: what the commands and the jobs share."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from kldrift.cli.answer import Answer
from kldrift.execution.progress import SILENT, BarProgress, LogProgress, Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from kldrift.config import Config, ModelShift


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
    lines = (
        ()
        if args.quiet or args.json
        else tuple(run_lines(result, args.fail_on, _shown_path(config), args.as_of))
    )
    return Answer(result.exit_code, lines, result.summary() if args.json else {})


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
    lines = () if args.quiet or args.json else tuple(backfill_lines(result, args.fail_on))
    return Answer(result.exit_code, lines, result.summary() if args.json else {})


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
    lines = () if args.quiet or args.json else tuple(shift_lines(result, args.fail_on))
    return Answer(result.exit_code, lines, result.summary() if args.json else {})


def _shown_path(config: Config) -> Path | None:
    """The file of a configuration as one types it here."""
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
