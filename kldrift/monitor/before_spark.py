"""What can be wrong with the places of a run and is known before Spark starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from kldrift.config import Config, Dataset, ModelShift
from kldrift.errors import ConfigError, DatasetError, NoSuchFileError
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.parquet.listing import list_files


def check_output(config: Config | ModelShift) -> None:
    """Check that nothing is written where rows are read.

    Raises:
        ConfigError: a folder of the output lies below one that is read.
    """
    places = [("output.path", config.output.path)]
    if config.expectations is not None:
        places.append(("expectations.path", config.expectations.path))
    if isinstance(config, Config) and config.report is not None:
        places.append(("report.path", config.report.path))
    problems = [
        f"{key}: {place!r} lies in {path!r}, which {side}.path reads: the next run would read "
        "what this one writes; name a folder elsewhere"
        for key, place in places
        for side, dataset in _sides(config)
        if dataset.format not in TABLE_OPTIONS
        for path in dataset.path
        if _reads(path, place)
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def check_inputs(config: Config | ModelShift) -> None:
    """Check that there is something behind every local path.

    Raises:
        NoSuchFileError: a path leads to nothing; all of them are named.
    """
    problems = [
        f"{side}.path: {problem}"
        for side, dataset in _sides(config)
        for path in dataset.path
        if "://" not in path and (problem := _problem(path, dataset.format))
    ]
    if problems:
        raise NoSuchFileError("\n".join(problems))


def _sides(config: Config | ModelShift) -> Iterator[tuple[str, Dataset]]:
    if isinstance(config, ModelShift):
        yield "data", config.data
    else:
        yield "reference", config.reference
        yield "current", config.current


def _problem(path: str, form: str) -> str:
    if os.path.exists(path):  # noqa: PTH110 - as text, as it stands in the configuration
        return ""
    try:
        list_files([path])
    except DatasetError as error:
        # A folder of a table may hold anything but is there.
        return "" if form in TABLE_OPTIONS and "Delta table" in str(error) else str(error)
    return ""


def _reads(path: str, place: str) -> bool:
    """Whether files in a place would be read with a path: a folder, or a pattern of folders."""
    if "://" in path or "://" in place:
        base = path.rstrip("/") + "/"
        return "*" not in path and f"{place.rstrip('/')}/".startswith(base)
    return _leads_to(PurePath(path).parts, PurePath(place).parts)


def _leads_to(pattern: Sequence[str], place: Sequence[str]) -> bool:
    if not pattern:
        return not any(part.startswith(("_", ".")) for part in place)
    if pattern[0] == "**":
        return any(_leads_to(pattern[1:], place[i:]) for i in range(len(place) + 1))
    return (
        bool(place)
        and (place[0] == pattern[0] or fnmatchcase(place[0], pattern[0]))
        and _leads_to(pattern[1:], place[1:])
    )
