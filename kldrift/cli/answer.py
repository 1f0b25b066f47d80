"""The answer of a command: lines or one JSON object, one line for an error, an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kldrift.errors import KldriftError, Terminated, ending, escaped, interruption, masked

# What takes a while to import is imported by the function that needs it, so that --help does not.
if TYPE_CHECKING:
    from kldrift.cli.terminal import Line

AGAIN_SECONDS: Final = 0.1
DRIVER_LOGGERS: Final = (
    *("py4j", "py4j.clientserver", "py4j.java_gateway"),
    # Of these, each error is written with its query, in which a secret may stand.
    *("SQLQueryContextLogger", "DataFrameQueryContextLogger"),
)
DRIVER_INTERRUPTED: Final = "KeyboardInterrupt while sending command."
"""What Spark's driver logs, with a traceback, where a signal finds it; under no name of its own."""

EXIT_CODES: Final = """\
exit codes:
  0  no drift at or above --fail-on
  1  the job failed
  2  wrong usage or configuration
  3  drift at or above --fail-on
  4  no such drift, but a feature that should have been scored could not be, or nothing was scored
"""


@dataclass(frozen=True)
class Answer:
    """The result of a command: lines for a person, or a summary for a program."""

    exit_code: int = 0
    lines: Sequence[Line] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def sigterm_raised() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: with a row in ``runs``, and without a JVM.

    Python loses an exception of a signal that comes while an object is deleted, which Spark's
    driver does all the time: it is sent again then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raised = False

    def stop(*_: object) -> None:
        nonlocal raised
        if not raised:  # once is enough
            raised = True
            raise Terminated

    def lost(what: sys.UnraisableHookArgs) -> None:
        nonlocal raised
        if not issubclass(what.exc_type, KeyboardInterrupt):
            hook(what)
            return
        raised = False
        again = signal.SIGTERM if issubclass(what.exc_type, Terminated) else signal.SIGINT
        threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), again)).start()

    for name in DRIVER_LOGGERS:
        # interrupted while it looks at its level, a logger locks all others
        logging.getLogger(name).disabled = True
    before, hook = signal.signal(signal.SIGTERM, stop), sys.unraisablehook
    sys.unraisablehook = lost
    root = logging.getLogger()
    root.addFilter(_of_interest)
    try:
        yield
    finally:
        root.removeFilter(_of_interest)
        sys.unraisablehook = hook
        signal.signal(signal.SIGTERM, before)


def _of_interest(record: logging.LogRecord) -> bool:
    return record.msg != DRIVER_INTERRUPTED


def guarded(args: argparse.Namespace, command: Callable[[argparse.Namespace], Answer]) -> int:
    """Run a command and show its answer; an error is a line on standard error and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks must not fail a run that has succeeded.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        from kldrift.cli.terminal import show, show_json, stdout_is_ours  # noqa: PLC0415

        with stdout_is_ours() if args.json else nullcontext():
            answer = command(args)
        if args.json:
            show_json(answer.summary)
        else:
            show(answer.lines)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place for one line
        return _failed(args, *_told(error))
    return answer.exit_code


def _told(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and the text that is shown for it."""
    exit_code, text = ending(error)
    if isinstance(error, KldriftError) or interruption(error):
        return exit_code, text
    what = f"{type(error).__name__}: {error}".strip().partition("\n")[0]
    return exit_code, f"unexpected {what}; --debug shows where"


def _failed(args: argparse.Namespace, exit_code: int, text: str) -> int:
    from kldrift.cli.terminal import show_json  # noqa: PLC0415

    text = masked(text)
    if args.debug:
        print(masked(traceback.format_exc()), file=sys.stderr)
    for line in text.split("\n"):
        print(f"kldrift: error: {escaped(line)}", file=sys.stderr)
    if args.json:
        show_json({"exit_code": exit_code, "error": text})
    return exit_code
