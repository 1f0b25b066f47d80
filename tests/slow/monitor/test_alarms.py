"""Limits that are learnt and alerts, from window to window and from table to table."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow as pa
import pytest
from daily_sample import DAY, START, config_of, rows, run_days

import kldrift
from kldrift.cli.blocks import row_block
from kldrift.cli.console import backfill_lines
from kldrift.reporting.figures import instant_name
from kldrift.reporting.history import Backfill
from kldrift.reporting.json_values import records
from kldrift.reporting.order import as_table
from kldrift.reporting.past import Past
from kldrift.tables import TABLES
from kldrift.tables.read import read_table

OWN = ("run_id",)
LEARNED = {"thresholds": "learned", "alarms": {}}


def moved(day):
    """Quiet days, and from day 31 to day 33 a feature that is elsewhere."""
    return rows(day, shift=0.7 if 31 <= day < 34 else 0.0)


def tables(folder):
    return {
        name: read_table(str(folder), name).select([c for c in TABLES[name].names if c not in OWN])
        for name in ("drift_scores", "alerts")
    }


def same(folder, other):
    expected = tables(other)
    return [name for name, table in tables(folder).items() if not table.equals(expected[name])]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """The first month."""
    found = tmp_path_factory.mktemp("learnt")
    run_days(config_of(found, **LEARNED), range(30), moved)
    return found


@pytest.fixture(scope="module")
def folder(learnt, tmp_path_factory):
    """The first month and some days."""
    found = tmp_path_factory.mktemp("alarms") / "drift"
    shutil.copytree(learnt, found)
    run_days(config_of(found, **LEARNED), range(30, 36), moved)
    return found


def scores(folder, feature="x"):
    found = read_table(str(folder), "drift_scores").to_pandas()
    return found[found["feature"] == feature].reset_index(drop=True)


def test_a_feature_learns_for_four_weeks_and_is_then_judged_by_its_history(folder):
    found = scores(folder)
    assert list(found["threshold_kind"]) == ["learning"] * 28 + ["learned"] * 8
    assert list(found["history_windows"][:32]) == list(range(32))
    assert list(found["history_windows"][32:]) == [31, 31, 31, 32]  # without those that were raised
    assert found["p_learned"].isna().sum() == 28
    assert not (found["severity"][:28] == "critical").any()
    assert found["kl_learned"][31] > found["limit_learned"][31]
    assert found["metric"][31] == "kl_learned"  # not a fixed limit that it is far below
    assert found["threshold_critical"][31] == found["limit_learned"][31]
    assert found["threshold_warning"].isna()[31]


def test_windows_too_long_for_the_history_are_learnt_from_all_the_same(learnt, tmp_path):
    config = {**LEARNED, "alarms": {"history": "5d"}}
    for name, runs in (("at once", [range(30, 44)]), ("in two", [range(30, 40), range(40, 44)])):
        shutil.copytree(learnt, tmp_path / name)
        for days in runs:
            run_days(config_of(tmp_path / name, **config), days, rows)
        found = scores(tmp_path / name)[30:]
        assert set(found["threshold_kind"]) == {"learned"}
        assert list(found["history_windows"]) == [*range(30, 43), 42]
    assert same(tmp_path / "in two", tmp_path / "at once") == []


def test_a_drift_is_raised_on_its_day_and_cleared_after_it(folder):
    found = scores(folder)
    raised = found[found["alert"] == "raised"]
    assert list(raised["window_start"]) == [START + day * DAY for day in (31, 32, 33)]
    assert set(raised["alert_since"]) == {START + 31 * DAY}
    assert "windows before it, whose limit is" in raised["reason"].iloc[0]
    log = read_table(str(folder), "alerts").to_pylist()
    assert [(a["feature"], a["windows"]) for a in log] == [("x", 3)]
    assert (log[0]["opened"], log[0]["closed"]) == (START + 31 * DAY, START + 34 * DAY)
    cells = read_table(str(folder), "drift_cells").to_pandas()
    table, past = as_table(cells, list(cells)), Past.of([])
    said = [line.text for line in row_block(records(raised)[1], table, "UTC", past)]
    assert f"  alert raised, critical since {instant_name(START + 31 * DAY)}" in said


def test_a_run_that_goes_on_writes_what_one_backfill_writes(learnt, folder, tmp_path):
    shutil.copytree(learnt, tmp_path / "drift")
    config = config_of(tmp_path / "drift", **LEARNED)
    for days in ([30, 31], [32], range(33, 36)):
        run_days(config, days, moved)
    assert same(tmp_path / "drift", folder) == []


def test_a_window_that_is_written_again_replaces_what_depends_on_it(learnt, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "again")
    run_days(config_of(tmp_path / "again", **LEARNED), [31], rows)  # nothing had moved that day
    shutil.copytree(learnt, tmp_path / "fresh")
    run_days(
        config_of(tmp_path / "fresh", **LEARNED),
        range(30, 36),
        lambda day: rows(day) if day == 31 else moved(day),
    )
    assert same(tmp_path / "again", tmp_path / "fresh") == []
    assert set(same(folder, tmp_path / "fresh")) == {"drift_scores", "alerts"}


def test_scoring_again_gives_the_same_bits(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "again")
    kldrift.rescore(config_of(tmp_path / "again", **LEARNED), "2024-01-29", "2024-02-01")
    assert same(tmp_path / "again", folder) == []


def test_exit_codes_and_runs_follow_alerts(learnt, tmp_path):
    shutil.copytree(learnt, tmp_path / "drift")
    mute = {"feature": "x", "until": "2024-02-03", "owner": "ana", "why": "new scale"}
    config = config_of(tmp_path / "drift", thresholds="learned", alarms={"mute": [mute]})
    found = run_days(config, range(31, 35), moved)  # until the morning of day 33
    alerts = [r.scores.set_index("feature")["alert"]["x"] for r in found]
    assert alerts == ["muted", "muted", "raised", "none"]
    assert [r.exit_code for r in found] == [0, 0, 3, 0]
    assert [r.run["alerts"] for r in found] == [0, 0, 1, 0]
    assert [r.run["pages_spent"] for r in found] == [0, 0, 1, 1]
    assert found[3].run["p_limit"] < found[2].run["p_limit"]  # a page is paid for
    log = read_table(str(tmp_path / "drift"), "alerts").to_pylist()
    assert [(a["muted_by"], a["muted_until"], a["windows"]) for a in log] == [
        ("ana", "2024-02-03", 2),
        (None, None, 1),
    ]


def test_without_alarms_nothing_is_raised_and_the_exit_code_is_that_of_severities(learnt, tmp_path):
    shutil.copytree(learnt, tmp_path / "drift")
    found = run_days(config_of(tmp_path / "drift", thresholds="learned"), [31], moved)[0]
    row = found.scores.set_index("feature").loc["x"]
    assert (row["severity"], found.exit_code) == ("critical", 3)
    assert found.scores["alert"].isna().all()
    assert found.run["alerts"] is None


def unsteady(day, n=200):
    """Every fourth day lies elsewhere, as is usual; from day 32 on all do."""
    far = day >= 32 or day in {3, 6, 8, 13, 15, 19, 22, 25}
    return pa.table({"y": np.random.default_rng(day).normal(1.5 * far, 1, n)})


def test_a_row_that_is_usual_beside_its_history_is_an_alert_once_it_is_critical_for_long(tmp_path):
    first = unsteady(0, 4_000)
    for name, runs in (("at once", [range(36)]), ("in parts", [range(34), [34], [35]])):
        for days in runs:
            config = config_of(tmp_path / name, **LEARNED)
            run_days(config, days, unsteady, reference_rows=first, dependents=False)
    found = scores(tmp_path / "at once", "y")[32:]
    assert set(found["severity"]) == {"critical"}
    assert not (found["p_learned"] < found["p_limit"]).any()
    assert list(found["alert"]) == ["pending"] * 3 + ["raised"]
    assert same(tmp_path / "in parts", tmp_path / "at once") == []


HOLIDAY = {"reference": {"trailing": "30d", "exclude": ["2024-01-04", "2024-01-20/2024-01-21"]}}


def on_holidays(day):
    """Days that are elsewhere: a declared one, and from another declared one on."""
    return rows(day, shift=3.0 if day in (3, 7) or day >= 19 else 0.0)


def test_a_day_that_is_declared_to_be_unlike_others_calls_nobody(tmp_path):
    config = config_of(tmp_path / "drift", alarms={}, **HOLIDAY)
    found = run_days(config, [2, 3, 4, 5, 7, 18, 19, 20, 21], on_holidays)
    assert [r.exit_code for r in found] == [0, 0, 0, 0, 3, 0, 0, 0, 3]
    stored = scores(tmp_path / "drift")
    assert list(stored["severity"] == "critical") == [r in (1, 4, 6, 7, 8) for r in range(9)]
    alerts = ["none", "muted", "none", "none", "raised", "none", "muted", "muted", "raised"]
    assert list(stored["alert"]) == alerts
    log = read_table(str(tmp_path / "drift"), "alerts").to_pylist()
    muted = [(a["opened"] - START, a["muted_by"], a["muted_until"], a["why"]) for a in log]
    first, days = "one of the days 2024-01-04", "one of the days 2024-01-20/2024-01-21"
    assert muted == [
        (3 * DAY, "reference.exclude", "2024-01-05", first),
        (7 * DAY, None, None, None),
        (19 * DAY, "reference.exclude", "2024-01-22", days),
        (21 * DAY, None, None, None),
    ]
    assert any("nobody is called about what is new" in note for note in found[1].notes)
    said = [line.text for line in backfill_lines(Backfill(found[1:2], [], "drift"), "critical")][-1]
    assert said.startswith("exit code 0: nobody is called about the drift")


def test_an_alert_that_was_raised_before_a_declared_day_stays_raised(tmp_path):
    config = config_of(tmp_path / "drift", alarms={}, **HOLIDAY)
    found = run_days(config, [18, 19, 20, 21, 22], lambda day: rows(day, shift=3.0))
    assert [r.exit_code for r in found] == [3] * 5
    (alert,) = read_table(str(tmp_path / "drift"), "alerts").to_pylist()
    assert (alert["muted_by"], alert["closed"], alert["windows"]) == (None, None, 5)


def test_a_declared_day_calls_nobody_without_alarms_too(tmp_path):
    config = config_of(tmp_path / "drift", **HOLIDAY)
    found = run_days(config, [2, 3, 7], on_holidays)
    assert [r.exit_code for r in found] == [0, 0, 3]
    stored = scores(tmp_path / "drift")
    assert list(stored["severity"]) == ["ok", "critical", "critical"]
    assert list(stored["alert"].isna()) == [True, False, True]
    assert stored["alert"][1] == "muted"
    assert not read_table(str(tmp_path / "drift"), "alerts").num_rows


def test_a_muted_warning_fails_no_run_that_fails_on_warnings(tmp_path):
    mute = {"feature": "*", "until": "2024-01-05", "owner": "ana", "why": "move"}
    limits = {"kl": {"warning": 0.1, "critical": 1e6}}
    config = config_of(tmp_path / "drift", thresholds=limits, alarms={"mute": [mute]})
    found = run_days(config, [3, 7], on_holidays, fail_on="warning")
    assert [r.counts["warning"] for r in found] == [1, 1]
    assert [r.exit_code for r in found] == [0, 3]
