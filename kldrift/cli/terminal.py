"""Standard output: lines for a person, or one JSON object for a program.

On a terminal the severity words are coloured and sentences are folded between words; elsewhere
every line is plain text.  Names and values come from data: nothing in them is taken as markup, and
no control character reaches the screen.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from typing import IO, Any, Final, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

STYLES: Final = {"critical": "bold red", "warning": "yellow", "ok": "green", "unscored": "magenta"}
HANG: Final = 2
BETWEEN: Final = re.compile(r"(?<! <) (?!% |%[;,.)]|%$|< )")
"""Where a sentence may be folded: not within ``0.6 %`` or ``q < 1e-12``."""
PLAIN: Final = str.maketrans({"×": "x", "→": "->", "…": "..."})
"""Our own signs where the stream has no Unicode; what else it lacks it escapes."""
LEAST_WIDTH: Final = 20
"""Columns below which folding a sentence is of no use."""


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        severity: that it begins with; empty for none.
        whole: whether it is a row, a picture or a command, which folding would tear apart; what
            else is too long for a terminal is folded between its words.
        hang: the column at which it goes on where it is folded; by default that of its first
            word, or the third.
    """

    text: str = ""
    severity: str = ""
    whole: bool = False
    hang: int | None = None


def show(lines: Sequence[Line] | Iterator[Line], stream: TextIO | None = None) -> None:
    """Write lines, with colours and wrapping on a terminal only."""
    stream = sys.stdout if stream is None else stream
    try:
        if stream.isatty():
            _draw(lines, Console(file=stream))
        else:
            for line in lines:
                print(_written(line.text, stream), file=stream)
        stream.flush()
    except BrokenPipeError:
        # The reader has seen enough.  What is still in the buffer must not fail the exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show_json(value: Mapping[str, Any]) -> None:
    """Write one strict JSON object; NaN and infinity are an error."""
    show([Line(json.dumps(value, allow_nan=False), whole=True)])


@contextmanager
def stdout_is_ours() -> Iterator[None]:
    """Redirect what others print, also the JVM and C libraries, to standard error."""
    sys.stdout.flush()
    kept = None
    with suppress(OSError):  # a process without standard output
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def _written(text: str, stream: IO[str]) -> str:
    """A line in the characters that a stream can encode."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return text.translate(PLAIN)
    return text


def _draw(lines: Sequence[Line] | Iterator[Line], console: Console) -> None:
    for line in lines:
        for at, part in enumerate([line.text] if line.whole else _folded(line, console.width)):
            text = Text(_written(part, console.file))
            if line.severity and not at:
                text.stylize(STYLES[line.severity], 0, len(line.severity))
            # What is longer than a line even so, such as a path, the terminal folds.
            console.print(text, soft_wrap=True)


def _folded(line: Line, width: int) -> list[str]:
    """Wrap a sentence between words."""
    begin = len(line.text) - len(line.text.lstrip())
    hang = line.hang or begin or HANG
    if cell_len(line.text) <= width or width < hang + LEAST_WIDTH:
        return [line.text]
    first, *words = BETWEEN.split(line.text[line.hang or begin :])
    parts = [line.text[: line.hang or begin] + first]
    for word in words:
        if cell_len(parts[-1]) + 1 + cell_len(word) <= width:
            parts[-1] += f" {word}"
        else:
            parts.append(" " * hang + word)
    return parts
