"""Which windows a run and a backfill are about, and what they say of the choice."""

from __future__ import annotations

import datetime as dt

from daily_sample import DAY, START, config_of, window

from kldrift.monitor.windows import due_windows, windows_between

TIME = config_of("unused").time
assert TIME is not None


def test_a_run_says_which_windows_a_schedule_missed():
    due = due_windows(TIME, START + 5 * DAY + dt.timedelta(hours=3), [window(1)])
    assert due.windows == (window(2), window(3), window(4))
    assert due.notes == ["2 earlier windows that no run had looked at were run too"]
    due = due_windows(TIME, START + 4 * DAY + dt.timedelta(hours=3), [window(1)])
    assert due.notes == ["1 earlier window that no run had looked at was run too"]


def test_a_backfill_says_nothing_of_a_schedule():
    assert windows_between(TIME, START, START + 3 * DAY, [], force=False).notes == []
    forced = windows_between(TIME, START, START + 3 * DAY, [window(1)], force=True)
    assert len(forced.windows) == 3
    assert forced.notes == []
