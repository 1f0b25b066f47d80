"""How far one distribution is from another: pure functions of small arrays.

Discrete functions take probabilities whose last axis holds the cells, p the current and q the
reference distribution, and work on all leading axes at once. They check their arguments; the
formulas in `DIVERGENCES` do not, and are what scores many groups.

A new divergence is a module here and an entry in `DIVERGENCES`, see :mod:`kldrift.divergences`.
"""

from __future__ import annotations

from kldrift.divergence.bhattacharyya import bhattacharyya_distance
from kldrift.divergence.categorical import categorical_kl
from kldrift.divergence.chi_square import chi_square
from kldrift.divergence.counts_test import CountsTest
from kldrift.divergence.frechet import frechet_distance
from kldrift.divergence.g_statistic import g_statistic
from kldrift.divergence.gaussian import gaussian_kl, gaussian_kl_parts, standard_normal_kl
from kldrift.divergence.hellinger import hellinger
from kldrift.divergence.js import js_distance, js_divergence
from kldrift.divergence.kl import kl_contributions, kl_divergence
from kldrift.divergence.kl_continuous import EstimatedFloat, kl_divergence_continuous
from kldrift.divergence.kl_samples import kl_divergence_samples
from kldrift.divergence.kolmogorov_smirnov import kolmogorov_smirnov, kolmogorov_smirnov_samples
from kldrift.divergence.multivariate_gaussian import multivariate_gaussian_kl
from kldrift.divergence.psi import psi
from kldrift.divergence.renyi import renyi_divergence
from kldrift.divergence.total_variation import total_variation
from kldrift.divergence.wasserstein import wasserstein, wasserstein_samples
from kldrift.divergences import DIVERGENCES, Divergence

__all__ = [
    "DIVERGENCES",
    "CountsTest",
    "Divergence",
    "EstimatedFloat",
    "bhattacharyya_distance",
    "categorical_kl",
    "chi_square",
    "frechet_distance",
    "g_statistic",
    "gaussian_kl",
    "gaussian_kl_parts",
    "hellinger",
    "js_distance",
    "js_divergence",
    "kl_contributions",
    "kl_divergence",
    "kl_divergence_continuous",
    "kl_divergence_samples",
    "kolmogorov_smirnov",
    "kolmogorov_smirnov_samples",
    "multivariate_gaussian_kl",
    "psi",
    "renyi_divergence",
    "standard_normal_kl",
    "total_variation",
    "wasserstein",
    "wasserstein_samples",
]
