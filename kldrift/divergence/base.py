"""What a divergence declares about itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kldrift.divergence.arguments import FloatArray


@dataclass(frozen=True)
class Divergence:
    """A named formula of two distributions and the properties that the tests hold it to.

    Attributes:
        name: the identifier in configuration and in score tables.
        fn: ``fn(p, q)`` for p the current and q the reference probabilities, both of shape
            ``(..., k)``; gives shape ``(...)``. It does not check: rows must be probabilities.
        symmetric: ``fn(p, q) == fn(q, p)``.
        upper: least upper bound of the value.
        ordinal: the value depends on the order of the cells, so that it is for numbers only.
        positions: ``fn`` also takes where the cells lie, of shape ``(..., k)``, as its third
            argument; without it cells are 1 apart.
        unit: ``nats``, ``unit of the feature``, or empty for a value without unit.
        scored: whether every feature is scored by it: it is then a column of ``drift_scores``, on
            which a threshold can be set.
    """

    name: str
    fn: Callable[..., FloatArray]
    symmetric: bool
    upper: float = math.inf
    ordinal: bool = False
    positions: bool = False
    unit: str = ""
    scored: bool = True
