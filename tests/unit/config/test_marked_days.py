"""Days that the configuration marks are said before anything is read into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kldrift.config.load import config_from_mapping
from kldrift.config.marked_days import marked_days

NEW_YORK = datetime(2019, 12, 25, 5, tzinfo=UTC)
"""When Christmas begins in New York."""
DAY = timedelta(days=1)
CHRISTMAS = {"feature": "*", "from": "2019-12-25", "until": "2019-12-26", "owner": "ana"}


def said(start: datetime | None, **more: Any) -> list[str]:
    """What is known of a day of a monitor in New York."""
    config = config_from_mapping(
        {
            "monitor": "trips",
            "reference": {"trailing": "90d", "exclude": ["2019-12-24/2019-12-25"]},
            "current": {"path": "trips"},
            "time": {"column": "at", "window": "1d", "zone": "America/New_York"},
            "output": {"path": "drift"},
            **more,
        }
    )
    return marked_days(config, start, start and start + DAY)


def test_a_day_that_is_no_reference_for_others_is_said_to_be():
    (note,) = said(NEW_YORK)
    assert note == (
        "nobody is called about what is new in this window: reference.exclude names "
        "2019-12-24/2019-12-25; later windows do not learn from it either"
    )
    assert said(NEW_YORK + DAY) == [] == said(None)


def test_a_day_on_which_everything_is_muted_says_by_whom_and_why():
    def notes(start: datetime, **more: str) -> list[str]:
        alarms = {"mute": [CHRISTMAS | {"why": "Christmas"} | more]}
        return [note for note in said(start, alarms=alarms) if "muted" in note]

    found = "nobody is called about this window: muted until 2019-12-26 by ana, Christmas"
    assert notes(NEW_YORK) == [found]
    assert notes(NEW_YORK - DAY) == [] == notes(NEW_YORK + DAY)
    assert notes(NEW_YORK, feature="tip") == [] == notes(NEW_YORK, segment="city=a")
