"""Which version of a table the options ask for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from kldrift.errors import ConfigError

TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?"
)


def chosen(options: Mapping[str, str], known: Collection[str]) -> tuple[str, str] | None:
    """The option that names a version, and its value; None if the newest is wanted.

    ``known`` are the options that do, in lower case; Spark compares names without regard to case.
    """
    given = [(name, value) for name, value in options.items() if name.lower() in known]
    if len(given) > 1:
        raise ConfigError(f"options: {given[0][0]} and {given[1][0]} exclude each other")
    return given[0] if given else None


def number_option(name: str, value: str, what: str) -> int:
    """The number that an option gives."""
    if not value.isdecimal():
        raise ConfigError(f"options.{name}: expected {what}, got {value!r}")
    return int(value)


def time_option(name: str, value: str) -> datetime:
    """The time that an option gives, in UTC unless it says otherwise.

    Examples:
        >>> str(time_option("timestampAsOf", "2024-02-01 12:30:00+01:00"))
        '2024-02-01 11:30:00+00:00'
    """
    try:
        parsed = datetime.fromisoformat(value) if TIME.fullmatch(value) else None
    except ValueError:  # a day or time that there is not
        parsed = None
    if parsed is None:
        text = f"options.{name}: expected a day or a time such as 2024-01-31 12:00:00"
        raise ConfigError(f"{text}, got {value!r}")
    at = parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    if at > datetime.now(UTC):
        raise ConfigError(f"options.{name}: {value!r} is in the future")
    return at
