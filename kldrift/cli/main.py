"""The command line: arguments, the configuration, one call into the library, an exit code."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kldrift import __version__
from kldrift.cli.answer import OF_VERDICTS, Answer, guarded
from kldrift.cli.options import (
    CommandParser,
    add_as_of,
    add_backfill_options,
    add_backtest_options,
    add_json,
    add_judging_options,
    add_range,
    add_run_options,
    add_serving,
    add_set,
    add_shift_options,
    option,
    with_options,
)
from kldrift.cli.runs import (
    answer_of,
    run_backfill,
    run_model_shift,
    run_monitor,
    shown_progress,
)
from kldrift.errors import FAILED, ConfigError, NoSuchOutputError, escaped
from kldrift.execution.stopping import signals_held, signals_raised

# What takes a while to import is imported by the function that needs it, so that --help does not.
if TYPE_CHECKING:
    from kldrift.config import Config


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    args = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], Answer] = args.command
    with signals_raised():
        return guarded(args, command)


def _config(args: argparse.Namespace) -> Config:
    """The configuration of a monitor that a command is about."""
    from kldrift.config import load_config  # noqa: PLC0415

    return load_config(args.config, overrides=args.set)


@signals_held()
def _model_shift(args: argparse.Namespace) -> Answer:
    from kldrift.config import load_model_shift  # noqa: PLC0415

    return run_model_shift(load_model_shift(args.config, overrides=args.set), args)


@signals_held()
def _run(args: argparse.Namespace) -> Answer:
    return run_monitor(_config(args), args)


@signals_held()
def _backfill(args: argparse.Namespace) -> Answer:
    return run_backfill(_config(args), args)


@signals_held()
def _rescore(args: argparse.Namespace) -> Answer:
    from kldrift import rescore  # noqa: PLC0415
    from kldrift.cli.console import backfill_lines  # noqa: PLC0415

    config = _config(args)
    with shown_progress(quiet=args.quiet) as progress:
        result = rescore(config, args.first, args.last, fail_on=args.fail_on, progress=progress)
    return answer_of(result, backfill_lines(result, args.fail_on), args)


def _backtest(args: argparse.Namespace) -> Answer:
    from kldrift import backtest  # noqa: PLC0415
    from kldrift.cli.show import backtest_lines  # noqa: PLC0415

    config = _config(args)
    with shown_progress(quiet=False) as progress:
        result = backtest(
            config, pages=args.pages, days=args.days, plant=args.plant, progress=progress
        )
    if args.chart:
        _write(Path(args.chart), result.to_svg())
    return Answer(0, tuple(backtest_lines(result)), result.as_dict() if args.json else {})


def _show(args: argparse.Namespace) -> Answer:
    from kldrift.config import ModelShift, configured_either  # noqa: PLC0415

    # what is wrong in it is told before more is imported
    config = configured_either(args.config, args.set)
    if isinstance(config, ModelShift):
        from kldrift.cli.console import shift_state_lines  # noqa: PLC0415
        from kldrift.shift.stored import stored_shift  # noqa: PLC0415

        if args.feature is not None:
            raise ConfigError(f"a model shift has no features; leave out {args.feature!r}")
        result = stored_shift(config)
        return Answer(0, tuple(shift_state_lines(result)), result.summary())
    from kldrift.cli.show import state_lines  # noqa: PLC0415

    lines, summary = state_lines(config, args.feature)
    return Answer(0, lines, summary)


def _report(args: argparse.Namespace) -> Answer:
    from kldrift import report  # noqa: PLC0415
    from kldrift.cli.terminal import Line  # noqa: PLC0415
    from kldrift.config import configured_either  # noqa: PLC0415

    place = report(configured_either(args.config, args.set), args.output)
    return Answer(0, [Line(f"wrote {escaped(place)}")], {"report": place})


def _check(args: argparse.Namespace) -> Answer:
    config = _config(args)
    from kldrift.cli.terminal import Line  # noqa: PLC0415
    from kldrift.monitor.run import check  # noqa: PLC0415

    plan = check(config, as_of=args.as_of)
    besides = "skipped besides, once the data is seen: columns that are different in nearly every"
    lines = [*map(escaped, plan.lines()), "", f"{besides} row"]
    step = f"next: kldrift run {shlex.quote(args.config)}{with_options(args.set, args.as_of)}"
    folded = [Line(line, hang=_second_column(line)) for line in lines]
    return Answer(0, [*folded, Line(escaped(step), whole=True)], plan.as_dict())


def _second_column(line: str) -> int | None:
    """Where the second column of a row begins; None where there is none."""
    row = re.match(r"  \S.*?  +(?=\S)", line)
    return row.end() if row else None


def _init(args: argparse.Namespace) -> Answer:
    file = None if args.output == "-" else Path(args.output)
    if file and file.exists() and not args.force:
        raise ConfigError(f"{file} already exists; choose another file with -o, or use --force")
    from kldrift.cli.init import init  # noqa: PLC0415
    from kldrift.cli.terminal import Line  # noqa: PLC0415

    text = init(
        args.source,
        reference=args.reference,
        format=args.format,
        options=dict(args.option),
        folder=file.absolute().parent if file else None,
    )
    if file is None:
        return Answer(0, [Line(line, whole=True) for line in text.splitlines()])
    _write(file, text)
    name, day = escaped(str(file)), re.search(r" is the time of the run: .*( --as-of \S+)", text)
    check = f"kldrift check {escaped(shlex.quote(str(file)))}{day[1] if day else ''}"
    return Answer(0, [Line(f"wrote {name}"), Line(f"next: {check}", whole=True)])


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NoSuchOutputError(f"{file}: cannot be written: {error.strerror}") from error


def _demo(args: argparse.Namespace) -> Answer:
    from kldrift import backfill, demo  # noqa: PLC0415
    from kldrift.cli.terminal import Line  # noqa: PLC0415
    from kldrift.config import load_config  # noqa: PLC0415

    folder = Path(args.output)
    config = folder / "kldrift.yaml"
    with shown_progress(quiet=False) as progress:
        progress.stage(f"making {demo.DAYS} days of orders")
        try:
            demo.write_demo(folder)
        except OSError as error:
            raise NoSuchOutputError(f"{folder}: cannot be written: {error.strerror}") from error
        _write(config, demo.demo_config(Path()))
        first, last = demo.date_of(1), demo.date_of(demo.DAYS + 1)
        result = backfill(load_config(config), first, last, force=True, progress=progress)
    outcomes, wrong = demo.planted_against_found(result.scores), demo.false_pages(result.scores)
    right = demo.as_it_should_be(outcomes, wrong)
    file = escaped(shlex.quote(str(config)))
    report = escaped(str(folder / "drift" / "report.html"))
    lines = [
        Line(
            f"{demo.DAYS} days of orders of a made-up web shop, each judged as on the day it came; "
            f"{len(demo.PLANTED)} incidents were planted in them"
        ),
        Line(demo.outcome_line(outcomes, wrong) + ("" if right else ": NOT what was planted")),
        Line(),
        *(Line(row, whole=True) for row in demo.to_text(outcomes).splitlines()),
        Line(),
        Line(f"report, with the history of all days: {report}", whole=True),
        Line(f"next: kldrift show {file} load_factor", whole=True),
    ]
    events = [asdict(outcome) for outcome in outcomes]
    summary = {"run": result.summary(), "events": events, "false_pages": wrong}
    return Answer(0 if right else FAILED, lines, summary)


def _dashboard(args: argparse.Namespace) -> Answer:
    from kldrift.dashboard.serve import address, check, free_port, serve  # noqa: PLC0415

    check(args.config, args.set)
    port = free_port(args.host, args.port)
    print(f"kldrift: {address(args.host, port)} (Ctrl-C ends it)", flush=True)
    serve(args.config, args.set, args.host, port, open_browser=args.open)
    return Answer()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kldrift",
        description="Which features of a dataset no longer look like their reference, and why.",
        epilog=OF_VERDICTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kldrift {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=CommandParser
    )

    def command(
        name: str, function: Callable[..., Answer], text: str, *, config: bool = True
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        made.set_defaults(command=function, json=False)
        if config:
            made.add_argument("config", metavar="CONFIG", help="configuration file, YAML")
        return made

    text = "judge 60 days of made-up orders; say which incidents were found"
    demo = command("demo", _demo, text, config=False)
    demo.add_argument(
        "--output", default="demo", metavar="DIR", help="folder, %(default)s if not stated"
    )
    add_json(demo)

    text = "look at a dataset and write a commented configuration for it"
    init = command("init", _init, text, config=False)
    init.add_argument("source", metavar="SOURCE", help="files, a folder or a URI to monitor")
    init.add_argument(
        "-o",
        "--output",
        default="kldrift.yaml",
        metavar="FILE",
        help="file to write, - for standard output (default: %(default)s)",
    )
    init.add_argument("--reference", metavar="SOURCE", help="what to compare it with, likewise")
    init.add_argument("--format", help="format of the files (default: by their ending)")
    init.add_argument(
        "--option",
        action="append",
        type=option,
        default=[],
        metavar="KEY=VALUE",
        help="an option of Spark's reader, such as header=true; may be given more than once",
    )
    init.add_argument("--force", action="store_true", help="replace the file if it is there")
    init.add_argument("--debug", action="store_true", help="show where an error came from")

    check = command("check", _check, "dry run: what would be read, compared and skipped")
    add_set(check)
    add_as_of(check)
    add_json(check)

    run = command("run", _run, "compare the current dataset with the reference and judge it")
    add_run_options(run)

    backfill = command("backfill", _backfill, "run every window of a range of time, in one scan")
    add_backfill_options(backfill)

    _add_stored(command)

    shift = command("model-shift", _model_shift, "compare what two models say of the same rows")
    add_shift_options(shift)
    return parser


def _add_stored(command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands that read tables and no data."""
    rescore = command("rescore", _rescore, "score stored windows again, without reading data")
    add_range(rescore, required=False)
    add_judging_options(rescore)

    backtest = command(
        "backtest",
        _backtest,
        "what each rule would have flagged, without reading data",
    )
    add_backtest_options(backtest)
    add_set(backtest)
    add_json(backtest)

    show = command("show", _show, "print the last state from the tables, without Spark")
    show.add_argument("feature", nargs="?", metavar="FEATURE", help="say more about this one")
    add_set(show)
    add_json(show)

    report = command("report", _report, "write the last state as one HTML file, without Spark")
    report.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="file to write (default: report.path, or report.html beside the tables)",
    )
    add_set(report)
    add_json(report)

    dashboard = command("dashboard", _dashboard, "look at the tables in a browser, until Ctrl-C")
    add_serving(dashboard)
    add_set(dashboard)
