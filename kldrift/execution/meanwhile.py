"""Runs an action in a thread during a block.

Starting and stopping Spark is waiting for another process; importing Great Expectations and writing
its pages computes. One after the other they are the larger part of a run over small files.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def meanwhile(action: Callable[[], object], name: str) -> Iterator[None]:
    """Run an action in a thread of its own during a block, which ends when both have ended.

    An error of the action comes out at the end of the block, one of the block itself before it.
    """
    failed: list[BaseException] = []

    def act() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised where it can be seen
            failed.append(error)

    thread = threading.Thread(target=act, name=name)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if failed:
        raise failed[0]


@contextmanager
def import_ahead(module: str) -> Iterator[None]:
    """Import a module in a thread of its own during a block.

    What an import does to the process, such as to warnings, is done and undone when the block ends.
    An import that fails leaves no module behind, so that the next one fails in the same way where
    the module is needed.
    """

    def act() -> None:
        with suppress(Exception):  # said where the module is needed
            importlib.import_module(module)

    with meanwhile(act, f"import {module}"):
        yield
