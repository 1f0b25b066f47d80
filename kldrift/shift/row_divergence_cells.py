"""Cells for divergences of any size: 128 to each doubling, cut at bits of the double itself.

A cell is less than 0.8 % wide, so that any value of it stands for all of them. Which cell a value
falls into, and how far behind the cell's lower bound it lies, is read from its mantissa: integers,
which add up to the same bits in any order. Sums of doubles would not.

See docs/decisions/model-shift.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SUB_BITS: Final = 7  # 128 cells to a doubling
DEPTH: Final = 52 - SUB_BITS  # bits of a mantissa behind the cell's lower bound
LOW_BITS: Final = 22
SQUARED_BITS: Final = 16
ZERO: Final = -(2**20)
"""The cell of 0: below that of any double."""


def split(values: Floats) -> tuple[Ints, Ints, Ints, Ints]:
    """Split finite values, 0 or more, into their cell and integers that can be added exactly.

    Args:
        values: shape ``(n,)``.

    Returns:
        The cell, the upper 23 and the lower 22 bits of the distance to the cell's lower bound, and
        the square of its upper 16 bits, rounded; each of shape ``(n,)``.

    Examples:
        >>> cell, high, low, square = split(np.array([0.0, 1.0, 1.001]))
        >>> lower(cell).tolist(), upper(cell).tolist()
        ([0.0, 1.0, 1.0], [0.0, 1.0078125, 1.0078125])
        >>> (lower(cell) + offsets(cell, high, low)).tolist()
        [0.0, 1.0, 1.001]
    """
    fraction, exponent = np.frexp(values)
    mantissa = (fraction * 2.0**53).astype(np.int64)
    offset = mantissa & ((1 << DEPTH) - 1)
    cell = (exponent.astype(np.int64) << SUB_BITS) + (mantissa >> DEPTH) - (1 << SUB_BITS)
    cell = np.where(mantissa == 0, ZERO, cell)
    low = offset & ((1 << LOW_BITS) - 1)
    rounded = (offset + (1 << (DEPTH - SQUARED_BITS - 1))) >> (DEPTH - SQUARED_BITS)
    return cell, offset >> LOW_BITS, low, rounded * rounded


def exponents(cells: Ints) -> NDArray[np.int32]:
    """The exponent of each cell: its values are at least ``2 ** (e - 1)`` and below ``2 ** e``."""
    return (cells >> SUB_BITS).astype(np.int32)


def lower(cells: Ints) -> Floats:
    """The lower bound of each cell, inclusive, in nats."""
    return _bound(cells, 0)


def upper(cells: Ints) -> Floats:
    """The upper bound of each cell, exclusive, in nats; 0 for the cell of 0."""
    return _bound(cells, 1)


def _bound(cells: Ints, step: int) -> Floats:
    place = (cells & ((1 << SUB_BITS) - 1)) + (1 << SUB_BITS) + step
    bound = np.ldexp(place.astype(np.float64), exponents(cells) - SUB_BITS - 1)
    return np.where(cells == ZERO, 0.0, bound)


def offsets(cells: Ints, high: Ints, low: Ints) -> Floats:
    """The part of sums of split values beyond the lower bounds of their cells, in nats."""
    return offset_part(cells, high, LOW_BITS) + offset_part(cells, low, 0)


def offset_part(cells: Ints, part: Ints, bits: int) -> Floats:
    """One part of those sums, which stands ``bits`` bits above the last one."""
    return np.where(
        cells == ZERO, 0.0, np.ldexp(part.astype(np.float64), exponents(cells) - 53 + bits)
    )


def squares(cells: Ints, square: Ints) -> Floats:
    """The sums of the squared distances to the lower bounds, in squared nats."""
    scale = 2 * (exponents(cells) - 53 + DEPTH - SQUARED_BITS)
    return np.where(cells == ZERO, 0.0, np.ldexp(square.astype(np.float64), scale))


def summed(keys: Ints, *parts: Ints) -> tuple[Ints, ...]:
    """Add up parts by key.

    Args:
        keys: shape ``(n,)``, in any order.
        parts: integers of each, shape ``(n,)``.

    Returns:
        The different keys in increasing order, then the sums of each part.

    Examples:
        >>> [a.tolist() for a in summed(np.array([3, 1, 3]), np.array([1, 1, 5]))]
        [[1, 3], [1, 6]]
    """
    known, place = np.unique(keys, return_inverse=True)
    totals = []
    for part in parts:
        total = np.zeros(len(known), dtype=np.int64)
        np.add.at(total, place, part)
        totals.append(total)
    return (known, *totals)
