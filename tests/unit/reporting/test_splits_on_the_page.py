"""Another mix of segments, or drift within them: the page says it, from results and from tables."""

from __future__ import annotations

from daily_sample import config_of, run_days
from sql_views import of_day

from kldrift.reporting.json_values import records
from kldrift.reporting.monitor_page import Story, monitor_page
from kldrift.reporting.stored import stored_page

TITLE = "another mix of segments, or drift within them?"


def tables_of(page):
    return {
        entry.name: [block for block in entry.blocks if block.title == TITLE]
        for entry in page.entries
    }


def test_a_feature_says_where_its_drift_lies_and_the_tables_know_it_too(tmp_path):
    config = config_of(tmp_path / "drift", segments=[["part"]])
    result = run_days(config, (2, 3), of_day)[-1]
    told = monitor_page(result.scores, result.cells, Story(splits=records(result.splits)))
    (table,) = tables_of(told)["x"]
    ((name, mix, within, worst),) = table.rows
    assert (name, worst.split(",")[0]) == ("part", "part=left")
    assert mix.startswith("0.000")
    assert within.endswith("(100.0 %)")
    assert tables_of(stored_page(config)) == tables_of(told)


def test_without_segments_nothing_is_said_of_them(tmp_path):
    config = config_of(tmp_path / "drift")
    run_days(config, (2, 3), of_day)
    assert not any(tables_of(stored_page(config)).values())
