"""The list of divergences and their declared properties.

The one list of them: the contract tests, the scores of a run, the columns of ``drift_scores`` and
the names in configurations come from it. Formulas are named, not imported: who asks for names only,
such as the reader of a configuration, does not wait for NumPy and SciPy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import float64
    from numpy.typing import NDArray

    Formula = Callable[..., NDArray[float64]]


@dataclass(frozen=True)
class Divergence:
    """A named formula of two distributions and the properties that the tests hold it to.

    Attributes:
        name: the identifier in configuration and in score tables.
        formula: the module of ``kldrift.divergence`` and the function in it that computes ``fn``.
        symmetric: ``fn(p, q) == fn(q, p)``.
        upper: least upper bound of the value.
        ordinal: the value depends on the order of the cells, so that it is for numbers only.
        positions: ``fn`` also takes where the cells lie, of shape ``(..., k)``, as its third
            argument; without it cells are 1 apart.
        unit: ``nats``, ``unit of the feature``, or empty for a value without unit.
        scored: whether every feature is scored by it: it is then a column of ``drift_scores``, on
            which a threshold can be set.
        sum_of: those before it in the list whose sum ``fn`` is, if it is one: who has them need
            not call it.
    """

    name: str
    formula: str
    symmetric: bool
    upper: float = math.inf
    ordinal: bool = False
    positions: bool = False
    unit: str = ""
    scored: bool = True
    sum_of: tuple[str, ...] = ()

    @cached_property
    def fn(self) -> Formula:
        """``fn(p, q)`` of current and reference probabilities, both of shape ``(..., k)``.

        It gives shape ``(...)`` and does not check: rows must be probabilities.
        """
        module, function = self.formula.split(":")
        formula: Formula = getattr(import_module(f"kldrift.divergence.{module}"), function)
        return formula


DIVERGENCES: Final = {
    "kl": Divergence("kl", "kl:kl_formula", symmetric=False, unit="nats"),
    "kl_reverse": Divergence("kl_reverse", "kl:kl_reverse_formula", symmetric=False, unit="nats"),
    "js": Divergence("js", "js:js_formula", symmetric=True, upper=math.log(2), unit="nats"),
    "psi": Divergence(
        "psi", "psi:psi_formula", symmetric=True, unit="nats", sum_of=("kl", "kl_reverse")
    ),
    "hellinger": Divergence("hellinger", "hellinger:hellinger_formula", symmetric=True, upper=1.0),
    "total_variation": Divergence(
        "total_variation", "total_variation:total_variation_formula", symmetric=True, upper=1.0
    ),
    "wasserstein": Divergence(
        "wasserstein",
        "wasserstein:wasserstein_formula",
        symmetric=True,
        ordinal=True,
        positions=True,
        unit="unit of the feature",
    ),
    "ks": Divergence(
        "ks",
        "kolmogorov_smirnov:kolmogorov_smirnov_formula",
        symmetric=True,
        upper=1.0,
        ordinal=True,
    ),
    "renyi": Divergence(  # of order 2
        "renyi", "renyi:renyi_formula", symmetric=False, unit="nats", scored=False
    ),
    "bhattacharyya": Divergence(
        "bhattacharyya",
        "bhattacharyya:bhattacharyya_formula",
        symmetric=True,
        unit="nats",
        scored=False,
    ),
}
"""By name."""
