"""Bhattacharyya distance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import (
    Value,
    distributions,
    log_base,
    over_cells,
    unwrap,
)
from kldrift.divergence.hellinger import squared_hellinger


def bhattacharyya_distance(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> Value:
    """Bhattacharyya distance, in nats unless another base is given.

    ``B(p, q) = -log(sum(sqrt(p * q)))``: minus the logarithm of the overlap [1]. It equals
    ``-log(1 - H**2)`` for the Hellinger distance H, and half the Rényi divergence of order 1/2.
    Despite its name it is no metric.

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A value in [0, inf] of shape ``(...)``, a float for 1-D arguments; inf if and only if no
        cell has mass on both sides.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Bhattacharyya, A. (1943). On a measure of divergence between two statistical
            populations defined by their probability distributions. Bulletin of the Calcutta
            Mathematical Society 35, 99-109.

    Examples:
        >>> round(bhattacharyya_distance([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.0725
        >>> bhattacharyya_distance([1.0, 0.0], [0.0, 1.0])
        inf
    """
    nats = log_base(base)
    return unwrap(bhattacharyya_formula(*distributions(p, q)) / nats)


def bhattacharyya_formula(p: Floats, q: Floats) -> Floats:
    """``B(p, q)`` in nats, shape ``(...)``; p and q are not checked."""
    h2 = squared_hellinger(p, q)
    overlap = over_cells(np.sqrt(p) * np.sqrt(q))
    with np.errstate(divide="ignore", invalid="ignore"):  # each form where it keeps its digits
        return np.where(h2 < 0.5, -np.log1p(-h2), -np.log(overlap))
