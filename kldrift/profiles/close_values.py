"""Values so close together that a measured number may well be either of them.

A grid of prices that moves by 0.01 has new values only, and yet hardly any drift: a few-valued
number is no set of categories. And whatever the number of values, a double is the same one when its
last bits are those of a sum or of a float of 32 bits, and a time when microseconds are lost. Next
to each value with a cell of its own lie narrow cells; what falls into them is scored as that value.
Whole numbers have none, because they may be codes; but on a wide grid, as prices in cents, those
next to a value are none.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Floats, Ints
from kldrift.profiles.support import Keys, NumericSupport, Support, Unit, step

CLOSE_SHARE: Final = 0.03
"""Of the standard deviation, and of the distance of the quartiles: what is no other value."""
SAME_SHARE: Final = 1e-7
"""Of a double, and for 0 of the number next to it: what rounding to 32 bits does to a value."""
SAME_TIME: Final = 1_000
"""Microseconds between two readings of one time."""
TOLERANCE: Final = 1.1
"""The spread of a reference is known better when its support is chosen than from its cells."""
OF_GRID: Final = 0.005
"""Of the step of a grid that all whole numbers lie on, what is no other value: 200 and 201 are."""
FEWEST_OF_GRID: Final = 4
"""Fewer values lie on a grid by chance, or because they are codes."""
QUARTILES: Final = np.array([0.25, 0.75])
HALF_STEP: Final = 0.49
"""Numbers without a fraction may be codes as well: what is nearer to one is no other code."""


def close_values(values: Keys, near: Keys, rows: Ints, scale: int = 1) -> Floats:
    """How far a number without a reference row may lie from each of some values to be that value.

    Nothing is close to 0, which mostly stands for nothing.

    Args:
        values: keys with cells of their own, shape ``(k,)``.
        near: where all rows of the reference lie, increasing, shape ``(m,)``.
        rows: of each of them.
        scale: keys per unit.

    Examples:
        >>> x = np.arange(1.0, 33)
        >>> close_values(x[:2], x, np.full(32, 100)).round(3)
        array([0.277, 0.277])
        >>> cents = np.array([999, 1999, 2999, 4999])
        >>> close_values(cents, cents, np.full(4, 100)).tolist()
        [5.0, 5.0, 5.0, 5.0]
        >>> close_values(cents[:3], cents[:3], np.full(3, 100)).tolist()
        [0.0, 0.0, 0.0]
    """
    most = np.minimum(CLOSE_SHARE * min(_spreads(near, rows)), _room(values, scale))
    if values.dtype == np.int64 and scale == 1:
        there = near[rows > 0]
        step_of_grid = np.gcd.reduce(_apart(there[1:], there[:-1]))
        most = np.minimum(most, OF_GRID * step_of_grid * (len(there) >= FEWEST_OF_GRID))
    return np.where(values != 0, most, 0.0)


def same_values(values: Keys, near: Keys, rows: Ints, unit: Unit) -> Floats:
    """How far a number may lie from each of some values to be that value, written another way.

    The arguments are those of :func:`close_values`; ``unit`` is what a key stands for.

    Returns:
        Shape ``(k,)``; 0 for whole numbers and decimals, which are exact.

    Examples:
        >>> prices = np.array([0.0, 19.99, 30.0])
        >>> same_values(prices, prices, np.full(3, 100), Unit.NUMBER)
        array([1.999e-06, 1.999e-06, 3.000e-06])
    """
    if not len(values):
        return np.empty(0)
    most = CLOSE_SHARE * min((s for s in _spreads(near, rows) if s > 0), default=np.inf)
    if unit is Unit.SECONDS:
        return np.full(len(values), min(SAME_TIME, most))
    if unit is not Unit.NUMBER or values.dtype != np.float64:
        return np.zeros(len(values))
    size = abs(values)
    if not size.all():
        others = abs(near[(near != 0) & (rows > 0)])
        size[size == 0] = others.min() if len(others) else 0.0
    return np.asarray(np.minimum(np.minimum(SAME_SHARE * size, _room(values)), most))


def _room(values: Keys, scale: int = 1) -> Floats:
    """How far each value may reach at most: those without a fraction may be codes as well."""
    if values.dtype == np.float64:
        whole = values == np.rint(values)
    else:
        whole = (values % scale == 0) & (scale > 1)
    return np.where(whole & (values != 0), HALF_STEP * scale, np.inf)


def _apart(some: Keys, others: Keys) -> Any:
    """How far numbers are apart; of whole numbers this may be more than their type holds."""
    apart = np.maximum(some, others) - np.minimum(some, others)
    return apart.view(np.uint64) if apart.dtype == np.int64 else apart


def _spreads(values: Keys, rows: Ints) -> tuple[float, float]:
    """The standard deviation, and the larger distance of quartiles, with and without the mode."""
    finite = np.isfinite(values) & (rows > 0)
    x, n = values[finite].astype(np.float64), rows[finite]
    if len(x) < 2:
        return 0.0, 0.0
    scale = float(np.abs(x).max())
    with np.errstate(under="ignore"):
        unit, shares = x / scale, n / n.sum()
        mean = unit @ shares
        spread = float(np.sqrt(((unit - mean) ** 2) @ shares)) * scale
    sides = [np.cumsum(rows) for rows in (n, np.where(n == n.max(), 0, n))]
    low, high = np.array([x[np.searchsorted(s, s[-1] * QUARTILES)] for s in sides]).T
    return spread, float((high / 2 - low / 2).max()) * 2


def beside(values: Keys, close: Floats) -> list[Keys]:
    """Edges of the cells next to each finite value, whatever the others are."""
    wide = np.isfinite(values) & (close >= (1 if values.dtype == np.int64 else 5e-324))
    values, width = values[wide], close[wide].astype(values.dtype)
    with np.errstate(over="ignore"):  # nothing is close to the largest double but itself
        edges = values - width, step(values) + width
    return [side[np.isfinite(side)] for side in edges]


def around(lows: Keys, highs: Keys, own: Bools, same: Floats, close: Floats) -> list[Keys]:
    """Edges of the cells next to each value: as far as values are close, or half way to the next.

    Args:
        lows: the smallest of each range of values that the reference has, increasing.
        highs: the largest of each.
        own: the ranges that are one value, with a cell of its own.
        same: how far a number may lie from each of these to be that value, whatever is next to it.
        close: how far, where the reference has no other value.

    Examples:
        >>> x, every = np.array([10, 14, 40]), np.full(3, True)
        >>> [edges.tolist() for edges in around(x, x, every, np.zeros(3), np.full(3, 3.0))]
        [[7, 12, 37], [12, 18, 44]]
        >>> around(x, x, every, np.zeros(3), np.full(3, 0.5))
        []
    """
    whole = lows.dtype == np.int64
    values, least = lows[own], 1 if whole else 5e-324
    if np.maximum(close, same).max(initial=0.0) < least:
        return []
    middle = highs[:-1] + (
        lows[1:] // 2 - highs[:-1] // 2 if whole else lows[1:] / 2 - highs[:-1] / 2
    )
    ends = np.array([-1, 1]) * (np.iinfo(np.int64).max if whole else np.inf)
    before, behind = np.append(ends[0], middle)[own], np.append(middle, ends[1])[own]
    far, same = close.astype(values.dtype), same.astype(values.dtype)
    with np.errstate(over="ignore"):  # nothing is close to the largest double but itself
        below = np.minimum(np.maximum(values - far, before), values - same)
        above = np.maximum(np.minimum(step(values) + far, behind), step(values) + same)
    return [side[np.isfinite(side)] for side in (below, above)]


def nearest_values(support: Support, reference: Ints) -> NDArray[np.intp] | None:
    """For each stored cell the one that its rows are scored in: the close value, or itself.

    Returns:
        Places, shape ``(support.size,)``; None where no value has close ones.
    """
    if not isinstance(support, NumericSupport) or support.unit in (Unit.DAYS, Unit.UNSIGNED):
        return None
    rows, points = reference[1 : support.intervals - 1], support.points[1:-1]
    own = points & (rows > 0)
    if not own.any():
        return None
    lower, upper = support.edges[:-1], support.edges[1:]
    values, cells = lower[own], np.flatnonzero(own) + 1
    same = same_values(values, lower, rows, support.unit)
    close = same
    if support.unit is not Unit.SECONDS:
        close = np.maximum(same, TOLERANCE * close_values(values, lower, rows, support.scale))
    at = np.clip(np.searchsorted(values, lower), 0, len(values) - 1)
    place = np.arange(support.size)
    inner = place[1 : support.intervals - 1]
    sides = np.stack([np.maximum(at - 1, 0), at])
    with np.errstate(over="ignore"):  # infinitely far is far
        if (_apart(values[1:], values[:-1]) <= same[1:]).any():
            apart = _apart(values[:, None], values)
            cells = cells[np.where(apart <= same, rows[own], 0).argmax(-1)]
            inner[own] = cells
        far = np.maximum(_apart(lower, values[sides]), _apart(upper, values[sides]))
    nearer = far.argmin(0)[None]
    value, far = (np.take_along_axis(x, nearer, 0)[0] for x in (sides, far))
    most = np.where(rows > 0, same[value] * (1 + 1e-6), close[value])
    near = ~own & (far <= most + (1 if support.integral else 0))
    inner[near] = cells[value[near]]
    return place if (place != np.arange(support.size)).any() else None
