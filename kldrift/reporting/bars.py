"""From a feature's cells to the bars of its chart: names, shares, widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from kldrift.reporting.cell_names import cell_name
from kldrift.reporting.figures import shown
from kldrift.reporting.json_values import Row

ASIDE: Final = {
    "negative_infinity": "-∞",
    "underflow": "<",
    "overflow": ">",
    "positive_infinity": "∞",
    "nan": "NaN",
    "null": "null",
    "never_seen": "new",
}
"""Cells without a place among the values, and what stands below their bars."""
BEFORE: Final = ("negative_infinity", "underflow")
MOST_BARS: Final = 24
"""Categories with a bar of their own; the others are one bar."""
NARROWEST: Final = 2.5
"""Pixels of a bar."""
WIDEST: Final = 0.2
"""Share of the room for values that one bin takes at most."""
LONGEST: Final = 40
"""Letters of a name."""
GAP, SIDE_BAR, VALUE_BAR = 8.0, 22.0, 60.0
"""Pixels between groups of bars; of a bar aside, and of one value, at most."""


@dataclass(frozen=True)
class Bar:
    """A cell, or several of them.

    Attributes:
        below: what stands below it; empty for nothing.
        adds: what it adds to ``kl``, in nats.
        lower: where the bin begins; None for what is no bin.
        ends: the bounds of a bin of times, as text.
    """

    name: str
    below: str
    then: float
    now: float
    adds: float = 0.0
    lower: float | None = None
    upper: float | None = None
    x: float = 0.0
    width: float = 0.0
    aside: bool = False
    ends: tuple[str, ...] = ()

    @property
    def range(self) -> float:
        """The true width of a bin; 0 for a value."""
        return 0.0 if self.lower is None or self.upper is None else self.upper - self.lower


def scored(cells: Sequence[Row]) -> list[Row]:
    """The cells that take part in the score, in their order."""
    return sorted((c for c in cells if c["contribution"] is not None), key=lambda c: c["cell"])


def totals(cells: Sequence[Row]) -> tuple[int, int]:
    """Rows in some cells, then and now; at least 1."""
    then, current = (sum(c[f"rows_{side}"] for c in cells) for side in ("reference", "current"))
    return then or 1, current or 1


def bars_of(feature: str, cells: Sequence[Row], width: int) -> list[Bar]:
    """The bars of a feature's scored cells, from left to right, within a width in pixels."""
    rows = totals(cells)
    main = [_bar(feature, c, rows) for c in cells if c["cell_kind"] not in ASIDE]
    if all(c["cell_kind"] in ("category", "other") for c in cells if c["cell_kind"] not in ASIDE):
        main = _most_frequent(main)
    sides = {
        before: [
            _bar(feature, c, rows)
            for c in cells
            if c["cell_kind"] in ASIDE and (c["cell_kind"] in BEFORE) == before
        ]
        for before in (True, False)
    }
    groups = [group for group in (sides[True], main, sides[False]) if group]
    return _placed(groups, width, _step([c for c in cells if c["cell_kind"] not in ASIDE]))


def _step(cells: Sequence[Row]) -> float:
    """How far values are from the next, 1 for whole numbers; 0 where none are neighbours."""
    pairs = ((a, b) for a, b in pairwise(cells) if a["cell_kind"] == b["cell_kind"] == "value")
    return min((b["lower"] - a["lower"] for a, b in pairs), default=0.0)


def _bar(feature: str, cell: Row, rows: tuple[int, int]) -> Bar:
    kind, bounded = cell["cell_kind"], cell["cell_kind"] == "bin"
    below = ASIDE.get(kind, "")
    if kind in ("value", "category"):
        below = cell_name(cell, feature) if kind == "value" else str(cell["label"])
    return Bar(
        shown(cell_name(cell, feature), LONGEST),
        below[:LONGEST],
        cell["rows_reference"] / rows[0],
        cell["rows_current"] / rows[1],
        cell["contribution"],
        cell["lower"] if bounded else None,
        cell["upper"] if bounded else None,
        aside=kind in ASIDE,
        ends=tuple(cell["label"].split(" to ")) if bounded and cell.get("label") else (),
    )


def _most_frequent(bars: Sequence[Bar]) -> list[Bar]:
    """Categories by their share of the reference; those that are rare on both sides as one bar."""
    named = sorted((b for b in bars if b.below), key=lambda b: -max(b.then, b.now))
    rest = [b for b in bars if not b.below]
    if len(named) > MOST_BARS:
        named, rest = named[: MOST_BARS - 1], [*rest, *named[MOST_BARS - 1 :]]
    named.sort(key=lambda b: -b.then)
    if not rest:
        return named
    name = rest[0].name if len(rest) == 1 else "all other values"
    then, current, adds = (sum(getattr(b, part) for b in rest) for part in ("then", "now", "adds"))
    return [*named, Bar(name, "other", then, current, adds)]


def _placed(groups: Sequence[Sequence[Bar]], width: int, step: float) -> list[Bar]:
    """The bars with their pixels; those of bins are as wide as their range, within bounds."""
    aside = sum(b.aside for group in groups for b in group)
    values = [b for group in groups for b in group if not b.aside]
    room = width - GAP * (len(groups) - 1)
    one = min(SIDE_BAR, room / (3 if values else 1) / aside) if aside else 0.0
    pixels = iter(_pixels(values, room - aside * one, step))
    placed, x = list[Bar](), 0.0
    for group in groups:
        for bar in group:
            wide = one if bar.aside else next(pixels)
            placed.append(replace(bar, x=x, width=wide))
            x += wide
        x += GAP
    return placed


def _pixels(values: Sequence[Bar], room: float, step: float) -> list[float]:
    """Pixels of bars among the values."""
    ranges = sorted(b.range for b in values if b.range)
    if not ranges:
        return [min(room / max(1, len(values)), VALUE_BAR)] * len(values)
    usual = ranges[len(ranges) // 2]  # of a bin that is open
    open_bin = [b.below == "" and not b.range for b in values]
    wide = [usual if o else b.range or step for o, b in zip(open_bin, values, strict=True)]
    least = min(NARROWEST, room / len(wide))
    most = max(WIDEST, 2.5 / len(wide)) * room

    def bounded(scale: float) -> list[float]:
        return [min(most, max(least, w * scale)) for w in wide]

    low, high = 0.0, room / ranges[0]
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(bounded(middle)) < room else (low, middle)
    return bounded(high)
