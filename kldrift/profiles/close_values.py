"""Values so close together that a measured number may well be either of them.

A grid of prices that moves by 0.01 has new values only, and yet hardly any drift: a few-valued
number is no set of categories. Next to each of its values lie narrow cells; what falls into them is
scored as that value. Whole numbers have none, because they may be codes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.profiles.support import Keys, NumericSupport, Support, Unit, step

CLOSE: Final = 0.01
"""Of the standard deviation, and of the distance of the quartiles: what is no other value."""


def close_values(values: Keys, rows: NDArray[np.int64]) -> float:
    """How far apart values may lie to be the same one, in their unit; 0 where none may.

    Args:
        values: increasing finite numbers or infinities, shape ``(k,)``.
        rows: of each in the reference.

    Examples:
        >>> round(close_values(np.arange(1.0, 33), np.full(32, 100)), 3)
        0.092
    """
    finite = np.isfinite(values) & (rows > 0)
    x, n = values[finite].astype(np.float64), rows[finite]
    if len(x) < 2:
        return 0.0
    upto = np.cumsum(n)
    low, high = x[np.searchsorted(upto, [upto[-1] / 4, upto[-1] * 3 / 4])]
    scale = float(np.abs(x).max())
    with np.errstate(under="ignore"):
        unit = x / scale
        mean = unit @ (n / upto[-1])
        spread = float(np.sqrt(((unit - mean) ** 2) @ (n / upto[-1]))) * scale
    return CLOSE * min(spread, float(high / 2 - low / 2) * 2)


def around(values: Keys, close: float) -> list[Keys]:
    """Edges of the cells next to each value: as far as values are close, or half way to the next.

    Args:
        values: increasing keys with cells of their own.
        close: how far apart values may lie to be the same one.

    Examples:
        >>> [edges.tolist() for edges in around(np.array([10, 14, 40]), 3.0)]
        [[7, 12, 37], [12, 18, 44]]
        >>> around(np.array([1, 2]), 0.5)
        []
    """
    finite = values[np.isfinite(values)]
    width = finite.dtype.type(close)
    if not width > 0:
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


def nearest_values(support: Support, reference: NDArray[np.int64]) -> NDArray[np.intp] | None:
    """For each stored cell the one that its rows are scored in: the close value, or itself.

    Args:
        support: the stored cells.
        reference: rows of the whole reference in each of them.

    Returns:
        Places, shape ``(support.size,)``; None where no value has close ones.
    """
    if not isinstance(support, NumericSupport) or support.unit is not Unit.NUMBER:
        return None
    if support.integral and support.scale == 1:
        return None
    inner = reference[: support.intervals]
    own = support.points & (inner > 0)
    if not own[1:-1].any() or (inner[1:-1][~own[1:-1]] > 0).any():
        return None
    values = support.edges[np.flatnonzero(own) - 1]
    close = close_values(values, inner[own])
    if not around(values[:1], close):
        return None
    lower, upper = support.edges[:-1], support.edges[1:]
    at = np.clip(np.searchsorted(values, lower), 0, len(values) - 1)
    place = np.arange(support.size)
    cells = np.flatnonzero(own)
    for value in (np.maximum(at - 1, 0), at):
        with np.errstate(over="ignore"):  # infinitely far is far
            far = np.maximum(np.abs(lower - values[value]), np.abs(upper - values[value]))
        near = ~own[1:-1] & (far <= close * (1 + 1e-6) + (1 if support.integral else 0))
        place[1 : support.intervals - 1][near] = cells[value[near]]
    return place if (place != np.arange(support.size)).any() else None
