"""Days in the paths of files: the last day is judged, and the days before it are its reference."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from kldrift.config.dataset import format_of
from kldrift.config.values import LOCAL
from kldrift.errors import DatasetError
from kldrift.sources.filesystem import QUERY
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.parquet.listing import folder_of, list_files, uri_of

DATE: Final = re.compile(
    r"(?<!\d)20\d\d(?:(/[mM][A-Za-z]*=)(0?[1-9]|1[0-2])(?:(/[dDtT][A-Za-z]*=)([12]\d|3[01]|0?[1-9]))?"
    r"|([-/_]?)(0[1-9]|1[0-2])(?:(\5|/)(0[1-9]|[12]\d|3[01])|(?<=[-/_]\d\d)(?![-_]?\d|/(?!20\d\d)\d)))(?!\d)"
)
"""A day or a month in a path; also in folders as Hive names them: ``2024/month=1/day=31``."""
URI: Final = re.compile("([^/:]+://)?(.*)", re.DOTALL)
REFERENCE: Final = re.compile(r"(?i)(?<![a-z])(reference|baseline|train|training)(?![a-z])")
"""What a file is called that others are compared with."""
LISTED: Final = 31
"""Paths that are listed one by one, at most, if they are those of files of whole months."""


@dataclass(frozen=True)
class Sides:
    """The paths of both sides, their format if known, and notes on how they were found."""

    current: list[str]
    reference: list[str]
    format: str | None
    left_out: tuple[str, ...] = ()
    why: str = "the files before the last one"


def sides_of(source: str, reference: str | None, form: str | None) -> Sides:
    """The paths to compare: the last file or day with those before it, unless that is stated."""
    source = _absolute(source)
    if reference is not None:
        return Sides([source], [_absolute(reference)], form)
    alone = Sides([source], [source], form)
    if form in TABLE_OPTIONS or QUERY.search(source):
        return alone
    scheme, source = URI.fullmatch(source).groups("")  # type: ignore[union-attr]
    try:
        files = [uri_of(f, [scheme + source], {}) for f in list_files([scheme + source])]
    except DatasetError:
        if scheme:  # Spark may know how to read what pyarrow does not
            return alone
        raise
    kind, files, others = _of_one_format([path.removeprefix(scheme) for path in files], form)
    root = _root(source)
    days = list(dict.fromkeys(_of_its_day(path, root) for path in files))
    days.sort(key=lambda day: day_in(day[len(root) :]) or "")
    one_day = DATE.search(root) and not any(DATE.search(path[len(root) :]) for path in files)
    if not others and (one_day or len(days) == 1):
        return replace(alone, format=kind)
    kind = kind if others or days != files else form
    left_out: tuple[str, ...] = ()
    if others:
        more = f" and {len(others) - 1:,} others" if others[1:] else ""
        left_out = (f"only files that end in {kind}, so not {Path(others[0]).name}{more}",)
    return _parted([scheme + day for day in days], Sides([], [], kind, left_out))


def _of_one_format(
    files: Sequence[str], form: str | None
) -> tuple[str | None, list[str], list[str]]:
    """The format that is stated or most files have, the files of it, and those of another one."""
    formats = Counter(kind for path in files if (kind := format_of(path)))
    kind = form or next((name for name, _ in formats.most_common(1)), None)
    others = {path for path in files if format_of(path) != kind} if formats[kind or ""] else set()
    return kind, [f for f in files if f not in others], [f for f in files if f in others]


def _parted(days: Sequence[str], sides: Sides) -> Sides:
    """Paths in the order of their days as two sides: by a name that says so, or by the last day."""
    reference = [day for day in days if REFERENCE.search(Path(day).name)]
    current = [day for day in days if day not in reference]
    if not (reference and current):
        before = by_month(days) or list(days)
        return replace(sides, current=[*days[-1:]], reference=before)
    left_out = sides.left_out
    if current[1:]:
        left_out += (f"the last of {len(current):,} files that are no reference",)
    return replace(
        sides, current=current[-1:], reference=reference, left_out=left_out, why="by its name"
    )


def by_month(days: Sequence[str]) -> list[str]:
    """The paths before the last one; of many files, those of a month that is over as one glob.

    Examples:
        >>> by_month([f"/o/2024-{m}-{d}.csv" for m in ("01", "02") for d in range(10, 29)])[:2]
        ['/o/2024-01-*.csv', '/o/2024-02-10.csv']
    """
    before = [*days[:-1]]
    if len(before) <= LISTED:
        return before
    of_month: dict[str, list[str]] = {}
    for path in before:
        of_month.setdefault(_files_of_month(path, days[-1]), []).append(path)
    for files, paths in of_month.items():
        pattern = re.escape(files).replace(r"\*", "[^/]*")
        if paths == [path for path in days if re.fullmatch(pattern, path)]:
            of_month[files] = [files]
    return [path for paths in of_month.values() for path in paths]


def _files_of_month(path: str, last: str) -> str:
    """A glob of the files of a day's month; the path itself if it is a folder, or in the last."""
    folder, slash, name = path.rpartition("/")
    month, of_last = ((day_in(p) or "")[:7] for p in (path, last))
    if month == of_last or not Path(name).suffix or glob.has_magic(path):
        return path
    return folder + slash + DATE.sub(lambda m: m[0][:-2] + "*" if m[8] else m[0], name)


def _root(source: str) -> str:
    """The part of a source that all its files share: a folder, or the part before a wildcard."""
    if Path(source).exists() or not glob.has_magic(source):
        return source
    known = folder_of(source)
    fixed = known + glob.escape(source[len(known) :]).split("[", 1)[0]
    return fixed.rpartition("/")[0]


def _of_its_day(path: str, root: str) -> str:
    """The folder that holds the files of a day, for each of them: the day is read as a whole."""
    file = Path(path)
    below = f"{file.parent}/"[len(root) :]
    days = list(DATE.finditer(below))
    if not days or DATE.search(file.name):
        return path
    day = Path(root + below[: below.index("/", days[-1].end())])
    deeper = file.parent.relative_to(day).parts
    if deeper and format_of(path) in (None, "parquet"):
        return str(day)  # Spark takes no columns from folders below several days
    return str(day.joinpath(*("*" for _ in deeper), f"*{''.join(file.suffixes[-2:])}"))


def with_placeholder(path: str, others: Sequence[str] = ()) -> str:
    """A path with the time of a run in place of the last date in it.

    Examples:
        >>> with_placeholder("/o/day=2024-01-31/20240131.csv")
        '/o/day={as_of:%Y-%m-%d}/{as_of:%Y%m%d}.csv'
        >>> with_placeholder("/o/year=2024/month=12/day=31", ["/o/year=2024/month=01/day=10"])
        '/o/year={as_of:%Y/month=%m/day=%d}'
        >>> with_placeholder("/o/year=2024/month=12/day=31"), with_placeholder("/o/2024-01.csv")
        ('/o/year={as_of:%Y/month=%-m/day=%-d}', '/o/{as_of:%Y-%m}.csv')
    """
    dates = [match for each in (path, *others) for match in DATE.finditer(each)]
    number = "%" if any("=0" in match[0] for match in dates) else "%-"

    def written(match: re.Match[str]) -> str:
        if match[1]:
            day = f"{match[3]}{number}d" if match[3] else ""
            return f"{{as_of:%Y{match[1]}{number}m{day}}}"
        return f"{{as_of:%Y{match[5]}%m{f'{match[7]}%d' if match[8] else ''}}}"

    return DATE.sub(written, path)


def day_in(path: str) -> str | None:
    """The last date in a path, as ``--as-of`` takes it.

    Examples:
        >>> day_in("/o/day=2024-01-31/20240130.csv"), day_in("/o/2024-10.csv"), day_in("/o/x.csv")
        ('2024-01-30', '2024-10-01', None)
    """
    dates = [(m[0][:4], m[2] or m[6], m[4] or m[8] or "1") for m in DATE.finditer(path)]
    return "{}-{:0>2}-{:0>2}".format(*dates[-1]) if dates else None


def _absolute(path: str) -> str:
    """Make a path absolute: the configuration may be written elsewhere.

    Examples:
        >>> _absolute("file:///data/a%20b.csv"), _absolute("s3://b/a%20b.csv")
        ('/data/a b.csv', 's3://b/a%20b.csv')
    """
    if local := LOCAL.match(path):  # a file can be looked at
        plain = path[local.end() :]
        return plain if Path(plain).exists() else unquote(plain)
    return path if "://" in path else os.path.abspath(path)  # noqa: PTH100 - keeps globs
