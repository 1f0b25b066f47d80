"""The windows of a backtest as a chart: how far each lies, and what each rule flags."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from kldrift.profiles.number_text import grouped
from kldrift.reporting.drawing import Drawing, Label, Shape, at, box
from kldrift.reporting.figures import instant_name, many

WIDTH, PANEL, LEFT, GAP, TOP = 860, 90, 60, 56, 24
TICK: Final = 6.0
"""Height of the mark below a window that is flagged: told apart without colour."""


def chart(windows: pd.DataFrame, kl_limit: float | None, zone: str = "UTC") -> Drawing:
    """Two panels over time: the largest ``kl`` with fixed thresholds, and the smallest p-value.

    With a line at the limit on ``kl`` that keeps the budget, if there is one.
    """
    kl = [math.nan if pd.isna(x) else float(x) for x in windows["kl"]]
    far, limits = (
        [math.nan if pd.isna(p) else -math.log10(max(p, 1e-30)) for p in windows[name]]
        for name in ("p_value", "p_limit")
    )
    fixed, pages = windows["fixed"] > 0, windows["page"]
    one = [math.nan if kl_limit is None else kl_limit] * len(kl)
    line = "" if kl_limit is None else f"line: {grouped(kl_limit)} keeps the budget; "
    first = f"largest kl; {line}marked: a threshold is critical"
    second = "smallest p-value, in powers of ten; line: the learnt limit; marked: a page"
    parts = [
        _panel(TOP, first, kl, fixed, one),
        _panel(TOP + PANEL + GAP, second, far, pages, limits),
    ]
    bottom = TOP + 2 * PANEL + GAP + 22
    begin, end = (instant_name(windows["window_start"].iloc[i], zone) for i in (0, -1))
    labels = [Label(LEFT, bottom, begin), Label(WIDTH, bottom, end, "end")]
    return Drawing(
        WIDTH,
        bottom + 6,
        "windows and what each rule flags",
        f"of {many(len(windows), 'window')} thresholds flag {fixed.sum()}, "
        f"learnt limits {pages.sum()}",
        [shape for shapes, _ in parts for shape in shapes],
        [label for _, own in parts for label in own] + labels,
    )


def _panel(
    top: int, title: str, values: Sequence[float], flags: pd.Series, limits: Sequence[float]
) -> tuple[list[Shape], list[Label]]:
    """One panel: a bar for each window, a dash for its limit, and a mark where it is flagged."""
    highest = max((v for v in values if not math.isnan(v)), default=1.0) or 1.0
    step, base = (WIDTH - LEFT) / max(1, len(values)), top + PANEL
    quiet, flagged, levels = "", "", ""
    for i, (value, flag, limit) in enumerate(zip(values, flags, limits, strict=True)):
        x = LEFT + i * step
        if not math.isnan(value):
            tall, wide = max(1.0, PANEL * value / highest), max(1.0, step - 1)
            quiet += "" if flag else box(x, base - tall, wide, tall)
            flagged += (
                box(x, base - tall, wide, tall) + box(x, base + 3, wide, TICK) if flag else ""
            )
        if limit <= highest:
            levels += f"M{at(x)} {at(base - PANEL * limit / highest)}h{at(step)}"
    paths = {"then": quiet, "critical": flagged, "limit-critical": levels}
    shapes = [Shape("axis", f"M{LEFT} {base}H{WIDTH}")]
    shapes += [Shape(style, path) for style, path in paths.items() if path]
    ends = [Label(LEFT - 6, top + 10, grouped(highest), "end"), Label(LEFT - 6, base, "0", "end")]
    return shapes, [Label(LEFT, top - 8, title), *ends]
