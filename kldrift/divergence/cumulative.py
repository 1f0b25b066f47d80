"""Differences of two cumulative distributions: what the ordered divergences measure."""

from __future__ import annotations

import numpy as np

from kldrift.divergence.arguments import FloatArray
from kldrift.divergence.near_equal import difference


def cdf_difference(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return ``P - Q`` at the upper end of each cell, shape ``(..., k)``; the last is 0.

    It is the mass gained below and also the mass lost above. The smaller of the two sums is
    taken: where p and q agree in a tail, rounding from the other side does not reach it, and a
    far-away overflow cell does not multiply it.
    """
    gained = difference(p, q)
    below = np.cumsum(gained, axis=-1)
    above = np.zeros_like(below)
    above[..., :-1] = np.cumsum(gained[..., :0:-1], axis=-1)[..., ::-1]
    return np.where(np.abs(below) <= np.abs(above), below, -above)


def empirical_cdf_difference(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return all values in order and ``F - G`` at each of them, computed from whole numbers."""
    values = np.sort(np.concatenate([x, y]))
    not_above_x = np.searchsorted(np.sort(x), values, side="right")
    not_above_y = np.searchsorted(np.sort(y), values, side="right")
    return values, (not_above_x * y.size - not_above_y * x.size) / (x.size * y.size)
