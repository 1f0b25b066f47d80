"""Text files as Spark must be told to read them, and how many of their rows it could not read.

What local files begin with says whether a record may lie over several lines, and how a quote inside
quotes is written; remote files, and those in Hadoop's own forms, are read as the options have it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it
from pyspark.sql import types as T  # noqa: N812 - as everyone writes it

from kldrift.config import Dataset
from kldrift.errors import DatasetError, first_line
from kldrift.sources.parquet.listing import list_files, named_by_folders

LOOKED_AT: Final = 2**20
"""Bytes at the beginning of a file."""
COMPRESSED: Final = frozenset({".xz", ".lz4", ".snappy", ".deflate"})
"""Endings of files that are not opened here."""
WIDE_BEGINNINGS: Final = (
    ("UTF-32", re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff|\0\0\0[^\0]")),
    ("UTF-16", re.compile(rb"\xff\xfe|\xfe\xff")),
    ("UTF-16LE", re.compile(rb"[^\0]\0[^\0]\0")),
    ("UTF-16BE", re.compile(rb"\0[^\0]\0[^\0]")),
)
"""How files in an encoding begin, with its mark or with text: the first that fits."""
AS_STATED: Final = {
    "utf16": ("UTF-16", "UTF-16BE"),
    "utf16be": ("UTF-16", "UTF-16BE"),
    "utf16le": ("UTF-16", "UTF-16LE"),
}
"""How files begin that may be read in an encoding, which without a mark is the first of two."""
WIDE: Final = re.compile(r"(?i)utf-?(16|32)")
"""Encodings in which the end of a line is several bytes."""
CORRUPT: Final = ":corrupt"
"""The column of rows that do not fit, instead of Spark's, which may be one of the data's own."""
TOLERANT: Final = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
    # Columns that folders name are in no row, and need not be the same below all paths.
    "recursiveFileLookup": "true",
}
"""Options by which rows that do not fit are kept, as they are."""
MOST_LOOKED_AT: Final = 500
"""Columns in which values of another type are looked for."""
MOST_NAMED: Final = 3
OF_WINDOWS: Final = re.compile(rb"[\x80-\x9f]")
"""Bytes that are no characters in ISO 8859-1, but quotes and the euro sign in windows-1252."""
BACKSLASH: Final = re.compile(rb'\\"[^,;|\t\r\n]')
DOUBLED: Final = re.compile(rb'[^\\,;|\t\r\n"]""')
"""A quote inside quotes, as Spark writes it and as nearly all others do."""


def opened(path: str) -> Any:
    """The bytes of a local file, decompressed: gzip, bzip2 and zstd, not Hadoop's own forms.

    Raises:
        OSError: it cannot be read.
    """
    compressed = Path(path).suffix in COMPRESSED
    return pa.input_stream(path, compression=None if compressed else "detect")


def beginning(path: str) -> bytes:
    """The beginning of a local file, decompressed."""
    try:
        with opened(path) as file:
            return bytes(file.read(LOOKED_AT))
    except OSError as error:
        raise DatasetError(f"cannot read {path!r}: {first_line(error)}") from error


def wide_encoding(begin: bytes) -> str:
    r"""The encoding of a beginning in which characters are two or four bytes; empty if none is.

    Examples:
        >>> wide_encoding(b"a\0b\0"), wide_encoding(b"ab")
        ('UTF-16LE', '')
    """
    return next((name for name, one in WIDE_BEGINNINGS if one.match(begin)), "")


def narrow_encoding(begin: bytes) -> str:
    r"""The encoding of a beginning in which most characters are one byte.

    Examples:
        >>> [narrow_encoding(text) for text in (b"a", b"\xe9", b"\x80\xe9")]
        ['UTF-8', 'ISO-8859-1', 'windows-1252']
    """
    try:
        codecs.getincrementaldecoder("utf-8")().decode(begin, len(begin) < LOOKED_AT)
    except UnicodeDecodeError:
        return "windows-1252" if OF_WINDOWS.search(begin) else "ISO-8859-1"
    return "UTF-8"


def text_options(dataset: Dataset) -> dict[str, str]:
    """The options for Spark's reader that a dataset of text files needs and does not state.

    Rows that do not fit fail the run, unless ``mode`` is stated: nulls would stand for them.
    """
    stated = {name.lower(): value for name, value in dataset.options.items()}
    needed: dict[str, str] = {}
    if "mode" not in stated:
        needed |= {"mode": "FAILFAST", "columnNameOfCorruptRecord": CORRUPT}
        # Else Spark does not look at fields that nobody asks for.
        needed |= {"columnPruning": "false"} if dataset.format == "csv" else {}
    encoded = stated.get("encoding") or stated.get("charset")
    if encoded and WIDE.match(encoded) and "multiline" not in stated:
        needed["multiLine"] = "true"  # else Spark looks for the ends of lines byte by byte
    try:
        files = list_files([p for p in dataset.path if "://" not in p])
    except DatasetError:  # Spark says more of what is not there
        files = ()
    for file in files:
        if Path(file.path).suffix in COMPRESSED:
            continue
        begin = beginning(file.path)
        if unlike := _unlike_encoding(begin, dataset.format, encoded or ""):
            raise DatasetError(f"{file.path!r} {unlike}")
        if dataset.format == "csv" and "escape" not in stated and by_backslash(begin):
            needed["escape"] = "\\"
        if "multiline" not in stated and _several_lines(
            begin, dataset.format, {**needed, **stated}
        ):
            needed["multiLine"] = "true"
    return needed


def _unlike_encoding(begin: bytes, kind: str, stated: str) -> str:
    """What is wrong with the encoding of a file, if anything; none is stated where it is empty."""
    wide, narrow = wide_encoding(begin), narrow_encoding(begin)
    if wide and not stated:
        return f"is {wide}; state options: {{encoding: {wide}, multiLine: true}}"
    fitting = AS_STATED.get(stated.lower().replace("-", ""), ())
    found = wide or ("" if b"\0" in begin else narrow)  # the ends of wide lines have one
    if fitting and begin and found and found not in fitting:
        return f"is {found}, not {stated}; write it as the others, or state its own options"
    if kind == "csv" and not stated and narrow != "UTF-8":
        return (
            f"is not UTF-8; state options: {{encoding: {narrow}}} or what it is, or "
            "{encoding: UTF-8} for a mark in place of what does not fit"
        )
    return ""


def by_backslash(begin: bytes) -> bool:
    """Whether a quote inside quotes has a backslash before it, and not another quote."""
    begin = begin.replace(b"\0", b"")  # of wide encodings
    return bool(BACKSLASH.search(begin)) and not DOUBLED.search(begin)


def _several_lines(begin: bytes, kind: str, stated: Mapping[str, str]) -> bool:
    """Whether a record may lie over several lines: JSON in an array, CSV with odd quotes."""
    if kind == "json":
        return begin.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    quote = stated.get("quote", '"').encode()
    escape = stated.get("escape", '"').encode()
    if not quote:
        return False
    if escape and escape != quote:
        begin = begin.replace(escape + quote, b"")
    return any(line.count(quote) % 2 for line in begin.split(b"\n"))


def bad_rows(
    dataset: Dataset,
    schema: T.StructType,
    load: Callable[[Sequence[str], T.StructType], DataFrame],
) -> str:
    """What is wrong with rows of text files that do not fit the columns, from a scan; or empty."""
    folders = named_by_folders(list_files([p for p in dataset.path if "://" not in p]))
    inside = [f for f in schema.fields if f.name not in {*folders, CORRUPT}]
    if not inside:
        paths = ", ".join(map(repr, dataset.path))
        return f"no row can be read in {paths}: damaged, or no {dataset.format}; mend the files"
    frame = load(dataset.path, T.StructType([*inside, T.StructField(CORRUPT, T.StringType())]))
    inside = [f for f in inside if f.name in frame.columns]
    # Spark does not look for damage where no other column is asked for.
    columns = [f"`{f.name.replace('`', '``')}`" for f in inside[:MOST_LOOKED_AT]]
    damaged = frame.where(F.col(f"`{CORRUPT}`").isNotNull()).select(
        F.to_json(F.struct("*")).alias(":row"), F.input_file_name().alias(":file"), *columns
    )
    values = [F.count(F.col(name)) for name in columns]
    counts = damaged.agg(F.count(":row"), F.min(":file"), F.max(":file"), *values).collect()[0]
    rows, first, last = counts[:3]
    if not rows:
        return ""
    without = {f.name: rows - n for f, n in zip(inside, counts[3:], strict=False) if n * 2 < rows}
    return _refused(rows, f"{first!r}{'' if first == last else ' and others'}", without)


def _refused(rows: int, files: str, without: Mapping[str, int]) -> str:
    """The text of an error; ``without`` tells in how many files a column has no value."""
    which = f"{rows:,} {'row does' if rows == 1 else 'rows do'}"
    names = ", ".join(f"{name!r} in {n:,}" for name, n in list(without.items())[:MOST_NAMED])
    here = f" (no value in {names} of them)" if names else ""
    return (
        f"{which} not fit the columns, in {files}: damaged, too many or too few fields, or values "
        f"of another type{here}; mend the files, or state "
        "options: {sep: ...} for another separator, {mode: PERMISSIVE} for nulls in their place, "
        "{mode: DROPMALFORMED} to leave them out"
    )
