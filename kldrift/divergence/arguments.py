"""Checks of the arguments of public functions; messages say what was found.

The formulas themselves do not check, so that a million groups are not checked twice.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Bools, Floats

Value = float | Floats

# Nine written decimals are each off by at most 5e-10, independently, so that k of them are off by
# about 1e-9 * sqrt(k). What is off by more is not rounded but something else, such as counts.
DECIMALS: Final = 1e-9
LARGEST_COUNT: Final = 2.0**53  # above it, float64 does not hold every whole number


def unwrap(values: Floats) -> Value:
    """Return a float for a result without axes, the array itself otherwise."""
    return float(values) if np.ndim(values) == 0 else values


def over_cells(terms: Floats) -> Floats:
    """Return the sum over the last axis."""
    return np.asarray(terms.sum(axis=-1))


def log_base(base: float) -> float:
    """Return the natural logarithm of a base, by which nats are divided.

    Raises:
        ValueError: the base is not a finite number above 1.
    """
    if not 1 < base < math.inf:
        raise ValueError(f"base must be a finite number above 1, got {base!r}")
    return math.log(base)


def distributions(p: ArrayLike, q: ArrayLike) -> tuple[Floats, Floats]:
    """Return p and q as float64 probabilities over the same cells.

    Rows that add up to 1 to rounding are used as they are; rows that are off by less than the
    tolerance are divided by their sum, so that the slack never shows in a result.

    Raises:
        ValueError: a cell is negative or NaN, a row does not add up to 1, or the shapes differ.
    """
    current, reference = _probabilities("p", p), _probabilities("q", q)
    require_same_cells(current, reference)
    return current, reference


def counts(current: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    """Return row counts of both sides as float64, which holds them exactly.

    Raises:
        ValueError: a count is negative, not whole or above 2**53, a side has no rows, or the
            shapes differ.
    """
    p, q = _counts("current", current), _counts("reference", reference)
    require_same_cells(p, q, "current", "reference")
    return p, q


def sample(name: str, values: ArrayLike) -> Floats:
    """Return the finite values of a one-dimensional sample as float64.

    Raises:
        ValueError: the sample has another shape, is empty, or holds NaN or infinity.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be one or more values, got shape {array.shape}")
    require(np.isfinite(array), array, f"{name} must be finite")
    return array


def require(valid: Bools, values: Floats, rule: str) -> None:
    """Raise a ValueError with the first value that breaks a rule and its place."""
    if not valid.all():
        place = tuple(int(i) for i in np.argwhere(~valid)[0])
        where = f" at {place if len(place) > 1 else place[0]}" if place else ""
        raise ValueError(f"{rule}, got {float(values[place])!r}{where}")


def require_broadcast(**shapes: tuple[int, ...]) -> None:
    """Raise a ValueError that names the shapes, unless they broadcast."""
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        shown = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"shapes must be equal or broadcast, got {shown}") from None


def require_same_cells(p: Floats, q: Floats, p_name: str = "p", q_name: str = "q") -> None:
    """Raise a ValueError unless both have the same cells and leading axes that broadcast."""
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(
            f"{p_name} has {p.shape[-1]} cells and {q_name} has {q.shape[-1]}; "
            "align both on one support first"
        )
    require_broadcast(**{p_name: p.shape, q_name: q.shape})


def _cells(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name} must have cells on its last axis, got shape {array.shape}")
    require(array >= 0, array, f"{name} must not be negative or NaN")
    return array


def _probabilities(name: str, values: ArrayLike) -> Floats:
    array = _cells(name, values)
    k = array.shape[-1]
    total = array.sum(axis=-1, keepdims=True)
    tolerance = max(DECIMALS, _rounding(values)) * math.sqrt(k)
    rule = f"{name} must add up to 1, or be made so from counts by kldrift.divergence.probabilities"
    require((np.abs(total - 1) <= tolerance)[..., 0], total[..., 0], rule)
    off = np.abs(total - 1) > k * np.finfo(np.float64).eps
    return array / np.where(off, total, 1.0)


def _rounding(values: ArrayLike) -> float:
    """A float32 softmax cannot add up to 1 better than float32 resolves."""
    dtype = np.asarray(values).dtype
    return 4 * float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _counts(name: str, values: ArrayLike) -> Floats:
    array = _cells(name, values)
    require(array <= LARGEST_COUNT, array, f"{name} must hold counts up to 2**53")
    require(array == np.floor(array), array, f"{name} must hold whole row counts")
    total = array.sum(axis=-1)
    require(total > 0, total, f"{name} must have rows")
    return array
