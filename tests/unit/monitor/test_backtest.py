"""What rules would have flagged over stored windows, from the tables alone."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import kldrift
from kldrift.cli.main import main
from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor import reference_store
from kldrift.monitor.judging import judge_findings
from kldrift.monitor.plan import make_plan
from kldrift.monitor.rows import cell_table, score_table
from kldrift.monitor.stages import count_current, read_reference
from kldrift.sources.table import TableSource
from kldrift.tables import Window, prepare_output, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import Origin

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def mapping(folder, **more):
    return {
        "monitor": "daily",
        "reference": {"sql": "r"},
        "current": {"sql": "c"},
        "time": {"column": "at", "window": "1d"},
        "output": {"path": str(folder)},
        "expectations": False,
    } | more


def rows(rng, n, shift=0.0):
    return pa.table({"x": rng.normal(shift, 1, n), "kind": rng.choice(["a", "b"], n)})


def write_days(folder, days, shifts):
    """Write the tables of some days as runs would, without Spark."""
    rng = np.random.default_rng(5)
    config = config_from_mapping(mapping(folder))
    prepare_output(config.output.path)
    first = TableSource(rows(rng, 5_000))
    plan = make_plan(config, first, first)
    reference = read_reference(plan, MemoryEngine(first, first), SILENT)
    reference_store.save(plan, reference, Origin("key", 5_000, "run-0", START))
    for day in range(days):
        season = 0.8 * (day % 7 == 6)
        now = TableSource(rows(rng, 2_000, season + shifts.get(day, 0.0)))
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


def test_the_command_names_the_windows_and_counts_them(folder, tmp_path, capsys):
    path = tmp_path / "m.yaml"
    path.write_text(json.dumps(mapping(folder)))
    assert main(["backtest", str(path)]) == 0
    said = capsys.readouterr().out
    assert "2024-02-09" in said
    assert "learned: x, p " in said
    assert "pages; the budget is 1 in 90 days" in said
    assert main(["backtest", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["learned"] >= 1


def test_there_must_be_windows_to_learn_from(folder, tmp_path):
    with pytest.raises(ConfigError, match="backtest needs windows"):
        kldrift.backtest(mapping(folder, time=None))
    write_days(tmp_path / "few", 3, {})
    with pytest.raises(OutputError, match="3 windows of 'daily'; limits are learnt from 28"):
        kldrift.backtest(mapping(tmp_path / "few"))
