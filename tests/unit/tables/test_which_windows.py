"""The windows that the tables have, in the order in which one asks for the last."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tables_sample import DAYS, MONITOR, window_tables, write_two_days

from kldrift.tables import Window, prepare_output, write_window
from kldrift.tables.store import open_store
from kldrift.tables.which_windows import stored_windows

FIRST, SECOND = (Window(None, datetime(2024, 1, day, tzinfo=UTC)) for day in (1, 2))
NO_TIME = Window()


@pytest.mark.parametrize("tables", ["parquet", "delta"])
@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([NO_TIME, FIRST, SECOND], (NO_TIME, FIRST, SECOND)),
        ([FIRST, SECOND, NO_TIME], (FIRST, SECOND, NO_TIME)),
        ([NO_TIME, SECOND, FIRST], (NO_TIME, FIRST, SECOND)),
        ([SECOND, FIRST], (FIRST, SECOND)),
        ([NO_TIME], (NO_TIME,)),
    ],
)
def test_a_run_for_no_time_is_the_last_only_if_it_ran_last(tmp_path, tables, runs, expected):
    prepare_output(str(tmp_path), tables)
    for number, window in enumerate(runs):
        run_id = f"20240105T12000{number}Z-0000000{number}"
        write_window(str(tmp_path), MONITOR, window, window_tables(window, run_id))
    store = open_store(str(tmp_path))
    assert stored_windows(store, MONITOR, timed=False) == expected
    assert stored_windows(store, MONITOR) == ()


def test_windows_of_time_are_told_from_whole_datasets(tmp_path):
    write_two_days(tmp_path)
    write_window(str(tmp_path), MONITOR, FIRST, window_tables(FIRST, "run-3"))
    assert stored_windows(open_store(str(tmp_path)), MONITOR) == DAYS
