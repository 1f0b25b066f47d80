"""Ctrl-C and SIGTERM: raised as exceptions, and held back until a run can tell that it was stopped.

A module that is interrupted while it is imported cannot be imported again, and then no row can be
written.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from kldrift.errors import Terminated

AGAIN_SECONDS: Final = 0.1
DRIVER_LOGGERS: Final = (
    *("py4j", "py4j.clientserver", "py4j.java_gateway"),
    # Of these, each error is written with its query, in which a secret may stand.
    *("SQLQueryContextLogger", "DataFrameQueryContextLogger"),
)
DRIVER_INTERRUPTED: Final = "KeyboardInterrupt while sending command."
"""What Spark's driver logs, with a traceback, where a signal finds it; under no name of its own."""


@dataclass
class _Held:
    """Whether signals are held back, and what the first of them raises."""

    on: bool = False
    first: type[KeyboardInterrupt] | None = None


_HELD: Final = _Held()


@contextmanager
def signals_raised() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: with a row in ``runs``, and without a JVM.

    Python loses an exception of a signal that comes while an object is deleted, which Spark's
    driver does all the time: it is sent again then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    raised = False

    def stop(number: int, _: object) -> None:
        nonlocal raised
        what = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if _HELD.on and _HELD.first is None:
            _HELD.first = what
        elif what is KeyboardInterrupt:
            raise what
        elif not raised:  # once is enough
            raised = True
            raise what

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
    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    hook = sys.unraisablehook
    sys.unraisablehook = lost
    root = logging.getLogger()
    root.addFilter(_of_interest)
    try:
        yield
    finally:
        root.removeFilter(_of_interest)
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _of_interest(record: logging.LogRecord) -> bool:
    return record.msg != DRIVER_INTERRUPTED


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold back the first signal until `let_signals`, or the end of a block; a second one acts."""
    _HELD.on = True
    try:
        yield
    finally:
        let_signals()


def let_signals() -> None:
    """Raise what was held back, and hold back no more.

    Raises:
        KeyboardInterrupt: a signal came meanwhile.
    """
    _HELD.on = False
    first, _HELD.first = _HELD.first, None
    if first is not None:
        raise first
