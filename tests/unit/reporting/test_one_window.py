"""Drift of one window is said to be that: what is back to normal, and what was so before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from kldrift.reporting.past import Past, one_window_words
from kldrift.reporting.timeline import since
from kldrift.tables.window import Window

FIRST = datetime(2019, 12, 23, tzinfo=UTC)
DAY = timedelta(days=1)
NAMES = ("fare", "tip", "zone")


def days(*said: str, names: tuple[str, ...] = NAMES) -> Past:
    """Windows of a day, each with a letter per feature: ``.`` ok, ``c`` critical, ``w`` warning."""
    words = {".": "ok", "c": "critical", "w": "warning", "u": "unscored"}
    return Past.of(
        [
            (
                Window(FIRST + i * DAY, FIRST + (i + 1) * DAY),
                pd.DataFrame(
                    {
                        "feature": names,
                        "segment": None,
                        "severity": [words[letter] for letter in letters],
                        "kl": 0.1,
                    }
                ),
            )
            for i, letters in enumerate(said)
        ]
    )


def test_what_was_critical_for_one_window_is_back_to_normal():
    found = one_window_words(days("...", "...", "cc.", "..."), "UTC")
    assert (
        found
        == "One window only: fare, tip were critical on Wed 25 Dec 2019, and back to normal now."
    )


def test_drift_of_several_windows_that_is_over_is_said_to_be():
    said = one_window_words(days("..c", "...", "c..", "cc.", "..."), "UTC")
    assert said == (
        "Over: fare, tip were critical from Wed 25 Dec 2019 until Thu 26 Dec 2019, "
        "and back to normal now."
    )


@pytest.mark.parametrize(
    ("said", "begin", "lasting"),
    [
        ("..wcc", "25 Dec 2019", "3 windows in a row; critical in the last 2"),
        (
            "..ccw",
            "25 Dec 2019",
            "3 windows in a row; no longer critical since 27 Dec 2019",
        ),
        (
            "c..cc..c",
            "30 Dec 2019",
            "for one window so far; drifted before: 26 Dec 2019 to 27 Dec 2019 and 1 time earlier",
        ),
        ("w..c", "26 Dec 2019", "for one window so far"),
        ("cc", "23 Dec 2019", "2 windows in a row, or longer"),
        ("cc.", "", ""),
        ("c", "", ""),
    ],
)
def test_it_is_said_since_when_a_feature_drifts_how_it_goes_on_and_what_was_before(
    said, begin, lasting
):
    told = since(days(*said, names=("fare",)), ("fare", None), "UTC")
    assert (told.begin, told.lasting) == (begin, lasting)


def test_a_day_is_named_by_the_clock_of_the_monitor():
    found = one_window_words(days("...", "c..", "..."), "America/New_York")
    assert found.startswith("One window only: fare was critical on 23 Dec 2019 19:00 to 24 Dec")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(("...", "cc.", ".c."), id="one of them still is"),
        pytest.param(("...", "cc.", "w.."), id="one of them is a warning now"),
        pytest.param(("...", "cc.", "u.."), id="of one of them nothing is known now"),
        pytest.param(("...", "...", "..."), id="nothing was critical"),
        pytest.param(("cc.", "..."), id="nobody knows since when"),
        pytest.param(("...", "...", "ccc"), id="nothing was so before"),
        pytest.param(("...", "cc.", "cc.", "...", "cc."), id="it was so for two windows"),
        pytest.param(("...", "c..", "...", "ccc"), id="few of them were so before"),
        pytest.param(("...", "cc.", "...", "ccc", "ccc"), id="it is not the first window"),
    ],
)
def test_nothing_is_said_where_it_may_be_more_than_one_window(said):
    assert one_window_words(days(*said), "UTC") == ""


def test_what_was_so_for_one_window_before_is_named_when_it_comes_again():
    assert one_window_words(days("...", "cc.", "...", "...", "ccc"), "UTC") == (
        "New in this window, and seen before: 2 of 3 critical features had it on "
        "Tue 24 Dec 2019 too, for one window."
    )
    again = one_window_words(days("...", "cc.", "...", ".cc", "...", "ccc"), "UTC")
    assert "on Thu 26 Dec 2019 too, the latest of 2 such windows, for one window" in again


def test_weekends_without_rows_are_no_end_of_a_drift():
    """Each Monday's page said that the drift had begun on that day."""
    weeks = days(*"..cccuuccccwuuw", names=("fare",))
    told = since(weeks, ("fare", None), "UTC")
    assert (told.begin, told.lasting) == (
        "25 Dec 2019",
        "9 windows in a row; no longer critical since 3 Jan 2020",
    )
    over = one_window_words(days("...", "...", "cc.", "uuu", "uuu", "..."), "UTC")
    assert (
        over
        == "One window only: fare, tip were critical on Wed 25 Dec 2019, and back to normal now."
    )
