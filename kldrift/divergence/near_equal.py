"""Formulas that lose no digits to cancellation when two numbers are close.

A divergence of nearly equal distributions is a small number made of terms that cancel:
``p * log(p / q)`` is positive in some cells and negative in others. As both sides add up to 1,
the terms ``p * log(p / q) - p + q`` have the same sum, and none of them is negative. They are of
the form ``x - log(1 + x)``, whose own cancellation at small x a short series avoids. Differences of
products and products of matrices are computed in about twice the working precision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from kldrift.arrays import Floats
from kldrift.error_free import DoubleDoubles, two_product, two_sum

# Below it, seven terms of the series are exact to 1e-17; above it, the plain formula is to 1e-13.
NEAR: Final = 2.0**-8
LOG_SERIES: Final = (1 / 8, -1 / 7, 1 / 6, -1 / 5, 1 / 4, -1 / 3, 1 / 2)
EXP_SERIES: Final = (1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2)
# What nine digits of a difference allow to be off.
UNSEEN: Final = 2.0**-31
# Sums that are further apart are not rounded; a side without rows has the sum 0.
ROUNDED: Final = 2.0**-20

MANTISSA_BITS: Final = 53  # of a float64, in bits
SLICES: Final = 4  # of about 24 bits each: more than a float64 has, for rows of mixed magnitude


def difference(p: Floats, q: Floats) -> Floats:
    """Return ``p - q`` without what either row adds up to beside 1, where nine digits show it.

    Probabilities add up to 1 only to rounding, in the 16th digit: at distances of 1e-10 that is
    the sixth. ``p / sum(p) - q / sum(q)`` is ``(p - q) - q * sum(p - q)`` but for one part in
    1e16, and nearby numbers are subtracted without error. Larger differences stay as they are.
    """
    raw = p - q
    beside = raw.sum(axis=-1, keepdims=True)
    off = np.abs(beside)
    size = np.abs(raw).sum(axis=-1, keepdims=True)
    # Cumulated over k cells, it is counted up to k times.
    shows = (raw.shape[-1] * off > UNSEEN * size) & (off < ROUNDED)
    return raw - q * np.where(shows, beside, 0.0)


def log_ratio(a: Floats, b: Floats) -> Floats:
    """Return ``log(a / b)`` for a, b >= 0, without overflow of the ratio; NaN where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x = (a - b) / b
        return np.where((x > -0.5) & (x < 1), np.log1p(x), np.log(a) - np.log(b))


def log_excess(x: Floats, log1p_x: Floats) -> Floats:
    """Return ``x - log(1 + x)``, which is never negative; the logarithm is given."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.abs(x) < NEAR, x * x * np.polyval(LOG_SERIES, x), x - log1p_x)


def exp_excess(x: Floats) -> Floats:
    """Return ``exp(x) - 1 - x``, which is never negative."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.abs(x) < NEAR, x * x * np.polyval(EXP_SERIES, x), np.expm1(x) - x)


def difference_of_products(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Return ``a * b - c * d``, exact to rounding also where the products nearly cancel."""
    (left, left_low), (right, right_low) = two_product(a, b), two_product(c, d)
    return (left - right) + (left_low - right_low)


def congruence(w: Floats, c: DoubleDoubles) -> Floats:
    """Return ``w @ c @ w.T`` for symmetric c, rounded only once [1]; leading axes are batches.

    References:
        [1] Ozaki, K., Ogita, T., Oishi, S. and Rump, S. M. (2012). Error-free transformations of
            matrix multiplication by using fast routines of matrix multiplication and its
            applications. Numerical Algorithms 59, 95-118. doi:10.1007/s11075-011-9478-1
    """
    high, low = c
    half, half_low = _product(w, high)
    whole, whole_low = _product(half, w)
    transposed = np.swapaxes(w, -1, -2)
    return whole + (whole_low + (half_low + w @ low) @ transposed)


def _product(a: Floats, b: Floats) -> DoubleDoubles:
    """``a @ b.T`` from products of slices, each of which float64 holds without error."""
    slices_b = list(_slices(b))
    high = low = np.zeros(())
    for i, piece in enumerate(_slices(a)):
        for other in slices_b[: SLICES - i]:
            high, rounding = two_sum(high, piece @ np.swapaxes(other, -1, -2))
            low = low + rounding
    return high, low


def _slices(a: Floats) -> Iterator[Floats]:
    """Cut each row into numbers of so few bits that k products of two of them add up exactly."""
    bits = (MANTISSA_BITS - math.ceil(math.log2(a.shape[-1]))) // 2
    for _ in range(SLICES):
        _, exponent = np.frexp(np.abs(a).max(axis=-1, keepdims=True))
        grid = np.ldexp(1.5, exponent + MANTISSA_BITS - 1 - bits)
        piece = (a + grid) - grid
        yield piece
        a = a - piece
