"""Joint drift of a group of features: Gaussian KL, and which feature or pair it comes from.

``KL(joint) = sum of the KL of each feature alone + what the dependence adds``. The second part is
split over pairs of features, exactly: in units of the reference's spreads, with P the inverse of
the reference's correlations R, S the current second moments about the reference's means and
C the current correlations,

    share(i, j) = P_ij S_ij - P_ij R_ij (S_ii + S_jj) / 2 + I_ij (R - C)_ij

where I is the integral of the inverse of ``C + t (R - C)`` over t from 0 to 1: the shares of the
log-determinant along the straight way from C to R. Shares may be negative.

See docs/decisions/joint-features.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import digamma, fdtr, fdtrc

from kldrift.arrays import Bools, Floats, Ints
from kldrift.divergence import frechet_distance, gaussian_kl_parts, multivariate_gaussian_kl
from kldrift.profiles.comoments import CoMoments

ROWS_PER_FEATURE: Final = 5
"""Fewer complete rows per feature than this say too little of a covariance."""
TAKES_PART: Final = 0.1
"""Weight in a combination of features from which one takes part in it."""
FEW_ROWS: Final = 20
"""Where fewer rows than about this make up a variance, it is no evidence of anything."""

OF_A_CONSTANT: Final = 0.5
"""Rows with the spread of both sides that a constant is given, as cells are where none has rows."""


@dataclass(frozen=True, eq=False)
class JointScore:
    """The divergence of two joint Gaussians, its parts and its test.

    Attributes:
        kl: D(current || reference) of the two Gaussians, in nats.
        kl_mean: the part of it that the means make.
        frechet: the Frechet distance of the two, in squared units of the features.
        features: KL of each feature alone, shape ``(k,)``.
        pairs: what each pair adds, shape ``(k, k)``, above the diagonal; all 0 when diagonal.
        kl_expected: the ``kl`` that no drift would give at these row counts and tails.
        heavy: places of the features whose spread cannot be judged, as few rows make it up.
        unjudged: what they add to ``kl``; 0 without any.
    """

    kl: float
    kl_mean: float
    frechet: float
    features: Floats
    pairs: Floats
    kl_expected: float
    p_value: float
    heavy: tuple[int, ...]
    unjudged: float


class Unscorable(ValueError):  # noqa: N818 - a state of the data, not a mistake
    """Raised for joint moments that have no divergence; the message says why."""

    def __init__(self, why: str, features: Bools) -> None:
        super().__init__(why)
        self.features: tuple[int, ...] = tuple(np.flatnonzero(features).tolist())


def joint_score(current: CoMoments, reference: CoMoments, ridge: float = 0.0) -> JointScore:
    """Score the joint moments of a group of features.

    Both are about the same pivot; ``ridge`` is the share of each feature's reference variance that
    is added to both covariances.
    """
    # About the pivot that both share: a mean of 1e9 would round the distance of the two.
    mean_p, mean_q = current.sum1 / current.rows, reference.sum1 / reference.rows
    var_q = reference.variances
    for side, moments in (("current dataset", current), ("reference", reference)):
        large = ~np.isfinite(moments.variances)
        if not np.isfinite(moments.covariance).all():
            raise Unscorable(f"values beyond 1e150 in the {side}", large)
    spread = _between(current, reference)
    if (none := (current.constant | reference.constant) & ~(spread > 0)).any():
        raise Unscorable("no spread on either side", none)
    cov_p, cov_q = (
        _ridged(m, ridge * var_q + np.where(m.constant, OF_A_CONSTANT * spread / m.rows, 0.0))
        for m in (current, reference)
    )
    try:
        kl = float(multivariate_gaussian_kl(mean_p, cov_p, mean_q, cov_q))
    except ValueError as error:
        why = str(error).partition(";")[0].partition(": ")[2]
        raise Unscorable(
            f"each is determined by the others, at least nearly; leave one out, or set "
            f"ridge, such as 1e-6 (of each feature's variance): {why}",
            _dependent(cov_p, cov_q),
        ) from None
    diagonal = current.diagonal
    stds = [np.sqrt(c if diagonal else np.diagonal(c)) for c in (cov_p, cov_q)]
    features = np.add(*gaussian_kl_parts(mean_p, stds[0], mean_q, stds[1]))
    d = (mean_p - mean_q) / stds[1]
    pairs = np.zeros((0, 0))
    kl_mean = float(d @ d) / 2
    if not diagonal:
        pairs, kl_mean = _pairs(d, cov_p, cov_q, stds[0], stds[1])
        pairs = _closed(pairs, kl - float(features.sum()))
    judged, heavy = _judged(current, reference)
    p_value, chance = _evidence((current, reference), (mean_p, mean_q), (cov_p, cov_q), judged)
    unjudged = 0.0
    if heavy:
        rest = [x[judged] for x in (mean_p, mean_q)]
        p, q = (_members(c, judged) for c in (cov_p, cov_q))
        known = multivariate_gaussian_kl(rest[0], p, rest[1], q) if len(judged) else 0.0
        unjudged = kl - float(known)
    frechet = float(frechet_distance(mean_p, cov_p, mean_q, cov_q))
    return JointScore(kl, kl_mean, frechet, features, pairs, chance, p_value, heavy, unjudged)


def _between(current: CoMoments, reference: CoMoments) -> Floats:
    """The variances of the rows of both sides together, shape ``(k,)``."""
    n, m = current.rows, reference.rows
    d = (current.sum1 / n - reference.sum1 / m) ** 2 * (n * m / (n + m))
    return np.asarray((n * current.variances + m * reference.variances + d) / (n + m))


def _dependent(*covariances: Floats) -> Bools:
    """Which features take part in the combination that varies least, on either side."""
    least = (np.inf, np.empty(0))
    for covariance in covariances:
        scale = 1 / np.sqrt(np.diagonal(covariance))
        values, vectors = np.linalg.eigh(covariance * np.outer(scale, scale))
        least = min(least, (float(values[0]), np.abs(vectors[:, 0])), key=lambda one: one[0])
    return np.asarray(least[1] > TAKES_PART)


def _members(covariance: Floats, places: Ints) -> Floats:
    """The covariance, or the variances, of some of the features."""
    return covariance[np.ix_(*[places] * covariance.ndim)]


def _judged(current: CoMoments, reference: CoMoments) -> tuple[Ints, tuple[int, ...]]:
    """The features whose spread can be judged, and the others."""
    rows = np.minimum(*(m.rows / m.kurtosis for m in (current, reference)))
    judged = rows >= FEW_ROWS  # not those without a kurtosis, whose fourth powers are infinite
    return np.flatnonzero(judged), tuple(np.flatnonzero(~judged).tolist())


def _evidence(
    sides: tuple[CoMoments, CoMoments],
    means: tuple[Floats, Floats],
    covariances: tuple[Floats, Floats],
    judged: Ints,
) -> tuple[float, float]:
    """The p-value of no drift, and the divergence that is expected without any.

    Means and covariances are tested apart, and the smaller p-value is doubled. Tails do not widen
    the test of means: the more rows, the closer to a Gaussian they are.
    """
    n, m = (side.rows for side in sides)
    k, degrees = len(means[0]), n + m - 2
    pooled = (n * covariances[0] + m * covariances[1]) / degrees
    std = np.sqrt(pooled if sides[0].diagonal else np.diagonal(pooled))
    d = (means[0] - means[1]) / std
    weight = n * m / (n + m)
    scale = np.fmax(1.0, (np.fmax(*(side.kurtosis for side in sides)) - 1) / 2)
    if sides[0].diagonal:
        # Features of one vector depend on each other in a way that is not known: test each alone.
        p_mean = k * float(fdtrc(1, degrees, weight * d * d).min())
        p_spread = k * _p_variances(sides, covariances, scale, judged)
        return min(1.0, 2 * min(p_mean, p_spread)), float(_expected(n, m, 1) * scale.sum())
    t2 = weight * float(d @ np.linalg.solve(pooled / np.outer(std, std), d))
    p_mean = float(fdtrc(k, degrees - k + 1, t2 * (degrees - k + 1) / (k * degrees)))
    chance = _expected(n, m, k) * float(_widths(scale).mean())
    p_spread = 1.0
    if len(judged):
        p, q = (_members(c, judged) for c in covariances)
        j, none, widths = len(judged), np.zeros(len(judged)), _widths(scale[judged])
        kl = float(multivariate_gaussian_kl(none, p, none, q))
        # A weighted sum of squares has the mean and variance of this many equal ones.
        dof = float(widths.sum() ** 2 / np.square(widths).sum())
        of_means = j * m / (m - j - 2) * (1 / n + 1 / m) / 2
        expected = (_expected(n, m, j) - of_means) * float(widths.mean())
        # The width itself is an estimate, from fewer rows the heavier the tails are.
        excess = max(1e-9, float(scale[judged].max()) - 1)
        p_spread = float(fdtrc(dof, min(n, m) / (2 * excess), kl / expected))
    return min(1.0, 2 * min(p_mean, p_spread)), chance


def _widths(scale: Floats) -> Floats:
    """How many times wider than of Gaussians each variance and covariance varies.

    The fourth moment of two features is at most the root of the product of their own.
    """
    kurtosis = 2 * scale + 1
    rows, columns = np.triu_indices(len(scale), 1)
    return np.concatenate([scale, np.sqrt(kurtosis[rows] * kurtosis[columns]) / 3])


def _p_variances(
    sides: tuple[CoMoments, CoMoments],
    variances: tuple[Floats, Floats],
    scale: Floats,
    judged: Ints,
) -> float:
    """The smallest p-value of a ratio of variances, in rows of Gaussians that say as much [1].

    References:
        [1] Box, G. E. P. (1953). Non-normality and tests on variances. Biometrika 40.
    """
    if not len(judged):
        return 1.0
    n, m = (side.rows - 1 for side in sides)
    ratio = (variances[0] * sides[0].rows / n) / (variances[1] * sides[1].rows / m)
    degrees = n / scale[judged], m / scale[judged]
    tails = fdtr(*degrees, ratio[judged]), fdtrc(*degrees, ratio[judged])
    return float(2 * np.minimum(*tails).min())


def _ridged(moments: CoMoments, ridge: Floats) -> Floats:
    return moments.covariance + (ridge if moments.diagonal else np.diag(ridge))


def _pairs(
    d: Floats, cov_p: Floats, cov_q: Floats, std_p: Floats, std_q: Floats
) -> tuple[Floats, float]:
    """What each pair of features adds to the divergence, and what the means add."""
    r, c = cov_q / np.outer(std_q, std_q), cov_p / np.outer(std_p, std_p)
    s = cov_p / np.outer(std_q, std_q) + np.outer(d, d)
    p = np.linalg.inv(r)
    root = np.linalg.cholesky(c)
    change = np.linalg.solve(root, np.linalg.solve(root, r - c).T)
    x, vectors = np.linalg.eigh((change + change.T) / 2)
    x = np.maximum(x, -1 + 1e-15)
    small = np.abs(x) < 1e-8
    weights = np.where(small, 1 - x / 2, np.log1p(x) / np.where(small, 1.0, x))
    along = np.linalg.solve(root.T, vectors)
    integral = (along * weights) @ along.T
    own = np.diagonal(s)
    shares = p * s - p * r * (own[:, None] + own[None, :]) / 2 + integral * (r - c)
    return np.triu(shares, 1), float(d @ p @ d) / 2


def _closed(pairs: Floats, total: float) -> Floats:
    """Spread the rounding error over the pairs, so that they add up to the total."""
    rest, weight = total - float(pairs.sum()), float(np.abs(pairs).sum())
    return pairs + np.abs(pairs) * (rest / weight) if weight > 0 else pairs


def _expected(n: int, m: int, k: int) -> float:
    """Expected KL of two samples (n and m rows) of one k-dimensional Gaussian, in nats.

    From the means of Wishart matrices, of their inverses and of their log-determinants [1].

    References:
        [1] Anderson, T. W. (2003). An Introduction to Multivariate Statistical Analysis, 3rd ed.,
            chapter 7. Wiley.
    """
    inverse = m / (m - k - 2)
    i = np.arange(1, k + 1)
    log_q = digamma((m - i) / 2).sum() - k * np.log(m)
    log_p = digamma((n - i) / 2).sum() - k * np.log(n)
    trace = k * inverse * ((n - 1) / n + 1 / n + 1 / m)
    return float((trace - k + log_q - log_p) / 2)
