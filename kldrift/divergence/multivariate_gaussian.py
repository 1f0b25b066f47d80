"""Kullback-Leibler divergence of multivariate Gaussians.

The divergence does not change under a linear map of both. So both covariances are first mapped by
the rounded inverse W of the Cholesky factor of the reference, with products in twice the working
precision: whatever W is exactly, the mapped reference is close to the identity, and from there on
float64 loses nothing. A plain Cholesky solve would lose as many digits as the condition number has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, over_cells, unwrap
from kldrift.divergence.covariance import (
    Gaussian,
    require_positive_definite,
    require_same_features,
)
from kldrift.divergence.near_equal import congruence, log_excess, log_ratio
from kldrift.error_free import two_sum


def multivariate_gaussian_kl(
    mean_p: ArrayLike,
    cov_p: ArrayLike,
    mean_q: ArrayLike,
    cov_q: ArrayLike,
    *,
    ridge: float = 0.0,
) -> Value:
    """Kullback-Leibler divergence of N(mean_p, cov_p) from N(mean_q, cov_q), in nats.

    ``(tr(inv(C_q) C_p) - k + log(det(C_q) / det(C_p)) + d.T inv(C_q) d) / 2`` with
    ``d = mean_p - mean_q`` [1]. It does not change when both are mapped by one affine map, so the
    units of the features do not matter.

    Args:
        mean_p: means of the current data, shape ``(..., k)``.
        cov_p: its covariance, shape ``(..., k, k)`` with one axis more than the means; or its
            variances, shape ``(k,)`` or that of the means.
        mean_q: means of the reference; leading axes broadcast.
        cov_q: its covariance or variances; one side may be full and the other diagonal.
        ridge: added to every variance of both sides, in squared units; for covariances that are
            singular because features determine each other.

    Returns:
        A value in [0, inf] of shape ``(...)``, a float for 1-D means; exact to 1e-9 of its value
        for condition numbers up to 1e11, also where both are nearly equal.

    Raises:
        ValueError: an argument is not finite or has a wrong shape, or a covariance is not
            symmetric or not positive definite; correlations with a condition number above 1e12
            count as singular.

    References:
        [1] Kullback, S. (1959). Information Theory and Statistics, chapter 9. Wiley.

    Examples:
        >>> cov = [[2.0, 0.5], [0.5, 1.0]]
        >>> round(multivariate_gaussian_kl([1.0, 0.0], cov, [0.0, 0.0], [1.0, 1.0]), 6)
        0.720192
        >>> multivariate_gaussian_kl([[0.0, 0.0], [3.0, 0.0]], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0])
        array([0. , 4.5])
    """
    p, q = Gaussian.of("p", mean_p, cov_p, ridge), Gaussian.of("q", mean_q, cov_q, ridge)
    require_same_features(p, q)
    require_positive_definite(p)
    require_positive_definite(q)
    if p.diagonal and q.diagonal:
        return unwrap(diagonal_gaussian_kl_formula(p.mean, p.cov, q.mean, q.cov))
    return unwrap(multivariate_gaussian_kl_formula(p.mean, p.full, q.mean, q.full))


def diagonal_gaussian_kl_formula(
    mean_p: Floats, variance_p: Floats, mean_q: Floats, variance_q: Floats
) -> Floats:
    """The divergence in nats, shape ``(...)``, for variances; no argument is checked."""
    with np.errstate(over="ignore"):
        shift = np.square((mean_p - mean_q) / np.sqrt(variance_q))
        x = (variance_p - variance_q) / variance_q
    spread = log_excess(x, log_ratio(variance_p, variance_q))
    return over_cells(shift + spread) / 2


def multivariate_gaussian_kl_formula(
    mean_p: Floats, cov_p: Floats, mean_q: Floats, cov_q: Floats
) -> Floats:
    """The divergence in nats, shape ``(...)``, for full covariances; no argument is checked."""
    # powers of two, so that this changes units but rounds nothing
    std_q = np.sqrt(np.diagonal(cov_q, axis1=-2, axis2=-1))
    unit = np.exp2(-np.rint(np.log2(std_q)))
    shift = (mean_p - mean_q) * unit
    cov_p, cov_q = (c * unit[..., :, None] * unit[..., None, :] for c in (cov_p, cov_q))

    whitening = _whitening(cov_q)
    reference = np.linalg.cholesky(congruence(whitening, (cov_q, np.zeros_like(cov_q))))
    change = congruence(whitening, two_sum(cov_p, -cov_q))
    shift = np.linalg.solve(reference, whitening @ shift[..., None])[..., 0]
    change = np.linalg.solve(reference, np.swapaxes(np.linalg.solve(reference, change), -1, -2))
    # cov_p is 1 + x of cov_q along each common axis
    x = np.asarray(np.linalg.eigvalsh(change), dtype=np.float64)
    spread = over_cells(log_excess(x, np.log1p(np.maximum(x, -0.5))))
    close = (np.abs(x) < 0.5).all(axis=-1)
    if not close.all():  # a small 1 + x has lost its digits: take the determinants apart
        log_change = _log_determinant(cov_p) - _log_determinant(cov_q)
        spread = np.where(close, spread, over_cells(x) - log_change)
    return (over_cells(np.square(shift)) + spread) / 2


def _whitening(cov: Floats) -> Floats:
    """A matrix that maps the covariance close to the identity; its own rounding does not matter."""
    return np.tril(np.linalg.inv(np.linalg.cholesky(cov)))


def _log_determinant(cov: Floats) -> Floats:
    whitening = _whitening(cov)
    rest = np.linalg.cholesky(congruence(whitening, (cov, np.zeros_like(cov))))
    diagonal = np.diagonal(rest, axis1=-2, axis2=-1) / np.diagonal(whitening, axis1=-2, axis2=-1)
    return 2 * over_cells(np.log(diagonal))
