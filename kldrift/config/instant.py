"""Reads points in time: ISO 8601 text, a date or a datetime; UTC unless stated otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kldrift.config.problems import shown_value
from kldrift.errors import ConfigError

EXAMPLE: Final = "an ISO 8601 time such as 2020-04-01T00:00:00Z"


def instant(moment: object, zone: str = "UTC") -> datetime:
    """Return a moment in UTC; a date is its first instant.

    Examples:
        >>> instant("2020-04-01T10:30:00+02:00") == instant(datetime(2020, 4, 1, 8, 30))
        True
        >>> instant(date(2020, 4, 1)) == instant("2020-04-01")
        True
    """
    time = moment
    if isinstance(moment, str):
        try:
            time = datetime.fromisoformat(moment)
        except ValueError:
            raise ConfigError(f"expected {EXAMPLE}, got {moment!r}") from None
    elif isinstance(moment, date) and not isinstance(moment, datetime):
        time = datetime(moment.year, moment.month, moment.day)
    if not isinstance(time, datetime) or time != time:  # noqa: PLR0124 - pandas' NaT is a datetime
        raise ConfigError(f"expected a datetime, a date or {EXAMPLE}, got {shown_value(moment)}")
    return (time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
