"""The last window of a monitor's tables, as far as its files are whole."""

from __future__ import annotations

import pyarrow as pa

from kldrift.errors import DamagedError
from kldrift.tables.read import window_tables
from kldrift.tables.schema import DRIFT_CELLS
from kldrift.tables.store import Store
from kldrift.tables.values import no_rows
from kldrift.tables.window import Window

SCORES, CELLS = "drift_scores", "drift_cells"


def scores_and_cells(
    store: Store, monitor: str, window: Window
) -> tuple[pa.Table, pa.Table, list[str]]:
    """The scores of a window, their cells, and a note if these are damaged and left out.

    Raises:
        OutputError: the scores are damaged, or a file is not there or cannot be read.
    """
    scores = window_tables(store, monitor, window, [SCORES])[SCORES]
    try:
        return scores, window_tables(store, monitor, window, [CELLS])[CELLS], []
    except DamagedError as error:
        return scores, no_rows(DRIFT_CELLS), [f"no distribution is shown: {error}"]
