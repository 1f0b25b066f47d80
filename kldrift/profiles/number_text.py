"""Writes numbers for a reader, with no more digits than carry information."""

from __future__ import annotations

from decimal import Decimal


def plain(number: float, digits: int) -> str:
    """Format a number from the data to some digits; exponents only for huge or tiny ones.

    Examples:
        >>> plain(17031841000.0, 5), plain(0.12345, 3), plain(1e300, 3), plain(0.0000123, 3)
        ('17032000000', '0.123', '1e+300', '0.0000123')
    """
    text = f"{number + 0.0:.{digits}g}"
    return f"{Decimal(text):f}" if "e" in text and 1e-6 <= abs(number) < 1e16 else text


def grouped(number: float, digits: int = 3) -> str:
    """Format a computed figure, such as a score: some digits, thousands with commas.

    Examples:
        >>> grouped(0.123456), grouped(74400.0), grouped(999.9), grouped(1.42e12), grouped(760, 2)
        ('0.123', '74,400', '1,000', '1.42e+12', '760')
    """
    if abs(number) >= 1e9:
        return f"{number:.{digits}g}"
    text = plain(number, digits)
    return f"{number:,.0f}" if abs(float(text)) >= 10**digits else text


def length_of_time(seconds: float | Decimal) -> str:
    """A length of time as people say it.

    Examples:
        >>> length_of_time(3912), length_of_time(0.25), length_of_time(-180000), length_of_time(0)
        ('1 h 5 min 12 s', '0.25 s', '-2 days 2 h', '0 s')
    """
    exact = Decimal(plain(seconds, 15)) if isinstance(seconds, float) else Decimal(seconds)
    left, parts = abs(exact), list[str]()
    for name, size in (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size) if size > 1 else (left, Decimal(0))
        if number or (size == 1 and not parts):
            text = f"{number.normalize():,f}".rstrip(".")
            parts.append(f"{text} {name}{'s' * (name == 'day' and number != 1)}")
    return "-" * (exact < 0) + " ".join(parts)


def percent(share: float) -> str:
    """A share as a reader writes it: to a tenth, and below 1 % with two digits.

    Examples:
        >>> percent(0.331), percent(0.0), percent(0.00748), percent(0.00996), percent(0.00012)
        ('33.1 %', '0.0 %', '0.75 %', '1.0 %', '0.012 %')
        >>> percent(1.2e-7)
        '0.000012 %'
    """
    part = 100 * share
    return f"{part:.1f} %" if part == 0 or part >= 0.995 else f"{plain(part, 2)} %"


def rose_or_fell(reference: float, current: float) -> str:
    """How a share changed, as text."""
    way = "rose" if current > reference else "fell"
    return f"{way} from {percent(reference)} to {percent(current)}"
