"""Differences of two cumulative distributions: what the ordered divergences measure."""

from __future__ import annotations

import numpy as np

from kldrift.arrays import Floats
from kldrift.divergence.near_equal import difference, difference_of_products


def cdf_difference(p: Floats, q: Floats) -> Floats:
    """Return ``P - Q`` at the upper end of each cell, shape ``(..., k)``; the last is 0.

    It is the mass gained below and also the mass lost above. The smaller of the two sums is
    taken: where p and q agree in a tail, rounding from the other side does not reach it, and a
    far-away overflow cell does not multiply it.
    """
    return _cumulated(difference(p, q))


def empirical_cdf_difference(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return all values in order and ``F - G`` at each of them, computed from whole numbers."""
    values = np.sort(np.concatenate([x, y]))
    not_above_x, not_above_y = (
        np.asarray(np.searchsorted(np.sort(side), values, side="right"), dtype=np.float64)
        for side in (x, y)
    )
    n, m = np.float64(x.size), np.float64(y.size)
    return values, share_difference(not_above_x, n, not_above_y, m)


def weighted_cdf_difference(
    x: Floats, y: Floats, x_weights: Floats, y_weights: Floats
) -> tuple[Floats, Floats]:
    """Return the different values in order and ``F - G`` at each of them.

    Args:
        x: current values, shape ``(n,)``.
        y: reference values, shape ``(m,)``.
        x_weights: of each x, finite, not negative, not all 0.
        y_weights: of each y.
    """
    values, cell = np.unique(np.concatenate([x, y]), return_inverse=True)
    p, q = (
        np.asarray(np.bincount(cells, _scaled(weights), len(values)), dtype=np.float64)
        for cells, weights in ((cell[: x.size], x_weights), (cell[x.size :], y_weights))
    )
    n, m = np.float64(p.sum()), np.float64(q.sum())
    gained = share_difference(p, n, q, m)
    return values, _cumulated(gained - q / m * gained.sum())  # the totals are rounded


def share_difference(a: Floats, n: np.float64, b: Floats, m: np.float64) -> Floats:
    """Return ``a / n - b / m``, exact to rounding also where the shares are nearly equal."""
    return np.asarray(difference_of_products(a, np.asarray(m), b, np.asarray(n)) / (n * m))


def _scaled(weights: Floats) -> Floats:
    """The weights divided by a power of two, so that no product of sums overflows."""
    return np.asarray(np.ldexp(weights, -np.frexp(weights.max())[1]))


def _cumulated(gained: Floats) -> Floats:
    below = np.cumsum(gained, axis=-1)
    above = np.zeros_like(below)
    above[..., :-1] = np.cumsum(gained[..., :0:-1], axis=-1)[..., ::-1]
    return np.where(np.abs(below) <= np.abs(above), below, -above)
