"""A reference of earlier windows reads what it is made of, however long the history is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from daily_sample import config_of, rows, window

from kldrift.config import Time
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.history import History, PastWindow, chosen_windows
from kldrift.monitor.plan import make_plan
from kldrift.monitor.stages import Reference, read_reference
from kldrift.sources.table import TableSource
from kldrift.tables import Window

YEARS = 3 * 365
ROWS = 500


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Reference:
    first = TableSource(rows(0, ROWS))
    plan = make_plan(config_of(tmp_path_factory.mktemp("base")), first, first)
    return read_reference(plan, MemoryEngine(first, first), SILENT)


def asked_for(base: Reference, rule, days, damaged=()) -> tuple[list[int], list[int]]:
    """The days that are read for some windows, and the rows of their references."""
    config, read = config_of("drift", reference=rule), []

    def past(one: Window) -> PastWindow | None:
        day = (one.start - window(0).start).days
        read.append(day)
        return None if day in damaged else PastWindow(base.profiles, {})

    history = History(stored=map(window, range(YEARS)), read=past)
    made = [history.reference(base, config.reference, config.time, window(day)) for day in days]
    return read, [reference.rows for reference in made]


def test_years_of_windows_before_a_trailing_reference_are_not_read(base):
    days = range(YEARS, YEARS + 2)
    read, sizes = asked_for(base, {"trailing": "30d"}, days)
    assert read == list(range(YEARS - 30, YEARS))
    assert sizes == [30 * ROWS, 29 * ROWS]
    read, sizes = asked_for(base, {"trailing": "30d", "same": "weekday"}, days)
    assert len(read) == 8
    assert sizes == [4 * ROWS] * 2


def test_a_damaged_window_is_passed_over_and_the_one_before_it_is_read(base):
    read, sizes = asked_for(base, {"previous": 2}, [YEARS], damaged={YEARS - 1, YEARS - 2})
    assert sorted(read) == list(range(YEARS - 4, YEARS))
    assert sizes == [2 * ROWS]


@pytest.mark.parametrize("day", [datetime(2024, 3, 29), datetime(2024, 10, 25)], ids=str)
@pytest.mark.parametrize(("trailing", "days"), [("1d", 1), ("2d", 2), ("1w", 7)])
def test_a_trailing_reference_has_all_its_days_where_one_of_them_has_23_or_25_hours(
    day, trailing, days, tmp_path
):
    time = Time("at", "1d", zone="Europe/Berlin")
    begin = time.windows.due(day.replace(tzinfo=UTC), time.late)
    starts = list(time.windows.between(begin, datetime(day.year, 12, 1, tzinfo=UTC)))[:15]
    every = [Window(start, time.windows.end(start)) for start in starts]
    rule = config_of(tmp_path, reference={"trailing": trailing}).reference
    for place, judged in enumerate(every[days:], days):
        assert chosen_windows(rule, time, every, judged) == every[place - days : place]
