"""Results in a notebook: what is shown, and charts that can be changed."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tables_sample import DAYS, MONITOR, run_row, window_tables, write_two_days

import kldrift
from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError
from kldrift.monitor.plan import make_plan
from kldrift.reporting.history import NOTHING, Backfill, notes_of_all
from kldrift.reporting.result import Result, RunResult
from kldrift.sources.table import TableSource
from kldrift.tables import Window


def run_result(window=DAYS[1], output="/nowhere", run_id="run-2"):
    tables = window_tables(window, run_id)
    return RunResult(
        tables["drift_scores"].to_pandas(),
        tables["drift_cells"].to_pandas(),
        run=run_row(window, run_id),
        exit_code=3,
        output=str(output),
        docs=None,
    )


def values_of(chart):
    """The data of a chart of one layer."""
    (values,) = chart.to_dict()["datasets"].values()
    return values


@pytest.fixture(scope="module")
def compared():
    rng = np.random.default_rng(0)
    sides = [
        pd.DataFrame({"x": rng.normal(moved, 1, 500), "part": rng.choice(["a", "b"], 500)})
        for moved in (0, 2)
    ]
    return kldrift.compare(*sides, segments=[["part"]])


def test_that_the_last_window_has_no_score_is_no_note_of_those_before_it():
    scored = run_result()
    unscored = scored.scores.assign(status="empty")
    nothing = RunResult(
        unscored,
        scored.cells,
        run=scored.run,
        exit_code=4,
        output="o",
        docs=None,
        notes=["a note", NOTHING],
    )
    assert notes_of_all([scored, nothing]) == ["a note"]
    assert notes_of_all([nothing, nothing]) == ["a note", NOTHING]


def test_a_result_says_what_drifted_and_how_bad_it_is():
    result = run_result()
    assert result.severity == "critical"
    assert result.drifted == ["payment_type", "trip_distance"]
    calm = Result(result.scores.assign(severity="ok"), result.cells)
    assert (calm.severity, calm.drifted) == ("ok", [])
    assert Result(result.scores.head(0), result.cells).severity == "unscored"


def test_a_result_is_strict_json(compared):
    for result in (run_result(), compared, Backfill([run_result()], ["n"], "o")):
        read = json.loads(result.to_json(), parse_constant=pytest.fail)
        assert read["severity"] == "critical"
        assert len(read["scores"]) == len(result.scores)


def test_a_page_is_saved_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run_result()
    left = Path(".kldrift-0a.tmp")  # by a run that was killed
    left.touch()
    os.utime(left, (0, 0))
    assert result.save_html("page.html") == "page.html"
    assert not left.exists()
    assert Path("page.html").read_text(encoding="utf-8") == result.to_html()
    assert result.save_html(tmp_path / "a" / "b.html") == str(tmp_path / "a" / "b.html")


def test_the_page_of_a_run_shows_the_windows_before_it(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    assert "drifts since 1 Apr 2020" in run_result(output=folder).to_html()
    assert "drifts since" not in run_result(DAYS[0], folder, "run-1").to_html()
    assert "drifts since" not in run_result(output=tmp_path / "gone").to_html()


def test_the_page_of_a_backfill_is_that_of_its_last_window():
    found = Backfill([run_result(DAYS[0], run_id="run-1"), run_result()], ["a note"], "o")
    page = found._repr_html_()
    assert "Thu 2 Apr 2020" in page
    assert "drifts since 1 Apr 2020" in page
    assert "a note" in page
    assert "no feature was compared" in Backfill([], [], "o").to_html()


def test_distributions_are_charts_of_altair(compared):
    values = values_of(compared.plot("x"))
    cells = compared.cells.query("feature == 'x' and segment.isna()")
    assert len(values) == 2 * len(cells)
    assert sum(v["share"] for v in values if v["dataset"] == "current") == pytest.approx(1)
    part = values_of(compared.plot("x", "part=a"))
    assert [v["share"] for v in part] != [v["share"] for v in values]


def test_a_group_is_a_chart_of_what_its_parts_add():
    rng = np.random.default_rng(0)
    then, now = (pd.DataFrame({n: rng.normal(by, 1, 500) for n in "xy"}) for by in (0, 2))
    result = kldrift.compare(then, now, joint={"both: [x]": ["x", "y"]})
    values = values_of(result.plot("both: [x]"))
    cells = result.cells.query("feature == 'both: [x]'")
    assert sum(v["adds to kl"] for v in values) == pytest.approx(cells["contribution"].sum())
    assert [v["part"] for v in values][-1] == "x × y"
    assert [*values[-1]] == ["part", "adds to kl", "correlation then", "now"]


NAMES = ("a.b[0] 'q' \"d\" \\ :Q", "日本", "constant", "nothing", "no texts", "infinite")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("segment", [None, "part=a:b"])
def test_odd_names_and_features_without_spread_have_charts(name, segment):
    rng, rows = np.random.default_rng(0), 300
    frame = pd.DataFrame(
        {
            NAMES[0]: rng.normal(size=rows),
            "日本": rng.choice(["あ", "い"], rows),
            "constant": 1.0,
            "nothing": pd.array([None] * rows, dtype="Float64"),
            "no texts": pd.array([None] * rows, dtype="string"),
            "infinite": np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
            "part": rng.choice(["a:b", "c.d"], rows),
        }
    )
    result = kldrift.compare(frame, frame, segments=[["part"]])
    values = values_of(result.plot(name, segment))
    for side in ("reference", "current"):
        shares = [v["share"] for v in values if v["dataset"] == side]
        assert sum(shares) == pytest.approx(1)


def test_history_and_heat_map_are_charts_of_altair(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    result = run_result(output=folder)
    spec = result.plot_history("payment_type").to_dict()
    assert len(spec["layer"]) == 4  # a line, points, two limits
    assert '"kl": 0.42' in json.dumps(spec)
    heat = values_of(result.heatmap())
    assert {v["window"] for v in heat} == {"1 Apr 2020", "2 Apr 2020"}
    assert [v["feature"] for v in heat[:2]] == ["payment_type"] * 2


def test_a_backfill_and_a_run_name_windows_in_the_zone_of_the_monitor(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    run = replace(run_result(output=folder), zone="Asia/Tokyo")
    backfill = Backfill(
        [replace(run_result(DAYS[0], run_id="run-1"), zone="Asia/Tokyo"), run], [], "o"
    )
    for result in (run, backfill):
        begins = {v["window"].partition(" to ")[0] for v in values_of(result.heatmap())}
        assert begins == {"1 Apr 2020 09:00", "2 Apr 2020 09:00"}
        assert "2 Apr 2020 09:00 to 3 Apr 2020 09:00 (Asia/Tokyo)" in result.to_html()
        assert "1 Apr 2020 09:00" in json.dumps(result.plot_history("payment_type").to_dict())


def test_a_wrong_name_is_told_with_the_nearest(compared):
    with pytest.raises(ConfigError, match="no feature 'y' here"):
        compared.plot("y")
    with pytest.raises(ConfigError, match="did you mean 'payment_type'"):
        run_result().plot("payment_typ")
    with pytest.raises(ConfigError, match="there are no windows"):
        compared.heatmap()
    with pytest.raises(ConfigError, match="has no rows in 'part=z'"):
        compared.plot("x", "part=z")
    few = pd.DataFrame({"x": [1.0]})
    with pytest.raises(ConfigError, match=r"'x' has no distribution to draw: 1 row, scoring\."):
        kldrift.compare(few, few).plot("x")


def test_a_notebook_s_style_touches_nothing_but_the_result():
    html = run_result()._repr_html_()
    style = html.partition("<style>")[2].partition("</style>")[0]
    rules = [rule for rule in style.replace("\n", " ").split("}") if "{" in rule]
    for rule in rules:
        selectors = rule.partition("{")[0].strip()
        if selectors.startswith("@"):
            selectors = rule.rpartition("{")[0].partition("{")[2].strip()
        assert all(".kldrift" in s for s in selectors.split(",")), rule
        # Of a classic notebook a rem is 10 pixels; on a page of its own it is the reader's choice.
        assert "rem" not in rule.partition("{")[2] or selectors.startswith(".kldrift-page"), rule


@pytest.mark.parametrize("host", [".vscode-dark", ".dark-theme", '[data-jp-theme-light="false"]'])
def test_a_notebook_that_says_it_is_dark_gets_the_colours_of_dark_pages(host):
    style = run_result()._repr_html_().partition("<style>")[2].partition("</style>")[0]
    (rule,) = (line for line in style.splitlines() if f"{host} .kldrift" in line)
    (dark,) = re.findall(r"prefers-color-scheme: dark\) {\s*\S+ > \.kldrift ({.*})", style)
    assert rule.endswith(dark)


def test_a_plan_shows_itself_without_markup_of_the_data():
    name = "<b>\u202e"
    table = pa.table({name: [1, 2] * 50, "y": [1.0, 2.0] * 50})
    asked = {"reference": {"path": "a"}, "current": {"path": "b"}, "output": {"path": "o"}}
    plan = make_plan(config_from_mapping({"monitor": "m", **asked}), *[TableSource(table)] * 2)
    html = plan._repr_html_()
    assert "&lt;b&gt;\ufffd" in html
    assert "<b>" not in html


def test_windows_that_came_later_are_not_the_past(tmp_path):
    folder = write_two_days(tmp_path / "drift")
    early = run_result(DAYS[0], folder, "run-1")
    assert early.past().windows == (DAYS[0],)
    assert DAYS[1].start - DAYS[0].start == timedelta(days=1)
    assert early.run["monitor"] == MONITOR


def test_charts_of_many_cells_and_windows_are_seen_whole_in_a_notebook(compared):
    ends = [(DAYS[1].start + timedelta(days=d), DAYS[1].end + timedelta(days=d)) for d in range(80)]
    found = Backfill([run_result(Window(*both), run_id=f"run {both[0]}") for both in ends], [], "o")
    assert [c.to_dict()["width"] for c in (compared.plot("x"), found.heatmap())] == [520, 520]
    assert run_result().plot("payment_type").to_dict()["width"] < 400


def test_the_points_of_a_history_have_the_signs_of_their_severities():
    chart = Backfill([run_result()], [], "o").plot_history("trip_distance")
    dots = chart.to_dict()["layer"][1]["encoding"]["shape"]
    shape_of = dict(zip(dots["scale"]["domain"], dots["scale"]["range"], strict=True))
    assert (shape_of["critical"], shape_of["warning"]) == ("circle", "triangle-up")
