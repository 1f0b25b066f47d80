"""Jensen-Shannon divergence and distance."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlog1py

from kldrift.arrays import Floats
from kldrift.divergence.arguments import (
    Value,
    distributions,
    log_base,
    over_cells,
    unwrap,
)

# Below it, five terms of the series are exact to 1e-17; above it, the plain formula is to 1e-13.
_NEAR = 2.0**-6
_SERIES = (1 / 90, 1 / 56, 1 / 30, 1 / 12, 1 / 2)


def js_divergence(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> Value:
    """Jensen-Shannon divergence, in nats unless another base is given.

    ``JS(p, q) = D(p || m) / 2 + D(q || m) / 2`` with ``m = (p + q) / 2``: the mean divergence of
    both from their mixture [1]. Its square root is a metric, see `js_distance`.

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A value in [0, log 2] nats or [0, 1] bits of shape ``(...)``, a float for 1-D arguments;
        always finite; log 2 if and only if no cell has mass on both sides.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Lin, J. (1991). Divergence measures based on the Shannon entropy.
            IEEE Transactions on Information Theory 37(1), 145-151. doi:10.1109/18.61115

    Examples:
        >>> js_divergence([1.0, 0.0], [0.0, 1.0], base=2)
        1.0
        >>> round(js_divergence([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.068
    """
    nats = log_base(base)
    return unwrap(js_formula(*distributions(p, q)) / nats)


def js_distance(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> Value:
    """Jensen-Shannon distance: the square root of `js_divergence`, a metric [1].

    ``sqrt(JS(p, q))``; the base changes the divergence under the root.

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.
        base: base of the logarithm of the divergence.

    Returns:
        A value in [0, sqrt(log 2)] for nats or [0, 1] for bits of shape ``(...)``, a float for
        1-D arguments.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Endres, D. M. and Schindelin, J. E. (2003). A new metric for probability distributions.
            IEEE Transactions on Information Theory 49(7), 1858-1860. doi:10.1109/TIT.2003.813506

    Examples:
        >>> round(js_distance([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.2607
    """
    nats = log_base(base)
    return unwrap(np.sqrt(js_formula(*distributions(p, q)) / nats))


def js_formula(p: Floats, q: Floats) -> Floats:
    """``JS(p, q)`` in nats, shape ``(...)``; p and q are not checked.

    With ``r = (p - q) / (p + q)`` each cell adds ``(p + q) / 2 * h(r)``, where
    ``h(r) = ((1 + r) * log(1 + r) + (1 - r) * log(1 - r)) / 2`` is never negative.
    """
    mass = p + q
    r = np.divide(p - q, mass, out=np.zeros_like(mass), where=mass > 0)
    far, h = np.abs(r) >= _NEAR, np.square(r)
    near = (h > 0) & ~far
    h[near] *= np.polyval(_SERIES, h[near])
    r = r[far]
    h[far] = (xlog1py(1 + r, r) + xlog1py(1 - r, -r)) / 2
    return over_cells(mass / 2 * h)
