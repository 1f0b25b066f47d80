"""Differences and matrix products in about twice the working precision, from plain float64.

References:
    Ozaki, K., Ogita, T., Oishi, S. and Rump, S. M. (2012). Error-free transformations of matrix
        multiplication by using fast routines of matrix multiplication and its applications.
        Numerical Algorithms 59, 95-118. doi:10.1007/s11075-011-9478-1
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from kldrift.arrays import Floats
from kldrift.error_free import DoubleDoubles, two_product, two_sum

MANTISSA_BITS: Final = 53  # of a float64, in bits
SLICES: Final = 4  # of about 24 bits each: more than a float64 has, for rows of mixed magnitude


def difference_of_products(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Return ``a * b - c * d``, exact to rounding also where the products nearly cancel."""
    (left, left_low), (right, right_low) = two_product(a, b), two_product(c, d)
    return (left - right) + (left_low - right_low)


def congruence(w: Floats, c: DoubleDoubles) -> Floats:
    """Return ``w @ c @ w.T`` for symmetric c, rounded only once; leading axes are batches."""
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
