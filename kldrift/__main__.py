"""The command `kldrift`, also ``python -m kldrift``, where the script is not on the path.

A signal ends it at once where there is nothing to close: while modules are imported, and when all
has been said. In between it is an exception.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn


def main() -> int:
    """Run the command of this process; return its exit code."""
    caught = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    exit_code: int | None = None

    def handle(handler: Callable[[int, object], object]) -> None:
        for number in caught:
            signal.signal(number, handler)

    def leave(*_: object) -> None:
        if exit_code is not None:
            sys.stdout.flush()
            os._exit(exit_code)

    # The first that is registered runs last. What Python does after it takes a second, and it ends
    # by SIGINT then, if it was ever interrupted in a text that it executed.
    atexit.register(leave)
    handle(_end)
    try:
        from kldrift.cli.main import main as command  # noqa: PLC0415 - takes a while

        exit_code = command()
    except KeyboardInterrupt as again:  # while the first was told
        from kldrift.errors import ending  # noqa: PLC0415

        _end(ending(again)[0] - 128)
    handle(leave)
    return exit_code


def _end(number: int, _: object = None) -> NoReturn:
    word = "terminated" if number == signal.SIGTERM else "interrupted"
    os.write(2, f"kldrift: error: {word}\n".encode())
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
