"""Kolmogorov-Smirnov distance of ordered cells and of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, distributions, sample, unwrap
from kldrift.divergence.cumulative import cdf_difference, empirical_cdf_difference


def kolmogorov_smirnov(p: ArrayLike, q: ArrayLike) -> Value:
    """Kolmogorov-Smirnov distance over ordered cells; a metric without unit.

    ``KS(p, q) = max(|P - Q|)``, where P and Q are the cumulative sums of p and q over the cells in
    their order [1]. It is a lower bound of the distance of the values themselves.

    Args:
        p: current probabilities, shape ``(..., k)``, cells in increasing order.
        q: reference probabilities on the same cells; leading axes broadcast.

    Returns:
        A value in [0, 1] of shape ``(...)``, a float for 1-D arguments.

    Raises:
        ValueError: as for `kl_divergence`.

    References:
        [1] Smirnov, N. (1948). Table for estimating the goodness of fit of empirical
            distributions. Annals of Mathematical Statistics 19(2), 279-281.
            doi:10.1214/aoms/1177730256

    Examples:
        >>> round(kolmogorov_smirnov([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.2
    """
    return unwrap(kolmogorov_smirnov_formula(*distributions(p, q)))


def kolmogorov_smirnov_samples(x: ArrayLike, y: ArrayLike) -> float:
    """Two-sample Kolmogorov-Smirnov statistic.

    ``max(|F - G|)`` over all values, where F and G are the shares of x and of y that are not
    above a value; equal values are allowed.

    Args:
        x: current values, shape ``(n,)``, in any order.
        y: reference values, shape ``(m,)``.

    Returns:
        A value in [0, 1]; 0 if and only if both samples have the same empirical distribution.

    Raises:
        ValueError: a sample is empty, not one-dimensional, or not finite.

    References:
        Smirnov, N. (1948). Table for estimating the goodness of fit of empirical
            distributions. Annals of Mathematical Statistics 19(2), 279-281.
            doi:10.1214/aoms/1177730256

    Examples:
        >>> kolmogorov_smirnov_samples([1, 2, 2, 3], [2, 3, 4, 5])
        0.5
    """
    _, difference = empirical_cdf_difference(sample("x", x), sample("y", y))
    return float(np.abs(difference).max())


def kolmogorov_smirnov_formula(p: Floats, q: Floats) -> Floats:
    """``KS(p, q)``, shape ``(...)``; p and q are not checked."""
    return np.asarray(np.abs(cdf_difference(p, q)).max(axis=-1))
