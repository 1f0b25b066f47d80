"""Sums and products of doubles without error: the rounded value, and what rounding took away.

This needs no ``longdouble``, which is no wider than a double on some platforms.

References:
    Dekker, T. J. (1971). A floating-point technique for extending the available precision.
        Numerische Mathematik 18, 224-242. doi:10.1007/BF01397083
"""

from __future__ import annotations

import numpy as np

from kldrift.arrays import Floats

DoubleDoubles = tuple[Floats, Floats]
"""Numbers as ``high + low``: the nearest double, and what it lacks."""


def two_sum(a: Floats, b: Floats) -> DoubleDoubles:
    """Return ``a + b`` as a pair without error."""
    total = a + b
    from_b = total - a
    return total, (a - (total - from_b)) + (b - from_b)


def two_product(a: Floats, b: Floats) -> DoubleDoubles:
    """Return ``a * b`` as a pair without error, for numbers below 1e300."""
    product = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Floats) -> DoubleDoubles:
    shifted = a * (2.0**27 + 1)
    high = shifted - (shifted - a)
    return high, a - high


def pair_sum(a: DoubleDoubles, b: DoubleDoubles) -> DoubleDoubles:
    """The sum of two pairs, rounded to a pair."""
    high, low = two_sum(a[0], b[0])
    return two_sum(high, low + (a[1] + b[1]))


def pair_product(a: DoubleDoubles, b: DoubleDoubles) -> DoubleDoubles:
    """The product of two pairs, rounded to a pair."""
    high, low = two_product(a[0], b[0])
    return two_sum(high, low + (a[0] * b[1] + a[1] * b[0]))


def pair_quotient(a: DoubleDoubles, n: Floats) -> DoubleDoubles:
    """A pair divided by doubles, rounded to a pair."""
    high = a[0] / n
    product, rest = two_product(high, n)
    return two_sum(high, ((a[0] - product) - rest + a[1]) / n)


def finite_pair(value: DoubleDoubles) -> DoubleDoubles:
    """A pair with infinity where it overflows a double, never with NaN in its low part."""
    known = np.isfinite(value[0])
    return np.where(known, value[0], np.inf), np.where(known & np.isfinite(value[1]), value[1], 0.0)
