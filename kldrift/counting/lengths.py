"""Reads lengths of time: of windows, such as ``1d``, and durations, such as ``90d``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WORDS: Final = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}
LENGTH: Final = re.compile(rf"([1-9][0-9]{{0,3}})(m|h|d|w|mo)|{'|'.join(WORDS)}")
DURATION: Final = re.compile(r"([0-9]{1,4})(m|h|d|w)")
_DURATIONS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def length(text: str) -> tuple[int, str]:
    """The length of a window as a number of units, which are ``m``, ``h``, ``d``, ``w`` or ``mo``.

    Examples:
        >>> length("2w"), length("month")
        ((2, 'w'), (1, 'mo'))
    """
    match = LENGTH.fullmatch(WORDS.get(text, text))
    if match is None:
        raise ValueError(f"expected a length such as 15m, 1h, 1d, 2w or 1mo, got {text!r}")
    return int(match[1]), match[2]


def duration(text: str) -> timedelta:
    """The length of time that is written as ``30m``, ``2h``, ``90d`` or ``1w``."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"expected a duration such as 30m, 2h or 90d, got {text!r}")
    return timedelta(**{_DURATIONS[match[2]]: int(match[1])})


def before(moment: datetime, text: str, zone: str) -> datetime:
    """The moment a duration before another; days and weeks by the wall clock of a zone.

    Examples:
        >>> after_25_hours = datetime.fromisoformat("2024-10-28T00:00+01:00")
        >>> before(after_25_hours, "1d", "Europe/Berlin").isoformat()
        '2024-10-27T00:00:00+02:00'
    """
    on_wall = text[-1] in "dw"
    return moment.astimezone(ZoneInfo(zone) if on_wall else UTC) - duration(text)
