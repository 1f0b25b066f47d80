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
        ordinal: the value depends on the order of the cells.
    """

    name: str
    fn: Callable[[FloatArray, FloatArray], FloatArray]
    symmetric: bool
    upper: float = math.inf
    ordinal: bool = False
