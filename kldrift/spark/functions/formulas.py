"""What the Spark functions compute, over matrices of rows: `kldrift.divergence` by row.

An array column comes as a matrix of shape ``(rows, k)``, a number column as ``(rows,)``; one row
alone comes without the first axis. No formula stands here, only how a row becomes the arguments
of the function in `kldrift.divergence` that has the same name.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, Literal

import numpy as np

from kldrift import divergence
from kldrift.arrays import Floats
from kldrift.divergence import CountsTest
from kldrift.divergence.arguments import (
    LARGEST_COUNT,
    require,
    require_same_cells,
)
from kldrift.divergence.probabilities import probabilities

ArgumentKind = Literal["cells", "moments", "number", "option"]
"""What an argument is in one row: an array of numbers; numbers, or an array of numbers or of such
arrays; a number; or a number that rows have to share to be computed together."""

CELLS: Final[Mapping[str, ArgumentKind]] = {"p": "cells", "q": "cells"}
SMOOTHED: Final[Mapping[str, ArgumentKind]] = {**CELLS, "pseudocount": "option"}
WITH_BASE: Final[Mapping[str, ArgumentKind]] = {**SMOOTHED, "base": "option"}
GAUSSIANS: Final[Mapping[str, ArgumentKind]] = {
    "mean_p": "moments",
    "cov_p": "moments",
    "mean_q": "moments",
    "cov_q": "moments",
}


@dataclass(frozen=True)
class RowFunction:
    """A function of rows.

    Attributes:
        formula: from matrices by argument name to one value a row, or one of each field.
        arguments: their names and kinds, in the order in which SQL takes them.
        fields: of the struct that it gives; none if it gives a number.
    """

    formula: Callable[..., Any]
    arguments: Mapping[str, ArgumentKind]
    fields: tuple[str, ...] = ()

    @property
    def required(self) -> frozenset[str]:
        """Names of the arguments that have no default."""
        parameters = inspect.signature(self.formula).parameters.values()
        return frozenset(p.name for p in parameters if p.default is p.empty)


def shares(p: Floats, q: Floats, pseudocount: float) -> tuple[Floats, Floats]:
    """Normalise counts or probabilities, the same way on both sides.

    Without a pseudocount each row is divided by its sum. With one, the row holds counts, and each
    cell that has rows on either side gets it, as in the score tables.

    Raises:
        ValueError: a side is empty or all zero, or holds something that is no count.
    """
    for name, values in (("p", p), ("q", q)):
        valid = (values >= 0) & (values < math.inf)
        require(valid, values, f"{name} must hold counts or probabilities, finite and not negative")
        if not (values > 0).any(axis=-1).all():
            what = "is all zero" if values.shape[-1] else "is empty"
            raise ValueError(f"{name} {what}; without rows there is no distribution to compare")
    require_same_cells(p, q)
    if pseudocount == 0:
        return p / p.sum(axis=-1, keepdims=True), q / q.sum(axis=-1, keepdims=True)
    if not 0 < pseudocount < math.inf:
        raise ValueError(f"pseudocount must be 0 or a positive number of rows, got {pseudocount!r}")
    for name, values in (("p", p), ("q", q)):
        whole = (values == np.floor(values)) & (values <= LARGEST_COUNT)
        require(whole, values, f"{name} must hold whole row counts when a pseudocount is given")
    occupied = (p > 0) | (q > 0)
    p, q = (
        probabilities(side.astype(np.int64), occupied, pseudocount=pseudocount) for side in (p, q)
    )
    return p, q


def _of_shares(of: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(of)  # which arguments are required is asked of the signature
    def formula(p: Floats, q: Floats, pseudocount: float = 0.0, **more: Any) -> Any:
        return of(*shares(p, q, pseudocount), **more)

    return formula


def _counts_test(of: Callable[..., CountsTest]) -> Callable[..., Any]:
    def formula(current: Floats, reference: Floats) -> Any:
        test = of(current, reference)
        return np.stack([test.statistic, test.dof, test.p_value], axis=-1)

    return formula


def _of_gaussians(of: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(of)
    def formula(mean_p: Floats, cov_p: Floats, mean_q: Floats, cov_q: Floats, **more: Any) -> Any:
        return of(mean_p, _covariance(mean_p, cov_p), mean_q, _covariance(mean_q, cov_q), **more)

    return formula


def _covariance(mean: Floats, cov: Floats) -> Floats:
    """A covariance that lies flat in one array, as a matrix; others as they are."""
    k = mean.shape[-1]
    flat = cov.ndim == mean.ndim and cov.shape[-1] == k * k != k
    return cov.reshape(*cov.shape[:-1], k, k) if flat else cov


def _categorical_kl(p_logits: Floats, q_logits: Floats) -> Any:
    require_same_cells(p_logits, q_logits, "p_logits", "q_logits")
    p, q = np.atleast_2d(p_logits), np.atleast_2d(q_logits)
    return divergence.categorical_kl(p, q, reduction="none")


_TEST: Final = ("statistic", "dof", "p_value")
_COUNTS: Final[Mapping[str, ArgumentKind]] = {"current": "cells", "reference": "cells"}
_NUMBERS: Final[Mapping[str, ArgumentKind]] = dict.fromkeys(
    ("mean_p", "std_p", "mean_q", "std_q"), "number"
)

FUNCTIONS: Final[Mapping[str, RowFunction]] = {
    "kl_divergence": RowFunction(_of_shares(divergence.kl_divergence), WITH_BASE),
    "js_divergence": RowFunction(_of_shares(divergence.js_divergence), WITH_BASE),
    "js_distance": RowFunction(_of_shares(divergence.js_distance), WITH_BASE),
    "psi": RowFunction(_of_shares(divergence.psi), WITH_BASE),
    "bhattacharyya_distance": RowFunction(_of_shares(divergence.bhattacharyya_distance), WITH_BASE),
    "renyi_divergence": RowFunction(
        _of_shares(divergence.renyi_divergence),
        {**CELLS, "alpha": "option", "pseudocount": "option", "base": "option"},
    ),
    "hellinger": RowFunction(_of_shares(divergence.hellinger), SMOOTHED),
    "total_variation": RowFunction(_of_shares(divergence.total_variation), SMOOTHED),
    "kolmogorov_smirnov": RowFunction(_of_shares(divergence.kolmogorov_smirnov), SMOOTHED),
    "wasserstein": RowFunction(
        _of_shares(divergence.wasserstein),
        {**CELLS, "positions": "cells", "pseudocount": "option"},
    ),
    "chi_square": RowFunction(_counts_test(divergence.chi_square), _COUNTS, _TEST),
    "g_statistic": RowFunction(_counts_test(divergence.g_statistic), _COUNTS, _TEST),
    "gaussian_kl": RowFunction(divergence.gaussian_kl, _NUMBERS),
    "standard_normal_kl": RowFunction(
        divergence.standard_normal_kl, {"mean": "number", "std": "number"}
    ),
    "multivariate_gaussian_kl": RowFunction(
        _of_gaussians(divergence.multivariate_gaussian_kl), {**GAUSSIANS, "ridge": "option"}
    ),
    "frechet_distance": RowFunction(_of_gaussians(divergence.frechet_distance), GAUSSIANS),
    "categorical_kl": RowFunction(_categorical_kl, {"p_logits": "cells", "q_logits": "cells"}),
}
