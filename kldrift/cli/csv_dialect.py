"""How a CSV file is written: separator, quote, encoding, decimal comma, day-first dates."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import takewhile
from typing import Final

from kldrift.cli.suggest import CODE_NAME, FEW
from kldrift.errors import DatasetError, first_names
from kldrift.features.names import backticked
from kldrift.sources.text_files import (
    LOOKED_AT,
    beginning,
    by_backslash,
    narrow_encoding,
    wide_encoding,
)

SEPARATORS: Final = (",", ";", "\t", "|")
_COMMA: Final = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_WHOLE: Final = re.compile(r"[-+]?(\d+|[1-9]\d{0,2}(\.\d{3})+)")
_POINTS: Final = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+")
_VALUE: Final = re.compile(r"[-+]?[0-9][0-9.,]*([eE][-+]?[0-9]+)?|[0-9]{1,4}([./-][0-9]{1,4}){2}.*")
_YEAR: Final = re.compile("(19|20)[0-9]{2}")
_TOTAL: Final = re.compile(
    r"(?i)\s*((grand |sub)?totale?s?|sum|(gesamt)?summe|gesamt|somme|suma)[ :]*"
)
_DATE: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2\d{4}(?:([ T])\d\d:\d\d(:\d\d)?)?")


@dataclass(frozen=True)
class Dialect:
    """What was found in the beginning of a file.

    Attributes:
        options: for Spark's reader, where its defaults do not fit.
        assumed: what was found, in words.
        decimal_commas: columns of numbers with a decimal comma, or, beside such, with points
            between thousands.
        codes: columns of digits that are no numbers: some begin with a zero.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    decimal_commas: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """What is found step by step: options that are not ``given``, and words for them."""

    given: Mapping[str, str]
    options: dict[str, str] = field(default_factory=dict)
    assumed: list[str] = field(default_factory=list)

    def stated(self, *names: str) -> str | None:
        """The value of an option that is given under one of its names."""
        return next((self.given[name] for name in names if self.given.get(name)), None)

    def add(self, option: str, value: str, words: str) -> None:
        """Take an option where Spark's default does not fit, unless it is given."""
        if option.lower() not in self.given:
            self.options[option] = value
            self.assumed.append(words)


def dialect_of(path: str, given: Mapping[str, str]) -> Dialect:
    """Detect the dialect of a CSV file from its beginning, but for options that are given."""
    found = _Found({name.lower(): value for name, value in given.items()})
    raw = beginning(path)
    if not (whole := len(raw) < LOOKED_AT):
        raw = raw[: raw.rfind(b"\n") + 1]
    text = _decoded(raw, found)
    rows = _records(path, text, found)
    if not rows:
        return Dialect(found.options, tuple(found.assumed))
    headless = found.stated("header") == "false"
    if "header" not in found.given and _is_data(rows):
        headless = True
        found.add("header", "false", "no header: the first line holds values, as the others do")
    names = [f"_c{i}" for i in range(len(rows[0]))] if headless else rows[0]
    values = dict(zip(names, _columns(rows if headless else rows[1:], len(names)), strict=False))
    commas = _decimal_commas(values, found)
    codes = tuple(name for name, of in values.items() if _are_codes(name, of))
    if codes:
        found.assumed.append(f"codes in {', '.join(codes)}: some begin with a zero")
    for name, form in _day_first(values).items():
        found.add(name, form, f"{name.removesuffix('Format')}s as {form}")
    if whole:
        found.assumed.extend(_totals(dict(zip(names, rows[-1], strict=False)), values))
    return Dialect(found.options, tuple(found.assumed), commas, codes)


def _decoded(raw: bytes, found: _Found) -> str:
    """The text of bytes, in the encoding that is stated or found."""
    encoding = found.stated("encoding", "charset")
    if not encoding:
        encoding = (wide_encoding(raw) or narrow_encoding(raw)).lower()
        if encoding != "utf-8":
            found.add("encoding", encoding, f"encoding {encoding}")
    return raw.decode(encoding, errors="replace").removeprefix("\ufeff")


def _records(path: str, text: str, found: _Found) -> list[list[str]]:
    """The rows of a text by the quote and separator that are stated or found, the names first.

    Raises:
        DatasetError: something stands above the names, or no separator parts the columns.
    """
    quote = found.stated("quote") or _quote(text)
    if quote != '"':
        found.add("quote", quote, f"quote {quote}")
    escape = "\\" if by_backslash(text.encode()) else None
    stated = found.stated("sep", "delimiter")
    separator = "\t" if stated == r"\t" else stated or _separator(text, quote, escape)
    rows = _rows(text, separator, quote, escape)
    if not rows:
        return rows
    if re.fullmatch("sep=.?", text.splitlines()[0]):
        raise DatasetError(
            f"{path!r}: its first line, {text.splitlines()[0]!r}, is a note for Excel where the "
            "names should stand; take that line away: Spark has no option that skips it"
        )
    if names_at := _above_names(rows):
        raise DatasetError(
            f"{path!r}: it begins with {rows[0][0][:60]!r}, and the names of the columns, such as "
            f"{first_names(rows[names_at], 3, repr)}, stand below; take away what is above them: "
            "Spark has no option that skips lines"
        )
    if len(rows[0]) == 1 and re.search(r"[,;|\t:^~]", rows[0][0]):
        raise DatasetError(
            f"{path!r}: with the separator {separator!r} it has one column, {rows[0][0]!r}; "
            "state the separator, such as --option sep=^"
        )
    if separator != "," and not stated:
        found.add("sep", separator, f"separator {separator!r}")
    return rows


def _decimal_commas(values: Mapping[str, Sequence[str]], found: _Found) -> tuple[str, ...]:
    """Columns whose numbers Spark reads by a locale: with a comma, or points between thousands."""
    commas = tuple(name for name, of in values.items() if _has_commas(of, _COMMA))
    if not commas or "locale" in found.given:
        return commas
    found.add("locale", "de-DE", f"decimal comma in {', '.join(commas)}")
    points = [n for n, of in values.items() if n not in commas and _has_commas(of, _POINTS)]
    if points:
        found.assumed.append(f"points between thousands in {', '.join(points)}")
    return (*commas, *points)


def _totals(last: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> list[str]:
    """A note on a last line that may hold the totals of the others."""
    return [
        f"a row like any other in the last line, {value!r}: if it holds totals, set "
        f"where: not({backticked(name)} <=> '{value}')"
        for name, value in last.items()
        if _TOTAL.fullmatch(value) and values.get(name, []).count(value.strip()) == 1
    ]


def _quote(text: str) -> str:
    single = len(re.findall(r"(?:^|[,;|\t])'[^'\n]*'(?=[,;|\t]|\r?$)", text, re.MULTILINE))
    return "'" if single > 1 and '"' not in text else '"'


def _separator(text: str, quote: str, escape: str | None) -> str:
    """The separator that gives the most columns, all rows having as many; or else a comma."""
    best, most = ",", 1
    for separator in SEPARATORS:
        rows = _rows(text, separator, quote, escape)[:1000]
        rows = rows[_above_names(rows) :]
        width = len(rows[0]) if rows else 1
        even = sum(len(row) == width for row in rows) >= 0.9 * len(rows)
        if even and width > most:
            best, most = separator, width
    return best


def _rows(text: str, separator: str, quote: str, escape: str | None = None) -> list[list[str]]:
    if len(separator) != 1 or len(quote) != 1:
        return []
    lines = StringIO(text, newline="")
    rows = csv.reader(lines, delimiter=separator, quotechar=quote, escapechar=escape)
    try:
        return [row for row in rows if row]
    except csv.Error:  # a quote that nothing closes
        return []


def _above_names(rows: Sequence[Sequence[str]]) -> int:
    """How many lines stand above the names: with less than half as many values as most have."""
    usual = Counter(map(len, rows)).most_common(1)
    above = sum(1 for _ in takewhile(lambda row: 2 * sum(map(bool, row)) < usual[0][0], rows))
    return above if above < len(rows) else 0


def _columns(rows: Sequence[Sequence[str]], width: int) -> list[list[str]]:
    """The texts of each column that are not empty, from the rows that are whole."""
    columns = zip(*(row for row in rows if len(row) == width), strict=True)
    return [[v.strip() for v in of if v.strip()] for of in columns]


def _is_data(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line has numbers and dates where the others do; years may be names."""
    first = [name.strip() for name in rows[0]]
    below = _columns(rows[1:], len(first))
    like = [n for n, of in zip(first, below, strict=False) if of and all(map(_VALUE.fullmatch, of))]
    return any(not _YEAR.fullmatch(n) for n in like) and all(map(_VALUE.fullmatch, like))


def _has_commas(values: Sequence[str], sure: re.Pattern[str]) -> bool:
    """Whether all values are numbers with commas or points, and one is what cannot be another."""
    some = any(sure.fullmatch(v) for v in values)
    return some and all(sure.fullmatch(v) or _WHOLE.fullmatch(v) for v in values)


def _are_codes(name: str, values: Sequence[str]) -> bool:
    """Whether digits are codes: one begins with a zero, and there are few, or the name says so."""
    digits = {v for v in values if v.isdecimal()}
    begin = any(v[0] == "0" and len(v) > 1 for v in digits)
    return begin and digits == set(values) and (len(digits) <= FEW or bool(CODE_NAME.search(name)))


def _day_first(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The formats of dates and times that begin with the day, where a column shows that they do."""
    formats: dict[str, str] = {}
    for of in values.values():
        matches = [m for v in of if (m := _DATE.fullmatch(v))]
        if (
            not matches
            or len(matches) < len(of)
            or len({m.group(4, 5) == (None, None) for m in matches}) > 1
        ):
            continue
        between, (gap, seconds) = matches[0][2], matches[0].group(4, 5)
        day_first = between == "." or any(int(m[1]) > 12 for m in matches)
        if not day_first or any(int(m[3]) > 12 for m in matches):
            continue
        padded = all(len(m[1]) == len(m[3]) == 2 for m in matches)
        form = between.join(("dd", "MM", "yyyy") if padded else ("d", "M", "yyyy"))
        if gap:
            form += {"T": "'T'"}.get(gap, gap) + ("HH:mm:ss" if seconds else "HH:mm")
        formats.setdefault("timestampFormat" if gap else "dateFormat", form)
    return formats
