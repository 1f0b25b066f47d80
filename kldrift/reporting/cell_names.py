"""What a row of ``drift_cells`` is called: by the same words as in reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from kldrift.profiles.cells import Cell, CellKind
from kldrift.profiles.number_text import plain
from kldrift.profiles.support import NumericSupport, Unit
from kldrift.scoring.name_sentences import UNSEEN, WITHOUT_CELL
from kldrift.scoring.reasons import WEEKDAYS, cell_text, mean_texts

KINDS: Final = {str(kind) for kind in CellKind}
TIME_LABELS: Final = {
    Unit.DURATION: r"-?[\d.,]+ (days?|h|min|s)\b",
    Unit.CLOCK: r"\d\d:\d\d:\d\d",
    Unit.SECONDS: r"-?\d+-\d\d-\d\dT",
    Unit.DAYS: r"-?\d+-\d\d-\d\d",
}
"""How the labels of ranges and of single values of times begin."""
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
        >>> cell_name({"cell_kind": "never_seen", "label": "'x', 'y'", "rows_reference": 3})
        "values without a cell of their own: 'x', 'y'"
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
    text = cell_text(Cell(CellKind(kind), lower, upper, label))
    before = kind == CellKind.NEVER_SEEN and cell.get("rows_reference")
    return text.replace(UNSEEN, WITHOUT_CELL) if before else text


def open_bin(lower: float | None, upper: float | None) -> str:
    """The name of a bin without one bound, or without both."""
    if lower is not None:
        return f"{plain(lower, 6)} and above"
    return "any number" if upper is None else f"below {plain(upper, 6)}"


def moments_texts(cells: Sequence[Mapping[str, Any]], *amounts: float) -> tuple[str, ...]:
    """Means and deviations of times as people write them; empty for other numbers.

    The labels of its cells say what a feature is.

    Args:
        cells: of the feature.
        amounts: the means of both sides, then their deviations.

    Examples:
        >>> minute = {"lower": 60.0, "label": "1 min to 2 min"}
        >>> moments_texts([minute], 75.0, 90.0, 5.0, 8.0)
        ('1 min 15 s', '1 min 30 s', '5 s', '8 s')
        >>> moments_texts([minute | {"label": "60 to 119"}], 75.0, 90.0, 5.0, 8.0)
        ()
    """
    label = next((str(c["label"]) for c in cells if c["label"] and c["lower"] is not None), "")
    for unit, look in TIME_LABELS.items():
        if re.match(look, label):
            spread = _support_of(Unit.DURATION)
            lengths = (amount * (86_400 if unit is Unit.DAYS else 1) for amount in amounts[2:])
            return *mean_texts(_support_of(unit), *amounts[:2]), *mean_texts(spread, *lengths)
    return ()


def _support_of(unit: Unit) -> NumericSupport:
    scale = 1_000_000 if unit is Unit.SECONDS else 1
    return NumericSupport(np.zeros(1, dtype=np.int64), scale, unit)
