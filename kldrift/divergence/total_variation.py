"""Total variation distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, distributions, over_cells, unwrap
from kldrift.divergence.near_equal import difference


def total_variation(p: ArrayLike, q: ArrayLike) -> Value:
    """Total variation distance: the share of rows that changed cells; a metric without unit.

    ``TV(p, q) = sum(|p - q|) / 2``, the largest difference that p and q give to any one event,
    and the smallest share of rows that has to move to turn q into p [1].

    Args:
        p: current probabilities, shape ``(..., k)``.
        q: reference probabilities on the same cells; leading axes broadcast.

    Returns:
        A value in [0, 1] of shape ``(...)``, a float for 1-D arguments; 1 if and only if no cell
        has mass on both sides.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Levin, D. A. and Peres, Y. (2017). Markov Chains and Mixing Times, 2nd edition,
            section 4.1. American Mathematical Society. doi:10.1090/mbk/107

    Examples:
        >>> round(total_variation([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.3
    """
    return unwrap(total_variation_formula(*distributions(p, q)))


def total_variation_formula(p: Floats, q: Floats) -> Floats:
    """``TV(p, q)``, shape ``(...)``; p and q are not checked."""
    return over_cells(np.abs(difference(p, q))) / 2
