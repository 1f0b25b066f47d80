"""The exponential integral E1 of many positive numbers at once.

The bias of an estimate needs it for every cell with few rows. A continued fraction takes a tenth of
a microsecond for each, which was half of what it took to score 1,000 segments.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from scipy.special import exp1

from kldrift.arrays import Floats

STEPS: Final = 128
"""Points for each unit of the argument."""
FARTHEST: Final = 40
"""E1 is below 2e-19 from here on, and taken to be 0."""


def e1(x: Floats) -> Floats:
    """The integral of exp(-t) / t from x to infinity, with an absolute error below 1e-11.

    E1(x) = Ein(x) - ln x - gamma, where Ein has no singularity: it is taken from a table, by a
    Taylor series of third order about the nearest point.

    Args:
        x: 0 or more; shape ``(n,)``. At 0 the integral is infinite.

    Examples:
        >>> e1(np.array([0.5, 1.0, 50.0]))
        array([0.55977359, 0.21938393, 0.        ])
    """
    ein, slope, bend, twist = _table()
    inside = np.minimum(x, FARTHEST)
    at = np.rint(inside * STEPS)
    away = inside - at / STEPS
    at = at.astype(np.intp)
    with np.errstate(divide="ignore"):
        values = ein[at] - np.log(inside)
    values += away * (slope[at] + away * (bend[at] + away * twist[at]))
    return np.asarray(np.where(x < FARTHEST, values, 0.0))


@cache
def _table() -> tuple[Floats, Floats, Floats, Floats]:
    """Ein - gamma at all points, and its Taylor coefficients of order 1 to 3."""
    x = np.arange(1, FARTHEST * STEPS + 1) / STEPS
    ein, decay = exp1(x) + np.log(x), np.exp(-x)
    slope = -np.expm1(-x) / x
    second = (decay - slope) / x
    third = (-decay - 2 * second) / x
    at_zero = (-np.euler_gamma, 1.0, -1 / 4, 1 / 18)
    series = (ein, slope, second / 2, third / 6)
    parts = [np.concatenate([[first], each]) for first, each in zip(at_zero, series, strict=True)]
    return parts[0], parts[1], parts[2], parts[3]
