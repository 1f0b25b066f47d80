"""Windows of times, and the groups of rows whose segments are met on the way."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from shift_sample import column

from kldrift.counting.row_groups import SegmentList
from kldrift.counting.window_groups import WindowGrouper
from kldrift.counting.windows import Windows, at_instant, microseconds_of
from kldrift.profiles.group_keys import ALL, REST, UNTIMED
from kldrift.reporting.figures import window_name
from kldrift.tables.window import Window


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def spans(windows: Windows, column: pa.Array) -> list[tuple[dt.datetime, dt.datetime]]:
    starts = [at_instant(int(start)) for start in windows.starts(column)]
    return [(start, windows.end(start)) for start in starts]


@pytest.mark.parametrize(
    ("length", "start", "end"),
    [
        ("1h", "2020-04-01T13:00", "2020-04-01T14:00"),
        ("6h", "2020-04-01T12:00", "2020-04-01T18:00"),
        ("1d", "2020-04-01T00:00", "2020-04-02T00:00"),
        ("1w", "2020-03-30T00:00", "2020-04-06T00:00"),  # a Monday
        ("1mo", "2020-04-01T00:00", "2020-05-01T00:00"),
        ("3mo", "2020-04-01T00:00", "2020-07-01T00:00"),
        ("month", "2020-04-01T00:00", "2020-05-01T00:00"),
    ],
)
@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_a_row_lies_in_the_window_of_its_time(length, start, end, unit):
    moment = dt.datetime(2020, 4, 1, 13, 30)
    column = pa.array([moment, None], pa.timestamp(unit))
    windows = Windows.of(length)
    assert spans(windows, column[:1]) == [(utc(start), utc(end))]
    assert windows.starts(column)[1] == UNTIMED


def test_times_before_1970_and_dates_have_windows_and_impossible_years_none():
    column = pa.array([dt.date(1969, 12, 31), dt.date(1, 1, 1)])
    starts = Windows.of("1d").starts(column).tolist()
    assert at_instant(starts[0]) == utc("1969-12-31")
    assert starts[1] == UNTIMED


def test_a_time_just_before_1970_is_of_1969_and_one_beyond_all_calendars_of_no_window():
    windows = Windows.of("1d")
    last = pa.array([-1], pa.timestamp("ns"))
    assert at_instant(int(windows.starts(last)[0])) == utc("1969-12-31")
    assert windows.starts(pa.array([10**17], pa.timestamp("s")))[0] == UNTIMED


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-03-10", 23), ("2024-03-11", 24), ("2024-11-03", 25)]
)
def test_a_day_on_which_the_clock_is_changed_has_23_or_25_hours(day, hours):
    windows = Windows.of("1d", "America/New_York")
    noon = utc(f"{day}T17:00")
    start = windows.start(noon)
    assert windows.end(start) - start == dt.timedelta(hours=hours)
    every_minute = [start + dt.timedelta(minutes=m) for m in range(-1, 60 * hours + 1)]
    aware = windows.starts(pa.array(every_minute, pa.timestamp("us", tz="UTC")))
    inside = aware == aware[1]
    assert inside.sum() == 60 * hours
    assert at_instant(int(aware[1])) == start


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        ("Asia/Kolkata", "2024-03-10", "2024-03-09T18:30", 24),
        ("Australia/Lord_Howe", "2024-04-07", "2024-04-06T13:00", 24.5),
        ("Australia/Lord_Howe", "2024-10-06", "2024-10-05T13:30", 23.5),
        pytest.param("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00", 23, id="no midnight"),
        pytest.param("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00", 25, id="23:30 twice"),
    ],
)
def test_a_day_of_any_zone_is_told_by_its_clock_whether_its_times_say_the_zone_or_not(
    zone, day, start, hours
):
    windows, length = Windows.of("1d", zone), dt.timedelta(hours=hours)
    instants = [utc(start) + dt.timedelta(minutes=m) for m in range(-30, int(60 * hours), 10)]
    zoned = pa.array(instants, pa.timestamp("us", tz="UTC"))
    naive = pa.array([t.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for t in instants])
    assert (windows.starts(zoned) == windows.starts(naive)).all()
    found = spans(windows, zoned)
    assert set(found[3:]) == {(utc(start), utc(start) + length)}
    assert found[2][1] == utc(start)
    shown = window_name(Window(utc(start), utc(start) + length), zone, weekday=False)
    assert dt.datetime.strptime(shown, "%d %b %Y").date().isoformat() == day


ZONES = ("America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia")


@pytest.mark.parametrize("length", ["15m", "1h", "5h", "168h", "1d", "3d", "1w", "1mo"])
@pytest.mark.parametrize("zone", ZONES)
def test_all_rows_at_once_lie_in_the_windows_that_each_lies_in_alone(zone, length):
    windows, rng = Windows.of(length, zone), np.random.default_rng(0)
    begin, year = int(utc("2011-01-01").timestamp()), 365 * 86_400
    near = np.concatenate([rng.integers(begin, begin + year, 400), [begin + year // 2]])
    far = rng.integers(int(utc("1950-01-01").timestamp()), begin + 20 * year, 100)
    for seconds in (near, np.sort(near), far):
        for unknown in (None, 10**17):
            times = pa.array([*seconds.tolist(), unknown], pa.int64()).cast(
                pa.timestamp("s", "UTC")
            )
            starts = windows.starts(times).tolist()
            alone = [windows.start(dt.datetime.fromtimestamp(s, dt.UTC)) for s in seconds.tolist()]
            assert starts == [*map(microseconds_of, alone), UNTIMED]


def test_a_week_at_the_end_of_a_year_is_the_iso_week():
    windows = Windows.of("1w", "Asia/Kolkata")
    for year in range(2015, 2027):
        days = [dt.datetime(year, 12, 26) + dt.timedelta(days=d) for d in range(14)]
        starts = windows.starts(pa.array(days, pa.timestamp("us")))
        weeks = [day.isocalendar()[:2] for day in days]
        assert [s != t for s, t in pairwise(starts)] == [s != t for s, t in pairwise(weeks)]


def test_times_without_a_zone_are_those_on_the_wall_of_the_windows_zone():
    windows = Windows.of("1d", "Europe/Berlin")
    column = pa.array([dt.datetime(2024, 7, 1, 0, 30)], pa.timestamp("us"))
    assert spans(windows, column) == [(utc("2024-06-30T22:00"), utc("2024-07-01T22:00"))]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize("length", ["1h", "1d", "2d", "1w", "1mo", "12mo"])
def test_windows_follow_one_another_without_a_gap_and_hold_their_rows(length, zone):
    windows = Windows.of(length, zone)
    rng = np.random.default_rng(7)
    seconds = rng.integers(0, 3 * 366 * 86_400, 500)
    moments = [utc("2019-12-30") + dt.timedelta(seconds=int(s)) for s in seconds]
    for moment, (start, end) in zip(
        moments, spans(windows, pa.array(moments, pa.timestamp("us", tz="UTC"))), strict=True
    ):
        assert start <= moment < end
        assert windows.start(moment) == start
        assert windows.start(end) == end


@pytest.mark.parametrize(
    ("zone", "at", "due"),
    [
        ("Europe/Berlin", "2024-03-31T01:05", "2024-03-31T00:00"),  # two hours later on the wall
        ("Europe/Berlin", "2024-10-27T02:05", "2024-10-27T00:00"),  # an hour that comes twice
        ("America/Havana", "2022-03-13T05:05", "2022-03-13T04:00"),
    ],
)
def test_an_hour_is_due_once_it_is_over_also_where_the_clock_is_set(zone, at, due):
    assert Windows.of("1h", zone).due(utc(at)) == utc(due)


def test_the_window_that_is_due_is_the_last_one_that_is_complete():
    windows = Windows.of("1d")
    assert windows.due(utc("2020-04-02T00:00")) == utc("2020-04-01")
    assert windows.due(utc("2020-04-02T23:59")) == utc("2020-04-01")
    late = dt.timedelta(hours=2)
    assert windows.due(utc("2020-04-02T01:59"), late) == utc("2020-03-31")
    assert windows.due(utc("2020-04-02T02:00"), late) == utc("2020-04-01")


def test_the_windows_of_a_range_begin_in_it():
    days = list(Windows.of("1d").between(utc("2020-02-27T12:00"), utc("2020-03-02")))
    assert days == [utc("2020-02-28"), utc("2020-02-29"), utc("2020-03-01")]


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


def test_with_known_segments_other_names_are_the_rest():
    grouper = WindowGrouper([SegmentList((column("a"),), ("a=y", "a=x"))], known=True)
    windows = np.array([7, 7, 9, UNTIMED])
    _, rows = grouper.group(windows, [pa.array(["x", "z", "y", "y"])])
    keys = grouper.keys(1, rows.groups).take(rows.numbers)
    assert keys.window.tolist() == windows.tolist()
    assert keys.segment.tolist() == [1, REST, 0, REST]
