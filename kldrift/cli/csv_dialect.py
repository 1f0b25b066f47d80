"""How a CSV file is written: separator, quote, encoding, decimal comma, day-first dates."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Final

from kldrift.errors import DatasetError
from kldrift.sources.text_files import LOOKED_AT, beginning, by_backslash

SEPARATORS: Final = (",", ";", "\t", "|")
_COMMA: Final = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_WHOLE: Final = re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+)")
_DATE: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True)
class Dialect:
    """What was found in the beginning of a file.

    Attributes:
        options: for Spark's reader, where its defaults do not fit.
        assumed: what was found, in words.
        decimal_commas: columns of numbers with a decimal comma.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    decimal_commas: tuple[str, ...] = ()


def dialect_of(path: str, given: Mapping[str, str]) -> Dialect:
    """Look at the beginning of a CSV file.

    Args:
        path: a local file, perhaps compressed with gzip.
        given: options that are stated already; they are not guessed.

    Raises:
        DatasetError: it has one column, and no known separator gives more.
    """
    known = {name.lower(): value for name, value in given.items()}
    raw = beginning(path)
    if len(raw) == LOOKED_AT:
        raw = raw[: raw.rfind(b"\n") + 1]
    options: dict[str, str] = {}
    assumed = []
    encoding = known.get("encoding") or known.get("charset") or _encoding(raw)
    if encoding != "utf-8" and not {"encoding", "charset"} & known.keys():
        options["encoding"] = encoding
        assumed.append(f"encoding {encoding}")
    text = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    quote = known.get("quote") or _quote(text)
    if quote != '"' and "quote" not in known:
        options["quote"] = quote
        assumed.append(f"quote {quote}")
    escape = "\\" if by_backslash(raw) else None
    stated = known.get("sep") or known.get("delimiter")
    separator = "\t" if stated == r"\t" else stated or _separator(text, quote, escape)
    rows = _rows(text, separator, quote, escape)
    if not rows:
        return Dialect(options, tuple(assumed))
    if len(rows[0]) == 1 and re.search(r"[,;|\t:^~]", rows[0][0]):
        raise DatasetError(
            f"{path!r}: with the separator {separator!r} it has one column, {rows[0][0]!r}; "
            "state the separator, such as --option sep=^"
        )
    if separator != "," and not stated:
        options["sep"] = separator
        assumed.append(f"separator {separator!r}")
    if known.get("header") == "false":
        return Dialect(options, tuple(assumed))
    columns = dict(zip(rows[0], zip(*_full(rows), strict=False), strict=False))
    values = {name: [v.strip() for v in of if v.strip()] for name, of in columns.items()}
    commas = tuple(name for name, of in values.items() if _has_commas(of))
    if commas and "locale" not in known:
        options["locale"] = "de-DE"
        assumed.append(f"decimal comma in {', '.join(commas)}")
    form = _day_first(values)
    if form and "dateformat" not in known:
        options["dateFormat"] = form
        assumed.append(f"dates as {form}")
    return Dialect(options, tuple(assumed), commas)


def _encoding(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1"  # Spark 4 has no windows-1252
    return "utf-8"


def _quote(text: str) -> str:
    single = len(re.findall(r"(?:^|[,;|\t])'[^'\n]*'(?=[,;|\t]|\r?$)", text, re.MULTILINE))
    return "'" if single > 1 and '"' not in text else '"'


def _separator(text: str, quote: str, escape: str | None) -> str:
    """The separator that gives the most columns, all rows having as many; or else a comma."""
    best, most = ",", 1
    for separator in SEPARATORS:
        rows = _rows(text, separator, quote, escape)[:1000]
        width = len(rows[0]) if rows else 1
        even = sum(len(row) == width for row in rows) >= 0.9 * len(rows)
        if even and width > most:
            best, most = separator, width
    return best


def _rows(text: str, separator: str, quote: str, escape: str | None = None) -> list[list[str]]:
    if len(separator) != 1 or len(quote) != 1:
        return []
    lines = StringIO(text, newline="")
    found = csv.reader(lines, delimiter=separator, quotechar=quote, escapechar=escape)
    try:
        return [row for row in found if row]
    except csv.Error:  # a quote that nothing closes
        return []


def _full(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    return [row for row in rows[1:] if len(row) == len(rows[0])]


def _has_commas(values: Sequence[str]) -> bool:
    some = any(_COMMA.fullmatch(v) for v in values)
    return some and all(_COMMA.fullmatch(v) or _WHOLE.fullmatch(v) for v in values)


def _day_first(values: Mapping[str, Sequence[str]]) -> str:
    """The format of dates that begin with the day, where one column shows that it is the day."""
    for of in values.values():
        matches = [_DATE.fullmatch(v) for v in of]
        found = [m for m in matches if m]
        if not found or len(found) < len(matches):
            continue
        between = found[0][2]
        day_first = between == "." or any(int(m[1]) > 12 for m in found)
        if day_first and all(int(m[3]) <= 12 for m in found):
            padded = all(len(m[1]) == len(m[3]) == 2 for m in found)
            return between.join(("dd", "MM", "yyyy") if padded else ("d", "M", "yyyy"))
    return ""
