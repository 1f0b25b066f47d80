"""Values so close together that a measured number may well be either of them.

A grid of prices that moves by 0.01 has new values only, and yet hardly any drift: a few-valued
number is no set of categories. And whatever the number of values, a double is the same one when its
last bits are those of a sum or of a float of 32 bits, and a time when microseconds are lost. Next
to each value with a cell of its own lie narrow cells; what falls into them is scored as that value.
Whole numbers have none, because they may be codes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Floats, Ints
from kldrift.profiles.support import Keys, NumericSupport, Support, Unit, step

CLOSE_SHARE: Final = 0.01
"""Of the standard deviation, and of the distance of the quartiles: what is no other value."""
SAME_SHARE: Final = 1e-7
"""Of a double, and for 0 of the number next to it: what rounding to 32 bits does to a value."""
SAME_TIME: Final = 1_000
"""Microseconds between two readings of one time."""
HALF_STEP: Final = 0.49
"""Doubles without a fraction may be codes as well: what is nearer to one is no other code."""


def close_values(values: Keys, rows: Ints) -> float:
    """How far apart a few values may lie to be the same one, in their unit; 0 where none may.

    Args:
        values: increasing finite numbers or infinities, shape ``(k,)``.
        rows: of each in the reference.

    Examples:
        >>> round(close_values(np.arange(1.0, 33), np.full(32, 100)), 3)
        0.092
    """
    return CLOSE_SHARE * min(_spreads(values, rows))


def same_values(values: Keys, near: Keys, rows: Ints, unit: Unit) -> Floats:
    """How far a number may lie from each of some values to be that value, written another way.

    Args:
        values: increasing finite keys with cells of their own, shape ``(k,)``.
        near: where all rows of the reference lie, increasing, shape ``(m,)``.
        rows: of each of them.
        unit: what a key stands for.

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
    width = np.where((values == np.rint(values)) & (values != 0), HALF_STEP, np.inf)
    return np.asarray(np.minimum(np.minimum(SAME_SHARE * size, width), most))


def _spreads(values: Keys, rows: Ints) -> tuple[float, float]:
    """The standard deviation, and the distance of the quartiles.

    Where one value has most rows, the quartiles of all others.
    """
    finite = np.isfinite(values) & (rows > 0)
    x, n = values[finite].astype(np.float64), rows[finite]
    if len(x) < 2:
        return 0.0, 0.0
    upto = np.cumsum(n)
    low, high = x[np.searchsorted(upto, [upto[-1] / 4, upto[-1] * 3 / 4])]
    if low == high:
        rest = np.cumsum(np.where(x == low, 0, n))
        low, high = x[np.searchsorted(rest, [rest[-1] / 4, rest[-1] * 3 / 4])]
    scale = float(np.abs(x).max())
    with np.errstate(under="ignore"):
        unit = x / scale
        mean = unit @ (n / upto[-1])
        spread = float(np.sqrt(((unit - mean) ** 2) @ (n / upto[-1]))) * scale
    return spread, float(high / 2 - low / 2) * 2


def beside(values: Keys, close: Floats) -> list[Keys]:
    """Edges of the cells next to each finite value, whatever the others are."""
    wide = np.isfinite(values) & (close >= (1 if values.dtype == np.int64 else 5e-324))
    values, width = values[wide], close[wide].astype(values.dtype)
    with np.errstate(over="ignore"):  # nothing is close to the largest double but itself
        edges = values - width, step(values) + width
    return [side[np.isfinite(side)] for side in edges]


def around(values: Keys, close: float | Floats) -> list[Keys]:
    """Edges of the cells next to each value: as far as values are close, or half way to the next.

    Args:
        values: increasing keys with cells of their own.
        close: how far apart values may lie to be the same one, of all or of each.

    Examples:
        >>> [edges.tolist() for edges in around(np.array([10, 14, 40]), 3.0)]
        [[7, 12, 37], [12, 18, 44]]
        >>> around(np.array([1, 2]), 0.5)
        []
    """
    finite = values[np.isfinite(values)]
    width = np.broadcast_to(close, values.shape)[np.isfinite(values)].astype(finite.dtype)
    if not (width > 0).any():
        return []
    if finite.dtype == np.float64:
        middle = finite[:-1] / 2 + finite[1:] / 2
    else:
        middle = finite[:-1] + (finite[1:] - finite[:-1]) // 2
    with np.errstate(over="ignore"):  # nothing is close to the largest double but itself
        below, above = finite - width, step(finite) + width
    below[1:], above[:-1] = np.maximum(below[1:], middle), np.minimum(above[:-1], middle)
    edges = [below, np.maximum(above, step(finite))]
    return [side[np.isfinite(side)] for side in edges]


def nearest_values(support: Support, reference: Ints) -> NDArray[np.intp] | None:
    """For each stored cell the one that its rows are scored in: the close value, or itself.

    Returns:
        Places, shape ``(support.size,)``; None where no value has close ones.
    """
    if not isinstance(support, NumericSupport) or support.unit not in (Unit.NUMBER, Unit.SECONDS):
        return None
    if support.integral and support.scale == 1:
        return None
    rows, points = reference[1 : support.intervals - 1], support.points[1:-1]
    own = points & (rows > 0)
    if not own.any():
        return None
    lower, upper = support.edges[:-1], support.edges[1:]
    values, cells = lower[own], np.flatnonzero(own) + 1
    same = same_values(values, lower, rows, support.unit)
    close = same
    if support.unit is Unit.NUMBER and not (rows[~own] > 0).any():
        close = np.maximum(same, close_values(values, rows[own]))
    if support.integral:
        close = np.floor(close)
    if not (close > 0).any():
        return None
    at = np.clip(np.searchsorted(values, lower), 0, len(values) - 1)
    place = np.arange(support.size)
    inner = place[1 : support.intervals - 1]
    if (np.diff(values) <= same[1:]).any():
        apart = np.abs(values[:, None] - values)
        cells = cells[np.where(apart <= same, rows[own], 0).argmax(-1)]
        inner[own] = cells
    for value in (np.maximum(at - 1, 0), at):
        with np.errstate(over="ignore"):  # infinitely far is far
            far = np.maximum(np.abs(lower - values[value]), np.abs(upper - values[value]))
        near = ~own & (far <= close[value] * (1 + 1e-6) + (1 if support.integral else 0))
        inner[near] = cells[value[near]]
    return place if (place != np.arange(support.size)).any() else None
