"""What can be wrong with the places of a run and is known before Spark starts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Final

from kldrift.config import Config, Dataset, ModelShift
from kldrift.config.dataset import AS_OF
from kldrift.errors import ConfigError, DatasetError, NoSuchFileError
from kldrift.sources.lakehouse.open import TABLE_OPTIONS
from kldrift.sources.parquet.listing import ABSENT, is_there, list_files

OTHER_TIME: Final = "; {as_of} in it is the time of the run, which --as-of names"


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


def check_inputs(read: Config | ModelShift, asked: Config | ModelShift) -> None:
    """Check that there is something behind every path that is not for Spark alone to know.

    Args:
        read: the configuration with times in place of its placeholders.
        asked: with its placeholders.

    Raises:
        NoSuchFileError: a path leads to nothing; all of them are named.
    """
    timed = {side for side, dataset in _sides(asked) if any(map(AS_OF.search, dataset.path))}
    problems = [
        f"{side}.path: {problem}{OTHER_TIME if side in timed else ''}"
        for side, dataset in _sides(read)
        for path in dataset.path
        if (problem := _problem(path, dataset, read.scan))
    ]
    if problems:
        raise NoSuchFileError("\n".join(problems))


def without_absent(dataset: Dataset, needed: Sequence[str], way: str) -> Dataset:
    """A dataset without the paths of earlier windows that lead to nothing: those have no rows.

    Args:
        dataset: with the paths of all windows of a run.
        needed: those that have to lead to something.
        way: how rows are read, ``scan`` of the configuration.
    """
    absent = [p for p in dataset.path if p not in needed and ABSENT in _problem(p, dataset, way)]
    return replace(dataset, path=tuple(p for p in dataset.path if p not in absent))


def _sides(config: Config | ModelShift) -> Iterator[tuple[str, Dataset]]:
    if isinstance(config, ModelShift):
        yield "data", config.data
    else:
        yield "reference", config.reference
        yield "current", config.current


def _problem(path: str, dataset: Dataset, way: str) -> str:
    if "://" in path:
        if way == "dataframe" or dataset.format != "parquet":
            return ""
        missing = f"{path!r}: {ABSENT}; check the path in the configuration"
        return "" if is_there(path, dataset.filesystem) else missing
    if os.path.exists(path):  # noqa: PTH110 - as text, as it stands in the configuration
        return ""
    try:
        list_files([path], dataset.filesystem)
    except DatasetError as error:
        # A folder of a table may hold anything but is there.
        return "" if dataset.format in TABLE_OPTIONS and "Delta table" in str(error) else str(error)
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
