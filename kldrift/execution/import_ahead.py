"""Import a module while something else is waited for.

Starting Spark is waiting for another process, and importing Great Expectations computes; one after
the other they are the larger part of a run over small files.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def import_ahead(module: str) -> Iterator[None]:
    """Import a module in a thread of its own during a block.

    The block ends when the import has ended: what an import does to the process, such as to
    warnings, is done and undone by then. An import that fails leaves no module behind, so that the
    next one fails in the same way where the module is needed.
    """
    thread = threading.Thread(target=_import, args=(module,), name=f"import {module}")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _import(module: str) -> None:
    with suppress(Exception):  # said where the module is needed
        importlib.import_module(module)
