"""A feature's distribution then and now, one over the other.

The area of a bar is its share of the rows: bins are as wide as their range, bounded so that neither
a narrow bin vanishes nor one far tail takes the whole width; values, tails, nulls and what the
reference never had are bars of one width. What does not fit the height is cut and says its share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from kldrift.reporting.bars import Bar, Cell, bars_of, scored
from kldrift.reporting.cell_names import number
from kldrift.reporting.drawing import Drawing, Label, Shape, at, box
from kldrift.scoring.sentences import percent

TALLEST: Final = 2.5
"""A bar is cut where it is so many times as tall as any of the reference's values."""
LETTER: Final = 5.2
"""Pixels."""
TOP, BELOW = 9.0, 13
"""Pixels for what stands above and below the bars."""
BETWEEN_TICKS: Final = 60


def histogram(
    feature: str, cells: Sequence[Cell], *, width: int = 250, height: int = 64, large: bool = False
) -> Drawing | None:
    """Draw a feature's cells; None if there are none.

    Args:
        feature: its name.
        cells: its rows of ``drift_cells``.
        width: of the chart in pixels.
        height: likewise.
        large: with ticks between the ends, and words for those who point at a bar.
    """
    bars = bars_of(feature, scored(cells), width)
    if not bars:
        return None
    base = height - BELOW
    most = _tallest(bars)
    shapes = [Shape(style, _outline(bars, style, most, base)) for style in ("then", "now")]
    shapes.append(Shape("axis", f"M0 {at(base)}h{width}"))
    cut = [b for b in bars if max(b.then, b.now) / b.width > most * 1.001]
    labels = [Label(_middle(b), 7, percent(max(b.then, b.now)), "middle") for b in cut]
    labels += [*_ticks(bars, base + 10, large=large), *_names(bars, base + 10)]
    if large:
        shapes += [Shape("point", box(b.x, 0, b.width, base), _said(b)) for b in bars]
    moved = sorted(bars, key=lambda b: -abs(b.now - b.then))[:3]
    about = "; ".join(_said(b) for b in moved)
    return Drawing(width, height, f"{feature}: shares of rows, then and now", about, shapes, labels)


def _tallest(bars: Sequence[Bar]) -> float:
    """The share per pixel that takes the whole height."""
    most = max(max(b.then, b.now) / b.width for b in bars) or 1.0
    usual = max((b.then / b.width for b in bars if not b.aside), default=0.0)
    return min(most, TALLEST * usual) if usual else most


def _outline(bars: Sequence[Bar], style: str, most: float, base: float) -> str:
    """The path around the bars of one side; bars that touch have one outline."""
    path, end = "", -1.0
    for bar in bars:
        share = bar.then if style == "then" else bar.now
        tall = min(1.0, share / bar.width / most) * (base - TOP)
        top = base - (max(tall, 1.0) if share else 0.0)
        if abs(bar.x - end) > 0.01:
            path += f"{'V' + at(base) if path else ''}M{at(bar.x)} {at(base)}"
        end = bar.x + bar.width
        path += f"V{at(top)}H{at(end)}"
    return f"{path}V{at(base)}"


def _said(bar: Bar) -> str:
    return f"{bar.name}: {percent(bar.then)} then, {percent(bar.now)} now"


def _middle(bar: Bar) -> float:
    return round(bar.x + bar.width / 2, 1)


def _ticks(bars: Sequence[Bar], y: float, *, large: bool) -> list[Label]:
    """The bounds of bins: of the first and the last, and of those between in a large chart."""
    bins = [b for b in bars if b.lower is not None and b.upper is not None]
    if not bins:
        return []
    first, last = bins[0], bins[-1]
    end = last.x + last.width
    labels = [
        Label(first.x, y, number(first.lower or 0.0, 4)),
        Label(round(end, 1), y, number(last.upper or 0.0, 4), "end"),
    ]
    free = first.x + BETWEEN_TICKS
    for bar in bins[1:] if large else ():
        if free <= bar.x <= end - BETWEEN_TICKS:
            labels.append(Label(round(bar.x, 1), y, number(bar.lower or 0.0, 4), "middle"))
            free = bar.x + BETWEEN_TICKS
    return labels


def _names(bars: Sequence[Bar], y: float) -> list[Label]:
    """The names of values, categories and bars aside, as far as there is room."""
    labels, free = list[Label](), -math.inf
    bins = any(b.lower is not None for b in bars)
    for bar in bars:
        if not bar.below or (bins and not bar.aside):
            continue
        letters = int(max(bar.width, 4 * LETTER if bar.aside else 0) / LETTER)
        text = bar.below if len(bar.below) <= letters else f"{bar.below[: letters - 1]}…"
        half = len(text) * LETTER / 2
        if letters < 1 or text == "…" or _middle(bar) - half < free:
            continue
        labels.append(Label(_middle(bar), y, text, "middle"))
        free = _middle(bar) + half + 2
    return labels
