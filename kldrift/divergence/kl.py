"""Kullback-Leibler divergence of discrete distributions."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from kldrift.arrays import Floats
from kldrift.divergence.arguments import (
    Value,
    distributions,
    log_base,
    over_cells,
    unwrap,
)
from kldrift.divergence.near_equal import LOG_SERIES, NEAR


def kl_divergence(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> Value:
    """Kullback-Leibler divergence of p from q, in nats unless another base is given.

    ``D(p || q) = sum(p * log(p / q))`` with ``0 * log(0 / q) = 0``. It is the expected loss in
    code length when rows of p are coded for q [1]. It is summed from the terms
    ``p * log(p / q) - p + q``, none of which is negative, so that it is exact to about 1e-13 of
    its value, also where p and q are nearly equal.

    Args:
        p: current probabilities, shape ``(..., k)``; the last axis holds the cells.
        q: reference probabilities on the same cells; leading axes broadcast.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A value in [0, inf] of shape ``(...)``, a float for two 1-D arguments; 0 if and only if p
        equals q; inf where p has mass and q has none. A cell that is empty on both sides adds 0.

    Raises:
        ValueError: a probability is negative or NaN, a row does not add up to 1 within
            ``1e-9 * sqrt(k)``, or p and q have different cells.

    References:
        [1] Kullback, S. and Leibler, R. A. (1951). On information and sufficiency.
            Annals of Mathematical Statistics 22(1), 79-86. doi:10.1214/aoms/1177729694

    Examples:
        >>> p, q = [0.4, 0.4, 0.2], [0.5, 0.1, 0.4]
        >>> round(kl_divergence(p, q), 4), round(kl_divergence(p, q, base=2), 4)
        (0.3266, 0.4712)
        >>> kl_divergence([0.5, 0.5], [1.0, 0.0])
        inf
        >>> kl_divergence([[0.5, 0.5], [0.9, 0.1]], [0.5, 0.5]).round(4)
        array([0.    , 0.3681])
    """
    nats = log_base(base)
    return unwrap(kl_formula(*distributions(p, q)) / nats)


def kl_contributions(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> Floats:
    """What each cell adds to the Kullback-Leibler divergence: ``p * log(p / q)``, in nats.

    A cell that gained mass adds a positive, a cell that lost mass a negative number. They add up
    to ``kl_divergence(p, q)`` to rounding, which is about 1e-16 in absolute terms: for nearly
    equal distributions the divergence itself has more digits than this sum.

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        Contributions, shape ``(..., k)``: 0 where p is 0, inf where p has mass and q has none.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        Kullback, S. and Leibler, R. A. (1951). On information and sufficiency.
            Annals of Mathematical Statistics 22(1), 79-86. doi:10.1214/aoms/1177729694

    Examples:
        >>> kl_contributions([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]).round(4)
        array([-0.0893,  0.5545, -0.1386])
    """
    nats = log_base(base)
    return kl_terms(*distributions(p, q)) / nats


def kl_formula(p: Floats, q: Floats) -> Floats:
    """``D(p || q)`` in nats, shape ``(...)``; p and q are not checked."""
    return over_cells(kl_excess(p, q, q - p))


def kl_reverse_formula(p: Floats, q: Floats) -> Floats:
    """``D(q || p)`` in nats, shape ``(...)``; p and q are not checked."""
    return kl_formula(q, p)


def kl_terms(p: Floats, q: Floats) -> Floats:
    """``p * log(p / q)`` per cell in nats, shape ``(..., k)``; p and q are not checked."""
    return np.asarray(rel_entr(p, q), dtype=np.float64)


def kl_excess(p: Floats, q: Floats, difference: Floats) -> Floats:
    """``p * log(p / q) - p + q`` per cell, never negative, where ``difference`` is ``q - p``."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = difference / p
    excess = np.asarray(kl_terms(p, q) + difference)
    near = np.abs(x) < NEAR  # an empty cell has an x of inf or NaN, which is not near
    x = x[near]
    excess[near] = difference[near] * x * np.polyval(LOG_SERIES, x)  # p * (x - log1p(x))
    return excess
