"""The number of rows of a window is a row of its scores, judged beside the windows before it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from daily_sample import config_of, rows, run_days

from kldrift.cli.console import run_lines
from kldrift.cli.show import state_lines
from kldrift.config import Time
from kldrift.features.names import ROWS_FEATURE
from kldrift.monitor.stages import Findings, Reference
from kldrift.monitor.volumes import Volumes
from kldrift.reporting.page import whole_page
from kldrift.reporting.stored import stored_page
from kldrift.scoring.verdict import Subject
from kldrift.tables import Window
from kldrift.tables.read import read_table


def of_rows(result):
    (row,) = result.scores[result.scores["feature"] == ROWS_FEATURE].to_dict("records")
    return row


def test_a_day_of_half_the_rows_is_critical_and_says_how_many_are_usual(tmp_path):
    config = config_of(tmp_path / "drift")
    sizes = {8: 280, 10: 0}
    found = run_days(config, range(12), lambda day: rows(day, sizes.get(day, 600)))
    assert of_rows(found[3])["severity"] == "ok"
    assert of_rows(found[3])["n_current"] == 600
    low = of_rows(found[8])
    assert (low["severity"], low["n_reference"], low["n_current"]) == ("critical", 600, 280)
    assert low["reason"].startswith("280 rows, and usually about 600 (8 windows before); kl 0.17")
    assert found[8].exit_code == 3
    assert of_rows(found[9])["severity"] == "ok"
    assert (of_rows(found[10])["status"], found[10].exit_code) == ("empty", 4)


@pytest.mark.parametrize("part", [None, "right"], ids=["all rows", "one segment"])
def test_a_day_that_was_loaded_twice_says_so_and_is_one_alert(tmp_path, part):
    config = config_of(
        tmp_path / "drift", segments=[["part"]], thresholds="learned", alarms={"after": "1 of 1"}
    )

    def of_day(day):
        table = rows(day)
        again = table if part is None else table.filter(pc.equal(table["part"], part))
        return pa.concat_tables([table, again] if day == 40 else [table])

    found = run_days(config, range(42), of_day)[40].scores
    low = found[found["feature"].eq(ROWS_FEATURE) & found["severity"].eq("critical")]
    assert (
        set(low["segment"].fillna(""))
        == ({"", "part=left", "part=right"}, {"part=right"})[part is not None]
    )
    assert low["reason"].str.contains(": each row is there twice, as where a file was").all()
    assert found["p_learned"].notna().any()
    twice = found[found["segment"].isna() if part is None else found["segment"].eq("part=right")]
    assert (twice["p_learned"].dropna() > 0.01).all()
    (one,) = [a for a in read_table(str(tmp_path / "drift"), "alerts").to_pylist() if a["windows"]]
    assert one["features"][0] == ROWS_FEATURE


def test_people_read_number_of_rows_where_the_tables_have_another_name(tmp_path):
    config = config_of(tmp_path / "drift", alarms={"after": "1 of 1"})
    low = run_days(config, range(9), lambda day: rows(day, 280 if day == 8 else 600))[8]
    page = stored_page(config)
    shown, _ = state_lines(config, None)
    told = [whole_page(page), "\n".join(line.text for line in shown)]
    told += ["\n".join(line.text for line in run_lines(low, "critical"))]
    told += [
        json.dumps(low.heatmap().to_dict()),
        json.dumps(low.plot_history(ROWS_FEATURE).to_dict()),
    ]
    told += [json.dumps([block.data() for block in page.sections])]
    assert all("number of rows" in text for text in told)
    assert not [text for text in told if ROWS_FEATURE in text]


def test_a_run_of_its_own_knows_the_rows_of_earlier_windows(tmp_path):
    config = config_of(tmp_path / "drift")
    run_days(config, range(9))
    (later,) = run_days(config, [9], lambda day: rows(day, 1_500))
    assert of_rows(later)["reason"].startswith("1,500 rows, and usually about 600 (9 windows")


def test_each_segment_has_its_own_rows_and_one_that_is_gone_is_critical(tmp_path):
    config = config_of(tmp_path / "drift", segments=[["part"]])

    def of_day(day):
        table = rows(day)
        return table.filter(pc.equal(table["part"], "left")) if day == 9 else table

    found = run_days(config, range(9), of_day) + run_days(config, [9], of_day)
    last = found[9].scores
    last = last[last["feature"] == ROWS_FEATURE].set_index("segment")
    assert last.loc["part=right", "severity"] == "critical"
    assert last.loc["part=left", "severity"] == "ok"
    assert last.loc["part=right", "reason"].startswith("0 rows, and usually about 1")


def judged_by_rows(time, first, number, size, volumes=None):
    """The rows of some windows, one after the other, each judged by those before."""
    begins = time.windows.between(
        first.replace(tzinfo=UTC), first.replace(tzinfo=UTC) + timedelta(days=365)
    )
    volumes, judged = volumes or Volumes(time), list[Subject]()
    for start in islice(begins, number):
        one = Window(start, time.windows.end(start))
        found = Findings((), (), (), {}, (), (), Reference({}, {}, {}, {}, {}, 0), size(one))
        judged += volumes.beside(one, found).volumes
    return judged


def test_an_hour_is_judged_by_the_same_hour_of_a_week():
    def size(window):
        usual = 1_000 if 6 <= window.start.hour < 22 else 100
        return usual if window.start < datetime(2024, 3, 9, 3, tzinfo=UTC) else 50

    judged = judged_by_rows(Time("at", "1h"), datetime(2024, 3, 1), 8 * 24 + 4, size)
    assert judged[-1].sentence == "50 rows, and usually about 100 (7 windows before at 03:00)"


def test_an_hour_is_judged_by_the_same_hour_of_its_weekday_once_four_weeks_tell():
    def size(window):
        busy = 600 if window.start.weekday() < 5 else 60
        return (
            30
            if window.start == datetime(2024, 2, 11, 10, tzinfo=UTC)
            else busy + window.start.hour
        )

    judged = judged_by_rows(Time("at", "1h"), datetime(2024, 1, 1), 42 * 24, size)
    sunday = [s for s in judged[5 * 168 :] if "Sunday windows before at 10:00" in s.sentence]
    assert [s.sentence for s in sunday] == [
        "30 rows, and usually about 70 (5 Sunday windows before at 10:00)"
    ]
    unusual = [s for s in judged[28 * 24 :] if s.scores["kl"] > 0.02 and s.scores["p_value"] < 0.01]
    assert [s.rows[1] for s in unusual] == [30]


def test_hours_that_are_read_from_tables_tell_what_those_of_one_backfill_do():
    time, first = Time("at", "1h"), datetime(2024, 1, 1)

    def size(window):
        return (
            (600 if window.start.weekday() < 5 else 60) + window.start.hour + window.start.day % 3
        )

    whole = Volumes(time)
    judged = judged_by_rows(time, first, 35 * 24, size, whole)
    known = dict(whole._known)
    later = Volumes(time, known, known.__getitem__)
    again = judged_by_rows(time, datetime(2024, 2, 2), 3 * 24, size, later)
    assert [s.sentence for s in again] == [s.sentence for s in judged[-3 * 24 :]]
    assert "Sunday windows before at 10:00" in again[-14].sentence


def test_days_that_grow_are_held_to_what_they_would_be_by_now():
    sizes = iter([round(1_000 * 1.01**day) for day in range(40)] + [700])
    judged = judged_by_rows(Time("at", "1d"), datetime(2024, 1, 1), 41, lambda _: next(sizes))
    usual = "usually about 1,489 (40 windows before, growing by 7.2 % a week)"
    assert judged[-1].sentence == f"700 rows, and {usual}"
    assert judged[-1].scores["kl"] > 0.15
    assert max(day.scores["kl"] for day in judged[28:-1]) < 0.02


def test_what_was_unusual_is_not_learnt_from_until_it_lasts_a_week():
    usual = [1_000 + 7 * (day % 3) for day in range(16)]
    sizes = iter([*usual, *[450, 455, 460] * 4, 1_000])
    time, first = Time("at", "1d"), datetime(2024, 1, 1)
    judged = judged_by_rows(time, first, 29, lambda _: next(sizes))
    low = [s.scores["p_value"] < 1e-4 and s.scores["kl"] > 0.15 for s in judged[16:]]
    assert low[:7] == [True] * 7
    assert low[7:] == [False] * 6
    assert {round(s.rows[0], -2) for s in judged[16:23]} == {1_000}
    assert {round(s.rows[0], -1) for s in judged[23:28]} <= {450, 460}


def test_rows_that_halve_for_good_are_one_alert_and_then_usual(tmp_path):
    config = config_of(tmp_path / "drift", alarms={"after": "1 of 1"})
    sizes = [600] * 20 + [290, 310, 280, 320, 290, 310, 290, 300, 290, 300]
    run_days(config, range(24), lambda day: rows(day, sizes[day]))
    found = run_days(config, range(24, 30), lambda day: rows(day, sizes[day]))
    log = read_table(str(tmp_path / "drift"), "alerts").to_pylist()
    (one,) = [alert for alert in log if alert["features"] == [ROWS_FEATURE]]
    assert (one["opened"].day, one["closed"].day) == (21, 28)
    assert of_rows(found[-1])["n_reference"] == pytest.approx(300, abs=5)


def test_a_segment_that_is_closed_on_sundays_is_not_missed_then(tmp_path):
    config = config_of(tmp_path / "drift", segments=[["part"]])

    def of_day(day):
        table = rows(day)
        return table.filter(pc.equal(table["part"], "left")) if day % 7 == 6 else table

    found = run_days(config, range(28), of_day)[27].scores
    right = found[found["feature"].eq(ROWS_FEATURE) & found["segment"].eq("part=right")]
    assert right["severity"].tolist() == ["ok"]
    assert right["n_reference"].tolist() == [0]


@pytest.mark.parametrize("again", [False, True], ids=["one run", "a run each"])
def test_a_segment_that_stays_low_stays_critical_in_later_runs(tmp_path, again):
    config = config_of(tmp_path / "drift", segments=[["part"]])

    def of_day(day):
        table = rows(day)
        right = pc.equal(table["part"], "right")
        few = pc.less(pc.cumulative_sum(right.cast("int64")), 40)
        return table.filter(pc.or_(pc.invert(right), few)) if day > 8 else table

    days = [[d] for d in range(13)] if again else [range(13)]
    found = [result for some in days for result in run_days(config, some, of_day)]
    of_part = [r.scores[r.scores["segment"].eq("part=right")] for r in found]
    severities = [s[s["feature"].eq(ROWS_FEATURE)]["severity"].item() for s in of_part]
    assert severities == ["ok"] * 9 + ["critical"] * 4


@pytest.mark.parametrize(
    ("length", "first", "rows"),
    [("1h", datetime(2024, 10, 26, 12), 800), ("1mo", datetime(2023, 6, 1), 290_000)],
)
def test_rows_are_judged_by_the_time_that_they_had(length, first, rows):
    """An hour that the clock repeats is two, and a February has 29 days."""
    time = Time("at", length, zone="Europe/Berlin")
    an_hour = 400 if length == "1h" else 10_000 / 24
    judged = judged_by_rows(
        time, first, 20, lambda one: round(an_hour * ((one.end - one.start) / timedelta(hours=1)))
    )
    assert {subject.scores["kl"] < 1e-9 for subject in judged[7:]} == {True}
    assert (rows, rows) in [subject.rows for subject in judged]
