"""Hellinger distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, distributions, over_cells, unwrap


def hellinger(p: ArrayLike, q: ArrayLike) -> Value:
    """Hellinger distance, a metric without unit.

    ``H(p, q) = sqrt(sum((sqrt(p) - sqrt(q))**2) / 2)``, so that
    ``H**2 <= total variation <= sqrt(2) * H`` [1].

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.

    Returns:
        A value in [0, 1] of shape ``(...)``, a float for 1-D arguments; 1 if and only if no cell
        has mass on both sides.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Le Cam, L. (1986). Asymptotic Methods in Statistical Decision Theory. Springer.
            doi:10.1007/978-1-4612-4946-7

    Examples:
        >>> hellinger([1.0, 0.0], [0.0, 1.0])
        1.0
        >>> round(hellinger([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.2645
    """
    return unwrap(hellinger_formula(*distributions(p, q)))


def hellinger_formula(p: Floats, q: Floats) -> Floats:
    """``H(p, q)``, shape ``(...)``; p and q are not checked."""
    return np.sqrt(squared_hellinger(p, q))


def squared_hellinger(p: Floats, q: Floats) -> Floats:
    """``H(p, q)**2``, shape ``(...)``; the difference is taken before the roots round it."""
    roots = np.sqrt(p) + np.sqrt(q)
    difference = np.divide(p - q, roots, out=np.zeros_like(roots), where=roots > 0)
    return over_cells(np.square(difference)) / 2
