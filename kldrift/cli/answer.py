"""The answer of a command: lines or one JSON object, one line for an error, an exit code."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kldrift.errors import KldriftError, ending, escaped, interruption, masked

# What takes a while to import is imported by the function that needs it, so that --help does not.
if TYPE_CHECKING:
    from kldrift.cli.terminal import Line

DONE_OR_FAILED: Final = """\
exit codes:
  0  done
  1  failed
  2  wrong usage or configuration
  130, 143  stopped by Ctrl-C or SIGTERM
"""
OF_VERDICTS: Final = """\
exit codes:
  0  no drift at or above --fail-on
  1  the job failed
  2  wrong usage or configuration
  3  drift at or above --fail-on
  4  no such drift, but a feature that should have been scored could not be,
     or nothing was scored
  130, 143  stopped by Ctrl-C or SIGTERM
"""
"""The exit codes of commands that judge."""


@dataclass(frozen=True)
class Answer:
    """The result of a command: lines for a person, or a summary for a program."""

    exit_code: int = 0
    lines: Sequence[Line] = ()
    summary: Mapping[str, Any] = field(default_factory=dict)


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
        return _failed(args, *_exit_and_text(error))
    return answer.exit_code


def _exit_and_text(error: BaseException) -> tuple[int, str]:
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
