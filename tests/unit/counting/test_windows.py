"""Windows of times, and the groups of rows whose segments are met on the way."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from shift_sample import column

from kldrift.counting.row_groups import SegmentList
from kldrift.counting.window_groups import WindowGrouper
from kldrift.counting.windows import window_starts
from kldrift.profiles.group_keys import ALL, REST, UNTIMED
from kldrift.tables import Window


@pytest.mark.parametrize(
    ("length", "start", "end"),
    [
        ({"hours": 1}, "2020-04-01T13:00", "2020-04-01T14:00"),
        ({"days": 1}, "2020-04-01T00:00", "2020-04-02T00:00"),
        ({"weeks": 1}, "2020-03-30T00:00", "2020-04-06T00:00"),  # a Monday
    ],
    ids=["hour", "day", "week"],
)
@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_a_row_lies_in_the_window_of_its_time(length, start, end, unit):
    moment = dt.datetime(2020, 4, 1, 13, 30)
    column = pa.array([moment, None], pa.timestamp(unit))
    starts = window_starts(column, dt.timedelta(**length))
    window = Window.at(int(starts[0]), dt.timedelta(**length))
    expected = [dt.datetime.fromisoformat(t).replace(tzinfo=dt.UTC) for t in (start, end)]
    assert [window.start, window.end] == expected
    assert starts[1] == UNTIMED


def test_times_before_1970_and_dates_have_windows_and_impossible_years_none():
    day = dt.timedelta(days=1)
    column = pa.array([dt.date(1969, 12, 31), dt.date(1, 1, 1)])
    starts = window_starts(column, day).tolist()
    assert Window.at(starts[0], day).start == dt.datetime(1969, 12, 31, tzinfo=dt.UTC)
    assert starts[1] == UNTIMED


def test_each_row_has_the_key_of_its_window_and_segment_and_untimed_rows_are_the_rest():
    lists = [SegmentList((column("a"),)), SegmentList((column("a"), column("b")))]
    grouper = WindowGrouper(lists)
    batches = [
        (np.array([7, 7, UNTIMED]), ["x", "y", "x"], [1, 1, 2]),
        (np.array([0, 7, 7, UNTIMED]), ["z", "y", "x", None], [1, 2, 1, None]),
    ]
    for windows, *columns in batches:
        values = [pa.array(c) for c in columns]
        for k, rows in enumerate(grouper.group(windows, values)):
            keys = grouper.keys(k, rows.groups).take(rows.numbers)
            assert keys.window.tolist() == windows.tolist()
            if k == 0:
                assert set(keys.list.tolist()) == {ALL}
                continue
            assert set(keys.list.tolist()) == {k - 1}
            untimed = windows == UNTIMED
            assert (keys.segment[untimed] == REST).all()
            names = [grouper.names[k - 1][i] for i in keys.segment[~untimed].tolist()]
            wrote = [
                ", ".join(f"{n}={v}" for n, v in zip("ab"[:k], row, strict=False))
                for row in zip(*columns, strict=True)
            ]
            assert names == [name for name, gone in zip(wrote, untimed, strict=True) if not gone]
    assert grouper.size == 3 + 4 + 5


def test_the_same_instant_is_one_segment_in_whatever_unit_it_is_written():
    grouper = WindowGrouper([SegmentList((column("t"),))])
    moment = dt.datetime(2024, 5, 1, 12)
    for unit in ("s", "ms", "us", "ns"):
        grouper.group(np.zeros(1, dtype=np.int64), [pa.array([moment], pa.timestamp(unit))])
    assert grouper.names == (("t=2024-05-01 12:00:00.000000",),)
