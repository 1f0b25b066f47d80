"""What the configuration says of days that are not like others, such as holidays."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kldrift.config.model import Config
from kldrift.config.time import day_range


def in_days(start: datetime, end: datetime, days: str, zone: str) -> bool:
    """Whether a window touches days such as ``2019-12-24/2019-12-27``, by the clock of a zone."""
    local = ZoneInfo(zone)
    first, last = (t.astimezone(local).date() for t in (start, end - timedelta(microseconds=1)))
    begin, until = day_range(days)
    return begin <= last and first <= until


def marked_days(config: Config, start: datetime | None, end: datetime | None) -> list[str]:
    """What is known of a window before its data is seen: mutes of everything, excluded days.

    Args:
        config: the configuration.
        start: where the window begins; None where there are no windows.
        end: where it ends.
    """
    if config.time is None or start is None or end is None:
        return []
    day = start.astimezone(ZoneInfo(config.time.zone)).date()
    mutes = config.alarms.mute if config.alarms else ()
    said = [
        f"nobody is called about this window: muted until {m.until} by {m.owner}, {m.why}"
        for m in mutes
        if m.feature == "*" and m.segment is None and m.holds_on(day)
    ]
    return said + [
        f"this window is one of the days {days}, which are no reference for later ones "
        "(reference.exclude)"
        for days in config.reference.exclude
        if in_days(start, end, days, config.time.zone)
    ]
