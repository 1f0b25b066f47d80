"""The time that a run is for, ``{as_of:%Y-%m-%d}``, in paths and conditions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from kldrift.config.dataset import AS_OF, TEXTS, Dataset
from kldrift.config.model import Config
from kldrift.config.model_shift import ModelShift

_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
_HOURS: Final = re.compile(r"%-?[HIT]|-\s*\d+h")

Asked = TypeVar("Asked", Config, ModelShift)


def with_time(
    config: Asked, as_of: datetime | None, windows: Sequence[datetime] = ()
) -> tuple[Asked, datetime | None]:
    """A configuration with a time in place of its placeholders, and the time that a run is for.

    Without a time it is the day that it is now in UTC, or the hour where a placeholder shows hours:
    a run that is repeated is for the same time. In paths of ``current`` each of ``windows`` stands.
    """
    config = in_zone(config)
    sides = _sides(config)
    asked = _placeholders(sides.values())
    if not asked:
        return config, as_of
    if as_of is None:
        this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        as_of = this_hour if any(map(_HOURS.search, asked)) else this_hour.replace(hour=0)
    made: dict[str, Any] = {name: _dataset(dataset, as_of) for name, dataset in sides.items()}
    if windows:
        paths = [in_text(path, start) for start in windows for path in sides["current"].path]
        made["current"] = replace(made["current"], path=tuple(dict.fromkeys(paths)))
    return replace(config, **made), as_of


def in_zone(config: Asked) -> Asked:
    """A configuration in which times of text files, without a zone, are in that of the windows."""
    if config.time is None:
        return config
    zone = {"timeZone": config.time.zone}
    made: dict[str, Any] = {
        name: replace(dataset, options=zone | dict(dataset.options))
        for name, dataset in _sides(config).items()
        if dataset.path
        and dataset.format in TEXTS
        and "timezone" not in map(str.lower, dataset.options)
    }
    return replace(config, **made)


def _sides(config: Asked) -> dict[str, Dataset]:
    names = [name for name in ("reference", "current", "data") if hasattr(config, name)]
    return {name: getattr(config, name) for name in names}


def _placeholders(datasets: Iterable[Dataset]) -> list[str]:
    texts = (t for d in datasets for t in (*d.path, d.where or "", d.sql or ""))
    return [match[0] for text in texts for match in AS_OF.finditer(text)]


def _dataset(dataset: Dataset, as_of: datetime) -> Dataset:
    return replace(
        dataset,
        path=tuple(in_text(path, as_of) for path in dataset.path),
        where=None if dataset.where is None else in_text(dataset.where, as_of),
        sql=None if dataset.sql is None else in_text(dataset.sql, as_of),
    )


def in_text(text: str, as_of: datetime) -> str:
    """A text with a time in place of its placeholders.

    Examples:
        >>> in_text("x/{as_of:%Y-%m}/{as_of - 1d}.csv", datetime(2024, 3, 1))
        'x/2024-03/2024-02-29.csv'
    """

    def written(match: re.Match[str]) -> str:
        length = timedelta(**{_UNITS[match["unit"] or "d"]: int(match["number"] or 0)})
        time = as_of + length if match["sign"] == "+" else as_of - length
        return time.strftime(match["format"] or "%Y-%m-%d")

    return AS_OF.sub(written, text)
