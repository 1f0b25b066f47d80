"""Which mute holds for a row of a window."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from kldrift.config import Config, Mute
from kldrift.features.patterns import Patterns
from kldrift.scoring.alerts import Key


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
