"""A multivariate Gaussian as the public functions accept it: its shapes and its covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import require, require_broadcast

# Entries are rounded at 1e-16, so that above it the smallest eigenvalue has few digits left.
LARGEST_CONDITION: Final = 1e12
ROUNDING_SHARE: Final = 1e-10  # of the variances; what float64 sums in another order stay below


@dataclass(frozen=True)
class Gaussian:
    """Means with their covariances or, when diagonal, variances.

    Attributes:
        name: of the side, p or q, for messages.
        mean: shape ``(..., k)``.
        cov: shape ``(..., k, k)``, or variances of shape ``(..., k)``.
        diagonal: the covariance is given by its variances.
    """

    name: str
    mean: Floats
    cov: Floats
    diagonal: bool

    @classmethod
    def of(cls, name: str, mean: ArrayLike, cov: ArrayLike, ridge: float = 0.0) -> Self:
        """Return the Gaussian of these arguments, with ridge added to every variance.

        Raises:
            ValueError: something is not finite, has a wrong shape, or is not symmetric.
        """
        means, covs = np.asarray(mean, dtype=np.float64), np.asarray(cov, dtype=np.float64)
        if means.ndim == 0 or means.shape[-1] == 0:
            raise ValueError(
                f"mean_{name} must have features on its last axis, got shape {means.shape}"
            )
        if not 0 <= ridge < math.inf:
            raise ValueError(f"ridge must not be negative, got {ridge!r}")
        diagonal = _is_diagonal(name, means, covs)
        require(np.isfinite(means), means, f"mean_{name} must be finite")
        require(np.isfinite(covs), covs, f"cov_{name} must be finite")
        if diagonal:
            return cls(name, means, covs + ridge, diagonal)
        covs = _symmetric(name, covs) + ridge * np.eye(means.shape[-1])
        return cls(name, means, covs, diagonal)

    @property
    def variances(self) -> Floats:
        """Variances of the features, shape ``(..., k)``."""
        return self.cov if self.diagonal else np.diagonal(self.cov, axis1=-2, axis2=-1)

    @property
    def full(self) -> Floats:
        """Covariance of shape ``(..., k, k)``, also when diagonal."""
        return self.cov[..., None] * np.eye(self.cov.shape[-1]) if self.diagonal else self.cov


def require_same_features(p: Gaussian, q: Gaussian) -> None:
    """Raise unless both have the same features, and leading axes that broadcast.

    Raises:
        ValueError: they do not.
    """
    k, other = p.mean.shape[-1], q.mean.shape[-1]
    if k != other:
        raise ValueError(f"mean_p has {k} features and mean_q has {other}")
    require_broadcast(
        mean_p=p.mean.shape, cov_p=p.variances.shape, mean_q=q.mean.shape, cov_q=q.variances.shape
    )


def require_positive_definite(g: Gaussian) -> None:
    """Raise unless float64 resolves the smallest eigenvalue of the correlations.

    Correlations are judged, not covariances: features of different units are no problem.

    Raises:
        ValueError: a variance is not positive, or the condition number is above the limit.
    """
    rule = f"cov_{g.name} must have positive variances; ridge is added to them if given"
    require(g.variances > 0, g.variances, rule)
    if g.diagonal:
        return
    scale = 1 / np.sqrt(g.variances)
    eigenvalues = _eigenvalues(g.cov * scale[..., :, None] * scale[..., None, :])
    least, most = eigenvalues[..., 0], eigenvalues[..., -1]
    condition = np.divide(most, least, out=np.full(most.shape, math.inf), where=least > 0)
    if (condition > LARGEST_CONDITION).any():
        worst = int(np.argmax(condition))
        raise ValueError(
            f"cov_{g.name} is not positive definite, or too nearly singular: the condition number "
            f"of its correlations is {condition.flat[worst]:.3g} (smallest eigenvalue "
            f"{least.flat[worst]:.3g}), and above {LARGEST_CONDITION:.0e} no digits are left; "
            "leave out a feature that others determine, or pass ridge, which is added to every "
            f"variance of both sides, such as ridge={1e-8 * g.variances.max():.0e}"
        )


def require_positive_semidefinite(g: Gaussian) -> None:
    """Raise where an eigenvalue is negative by more than rounding.

    Raises:
        ValueError: the covariance is not positive semidefinite.
    """
    eigenvalues: Floats = np.sort(g.cov) if g.diagonal else _eigenvalues(g.cov)
    least, most = eigenvalues[..., 0], eigenvalues[..., -1]
    slack = 0.0 if g.diagonal else ROUNDING_SHARE * np.abs(most)
    rule = f"cov_{g.name} must be positive semidefinite: its smallest eigenvalue is negative"
    require(least >= -slack, least, rule)


def _eigenvalues(symmetric: Floats) -> Floats:
    return np.asarray(np.linalg.eigvalsh(symmetric), dtype=np.float64)


def _is_diagonal(name: str, mean: Floats, cov: Floats) -> bool:
    k = mean.shape[-1]
    if cov.shape[-1:] == (k,) and cov.ndim in {1, mean.ndim}:
        return True
    if cov.shape[-2:] == (k, k) and cov.ndim == mean.ndim + 1:
        return False
    raise ValueError(
        f"cov_{name} must hold {k} variances or a {k} x {k} covariance for each mean, "
        f"got shape {cov.shape} for means of shape {mean.shape}"
    )


def _symmetric(name: str, cov: Floats) -> Floats:
    transposed = np.swapaxes(cov, -1, -2)
    std = np.sqrt(np.abs(np.diagonal(cov, axis1=-2, axis2=-1)))
    slack = ROUNDING_SHARE * std[..., :, None] * std[..., None, :]
    rule = f"cov_{name} must be symmetric: an entry differs from its mirror image"
    require(np.abs(cov - transposed) <= slack, cov - transposed, rule)
    return cov / 2 + transposed / 2
