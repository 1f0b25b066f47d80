"""What rules would have flagged over stored windows, from the tables alone."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pytest
from daily_sample import mapping

import kldrift
from kldrift.cli.main import main
from kldrift.config import config_from_mapping
from kldrift.config.yaml_text import parse_yaml
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor import reference_store
from kldrift.monitor.backtest import _critical, _table
from kldrift.monitor.findings import count_current
from kldrift.monitor.judging import judge_findings
from kldrift.monitor.learned_rule import Shown
from kldrift.monitor.plan import make_plan
from kldrift.monitor.planted import PlantedDrift
from kldrift.monitor.rows import cell_table, score_table
from kldrift.monitor.stages import read_reference
from kldrift.sources.table import TableSource
from kldrift.tables import Window, prepare_output, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import Origin

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def rows(rng, n, shift=0.0):
    return pa.table({"x": rng.normal(shift, 1, n), "kind": rng.choice(["a", "b"], n)})


def write_days(folder, days, shifts, empty=()):
    """Write the tables of some days as runs would, without Spark; some have no rows."""
    rng = np.random.default_rng(5)
    config = config_from_mapping(mapping(folder))
    prepare_output(config.output.path)
    first = TableSource(rows(rng, 5_000))
    plan = make_plan(config, first, first)
    reference = read_reference(plan, MemoryEngine(first, first), SILENT)
    reference_store.save(plan, reference, Origin("key", 5_000, "run-0", START))
    for day in range(days):
        season = 0.8 * (day % 7 == 6)
        number = 0 if day in empty else 2_000
        now = TableSource(rows(rng, number, season + shifts.get(day, 0.0)))
        own = replace(plan, current=now)
        findings = count_current(own, reference, MemoryEngine(first, now), SILENT)
        verdicts = judge_findings(own, findings)
        window = Window(START + day * DAY, START + (day + 1) * DAY)
        stamp = Stamp(f"run-{day}", "daily", window, reference.reference_id, config.config_hash)
        named = dict(zip(["x", "kind"], findings.current, strict=True))
        tables = {
            "drift_scores": score_table(verdicts, stamp),
            "drift_cells": cell_table(verdicts, stamp),
            "profiles": profile_rows(named, {}, [], "current", stamp),
        }
        write_window(config.output.path, "daily", window, tables)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("backtest")
    write_days(found, 45, {39: 0.6})
    return found


def test_thresholds_flag_every_sunday_and_learnt_limits_the_day_that_drifted(folder):
    found = kldrift.backtest(mapping(folder))
    flagged = found.windows[found.windows["fixed"] > 0]
    sundays = [START + day * DAY for day in range(6, 45, 7)]
    assert set(sundays) <= set(flagged["window_start"])
    paged = found.windows[found.windows["page"]]
    assert (START + 39 * DAY, "x") in list(
        zip(paged["window_start"], paged["learned_feature"], strict=True)
    )
    assert len(paged) <= 2  # one by chance is within the budget
    assert not set(paged["window_start"]) & set(sundays)
    summary = found.summary
    assert (summary["windows"], summary["learning"], summary["learned"]) == (45, 28, len(paged))
    assert summary["fixed"] == len(flagged) > 5


def test_a_page_names_what_was_raised_in_its_window_and_not_what_was_raised_before():
    scores = pa.table({"kl": pa.array([], pa.float64())})
    shown = [
        Shown(np.array([1e-9, 0.5]), 0.01, True, frozenset({0})),
        Shown(np.array([1e-9, 1e-3]), 0.01, True, frozenset({0, 1})),
        Shown(np.array([1e-9, 0.2]), 0.01, False, frozenset({0, 1})),
    ]
    windows = [Window(START + d * DAY, START + (d + 1) * DAY) for d in range(3)]
    found = _table(windows, ["x", "kind"], [[]] * 3, [scores] * 3, shown)
    assert found["learned_feature"].dropna().tolist() == ["x", "kind"]
    assert found["p_value"].tolist() == [1e-9, 1e-3, 1e-9]


def test_what_both_rules_flag_the_thresholds_flag_too():
    rows = [
        {"feature": "both", "severity": "critical", "q_critical": 1e-9, "p_learned": 1e-9},
        {"feature": "learnt", "severity": "critical", "q_critical": 0.9, "p_learned": 1e-9},
        {"feature": "fixed", "severity": "critical", "q_critical": 1e-9, "p_learned": 0.5},
        {"feature": "sure of less", "severity": "warning", "q_critical": 1e-9, "p_learned": 0.5},
        {"feature": "no history", "severity": "critical", "q_critical": 1e-9, "p_learned": None},
        {"feature": "never scored", "severity": "unscored", "q_critical": None, "p_learned": None},
    ]
    table = pa.Table.from_pylist([row | {"p_limit": 1e-4} for row in rows])
    assert _critical(table, 0.01) == ["both", "fixed", "no history"]


def test_planted_drifts_tell_what_each_rule_finds_and_which_limit_would_keep_the_budget(folder):
    found = kldrift.backtest(mapping(folder), plant=["shift 0.05", "shift 1", "nulls 2"])
    rows = found.planted.set_index(["planted", "rule"])
    assert dict(rows["features"].xs("learned", level="rule")) == {
        "shift 0.05": 1,
        "shift 1": 1,
        "nulls 2": 2,
    }
    assert list(rows.loc["shift 1", "at_once"]) == [1, 1, 1]
    assert rows.loc[("nulls 2", "learned"), "at_once"] == 1
    assert rows.loc[("nulls 2", "learned"), "late"] == 0
    assert rows.loc[("shift 0.05", "learned"), "at_once"] == 0
    learned = mapping(folder, thresholds="learned")  # fixed limits stand beside them
    beside = kldrift.backtest(learned, plant=["shift 1"]).planted.set_index("rule")
    assert beside.loc["fixed", "at_once"] == 1
    judged = found.windows[found.windows["p_value"].notna()]
    assert (judged["kl"] > found.kl_limit).sum() == 0  # no page is allowed in 17 days
    assert found.suggestion.startswith(
        "thresholds: learned\nalarms: {budget: {pages: 1, days: 90}}"
    )
    assert config_from_mapping(mapping(folder) | yaml_of(found.suggestion)).alarms is not None
    with pytest.raises(ConfigError, match=r"'shift': expected such as 'shift 0\.3'"):
        kldrift.backtest(mapping(folder), plant=["shift"])


def yaml_of(text):
    return parse_yaml(text, source="suggested")


def test_a_chart_has_a_bar_for_each_window_and_no_markup_of_data(folder):
    found = kldrift.backtest(mapping(folder), plant=[])
    chart = ET.fromstring(found.to_svg())
    paths = chart.iter("{http://www.w3.org/2000/svg}path")
    flags = sum(p.get("d").count("M") for p in paths if p.get("class") == "critical")
    # A bar, and a mark below it for those who do not see its colour.
    assert flags == 2 * ((found.windows["fixed"] > 0).sum() + found.windows["page"].sum())
    assert len(found.planted) == 0
    assert ">1 Jan 2024</text>" in found.to_svg()
    tokyo = {"time": {"column": "at", "window": "1d", "zone": "Asia/Tokyo"}}
    elsewhere = kldrift.backtest(mapping(folder, **tokyo), plant=[])
    assert ">1 Jan 2024 09:00</text>" in elsewhere.to_svg()
    assert repr(found).startswith("Backtest(fixed thresholds flag ")
    shown = found._repr_html_()
    assert 'class="kldrift"' in shown  # its style is none of the whole notebook, and is dark there
    assert "<img" not in shown
    assert "suggested:\nthresholds: " in shown


def test_a_planted_drift_keeps_the_rows_and_moves_the_mean():
    rng = np.random.default_rng(1)
    first = TableSource(rows(rng, 5_000))
    plan = make_plan(config_from_mapping(mapping("unused")), first, first)
    reference = read_reference(plan, MemoryEngine(first, first), SILENT)
    x = reference.profiles["x"]
    moved = PlantedDrift.of("shift 0.5").into(x, x.counts[0])
    assert moved.counts.sum() == x.counts.sum()
    edges = x.support.edges / x.support.scale
    shift = [
        np.interp(0.5, c[1 : len(edges)].cumsum() / c.sum(), edges[1:])
        for c in (x.counts[0], moved.counts[0])
    ]
    assert shift[1] - shift[0] == pytest.approx(0.5, abs=0.1)
    names = reference.profiles["kind"]
    assert PlantedDrift.of("shift 0.5").into(names, names.counts[0]) is None
    assert PlantedDrift.of("nulls 10").into(names, names.counts[0]).counts[0, -1] == 500


def test_the_command_names_the_windows_and_counts_them(folder, tmp_path, capsys):
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps(mapping(folder)))
    assert main(["backtest", str(path)]) == 0
    said = capsys.readouterr().out
    assert "9 Feb 2024 " in said
    assert "learned: x, p " in said
    assert said.index("learned limits: ") < said.index("9 Feb 2024 ")
    assert re.search(r"learned limits: (1 page|\d+ pages); the budget is 1 in 90 days", said)
    assert main(["backtest", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["learned"] >= 1
    chart = tmp_path / "chart.svg"
    assert main(["backtest", str(path), "--plant", "nulls 2", "--chart", str(chart)]) == 0
    said = capsys.readouterr().out
    assert "nulls 2, 2 features: learned 100 % / 100 %" in said
    assert "  thresholds: learned" in said
    assert chart.read_text().startswith("<svg")


def test_windows_without_rows_are_left_out_and_counted(tmp_path, capsys):
    write_days(tmp_path / "drift", 50, {39: 0.6}, empty=range(42, 50))
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps(mapping(tmp_path / "drift")))
    assert main(["backtest", str(path), "--plant", "shift 1"]) == 0
    said = capsys.readouterr().out
    assert "42 windows, the first 28 to learn from; 8 windows without rows left out" in said
    assert "shift 1, 1 feature: learned 100 % / 100 %" in said
    assert re.search(r"learned limits: (1 page|\d+ pages); the budget is 1 in 90 days", said)
    write_days(tmp_path / "none", 29, {}, empty=range(29))
    with pytest.raises(OutputError, match="0 windows of 'daily' with rows on the cells"):
        kldrift.backtest(mapping(tmp_path / "none"))


def test_there_must_be_windows_to_learn_from(folder, tmp_path):
    with pytest.raises(ConfigError, match="backtest needs windows"):
        kldrift.backtest(mapping(folder, time=None))
    write_days(tmp_path / "few", 3, {})
    with pytest.raises(
        OutputError, match="3 windows of 'daily'; limits are learnt from at least 28"
    ):
        kldrift.backtest(mapping(tmp_path / "few"))
