"""Progress of a run: its stages, and how far the current one is."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


class Progress(Protocol):
    """Receives the progress of a run, from any thread."""

    def stage(self, name: str) -> None:
        """Begin a stage; the one before is finished."""

    def update(self, done: int, total: int | None, unit: str) -> None:
        """Report how far the current stage is; ``total`` is None while it is unknown."""


class _Silent:
    def __repr__(self) -> str:
        return "SILENT"

    def stage(self, name: str) -> None:
        """Do nothing."""

    def update(self, done: int, total: int | None, unit: str) -> None:
        """Do nothing."""


_Far = tuple[int, int | None, str]

SILENT: Final[Progress] = _Silent()


class _Shown:
    """A progress to be used as a context; an error leaves its last stage unfinished."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(failed=kind is not None)

    def close(self, *, failed: bool = False) -> None:
        """End the current stage."""


class LogProgress(_Shown):
    """Plain lines with the time: one when a stage begins, one when it is done, few in between.

    Examples:
        >>> clock = iter([0.0, 1.5, 3.2]).__next__
        >>> with LogProgress(sys.stdout, clock=clock, time_text=lambda: "T") as progress:
        ...     progress.stage("counting")
        ...     progress.update(12, 12, "files")
        T counting
        T counting done: 12 files, 3.2 s
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        every: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        time_text: Callable[[], str] | None = None,
    ) -> None:
        """Begin to log, to standard error by default, about one stage every so many seconds."""
        self._stream = sys.stderr if stream is None else stream
        self._every, self._clock, self._now = every, clock, time_text or _utc
        self._stage = ""
        self._far: _Far | None = None
        self._began = self._said = 0.0

    def stage(self, name: str) -> None:
        """Log that the stage before is done and that this one begins."""
        self.close()
        self._began = self._said = self._clock()
        self._stage = name
        self._print(name)

    def update(self, done: int, total: int | None, unit: str) -> None:
        """Log how far the stage is, if nothing was logged for a while."""
        self._far = (done, total, unit)
        if self._clock() - self._said >= self._every:
            self._said = self._clock()
            self._say(self._stage, self._far)

    def close(self, *, failed: bool = False) -> None:
        """Log that the current stage is done, or has failed."""
        if self._stage and failed:
            self._say(f"{self._stage} failed", self._far)
        elif self._stage:
            self._say(f"{self._stage} done", self._far and at_the_end(*self._far))
        self._stage, self._far = "", None

    def _say(self, text: str, far: _Far | None) -> None:
        far_and = f"{how_far(*far)}, " if far else ""
        seconds = self._clock() - self._began
        self._print(f"{text}: {far_and}{seconds:.1f} s")

    def _print(self, text: str) -> None:
        print(self._now(), text, file=self._stream, flush=True)


class _Above:
    """What others write to standard error, as whole lines above a bar that is drawn there.

    Spark's JVM, its Python workers and C libraries write to the file descriptor itself.
    """

    def __init__(self) -> None:
        sys.stderr.flush()
        self.kept = os.dup(2)
        self.terminal = os.fdopen(os.dup(self.kept), "w", encoding=sys.stderr.encoding or "utf-8")
        self._out, end = os.pipe()
        os.dup2(end, 2)
        os.close(end)

    def follow(self, show: Callable[[str], None]) -> None:
        """Show each line, until the last process that may write one has ended."""
        self._show: Callable[[str], None] | None = show
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with os.fdopen(self._out, encoding="utf-8", errors="backslashreplace") as lines:
            for line in lines:
                show = self._show
                if show is not None:
                    show(line.rstrip("\n"))
                else:  # the JVM ends after the bar does
                    os.write(self.kept, line.encode(errors="backslashreplace"))

    def close(self) -> None:
        """Restore standard error."""
        sys.stderr.flush()
        os.dup2(self.kept, 2)
        self._show = None


class BarProgress(_Shown):
    """A bar on a terminal, one line per stage; what others print stands above it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Begin to draw, on standard error if no stream is given."""
        from rich import progress  # noqa: PLC0415 - jobs without a terminal need none
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Column  # noqa: PLC0415

        self._above = _Above() if stream is None else None
        console = Console(file=self._above.terminal if self._above else stream)
        whole = Column(no_wrap=True)
        cut = Column(no_wrap=True, max_width=max(20, console.width - 40))  # else the time is cut
        self._bars: Bars = progress.Progress(
            progress.SpinnerColumn(finished_text=" "),
            progress.TextColumn("{task.description}", markup=False, table_column=cut),
            progress.BarColumn(bar_width=max(4, min(30, console.width - 70))),
            progress.TextColumn("{task.fields[far]}", markup=False, table_column=whole),
            progress.TimeElapsedColumn(table_column=whole),
            console=console,
        )
        if self._above:
            self._above.follow(
                lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
            )
        self._task: progress.TaskID | None = None
        self._far: _Far | None = None
        self._bars.start()

    def stage(self, name: str) -> None:
        """Finish the line of the stage before and begin one."""
        self._finish()
        self._task = self._bars.add_task(name, total=None, far="")

    def update(self, done: int, total: int | None, unit: str) -> None:
        """Draw the progress of the stage."""
        self._far = (done, total, unit)
        if self._task is not None:
            self._bars.update(self._task, completed=done, total=total, far=how_far(*self._far))

    def close(self, *, failed: bool = False) -> None:
        """End the current line and restore the terminal."""
        if not failed:
            self._finish()
        self._bars.stop()
        if self._above:
            self._above.close()

    def _finish(self) -> None:
        if self._task is not None:
            far = self._far and how_far(*at_the_end(*self._far))
            self._bars.update(self._task, total=1, completed=1, far=far or "")
        self._far = None


def how_far(done: int, total: int | None, unit: str) -> str:
    """Format how far a stage is.

    Examples:
        >>> how_far(1200, None, "rows")
        '1,200 rows'
        >>> how_far(3, 12, "files")
        '3 of 12 files'
        >>> how_far(1, None, "windows")
        '1 window'
    """
    number = done if total is None else total
    named = unit.removesuffix("s") if number == 1 else unit
    return f"{done:,} {named}" if total is None else f"{done:,} of {total:,} {named}"


def at_the_end(done: int, total: int | None, unit: str) -> tuple[int, None, str]:
    """The progress of a stage that is done, whatever it reported last.

    Examples:
        >>> how_far(*at_the_end(3, 12, "files"))
        '12 files'
    """
    return (done if total is None else total), None, unit


def _utc() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
