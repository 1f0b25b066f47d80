"""Rényi divergence."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from kldrift.arrays import Floats
from kldrift.divergence.arguments import (
    Value,
    distributions,
    log_base,
    over_cells,
    unwrap,
)
from kldrift.divergence.kl import kl_formula
from kldrift.divergence.near_equal import NEAR, log_ratio


def renyi_divergence(p: ArrayLike, q: ArrayLike, alpha: float, *, base: float = math.e) -> Value:
    """Rényi divergence of order alpha of p from q, in nats unless another base is given.

    ``D_alpha(p || q) = log(sum(p**alpha * q**(1 - alpha))) / (alpha - 1)`` [1]. It never decreases
    with alpha. Order 1 is the limit, `kl_divergence`; order inf is ``log(max(p / q))``; order 0 is
    ``-log(sum of q where p has mass)``; order 1/2 is twice `bhattacharyya_distance`.

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.
        alpha: order in [0, inf]; the higher, the more the most unexpected cell counts.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A value in [0, inf] of shape ``(...)``, a float for 1-D arguments; inf for alpha >= 1 where
        p has mass and q has none, and for alpha < 1 if no cell has mass on both sides.

    Raises:
        ValueError: as for `kl_divergence`; or alpha is negative or NaN.

    References:
        [1] van Erven, T. and Harremoës, P. (2014). Rényi divergence and Kullback-Leibler
            divergence. IEEE Transactions on Information Theory 60(7), 3797-3820.
            doi:10.1109/TIT.2014.2320500

    Examples:
        >>> p, q = [0.4, 0.4, 0.2], [0.5, 0.1, 0.4]
        >>> [round(renyi_divergence(p, q, alpha), 4) for alpha in (0.5, 1, 2, math.inf)]
        [0.145, 0.3266, 0.7031, 1.3863]
    """
    nats = log_base(base)
    if not alpha >= 0:
        raise ValueError(f"alpha must be in [0, inf], got {alpha!r}")
    return unwrap(renyi_formula(*distributions(p, q), alpha) / nats)


def renyi_formula(p: Floats, q: Floats, alpha: float = 2.0) -> Floats:
    """``D_alpha(p || q)`` in nats, shape ``(...)``; no argument is checked."""
    p, q = np.broadcast_arrays(p, q)
    if alpha == 1:
        return kl_formula(p, q)
    if alpha == 0:
        unreached = over_cells(np.where(p == 0, q, 0.0))
        reached = over_cells(np.where(p > 0, q, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(unreached < 0.5, -np.log1p(-unreached), -np.log(reached))
    log_pq = log_ratio(p, q)
    if alpha == math.inf:
        return np.asarray(np.where(p > 0, log_pq, -math.inf).max(axis=-1))
    return _between(p, q, log_pq, alpha)


def _between(p: Floats, q: Floats, log_pq: Floats, alpha: float) -> Floats:
    """Order neither 0, 1 nor inf: by the distance of the sum from 1, or by its logarithm."""
    beta = alpha - 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = over_cells(_excess(p, q, log_pq, alpha))
        near = np.log1p(excess) / beta
        logs = np.where(p > 0, np.log(p) + beta * log_pq, -math.inf)
    if (np.abs(excess) < 0.5).all():
        return near
    finite = np.where(logs == math.inf, -math.inf, logs)  # logsumexp warns about inf - inf
    with np.errstate(divide="ignore"):
        total = np.where((logs == math.inf).any(axis=-1), math.inf, logsumexp(finite, axis=-1))
    return np.where(np.abs(excess) < 0.5, near, total / beta)


def _excess(p: Floats, q: Floats, log_pq: Floats, alpha: float) -> Floats:
    """``q * (u**alpha - 1 - alpha * (u - 1))`` for ``u = p / q``: of one sign in all cells.

    Summed over the cells it is the distance of ``sum(p**alpha * q**(1 - alpha))`` from 1.
    """
    beta = alpha - 1
    y = (p - q) / q
    series = np.ones_like(y)
    for n in range(9, 2, -1):  # the binomial series of u**alpha, from its end
        series = 1 + (alpha - n + 1) / n * y * series
    near = alpha * beta / 2 * (p - q) * y * series
    far = np.where(p > 0, p * np.expm1(beta * log_pq), 0.0) - beta * (p - q)
    return np.where(np.abs(y) * max(1.0, alpha) < NEAR, near, far)
