"""How far one distribution is from another: pure functions of small arrays.

Discrete functions take probabilities whose last axis holds the cells, p the current and q the
reference distribution, and work on all leading axes at once. They check their arguments; the
formulas in `DIVERGENCES` do not, and are what scores many groups.

A new divergence is a module and a line in `DIVERGENCES`: the contract tests, the scores of a run,
the columns of ``drift_scores`` and the names in configurations come from it.
"""

from __future__ import annotations

import math
from typing import Final

from kldrift.divergence.base import Divergence
from kldrift.divergence.bhattacharyya import bhattacharyya_distance, bhattacharyya_formula
from kldrift.divergence.categorical import categorical_kl
from kldrift.divergence.chi_square import chi_square
from kldrift.divergence.counts_test import CountsTest
from kldrift.divergence.frechet import frechet_distance
from kldrift.divergence.g_statistic import g_statistic
from kldrift.divergence.gaussian import gaussian_kl, gaussian_kl_parts, standard_normal_kl
from kldrift.divergence.hellinger import hellinger, hellinger_formula
from kldrift.divergence.js import js_distance, js_divergence, js_formula
from kldrift.divergence.kl import kl_contributions, kl_divergence, kl_formula, kl_reverse_formula
from kldrift.divergence.kl_continuous import EstimatedFloat, kl_divergence_continuous
from kldrift.divergence.kl_samples import kl_divergence_samples
from kldrift.divergence.kolmogorov_smirnov import (
    kolmogorov_smirnov,
    kolmogorov_smirnov_formula,
    kolmogorov_smirnov_samples,
)
from kldrift.divergence.multivariate_gaussian import multivariate_gaussian_kl
from kldrift.divergence.psi import psi, psi_formula
from kldrift.divergence.renyi import renyi_divergence, renyi_formula
from kldrift.divergence.total_variation import total_variation, total_variation_formula
from kldrift.divergence.wasserstein import wasserstein, wasserstein_formula, wasserstein_samples

DIVERGENCES: Final = {
    "kl": Divergence("kl", kl_formula, symmetric=False, unit="nats"),
    "kl_reverse": Divergence("kl_reverse", kl_reverse_formula, symmetric=False, unit="nats"),
    "js": Divergence("js", js_formula, symmetric=True, upper=math.log(2), unit="nats"),
    "psi": Divergence("psi", psi_formula, symmetric=True, unit="nats"),
    "hellinger": Divergence("hellinger", hellinger_formula, symmetric=True, upper=1.0),
    "total_variation": Divergence(
        "total_variation", total_variation_formula, symmetric=True, upper=1.0
    ),
    "wasserstein": Divergence(
        "wasserstein",
        wasserstein_formula,
        symmetric=True,
        ordinal=True,
        positions=True,
        unit="unit of the feature",
    ),
    "ks": Divergence("ks", kolmogorov_smirnov_formula, symmetric=True, upper=1.0, ordinal=True),
    "renyi": Divergence(  # of order 2
        "renyi", renyi_formula, symmetric=False, unit="nats", scored=False
    ),
    "bhattacharyya": Divergence(
        "bhattacharyya", bhattacharyya_formula, symmetric=True, unit="nats", scored=False
    ),
}

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
