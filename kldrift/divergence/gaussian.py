"""Kullback-Leibler divergence of one-dimensional Gaussians."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, require, require_broadcast, unwrap
from kldrift.divergence.near_equal import log_excess, log_ratio


def gaussian_kl(mean_p: ArrayLike, std_p: ArrayLike, mean_q: ArrayLike, std_q: ArrayLike) -> Value:
    """Kullback-Leibler divergence of N(mean_p, std_p**2) from N(mean_q, std_q**2), in nats.

    ``(mean_p - mean_q)**2 / (2 * std_q**2) + (s - 1 - log(s)) / 2`` with
    ``s = std_p**2 / std_q**2`` [1]: a mean part and a spread part, see `gaussian_kl_parts`. It does
    not change when both are shifted or scaled together.

    Args:
        mean_p: means of the current data, any shape; all arguments broadcast.
        std_p: standard deviations of the current data, positive, in the unit of the means.
        mean_q: means of the reference.
        std_q: standard deviations of the reference, positive.

    Returns:
        A value in [0, inf], a float for scalars; 0 if and only if both are equal.

    Raises:
        ValueError: an argument is not finite, a standard deviation is not positive (a constant
            has no Gaussian), or the shapes do not broadcast.

    References:
        [1] Kullback, S. (1959). Information Theory and Statistics, chapter 9. Wiley.

    Examples:
        >>> round(gaussian_kl(1.0, 1.0, 0.0, 2.0), 6)
        0.443147
        >>> gaussian_kl([0.0, 3.0], 1.0, 0.0, 1.0)
        array([0. , 4.5])
    """
    mean, spread = gaussian_kl_formula(*_gaussians(mean_p, std_p, mean_q, std_q))
    return unwrap(mean + spread)


def gaussian_kl_parts(
    mean_p: ArrayLike, std_p: ArrayLike, mean_q: ArrayLike, std_q: ArrayLike
) -> tuple[Value, Value]:
    """What the means and what the spreads add to `gaussian_kl`, in nats.

    The mean part is ``(mean_p - mean_q)**2 / (2 * std_q**2)``; the spread part is
    ``(s - 1 - log(s)) / 2`` with ``s = std_p**2 / std_q**2``. Their sum is `gaussian_kl`. The
    spread part keeps its digits where both standard deviations are nearly equal.

    Args:
        mean_p: means of the current data, any shape; all arguments broadcast.
        std_p: standard deviations of the current data, positive, in the unit of the means.
        mean_q: means of the reference.
        std_q: standard deviations of the reference, positive.

    Returns:
        The mean part and the spread part, each in [0, inf]: floats for scalars, otherwise arrays
        of one shape.

    Raises:
        ValueError: as for `gaussian_kl`.

    References:
        Kullback, S. (1959). Information Theory and Statistics, chapter 9. Wiley.

    Examples:
        >>> mean, spread = gaussian_kl_parts(1.0, 1.0, 0.0, 2.0)
        >>> round(mean, 6), round(spread, 6)
        (0.125, 0.318147)
    """
    mean, spread = gaussian_kl_formula(*_gaussians(mean_p, std_p, mean_q, std_q))
    return unwrap(mean), unwrap(spread)


def standard_normal_kl(mean: ArrayLike, std: ArrayLike) -> Value:
    """Kullback-Leibler divergence of N(mean, std**2) from N(0, 1), in nats.

    ``(mean**2 + std**2 - 1 - log(std**2)) / 2``, per dimension the regularising term of a
    variational autoencoder [1]: sum it over the last axis for a diagonal Gaussian.

    Args:
        mean: means, any shape; both arguments broadcast.
        std: standard deviations, positive.

    Returns:
        A value in [0, inf], a float for scalars.

    Raises:
        ValueError: as for `gaussian_kl`.

    References:
        [1] Kingma, D. P. and Welling, M. (2014). Auto-encoding variational Bayes, appendix B.
            arXiv:1312.6114

    Examples:
        >>> standard_normal_kl(2.0, 1.0)
        2.0
        >>> standard_normal_kl([0.0, 1.0], [1.0, 1.0])
        array([0. , 0.5])
    """
    return gaussian_kl(mean, std, 0.0, 1.0)


def gaussian_kl_formula(
    mean_p: Floats, std_p: Floats, mean_q: Floats, std_q: Floats
) -> tuple[Floats, Floats]:
    """Mean part and spread part in nats; no argument is checked."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        shift = (mean_p - mean_q) / std_q
        x = (std_p - std_q) / std_q
        mean = np.square(shift) / 2
        spread = log_excess(x * (x + 2), 2 * log_ratio(std_p, std_q)) / 2
        # each with the shape of both
        return mean + np.zeros_like(spread), spread + np.zeros_like(mean)


def _gaussians(
    mean_p: ArrayLike, std_p: ArrayLike, mean_q: ArrayLike, std_q: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    given = {"mean_p": mean_p, "std_p": std_p, "mean_q": mean_q, "std_q": std_q}
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in given.items()}
    require_broadcast(**{name: array.shape for name, array in arrays.items()})
    for name, array in arrays.items():
        require(np.isfinite(array), array, f"{name} must be finite")
        if name.startswith("std"):
            require(array > 0, array, f"{name} must be positive")
    return arrays["mean_p"], arrays["std_p"], arrays["mean_q"], arrays["std_q"]
