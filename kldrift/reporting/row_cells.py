"""The cells behind rows of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from kldrift.reporting.json_values import records

COLUMNS: Final = (
    "feature",
    "segment",
    "window_start",
    "window_end",
    "cell",
    "cell_kind",
    "lower",
    "upper",
    "label",
    "rows_reference",
    "rows_current",
    "probability_current",
    "contribution",
    "correlation_reference",
    "correlation_current",
)
"""What a page shows of a cell."""


def row_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key of a row of the scores, by which its cells are found."""
    return tuple(row[key] for key in ("feature", "segment", "window_start", "window_end"))


def cells_of(
    cells: pd.DataFrame, rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """Return the cells of some rows of the scores, by their key."""
    by_row: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    wanted = cells["feature"].isin([row["feature"] for row in rows])
    # There may be a million cells of segments.
    named = [row["segment"] for row in rows if row["segment"] is not None]
    wanted &= cells["segment"].isna() | cells["segment"].isin(named)
    for cell in records(cells.loc[wanted, [name for name in COLUMNS if name in cells]]):
        by_row.setdefault(row_key(cell), []).append(cell)
    return by_row
