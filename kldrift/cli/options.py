"""The command-line options that several commands share."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kldrift.cli.answer import DONE_OR_FAILED, OF_VERDICTS
from kldrift.errors import ConfigError, masked


class CommandParser(argparse.ArgumentParser):
    """A parser of one command: its options may stand before, between and after its arguments."""

    _mixed = True

    def __init__(self, **about: Any) -> None:
        about.setdefault("epilog", DONE_OR_FAILED)
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **about)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse options first, then arguments: an optional argument is not given up too early."""
        if not self._mixed or "--" in (args or ()):  # called by itself, or the order is stated
            return super().parse_known_args(args, namespace)
        self._mixed = False
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixed = True


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``kldrift run``."""
    add_as_of(parser)
    parser.add_argument(
        "--refresh-reference",
        action="store_true",
        help="read the reference again, also if its files have not changed since an earlier run",
    )
    add_judging_options(parser)


def add_shift_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``kldrift model-shift``."""
    add_as_of(parser)
    add_judging_options(parser)


def add_backfill_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``kldrift backfill``."""
    add_range(parser, required=True)
    parser.add_argument(
        "--force", action="store_true", help="run windows again that the tables have"
    )
    add_judging_options(parser)


def add_range(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that select windows."""
    default = "" if required else "; default: all windows"
    for name, dest, text in (("--from", "first", "begin"), ("--to", "last", "end, exclusive,")):
        parser.add_argument(
            name,
            dest=dest,
            required=required,
            metavar="T",
            help=f"{text} of the range, ISO 8601, in time.zone unless it says otherwise{default}",
        )


def add_judging_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that judge, and what their exit codes mean."""
    parser.epilog = OF_VERDICTS
    add_set(parser)
    parser.add_argument(
        "--fail-on",
        choices=("critical", "warning", "never"),
        default="critical",
        help="from which severity the exit code is 3 (default: %(default)s)",
    )
    quiet = "say nothing but errors, and in one line what an exit code of 3 or 4 means"
    parser.add_argument("-q", "--quiet", action="store_true", help=quiet)
    add_json(parser)


def add_as_of(parser: argparse.ArgumentParser) -> None:
    """Add the option for the time of a run."""
    parser.add_argument(
        "--as-of",
        type=read_as_of,
        metavar="T",
        help="the time that the run is for, ISO 8601, in UTC unless it says otherwise",
    )


def add_set(parser: argparse.ArgumentParser) -> None:
    """Add the option that replaces values of a configuration."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY.PATH=VALUE",
        help="replace a value of the configuration; may be given more than once",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the options for the form of the output."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on standard output"
    )
    parser.add_argument("--debug", action="store_true", help="show where an error came from")


def read_as_of(text: str) -> datetime:
    """Read the time of a run."""
    from kldrift.config.instant import instant  # noqa: PLC0415 - pydantic, which --help needs not

    try:
        return instant(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def with_options(sets: Sequence[str], when: datetime | None = None) -> str:
    """The options for a suggested command that reads what this one read; empty where none are.

    Examples:
        >>> from datetime import UTC
        >>> with_options(["scan=arrow"], datetime(2024, 1, 31, tzinfo=UTC)), with_options([])
        (' --set scan=arrow --as-of 2024-01-31', '')
    """
    told = "".join(f" --set {shlex.quote(masked(one))}" for one in sets)
    return told + (f" --as-of {when.isoformat().removesuffix('T00:00:00+00:00')}" if when else "")


def option(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value


def add_backtest_options(parser: argparse.ArgumentParser) -> None:
    """Add the budget of a backtest, what it plants, and where its chart goes."""
    for name, number, text in (
        ("--pages", 1.0, "the budget: how often somebody may be called"),
        ("--days", 90.0, "... in so many days"),
    ):
        parser.add_argument(
            name, type=float, default=number, metavar="N", help=f"{text} (default: %(default)g)"
        )
    parser.add_argument(
        "--plant",
        action="append",
        metavar="DRIFT",
        help="plant a drift into the last windows: 'shift 0.3', 'new 1' or 'nulls 1'; may be given "
        "more than once",
    )
    parser.add_argument("--chart", metavar="FILE", help="write a chart of the windows (SVG)")


def add_serving(parser: argparse.ArgumentParser) -> None:
    """Add the options of the web server."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: %(default)s, which only this machine reaches); nobody "
        "is asked who they are",
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help="port (default: the first free one from 8501 on)"
    )
    parser.add_argument("--open", action="store_true", help="open a browser")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
