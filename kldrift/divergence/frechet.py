"""Fréchet distance of multivariate Gaussians."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import Value, over_cells, unwrap
from kldrift.divergence.covariance import (
    Gaussian,
    require_positive_semidefinite,
    require_same_features,
)


def frechet_distance(
    mean_p: ArrayLike, cov_p: ArrayLike, mean_q: ArrayLike, cov_q: ArrayLike
) -> Value:
    """Fréchet distance of two Gaussians: their squared Wasserstein distance of order 2.

    ``|mean_p - mean_q|**2 + tr(C_p + C_q - 2 * sqrt(sqrt(C_p) C_q sqrt(C_p)))``, in squared units
    of the features [1]; of image embeddings it is the FID [2]. Features of larger units weigh
    more: scale them first.

    Args:
        mean_p: means of the current data, shape ``(..., k)``.
        cov_p: its covariance, shape ``(..., k, k)`` with one axis more than the means; or its
            variances, shape ``(k,)`` or that of the means. It may be singular.
        mean_q: means of the reference; leading axes broadcast.
        cov_q: its covariance or variances; one side may be full and the other diagonal.

    Returns:
        A value in [0, inf) of shape ``(...)``, a float for 1-D means; 0 if and only if both are
        equal; its square root is a metric.

    Raises:
        ValueError: an argument is not finite or has a wrong shape, or a covariance is not
            symmetric or has a negative eigenvalue.

    References:
        [1] Dowson, D. C. and Landau, B. V. (1982). The Fréchet distance between multivariate
            normal distributions. Journal of Multivariate Analysis 12(3), 450-455.
            doi:10.1016/0047-259X(82)90077-X
        [2] Heusel, M. et al. (2017). GANs trained by a two time-scale update rule converge to a
            local Nash equilibrium. arXiv:1706.08500

    Examples:
        >>> frechet_distance([1.0, 0.0], [4.0, 1.0], [0.0, 0.0], [1.0, 1.0])
        2.0
        >>> round(frechet_distance([0, 0], [[2, 1], [1, 2]], [0, 0], [[2, -1], [-1, 2]]), 6)
        1.071797
    """
    p, q = Gaussian.of("p", mean_p, cov_p), Gaussian.of("q", mean_q, cov_q)
    require_same_features(p, q)
    require_positive_semidefinite(p)
    require_positive_semidefinite(q)
    if p.diagonal and q.diagonal:
        return unwrap(diagonal_frechet_formula(p.mean, p.cov, q.mean, q.cov))
    return unwrap(frechet_formula(p.mean, p.full, q.mean, q.full))


def diagonal_frechet_formula(
    mean_p: Floats, variance_p: Floats, mean_q: Floats, variance_q: Floats
) -> Floats:
    """The distance, shape ``(...)``, for variances; no argument is checked."""
    stds = np.sqrt(variance_p) + np.sqrt(variance_q)
    spread = np.divide(variance_p - variance_q, stds, out=np.zeros_like(stds), where=stds > 0)
    return over_cells(np.square(mean_p - mean_q) + np.square(spread))


def frechet_formula(mean_p: Floats, cov_p: Floats, mean_q: Floats, cov_q: Floats) -> Floats:
    """The distance, shape ``(...)``, for full covariances; no argument is checked.

    The trace is the least ``|A_p - A_q U|**2`` over rotations U, for any ``A A.T = C``: a sum of
    squares, which does not cancel where both covariances are nearly equal.
    """
    root_p, root_q = _root(cov_p), _root(cov_q)
    left, _, right = np.linalg.svd(np.swapaxes(root_q, -1, -2) @ root_p)
    moved = over_cells(np.square(root_p - root_q @ (left @ right)))
    return over_cells(np.square(mean_p - mean_q)) + over_cells(moved)


def _root(cov: Floats) -> Floats:
    """A matrix A with ``A A.T = cov``; eigenvalues that rounding made negative count as 0."""
    eigenvalues, vectors = np.linalg.eigh(cov)
    return np.asarray(vectors * np.sqrt(np.maximum(eigenvalues, 0))[..., None, :])
