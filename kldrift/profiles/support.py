"""The cells that a feature's values fall into.

A support is the ordered set of cells over which one feature is counted. Every row falls into
exactly one cell, also a null, a NaN or a value never seen before, so the counts over a support add
up to the number of rows. The reference freezes the support; both sides are counted on it.

Flow cells (null, NaN, infinities, underflow, overflow, other) have a kind of their own: a category
that is called "null" is not a null.

See docs/decisions/frozen-support.md.
"""

from __future__ import annotations

from kldrift.errors import SupportMismatchError
from kldrift.profiles.categorical_support import CategoricalSupport, KnownNames
from kldrift.profiles.numeric_support import (
    NUMBERS,
    TIMES,
    Keys,
    NumericSupport,
    Unit,
    step,
    unsigned,
)

__all__ = [
    "NUMBERS",
    "TIMES",
    "CategoricalSupport",
    "Keys",
    "KnownNames",
    "NumericSupport",
    "Support",
    "Unit",
    "pivot_of",
    "require_same",
    "step",
    "unsigned",
]

Support = NumericSupport | CategoricalSupport


def pivot_of(support: Support) -> float:
    """The pivot that moments on a support are taken about; 0 for categories."""
    return support.pivot if isinstance(support, NumericSupport) else 0.0


def require_same(left: Support, right: Support) -> None:
    """Check that two profiles can be added or compared.

    Raises:
        SupportMismatchError: the supports differ. Counts cannot be moved between cells exactly.
    """
    if left != right:
        raise SupportMismatchError(
            f"cannot put {left} and {right} on one support; "
            "profile the current dataset with the support of the reference"
        )
