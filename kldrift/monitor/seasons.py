"""The season of a window: the hour, weekday or month in which it begins, by the clock of its zone.

Limits that are learnt, numbers of rows and references compare windows of one season.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from kldrift.config import Time
from kldrift.monitor.past_scores import start_of
from kldrift.tables.window import Window

HIGHEST: Final = 24


def season_of(window: Window, time: Time, parts: Sequence[str]) -> int:
    """One number for what parts of the time are at the beginning of a window.

    Examples:
        >>> from datetime import UTC, datetime
        >>> friday = Window(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))
        >>> time = Time("at", "1d", zone="Asia/Tokyo")
        >>> [season_of(friday, time, parts) for parts in (["hour"], ["weekday"], ["month"], [])]
        [9, 4, 3, 0]
    """
    local, season = start_of(window).astimezone(ZoneInfo(time.zone)), 0
    values = {"hour": local.hour, "weekday": local.weekday(), "month": local.month}
    for part in parts:
        season = HIGHEST * season + values[part]
    return season


def seasonal_parts(time: Time) -> list[str]:
    """What windows of a length differ by: days by their weekday, hours by the hour of the week."""
    return [part for part in ("weekday", "hour") if time.windows.settles(part)]
