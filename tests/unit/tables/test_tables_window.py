from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kldrift.tables.layout import is_foreign, is_ours, window_file
from kldrift.tables.window import Window

DAY = datetime(2020, 4, 1, tzinfo=UTC)
moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))]))


@st.composite
def windows(draw):
    end = draw(st.none() | moments)
    start = draw(st.none() | moments.filter(lambda moment: moment < end)) if end else None
    return Window(start, end)


monitors = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)


@given(windows(), windows())
def test_two_windows_have_one_key_only_if_they_are_equal(one, other):
    assert (one.key == other.key) == (one == other)


@given(monitors, windows(), monitors, windows())
def test_two_monitors_and_windows_never_share_a_file(monitor, window, other_monitor, other_window):
    one = window_file("profiles", monitor, window)
    other = window_file("profiles", other_monitor, other_window)
    assert (one == other) == ((monitor, window) == (other_monitor, other_window))


def test_a_monitor_whose_name_looks_like_a_file_of_another_keeps_its_own_file():
    by_day = Window(None, DAY)
    assert window_file("profiles", "a", by_day) != window_file(
        "profiles", f"a--{by_day.key}", by_day
    )
    assert window_file("profiles", "a-", Window()) != window_file("profiles", "a", Window())


@given(monitors, windows())
def test_what_is_written_is_recognised(monitor, window):
    folder, name = window_file("drift_cells", monitor, window).split("/")
    assert folder == "drift_cells"
    assert is_ours("drift_cells", name)
    assert not is_foreign("drift_cells", name)


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("nyc--all.parquet", False),
        ("_SUCCESS", False),
        (".kldrift-0a.tmp", False),
        (".nyc--all.parquet.crc", False),
        ("_nyc--all.parquet", True),
        (".nyc--all.parquet", True),
        ("nyc--all.parquet\n", True),
        ("nyc--yesterday.parquet", True),
        ("part-00000.parquet", True),
        ("notes.txt", True),
    ],
)
def test_a_file_is_foreign_when_a_reader_could_take_it_for_rows(name, foreign):
    assert is_foreign("drift_scores", name) is foreign


def test_a_key_is_in_utc_and_says_both_ends():
    there = datetime(2020, 4, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert Window(there, there + timedelta(hours=1)).key == "20200401T000000Z_20200401T010000Z"
    assert Window(None, DAY.replace(microsecond=5)).key == "20200401T000000.000005Z"
    assert Window(None, datetime(1, 1, 1, tzinfo=UTC)).key == "00010101T000000Z"


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (None, datetime(2020, 4, 1), "window end needs a time zone, got '2020-04-01T00:00:00'"),
        (DAY, None, "a window that starts must end, got start '2020-04-01T00:00:00\\+00:00'"),
        (DAY, DAY, "a window must end after it starts"),
    ],
    ids=["no time zone", "no end", "empty"],
)
def test_a_window_that_means_nothing_is_refused(start, end, message):
    with pytest.raises(ValueError, match=message):
        Window(start, end)
