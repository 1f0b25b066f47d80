"""Recognises texts that are really numbers, dates or times of day.

Read as categories they drift with every new value. The hint is the Spark SQL that makes of them
what they are, for ``features.derived``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.features.names import backticked

TEXTS_LOOKED_AT: Final = 300
ENOUGH: Final = 0.95
"""Share of the values that must look so; texts such as "n/a" are among numbers."""
FEW_VALUES: Final = 10
"""Fewer different numbers are categories."""


@dataclass(frozen=True)
class TextLook:
    """A pattern of text that stands for another type.

    Attributes:
        pattern: of the whole text, in the syntax of RE2.
        needs: of the values that have the look, one at least must match this as well.
        sql: the expression that reads it, with ``{}`` for the column.
    """

    name: str
    pattern: str
    sql: str
    needs: str = ""


_NUMBER: Final = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_INFINITE: Final = r"[-+]?(inf|Inf|INF|infinity|Infinity|nan|NaN|NAN)"
_COMMA: Final = r"[-+]?([0-9]+|[0-9]{1,3}([. ][0-9]{3})+)(,[0-9]+)?"
_THOUSANDS: Final = r"[-+]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?"
_SPACED: Final = r"[-+]?[0-9]{1,3}([ '\x{2019}\x{2009}\x{a0}\x{202f}][0-9]{3})*([.,][0-9]+)?"
_MONEY: Final = r"(\p{Sc}|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|INR|JPY|NOK|PLN|SEK|USD)"
_SIGN: Final = rf"[-+(]?{_MONEY}? ?[-+]?"
_UNIT: Final = rf"[ \x{{a0}}\x{{202f}}]?(%|{_MONEY})?[-)]?"
_CENTS: Final = r",([0-9]{1,2}|[0-9]{4,})"
_SIGNED_COMMA: Final = rf"{_SIGN}[0-9][0-9. \x{{a0}}\x{{202f}}]*(,[0-9]+)?{_UNIT}"
_SIGNED: Final = rf"{_SIGN}[0-9][0-9,.]*{_UNIT}"
_TO_NUMBER: Final = "if({0} rlike '[(-]', -1, 1) * try_cast({1} as double)"
LOOKS: Final = (
    TextLook(
        "dates without a mark between their parts",
        r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])",
        "month(try_to_timestamp({}, 'yyyyMMdd'))",
    ),
    TextLook("seconds since 1970", r"1[0-9]{9}", "hour(timestamp_seconds(try_cast({} as bigint)))"),
    TextLook("numbers", rf"{_NUMBER}|{_INFINITE}", "try_cast({} as double)"),
    TextLook(
        "numbers with a decimal comma",
        _COMMA,
        "try_cast(replace(replace({}, '.', ''), ',', '.') as double)",
        needs=r",([0-9]{1,2}|[0-9]{4,})$",
    ),
    TextLook("numbers with commas in them", _THOUSANDS, "try_cast(replace({}, ',', '') as double)"),
    TextLook(
        "numbers with spaces or apostrophes in them",
        _SPACED,
        "try_cast(replace(regexp_replace({}, '[^0-9,.+-]', ''), ',', '.') as double)",
        needs=r"[^-+0-9.,]",
    ),
    TextLook(
        "numbers with a decimal comma and a percent sign, a currency or an odd minus",
        _SIGNED_COMMA,
        _TO_NUMBER.format("{0}", "replace(regexp_replace({0}, '[^0-9,]', ''), ',', '.')"),
        needs=rf"[%(].*{_CENTS}[-)]?$|{_MONEY}.*{_CENTS}[-)]?$|{_CENTS}[^0-9]*([%-]|{_MONEY})",
    ),
    TextLook(
        "numbers with a percent sign, a currency or an odd minus",
        _SIGNED,
        _TO_NUMBER.format("{0}", "regexp_replace({0}, '[^0-9.]', '')"),
        needs=rf"[%(]|-$|{_MONEY}",
    ),
    TextLook(
        "dates with times",
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*",
        "hour(try_cast({} as timestamp))",
    ),
    TextLook("dates", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "month(try_cast({} as date))"),
    TextLook(
        "dates that begin with the day",
        r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}",
        "month(try_to_timestamp({}, 'd.M.yyyy'))",
    ),
    TextLook(
        "dates that begin with the day",
        r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}",
        "month(try_to_timestamp({}, 'd/M/yyyy'))",
        needs=r"^(1[3-9]|2[0-9]|3[01])/",
    ),
    TextLook(
        "dates that begin with the month",
        r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}",
        "month(try_to_timestamp({}, 'M/d/yyyy'))",
        needs=r"/(1[3-9]|2[0-9]|3[01])/",
    ),
    TextLook(
        "times of day", r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", "try_cast(split({}, ':')[0] as int)"
    ),
)
OF_BOTH_TYPES: Final = "try_cast(replace({}, ',', '.') as double)"
"""Reads a number, or a text of it with a point or a comma."""
USUAL_SECONDS: Final = (10**9, 2 * 10**9)
"""Numbers that are probably seconds since 1970: from 2001 to 2033."""
EPOCHS: Final = {
    "seconds": (1, "timestamp_seconds"),
    "milliseconds": (10**3, "timestamp_millis"),
    "microseconds": (10**6, "timestamp_micros"),
}
"""Units of time since 1970: how many make a second, and Spark's function that reads them."""
PLAIN_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NESTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")
CODE_PATTERN: Final = r"[-+]?0[0-9]+"
"""Numbers that begin with a zero are codes: a postcode is no amount."""


def look_of(values: pa.Array) -> TextLook | None:
    """The look that nearly all of some distinct texts share; None for plain names.

    Examples:
        >>> look_of(pa.array([f"{i},50" for i in range(20)])).name
        'numbers with a decimal comma'
        >>> look_of(pa.array([f"{i:05}" for i in range(20)]))
        >>> look_of(pa.array([f"{i + 10000}" for i in range(20)]))
    """
    values = values.slice(0, TEXTS_LOOKED_AT)
    if not any(any(c.isdigit() for c in text) for text in values[:10].to_pylist()):
        return None  # most columns are names, and there may be thousands
    values = pc.utf8_trim_whitespace(values.cast(pa.string()))
    if not len(values) or _share(values, CODE_PATTERN) > 0:
        return None
    for look in LOOKS:
        if len(values) < FEW_VALUES and look.name.startswith("numbers"):
            continue
        if _share(values, look.pattern) >= ENOUGH and (not look.needs or _any(values, look.needs)):
            return None if look.name == "numbers" and _of_one_length(values) else look
    return None


def _of_one_length(values: pa.Array) -> bool:
    """Whether all texts are as many digits, and several: postcodes and numbers of accounts."""
    lengths = pc.unique(pc.utf8_length(values)).to_pylist()
    return len(lengths) == 1 and lengths[0] > 3 and _share(values, "[0-9]+") == 1


def hint(name: str, look: TextLook) -> str:
    """Lines of a configuration that read a column of text as the type it stands for.

    Examples:
        >>> print(hint("n", LOOKS[2]))
        numbers as text; set features: {exclude: [n], derived: {n_value: "try_cast(`n` as double)"}}
    """
    return f"{look.name} as text; set {read_by(name, look.sql)}"


def read_by(name: str, sql: str) -> str:
    """The part of a configuration that has a derived feature in place of a column."""
    sql = json.dumps(sql.format(_in_sql(name)), ensure_ascii=False)
    derived = f"{{{in_yaml(f'{name}_value')}: {sql}}}"
    return f"features: {{exclude: [{in_yaml(name)}], derived: {derived}}}"


def epochs(name: str, lowest: float, highest: float) -> str:
    """A note on numbers that may be times since 1970, with how to read them; empty for others.

    Floats may be such times as well: of seconds with a fraction, or of integers among nulls.

    Examples:
        >>> epochs("at", 1_700_000_000_000, 1_700_000_360_000)
        'milliseconds since 1970? as a derived feature: hour(timestamp_millis(`at`))'
        >>> epochs("amount", 1, 1_700_000_000)
        ''
    """
    for unit, (of_second, function) in EPOCHS.items():
        if USUAL_SECONDS[0] * of_second <= lowest and highest < USUAL_SECONDS[1] * of_second:
            column = _in_sql(name)
            if of_second > 1 and isinstance(lowest, float):
                column = f"cast({column} as bigint)"  # only seconds may have a fraction
            return f"{unit} since 1970? as a derived feature: hour({function}({column}))"
    return ""


def dates_as_numbers(name: str, values: NDArray[Any]) -> str:
    """A note on whole numbers that may be dates, with how to read them; empty for others.

    Examples:
        >>> import numpy as np
        >>> dates_as_numbers("d", np.array([20240131, 20240201])).removeprefix("dates such as ")
        "20240131? as a derived feature: month(try_to_timestamp(string(`d`), 'yyyyMMdd'))"
        >>> dates_as_numbers("amount", np.array([20240131, 20240199]))
        ''
    """
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    sides = ((year, 1900, 2100), (month, 1, 12), (day, 1, 31))
    if (values % 1 != 0).any() or not all(
        ((low <= part) & (part <= high)).all() for part, low, high in sides
    ):
        return ""
    whole = _in_sql(name) if values.dtype.kind in "iu" else f"bigint({_in_sql(name)})"
    read = f"month(try_to_timestamp(string({whole}), 'yyyyMMdd'))"
    return f"dates such as {int(values[0])}? as a derived feature: {read}"


def _in_sql(name: str) -> str:
    """A column as Spark SQL names it; a dotted name is taken for a field of a struct."""
    return name if NESTED.fullmatch(name) else backticked(name)


def in_yaml(name: str) -> str:
    """A name as it stands in a list or mapping of YAML: quoted unless it is a plain word."""
    return name if PLAIN_WORD.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _share(values: pa.Array, pattern: str) -> float:
    matches = pc.match_substring_regex(values, f"^({pattern})$")
    return float(pc.mean(matches).as_py())


def _any(values: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())
