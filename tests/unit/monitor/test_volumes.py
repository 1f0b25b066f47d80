"""The number of rows of a window is a row of its scores, judged beside the windows before it."""

from __future__ import annotations

import pyarrow.compute as pc
from daily_sample import config_of, rows, run_days

from kldrift.monitor.volumes import ROWS


def of_rows(result):
    (row,) = result.scores[result.scores["feature"] == ROWS].to_dict("records")
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
    last = last[last["feature"] == ROWS].set_index("segment")
    assert last.loc["part=right", "severity"] == "critical"
    assert last.loc["part=left", "severity"] == "ok"
    assert last.loc["part=right", "reason"].startswith("0 rows, and usually about 1")
