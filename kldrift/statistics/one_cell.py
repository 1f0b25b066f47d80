"""Is one cell alone, against all others, further from the reference than a limit allows?

A value that the reference hardly ever had has a share there of which only an upper bound is known.
No normal distribution describes that, but the tails of two binomial distributions do.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import rel_entr

from kldrift.arrays import Floats

STEPS: Final = 24
"""Halvings of an interval: shares to 7 digits of the largest one."""


def one_cell_p(x: Floats, n: Floats, y: Floats, m: Floats, limit: Floats) -> Floats:
    """Bound of the p-value of "the divergence of one cell and the rest is above the limit".

    With ``d(a, b)`` the divergence of two shares, a share p has x of n rows or more with
    probability ``exp(-n d(x / n, p))`` at most, likewise q y of m rows or fewer [1]. Of all p and q
    with ``d(p, q) = limit`` the least unlikely has both equal, which is why twice that is a bound.
    Merging cells never adds divergence, so it also holds for all cells. The limit is in nats, above
    0.

    Returns:
        At most 1, shape ``(r,)``; 1 where the cell lost rows.

    References:
        [1] Hoeffding, W. (1963). Probability inequalities for sums of bounded random variables.
            Journal of the American Statistical Association 58(301), 13-30.

    Examples:
        >>> rows = [np.array([v], dtype=float) for v in (60, 1_000, 0, 1_000)]
        >>> [f"{one_cell_p(*rows, np.array([limit]))[0]:.0g}" for limit in (0.03, 0.1)]
        ['0.002', '0.3']
    """
    share, usual = x / n, y / m
    low, high = np.minimum(usual, share), share.copy()
    for _ in range(STEPS):
        p = (low + high) / 2
        q = _nearest(p, limit)
        current = n * _d(share, p)
        reference = np.where(q > usual, m * _d(usual, q), 0.0)
        larger = current > reference
        low, high = np.where(larger, p, low), np.where(larger, high, p)
    possible = (share > usual) & (_d(share, usual) > limit)
    exponent = np.where(possible, np.minimum(current, reference), 0.0)
    return np.asarray(np.minimum(1.0, 2 * np.exp(-exponent)))


def _d(a: Floats, b: Floats) -> Floats:
    return np.asarray(rel_entr(a, b) + rel_entr(1 - a, 1 - b))


def _nearest(p: Floats, limit: Floats) -> Floats:
    """The largest share below p whose divergence from p is the limit, found on a log scale."""
    low, high = np.full(p.shape, -60.0), np.zeros(p.shape)
    for _ in range(STEPS):
        middle = (low + high) / 2
        far = _d(p, p * np.exp(middle)) > limit
        low, high = np.where(far, middle, low), np.where(far, high, middle)
    return np.asarray(p * np.exp(low))
