"""The sentences of reasons: the threshold, the cells that moved, values far out."""

from __future__ import annotations

import calendar
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from kldrift.profiles.cells import Cell, CellKind
from kldrift.profiles.close_values import CLOSE_SHARE
from kldrift.profiles.number_text import grouped, length_of_time, percent, plain
from kldrift.profiles.support import TIMES, NumericSupport, Support, Unit, step
from kldrift.scoring.metrics import Threshold
from kldrift.scoring.name_sentences import UNSEEN, WITHOUT_CELL
from kldrift.scoring.threshold import Severity

LEAST_Q: Final = 1e-12
EXACT: Final = 2**53
"""Up to which bounds of cells, which are doubles, are those of the keys."""
MANY: Final = 100
"""A range of times of more seconds is written without fractions of these; of lengths of time, one
of more minutes or hours likewise."""
NOTHING: Final = 1e-7
"""Of the width of a bin, what a bound may be from zero and is written as zero."""
WEEKDAYS: Final = {str(number): name for number, name in enumerate(calendar.day_name)}
Range = tuple[float, float]
"""The smallest and the largest value."""


def above(
    metric: str,
    score: float,
    severity: Severity,
    threshold: Threshold,
    q_value: float,
    interval: Range | None = None,
) -> str:
    """The sentence about the threshold that was exceeded and the evidence.

    Examples:
        >>> above("kl", 0.138, Severity.WARNING, Threshold(0.1, 0.25), 1e-40, (0.118, 0.157))
        'kl 0.138 (0.118 to 0.157) is above warning 0.1, q < 1e-12'
    """
    if threshold.warning is None:  # a row that is still learning is a warning all the same
        severity = Severity.CRITICAL
    limit = threshold.critical if severity is Severity.CRITICAL else threshold.warning
    assert limit is not None
    size = grouped(score)
    if interval is not None:
        size += f" ({grouped(interval[0])} to {grouped(interval[1])})"
    return f"{metric} {size} is above {severity.value} {grouped(limit, 6)}, q {certainty(q_value)}"


def beyond_history(kl: float, limit: float, p_value: float, windows: float) -> str:
    """The sentence about a window that is far from those before it.

    Examples:
        >>> beyond_history(0.031, 0.012, 2e-7, 61.0)
        'kl 0.031 from the 61 windows before it, whose limit is 0.012, p 2e-07'
    """
    before = f"the {windows:.0f} windows before it, whose limit is {grouped(limit)}"
    return f"kl {grouped(kl)} from {before}, p {certainty(p_value)}"


def certainty(q_value: float) -> str:
    """A q-value with its relation sign; very small ones are cut off at a bound.

    Examples:
        >>> certainty(0.00123), certainty(0.0)
        ('0.001', '< 1e-12')
    """
    return f"< {LEAST_Q:g}" if q_value < LEAST_Q else f"{q_value:.1g}"


def extremes(gaussian: float, current: Range, reference: Range, support: Support) -> str:
    """The sentence that few values far out moved the moments."""
    ends = mean_texts(support, *current, *reference)
    return (
        f"the values are from {ends[0]} to {ends[1]}, and from {ends[2]} to {ends[3]} in the "
        f"reference; few rows far out make gaussian_kl {grouped(gaussian)}"
    )


def most_moved(names: Sequence[str], before: Sequence[float], now: Sequence[float]) -> str:
    """The sentence about the cells that changed most; empty if the shares of all are as before."""
    cells = zip(names, before, now, strict=True)
    moved = [f"{name} ({percent(x)} -> {percent(y)})" for name, x, y in cells if x != y]
    return f"moved most: {', '.join(moved)}" if moved else ""


def stored_cell_name(
    cell: Cell, support: Support, *, seen: bool = True, weekday: bool = False
) -> str:
    """The name of a cell for a reader; days of the week have names, 0 being Monday."""
    if isinstance(support, NumericSupport):
        return _number_name(cell, support, weekday=weekday)
    if cell.kind is CellKind.OTHER and not seen:
        return UNSEEN
    if cell.kind is CellKind.NEVER_SEEN and seen:
        return WITHOUT_CELL  # the reference is of other windows than those that chose the cells
    return cell_text(cell)


def _number_name(cell: Cell, support: NumericSupport, *, weekday: bool) -> str:
    """The name of a cell of numbers or times: with values as they are written, not with edges."""
    if cell.kind in (CellKind.UNDERFLOW, CellKind.OVERFLOW):
        return beyond_text(support, upper=cell.kind is CellKind.OVERFLOW, weekday=weekday)
    if cell.kind is CellKind.BIN and support.integral:
        return _range_text(cell, support)
    if cell.kind is CellKind.VALUE and weekday and str(cell.label) in WEEKDAYS:
        return WEEKDAYS[str(cell.label)]
    edges = support.edges[:0] if support.integral else support.edges[1:-1]
    if cell.kind is CellKind.BIN and cell.lower is not None and len(edges):
        lower = _outermost(support)[0] if cell.lower == edges[0] else cell.lower
        cell = replace(cell, lower=lower)
    return cell_text(cell)


def beyond_text(support: NumericSupport, *, upper: bool, weekday: bool = False) -> str:
    """Where numbers lie that are larger, or smaller, than all that the reference has."""
    value = value_text(support, _outermost(support)[upper])
    if weekday and value in WEEKDAYS:
        day = WEEKDAYS[value]
        return f"after {day}, the reference's last" if upper else f"before {day}, its first"
    return (
        f"above {value}, the reference's largest"
        if upper
        else f"below {value}, the reference's smallest"
    )


def _range_text(cell: Cell, support: NumericSupport) -> str:
    """The first and the last value of a bin of times or exact numbers."""
    assert cell.lower is not None
    assert cell.upper is not None
    low, behind = (round(bound * support.scale) for bound in (cell.lower, cell.upper))
    if max(abs(low), abs(behind)) >= EXACT:
        return cell_text(cell)
    if support.unit in (Unit.SECONDS, Unit.CLOCK, Unit.DURATION):
        if whole := _whole_seconds(support.unit, (behind - low) / support.scale) * support.scale:
            low, behind = (key // whole * whole for key in (low, behind))
        return f"{support.text(low)} to {support.text(behind)}"
    text = str if support.unit is Unit.UNSIGNED else support.text
    return " to ".join(dict.fromkeys(text(key) for key in (low, behind - 1)))


def _whole_seconds(unit: Unit, width: float) -> int:
    """The seconds whose multiples are enough to tell a range of so many; 0 for fractions."""
    sizes = (86_400, 3_600, 60, 1) if unit is Unit.DURATION else (1,)
    return next((size for size in sizes if width > MANY * size), 0)


def _outermost(support: NumericSupport) -> tuple[Any, Any]:
    """The reference's smallest and largest key, which a cell of close values may lie beyond."""
    edges = support.edges if support.integral else support.edges[1:-1]
    last = edges[-1] - 1 if support.integral else np.nextafter(edges[-1], -np.inf)
    if len(edges) < 4:
        return edges[0], last
    first, end = edges[[0, -1]].tolist()

    def inside(four: Any, *, upper: bool) -> bool:
        below, value, behind, above = four.tolist()
        alone = behind == step(four[1:2])[0]
        beside = below != value - (1 if support.integral else 0)  # or it is the next whole number
        inner, outer = (value - below, above - behind)[:: 1 if upper else -1]
        # The inner side may end half way to the next value.
        narrow = inner < outer <= CLOSE_SHARE * (end - first)
        return alone and beside and (narrow or math.isclose(inner, outer, rel_tol=1e-6))

    smallest = edges[1] if inside(edges[:4], upper=False) else edges[0]
    return smallest, edges[-3] if inside(edges[-4:], upper=True) else last


def value_text(support: NumericSupport, key: Any) -> str:
    """A key of a support of numbers or times, for a reader.

    Examples:
        >>> numbers = NumericSupport(np.array([0.0, 1.0]))
        >>> value_text(numbers, 299806.094370783), value_text(numbers, 0.99999999)
        ('299806.1', '0.99999999')
    """
    if support.integral:
        return support.text(key)
    # Not rounded to a whole number that it is not: nothing is above a largest share of 1.
    digits = (d for d in range(6, 15) if not float(f"{key:.{d}g}").is_integer())
    return plain(float(key), next(digits, 15))


def mean_texts(support: Support, *means: float) -> tuple[str, ...]:
    """Means of numbers or times, for a reader; of points in time without fractions of a second."""
    digits = digits_apart(min(means), max(means), least=4) if len(means) > 1 else 15
    if isinstance(support, NumericSupport) and support.unit is Unit.DURATION:
        width = max(means) - min(means) if len(means) > 1 else 0.0
        wholes = (_whole_seconds(support.unit, min(10 * width, abs(mean))) for mean in means)
        exact = (
            round(mean / whole) * whole if whole else float(plain(mean, digits))
            for mean, whole in zip(means, wholes, strict=True)
        )
        return tuple(length_of_time(amount) for amount in exact)
    if isinstance(support, NumericSupport) and support.unit in TIMES:
        return tuple(support.text(round(mean) * support.scale) for mean in means)
    return tuple(plain(mean, digits) for mean in means)


def _interval(lower: float, upper: float) -> str:
    """Two bounds, with as many digits as it takes to tell them apart."""
    digits, least = digits_apart(lower, upper, least=5), NOTHING * (upper - lower)
    bounds = (plain(b if abs(b) > least else 0.0, digits) for b in (lower, upper))
    return " to ".join(dict.fromkeys(bounds))


def digits_apart(lower: float, upper: float, *, least: int) -> int:
    """How many digits tell two numbers apart."""
    width, largest = upper - lower, max(abs(lower), abs(upper))
    digits = math.ceil(math.log10(largest / width)) + 2 if 0 < width < largest else 0
    return min(17, max(least, digits))


def cell_text(cell: Cell) -> str:
    """The name of a cell for a reader."""
    if cell.kind is CellKind.CATEGORY:
        return repr(cell.label)
    if cell.kind is CellKind.VALUE:
        return str(cell.label)
    if cell.kind is CellKind.BIN:
        assert cell.lower is not None
        assert cell.upper is not None
        return _interval(cell.lower, cell.upper)
    if cell.kind is CellKind.UNDERFLOW:
        assert cell.upper is not None
        return f"below {plain(cell.upper, 5)}, the reference's smallest"
    if cell.kind is CellKind.OVERFLOW:
        assert cell.lower is not None
        return f"above {plain(cell.lower, 5)}, the reference's largest"
    named = f": {cell.label}" if cell.label else ""
    return {
        CellKind.OTHER: "all other values",
        CellKind.NEVER_SEEN: f"{UNSEEN}{named}",
        CellKind.NAN: "NaN",
        CellKind.NULL: "null",
        CellKind.NEGATIVE_INFINITY: "-infinity",
        CellKind.POSITIVE_INFINITY: "+infinity",
    }[cell.kind]
