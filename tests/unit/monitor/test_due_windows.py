"""Which windows a run and a backfill are about, and what they say of the choice."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from daily_sample import DAY, START, config_of, window

from kldrift.config import Time, config_from_mapping
from kldrift.counting.windows import Windows, at_instant
from kldrift.errors import ConfigError
from kldrift.monitor.due import due_windows, windows_between
from kldrift.tables.window import Window

TIME = config_of("unused").time
assert TIME is not None
BASE = {
    "monitor": "m",
    "reference": {"path": "r"},
    "current": {"path": "c"},
    "output": {"path": "o"},
}


def moment(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


NOW = moment("2025-01-01")


def test_a_run_says_which_windows_a_schedule_missed():
    due = due_windows(TIME, START + 5 * DAY + dt.timedelta(hours=3), [window(1)], NOW)
    assert due.windows == (window(2), window(3), window(4))
    assert due.notes == ["2 earlier windows that no run had looked at were run too"]
    due = due_windows(TIME, START + 4 * DAY + dt.timedelta(hours=3), [window(1)], NOW)
    assert due.notes == ["1 earlier window that no run had looked at was run too"]


def test_a_backfill_says_nothing_of_a_schedule():
    assert windows_between(TIME, START, START + 3 * DAY, [], NOW, force=False).notes == []
    forced = windows_between(TIME, START, START + 3 * DAY, [window(1)], NOW, force=True)
    assert len(forced.windows) == 3
    assert forced.notes == []


def test_windows_that_are_not_over_yet_are_named():
    due = due_windows(TIME, START + 5 * DAY + dt.timedelta(hours=3), [], START + 3 * DAY)
    assert due.windows == (window(4),)
    assert due.notes == ["1 window is not over yet: rows may still come"]
    due = windows_between(TIME, START, START + 5 * DAY, [window(1)], START + 3.5 * DAY, force=False)
    assert due.windows == (window(0), window(2), window(3), window(4))
    assert due.notes[1] == "2 windows are not over yet: rows may still come"


def test_a_month_is_due_when_its_last_rows_may_have_come():
    time = Time("at", "1mo", zone="America/New_York", lateness="5d")
    for day, month in (("2024-04-06T03:59", 2), ("2024-04-06T04:00", 3), ("2024-05-05T12:00", 3)):
        (due,) = due_windows(time, moment(day), [], NOW).windows
        assert due.start is not None
        assert due.start.month == month
    missed = due_windows(time, moment("2024-04-06T04:00"), [due_window("2024-01-01", time)], NOW)
    assert [w.start.month for w in missed.windows if w.start] == [2, 3]


def due_window(day, time):
    """The window that begins on a day."""
    start = time.windows.start(moment(day) + DAY)
    return Window(start, time.windows.end(start))


def test_quarters_of_an_hour_are_due_one_after_the_other_and_go_with_utc_alone():
    time = Time("at", "15m", lateness="5m")
    assert due_windows(time, moment("2024-01-01T12:34"), [], NOW).windows[-1].start == moment(
        "2024-01-01T12:00"
    )
    due = due_windows(time, moment("2024-01-01T12:35"), [], NOW)
    assert due.windows[-1].start == moment("2024-01-01T12:15")
    assert due.windows[-1].end == moment("2024-01-01T12:30")
    starts = Windows.of("15m").starts(pa.array([dt.datetime(2024, 1, 1, 23, 59, 59)]))
    assert at_instant(int(starts[0])) == moment("2024-01-01T23:45")
    mapping = {"column": "at", "window": "15m", "zone": "Asia/Kolkata"}
    with pytest.raises(ConfigError, match=r"time.zone: expected UTC beside windows of minutes"):
        config_from_mapping({**BASE, "time": mapping})


@pytest.mark.parametrize(
    ("length", "part", "settled"),
    [
        ("1d", "weekday", True),
        ("1d", "hour", False),
        ("12h", "hour", True),
        ("1w", "weekday", False),
        ("1mo", "month", True),
        ("1mo", "weekday", False),
        ("12mo", "month", False),
        ("1d", "whole", True),
    ],
)
def test_a_part_of_the_time_that_the_window_settles_is_no_feature(length, part, settled):
    mapping = {
        **BASE,
        "time": {"column": "at", "window": length},
        "features": {"override": {"at": {"parts": [part]}}},
    }
    if not settled:
        assert config_from_mapping(mapping).time is not None
        return
    with pytest.raises(ConfigError, match=rf"at.parts: {part} is settled by windows of {length}"):
        config_from_mapping(mapping)
    mapping["reference"] = {"trailing": "90d", "same": "weekday"}
    assert config_from_mapping(mapping).reference.same == "weekday"
