"""Population stability index."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, distributions, log_base, unwrap
from kldrift.divergence.kl import kl_formula


def psi(p: ArrayLike, q: ArrayLike, *, base: float = math.e) -> Value:
    """Population stability index, in nats unless another base is given.

    ``PSI(p, q) = sum((p - q) * log(p / q)) = D(p || q) + D(q || p)``, the symmetric divergence of
    Jeffreys [1]. Scorecards call 0.1 a moderate and 0.25 a large change [2]; without drift it is
    about ``(k - 1) * (1 / n + 1 / m)`` for samples of n and m rows.

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A value in [0, inf] of shape ``(...)``, a float for 1-D arguments; inf where exactly one of
        p and q is 0, so smooth counts first. A cell that is empty on both sides adds 0.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Jeffreys, H. (1946). An invariant form for the prior probability in estimation
            problems. Proceedings of the Royal Society A 186, 453-461. doi:10.1098/rspa.1946.0056
        [2] Siddiqi, N. (2006). Credit Risk Scorecards. Wiley.

    Examples:
        >>> round(psi([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.5768
        >>> psi([0.5, 0.5], [1.0, 0.0])
        inf
    """
    nats = log_base(base)
    return unwrap(psi_formula(*distributions(p, q)) / nats)


def psi_formula(p: Floats, q: Floats) -> Floats:
    """``PSI(p, q)`` in nats, shape ``(...)``; p and q are not checked."""
    return kl_formula(p, q) + kl_formula(q, p)
