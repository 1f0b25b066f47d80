"""Kullback-Leibler divergence of two samples, by nearest neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import log_base, require


def kl_divergence_samples(x: ArrayLike, y: ArrayLike, *, k: int = 5, base: float = math.e) -> float:
    """Kullback-Leibler divergence estimated from samples of two densities, in nats by default.

    ``d / n * sum(log(nu / rho)) + log(m / (n - 1))``, where rho is the distance of a value of x to
    its k-th neighbour among the other values of x, and nu to its k-th neighbour in y [1, 2]. It
    needs neither bins nor densities; it is meant for continuous values in few dimensions.

    Args:
        x: current values, shape ``(n,)`` or ``(n, d)``; scale the features alike first.
        y: reference values, shape ``(m,)`` or ``(m, d)``.
        k: number of the neighbour; a higher one has less variance and more bias.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        An estimate that converges to ``D(p || q)``. It is not bounded by 0: for equal densities it
        scatters around it by about ``sqrt(1 / n + 1 / m) / 2`` with k = 5.

    Raises:
        ValueError: there are not more than k values of x or not k values of y, a value is not
            finite, or a k-th neighbour is at distance 0. Values that repeat have no density: count
            them and use `kl_divergence`, or raise k above the most repeats.

    References:
        [1] Wang, Q., Kulkarni, S. R. and Verdú, S. (2009). Divergence estimation for
            multidimensional densities via k-nearest-neighbor distances. IEEE Transactions on
            Information Theory 55(5), 2392-2405. doi:10.1109/TIT.2009.2016060
        [2] Pérez-Cruz, F. (2008). Kullback-Leibler divergence estimation of continuous
            distributions. IEEE International Symposium on Information Theory, 1666-1670.
            doi:10.1109/ISIT.2008.4595271

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(1, 1, 20_000), rng.normal(0, 1, 20_000)
        >>> round(kl_divergence_samples(x, y), 1)  # 0.5 for the densities
        0.5
    """
    nats = log_base(base)
    current, reference = _points("x", x), _points("y", y)
    (n, d), m = current.shape, reference.shape[0]
    if reference.shape[1] != d:
        raise ValueError(f"x has {d} dimensions and y has {reference.shape[1]}")
    if not 1 <= k < n or k > m:
        raise ValueError(f"k must be at least 1, below {n} values of x and at most {m}, got {k!r}")
    # the nearest neighbour of a value in its own sample is the value itself
    rho = _neighbour(current, current, k + 1)
    nu = _neighbour(reference, current, k)
    _require_distances("x", rho, k)
    _require_distances("y", nu, k)
    estimate = d * np.mean(np.log(nu) - np.log(rho)) + math.log(m / (n - 1))
    return float(estimate) / nats


def _points(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in {1, 2} or array.size == 0:
        raise ValueError(f"{name} must have shape (n,) or (n, d), got {array.shape}")
    require(np.isfinite(array), array, f"{name} must be finite")
    return array[:, None] if array.ndim == 1 else array


def _neighbour(among: Floats, points: Floats, k: int) -> Floats:
    """Distance of each point to its k-th neighbour."""
    from scipy.spatial import KDTree  # noqa: PLC0415 - takes a while, and only here

    distances, _ = KDTree(among).query(points, k=[k])
    return np.asarray(distances, dtype=np.float64)[:, 0]


def _require_distances(name: str, distances: Floats, k: int) -> None:
    zeros = int((distances == 0).sum())
    if zeros:
        raise ValueError(
            f"{zeros} of {distances.size} values of x have their neighbour number {k} in {name} at "
            "distance 0; values that repeat have no density: count them and use kl_divergence, "
            f"or raise k above {k}"
        )
