"""Column types whose values are whole numbers of a unit: integers, decimals, dates, timestamps.

A literal becomes an exact number of the column's units, or is refused where Spark would round it,
reject it, or read it differently under another setting. Comparing is then integer arithmetic.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

LiteralValue: TypeAlias = "bool | int | Decimal | float | str | dt.date | dt.datetime | None"

DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
TIMESTAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?)?")
EPOCH: Final = dt.datetime(1970, 1, 1)
NANOSECONDS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}

# Spark compares a number and a literal as decimals of at most 38 digits, of which a bigint takes
# 20 before the point. Within that nothing is rounded.
DECIMAL_DIGITS: Final = 38
BIGINT_DIGITS: Final = 20
# Below this the doubles hold every integer, so a bigint that Spark casts to double keeps its side.
EXACT_DOUBLES: Final = 2**53


class RefusedError(Exception):
    """There is no certain translation; the message says why."""


@dataclass(frozen=True)
class Column:
    """A resolved column: its name for messages, its Arrow reference and the type of its values."""

    name: str
    field: pc.Expression
    type: pa.DataType

    def unlike(self, value: LiteralValue) -> RefusedError:
        """The error for a literal of a type that this column's is not compared with."""
        return RefusedError(f"{self.name!r} is {self.type} and is compared with {value!r}")


def counts_units(kind: pa.DataType) -> bool:
    """Whether this module knows the type."""
    return bool(
        pa.types.is_integer(kind)
        or (pa.types.is_decimal128(kind) and kind.scale >= 0)
        or pa.types.is_date32(kind)
        # Of nanoseconds, too, in which pandas writes times: Spark refuses such files.
        or pa.types.is_timestamp(kind)
    )


def unit_range(kind: pa.DataType) -> tuple[int, int]:
    """The least and the greatest number of units that a value of this type can be."""
    if pa.types.is_decimal128(kind):
        return 1 - 10**kind.precision, 10**kind.precision - 1
    bits = kind.bit_width
    if pa.types.is_unsigned_integer(kind):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def unit_scalar(kind: pa.DataType, units: int) -> Any:
    """The value of this type that is so many units."""
    if pa.types.is_decimal128(kind):
        return pa.scalar(Decimal(f"{units}E-{kind.scale}"), kind)
    return pa.scalar(units, kind)


def in_units(column: Column, value: LiteralValue) -> Fraction:
    """The literal as a number of the column's units; not always a whole one."""
    kind = column.type
    if pa.types.is_date32(kind):
        return Fraction((_day(column, value) - EPOCH.date()).days)
    if pa.types.is_timestamp(kind):
        since = (_instant(column, value) - EPOCH) // dt.timedelta(microseconds=1)
        return Fraction(since * NANOSECONDS["us"], NANOSECONDS[kind.unit])
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise column.unlike(value)
    scale = kind.scale if pa.types.is_decimal128(kind) else 0
    if isinstance(value, float):
        if pa.types.is_decimal128(kind) or abs(value) >= EXACT_DOUBLES:
            raise RefusedError(
                f"{column.name!r} and {value!r} are compared as doubles, which round"
            )
        return Fraction(value)
    if pa.types.is_integer(kind) and not -(2**63) <= value < 2**63:
        # Spark folds such a comparison to TRUE or FALSE, and then it is TRUE for nulls as well.
        raise RefusedError(f"{value} is past the range of a bigint")
    digits = Decimal(value).as_tuple()
    literal_scale = -int(digits.exponent)
    whole_digits = max(
        kind.precision - scale if pa.types.is_decimal128(kind) else 0,
        len(digits.digits) - literal_scale,
        BIGINT_DIGITS,
    )
    if whole_digits + max(scale, literal_scale) > DECIMAL_DIGITS:
        raise RefusedError(f"{column.name!r} and {value} may not fit {DECIMAL_DIGITS} digits")
    return Fraction(value) * Fraction(10) ** scale


def parse_instant(text: str) -> dt.datetime:
    """Read a date or a time that matches ``DATE`` or ``TIMESTAMP``."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedError(f"{text!r}: {error}") from None


def _day(column: Column, value: LiteralValue) -> dt.date:
    if isinstance(value, str) and DATE.fullmatch(value):
        return parse_instant(value).date()
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    raise column.unlike(value)


def _instant(column: Column, value: LiteralValue) -> dt.datetime:
    if isinstance(value, str) and TIMESTAMP.fullmatch(value):
        return parse_instant(value)
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    raise column.unlike(value)
