"""Days on which no alert is raised: mutes, and excluded days such as holidays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kldrift.config import Config, Mute
from kldrift.config.time import day_range
from kldrift.features.names import Patterns
from kldrift.scoring.alerts import Key

EXCLUDE: Final = "reference.exclude"


def in_days(start: datetime, end: datetime, days: str, zone: str) -> bool:
    """Whether a window touches days such as ``2019-12-24/2019-12-27``, by the clock of a zone."""
    local = ZoneInfo(zone)
    first, last = (t.astimezone(local).date() for t in (start, end - timedelta(microseconds=1)))
    begin, until = day_range(days)
    return begin <= last and first <= until


def declared(config: Config, start: datetime, end: datetime) -> Mute | None:
    """The mute of a window that touches days of ``reference.exclude``; None for any other.

    Who declares a day to be unlike the others does not want to be called about it.
    """
    if config.time is None:
        return None
    days = next(
        (d for d in config.reference.exclude if in_days(start, end, d, config.time.zone)), None
    )
    if days is None:
        return None
    first, last = day_range(days)
    return Mute(
        feature="*",
        until=(last + timedelta(days=1)).isoformat(),
        owner=EXCLUDE,
        why=f"one of the days {days}",
        since=first.isoformat(),
    )


def marked_days(config: Config, start: datetime | None, end: datetime | None) -> list[str]:
    """Notes on a window that need no data: mutes of all features, excluded days."""
    if config.time is None or start is None or end is None:
        return []
    day = start.astimezone(ZoneInfo(config.time.zone)).date()
    mutes = config.alarms.mute if config.alarms else ()
    texts = [
        f"nobody is called about this window: muted until {m.until} by {m.owner}, {m.why}"
        for m in mutes
        if m.feature == "*" and m.segment is None and m.holds_on(day)
    ]
    return texts + [
        f"nobody is called about what is new in this window: {EXCLUDE} names {days}; "
        "later windows do not learn from it either"
        for days in config.reference.exclude
        if in_days(start, end, days, config.time.zone)
    ]


def mute_of(config: Config, key: Key, start: datetime) -> Mute | None:
    """The first mute of ``alarms`` that holds for a row; None for none."""
    assert config.time is not None
    day = start.astimezone(ZoneInfo(config.time.zone)).date()
    return next(
        (
            mute
            for mute in (config.alarms.mute if config.alarms else ())
            if Patterns((mute.feature,)).match(key[0])
            and mute.segment in (None, key[1])
            and mute.holds_on(day)
        ),
        None,
    )
