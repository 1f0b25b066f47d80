"""Rounds numbers to the coarser of two types, so that equal numbers get equal keys.

A number that is stored as ``decimal(10, 2)`` on one side and as a double on the other, or as a
float of 32 bits, differs in its last bits only. Both sides are therefore rounded to what both types
can hold before they become keys. Integers are not rounded to: a fraction is another number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

EXACT_INTEGERS: Final = 2.0**52
"""Below it, a double tells integers and their halves apart."""
LONGEST_POWER: Final = 22
"""Digits of the largest power of ten that is a double."""
MICROSECOND_DIGITS: Final = 6
NANOSECOND_DIGITS: Final = 9


@dataclass(frozen=True)
class Rounding:
    """The precision that numbers are rounded to.

    Attributes:
        decimals: digits behind the point; None for all of them.
        bits: the width of the floats that hold them: 16, 32 or 64.
        whole: whether booleans are 0 and 1.
        floats: whether decimals become floats, which one of the sides has.
    """

    decimals: int | None = None
    bits: int = 64
    whole: bool = False
    floats: bool = field(default=False, repr=False, compare=False)

    def coarser(self, other: Rounding) -> Rounding:
        """The precision that both types can hold."""
        decimals = [d for d in (self.decimals, other.decimals) if d is not None]
        bits = min(self.bits, other.bits)
        floats = self.floats or other.floats
        return Rounding(min(decimals, default=None), bits, self.whole or other.whole, floats)

    def of(self, column: pa.Array) -> pa.Array:
        """The values of a column, rounded; text and nulls stay as they are."""
        types = pa.types
        if types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if types.is_boolean(column.type):
            return column.cast(pa.int8()) if self.whole else column
        if self.decimals == MICROSECOND_DIGITS and second_digits(column.type) > self.decimals:
            coarse = pa.time64("us") if types.is_time(column.type) else pa.duration("us")
            return column.cast(coarse, safe=False)
        number = types.is_integer(column.type) or types.is_floating(column.type)
        if not (number or types.is_decimal(column.type)):
            return column
        if self.decimals is None and self.bits == 64:
            return column
        column = self._to_decimals(column)
        held = types.is_floating(column.type) and column.type.bit_width <= self.bits
        if self.bits == 64 or held:
            return column
        numbers = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):  # what is too large for the type is infinite in it
            narrow = numbers.astype(np.float32 if self.bits == 32 else np.float16)
        return _like(narrow, column)

    def _to_decimals(self, column: pa.Array) -> pa.Array:
        if self.decimals is None:
            return column
        if pa.types.is_decimal(column.type):
            if column.type.scale > self.decimals:
                column = pc.round(column, self.decimals, "half_to_even")
            # The way over text is the one that gives the nearest double.
            return column.cast(pa.string()).cast(pa.float64()) if self.floats else column
        if not pa.types.is_floating(column.type) or self.decimals > LONGEST_POWER:
            return column
        power = 10.0**self.decimals
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = numbers * power
            fine = np.abs(scaled) < EXACT_INTEGERS
            return _like(np.where(fine, np.rint(scaled) / power, numbers), column)


UNROUNDED: Final = Rounding()


def second_digits(kind: pa.DataType) -> int:
    """The digits behind the second of a type that counts time; 0 for any other."""
    if not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        return 0
    return NANOSECOND_DIGITS if kind.unit == "ns" else MICROSECOND_DIGITS


def rounding_of(kind: pa.DataType) -> Rounding:
    """The precision that the numbers of a type already have."""
    if digits := second_digits(kind):
        return Rounding(decimals=digits)
    if pa.types.is_decimal(kind) and kind.scale >= 0:
        return Rounding(decimals=kind.scale)
    floats = pa.types.is_floating(kind)
    return Rounding(bits=kind.bit_width, floats=True) if floats else UNROUNDED


def _like(numbers: NDArray[np.floating], column: pa.Array) -> pa.Array:
    """Numbers as a column with the nulls of another."""
    nulls = column.is_null().to_numpy(zero_copy_only=False)
    return pa.array(numbers, mask=nulls, from_pandas=False)
