"""The windows of a backtest as a chart: how far each lies, and what each rule flags."""

from __future__ import annotations

import math
from html import escape
from typing import Final

import pandas as pd

from kldrift.profiles.number_text import grouped
from kldrift.reporting.figures import instant_name

WIDTH, PANEL, LEFT, GAP = 860, 90, 110, 44
COLOURS: Final = {"quiet": "#8a8a8a", "flag": "#c0392b", "limit": "#1f6fb4"}
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#222}.h{font-weight:bold}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


def chart(windows: pd.DataFrame, kl_limit: float | None, zone: str = "UTC") -> str:
    """Two panels over time: the largest ``kl`` with fixed thresholds, and the smallest p-value.

    With a line at the limit on ``kl`` that keeps the budget, if there is one.
    """
    kl = [math.nan if pd.isna(x) else float(x) for x in windows["kl"]]
    far = [math.nan if pd.isna(p) else -math.log10(max(p, 1e-30)) for p in windows["p_value"]]
    limits = [math.nan if pd.isna(p) else -math.log10(max(p, 1e-30)) for p in windows["p_limit"]]
    ends = [instant_name(windows["window_start"].iloc[i], zone) for i in (0, -1)]
    parts = [
        _panel(30, "largest kl; red: a threshold is critical", kl, windows["fixed"] > 0),
        _panel(
            30 + PANEL + GAP,
            "smallest p-value of the learnt rule, powers of ten; red: a page; blue: its limit",
            far,
            windows["page"],
            limits,
        ),
    ]
    if kl_limit is not None:
        parts.append(_level(30, kl, kl_limit))
    bottom = 30 + 2 * PANEL + GAP + 18
    parts += [
        f'<text x="{LEFT}" y="{bottom}">{escape(ends[0])}</text>',
        f'<text x="{WIDTH - 10}" y="{bottom}" text-anchor="end">{escape(ends[1])}</text>',
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 12}" '
        f'width="{WIDTH}" role="img" aria-label="windows and what each rule flags">'
        f"<style>{_STYLE}</style>{''.join(parts)}</svg>\n"
    )


def _panel(
    top: int, title: str, values: list[float], flags: pd.Series, limits: list[float] | None = None
) -> str:
    """One panel: a bar for each window, and a dash for its limit."""
    highest, step = _highest(values), (WIDTH - LEFT - 10) / max(1, len(values))
    parts = [
        f'<text class="h" x="{LEFT}" y="{top - 8}">{escape(title)}</text>',
        f'<text x="{LEFT - 8}" y="{top + 10}" text-anchor="end">{grouped(highest)}</text>',
        f'<text x="{LEFT - 8}" y="{top + PANEL}" text-anchor="end">0</text>',
    ]
    for i, (value, flag) in enumerate(zip(values, flags, strict=True)):
        x = LEFT + i * step
        if not math.isnan(value):
            height = max(1.0, PANEL * value / highest)
            colour = COLOURS["flag" if flag else "quiet"]
            parts.append(
                f'<rect x="{x:.1f}" y="{top + PANEL - height:.1f}" width="{max(1, step - 1):.1f}" '
                f'height="{height:.1f}" fill="{colour}"/>'
            )
        if limits is not None and not math.isnan(limits[i]) and limits[i] <= highest:
            y = top + PANEL - PANEL * limits[i] / highest
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{step:.1f}" height="1.5" '
                f'fill="{COLOURS["limit"]}"/>'
            )
    return "".join(parts)


def _level(top: int, values: list[float], limit: float) -> str:
    """The line of one limit, if it lies within a panel."""
    highest = _highest(values)
    if limit > highest:
        return ""
    y = top + PANEL - PANEL * limit / highest
    return (
        f'<rect x="{LEFT}" y="{y:.1f}" width="{WIDTH - LEFT - 10}" height="1.5" '
        f'fill="{COLOURS["limit"]}"/>'
    )


def _highest(values: list[float]) -> float:
    return max((v for v in values if not math.isnan(v)), default=1.0) or 1.0
