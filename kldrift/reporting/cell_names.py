"""What a row of ``drift_cells`` is called: by the same words as in reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kldrift.profiles.cells import Cell, CellKind
from kldrift.profiles.number_text import plain
from kldrift.scoring.reasons import WEEKDAYS, cell_text

KINDS: Final = {str(kind) for kind in CellKind}
RANGES: Final = {str(k) for k in (CellKind.BIN, CellKind.UNDERFLOW, CellKind.OVERFLOW)}


def cell_name(cell: Mapping[str, Any], feature: str = "") -> str:
    """Name a cell by the values in it; only a category stands in quotes.

    So the category "null" and the cell of nulls look different.

    Examples:
        >>> bounds = {"lower": 0.5, "upper": 1.0, "label": None}
        >>> cell_name({"cell_kind": "bin"} | bounds)
        '0.5 to 1'
        >>> cell_name({"cell_kind": "category", "label": "null"})
        "'null'"
        >>> cell_name({"cell_kind": "value", "label": "0"}, "weekday(t)")
        'Monday'
    """
    kind, label = str(cell["cell_kind"]), cell.get("label")
    if kind not in KINDS or (kind in RANGES and label is not None):
        return kind if label is None else str(label)  # of joint groups, of two models; of times
    lower, upper = cell.get("lower"), cell.get("upper")
    if kind == CellKind.VALUE and feature.startswith("weekday("):
        return WEEKDAYS.get(str(label), str(label))
    if kind == CellKind.BIN and (lower is None or upper is None):
        return open_bin(lower, upper)
    if kind == CellKind.UNDERFLOW and upper is None:
        return "below the reference's smallest"
    if kind == CellKind.OVERFLOW and lower is None:
        return "above the reference's largest"
    return cell_text(Cell(CellKind(kind), lower, upper, label))


def open_bin(lower: float | None, upper: float | None) -> str:
    """The name of a bin without one bound, or without both."""
    if lower is not None:
        return f"{plain(lower, 6)} and above"
    return "any number" if upper is None else f"below {plain(upper, 6)}"
