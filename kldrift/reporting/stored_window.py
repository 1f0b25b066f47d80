"""The last window of a monitor's tables, as far as its files are whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa

from kldrift.errors import DamagedError, masked
from kldrift.reporting.figures import window_name
from kldrift.tables.read import window_tables
from kldrift.tables.schema import DRIFT_CELLS
from kldrift.tables.store import Store
from kldrift.tables.values import no_rows
from kldrift.tables.window import Window

SCORES, CELLS = "drift_scores", "drift_cells"
Seen = TypeVar("Seen")


def of_last_whole(
    windows: tuple[Window, ...], look: Callable[[tuple[Window, ...]], Seen], zone: str
) -> tuple[Seen, tuple[Window, ...], str]:
    """The result for the last readable window, the windows up to it, and what is damaged.

    Raises:
        DamagedError: no window can be read.
    """
    damaged: list[str] = []
    for end in range(len(windows), 0, -1):
        try:
            seen = look(windows[:end])
        except DamagedError as error:
            if end == 1:
                raise
            damaged.append(f"{window_name(windows[end - 1], zone)}: {masked(str(error))}")
        else:
            rest = f" and {len(damaged) - 1} before it" if damaged[1:] else ""
            follows = f"{rest}; what follows is older: {window_name(windows[end - 1], zone)}"
            return seen, windows[:end], f"{damaged[0]}{follows}" if damaged else ""
    raise ValueError("there is no window")


def scores_and_cells(
    store: Store, monitor: str, window: Window
) -> tuple[pa.Table, pa.Table, list[str]]:
    """The scores of a window, their cells, and a note if these are damaged and left out."""
    scores = window_tables(store, monitor, window, [SCORES])[SCORES]
    try:
        return scores, window_tables(store, monitor, window, [CELLS])[CELLS], []
    except DamagedError as error:
        return scores, no_rows(DRIFT_CELLS), [f"no distribution is shown: {error}"]
