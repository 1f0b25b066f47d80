"""One finding, wherever people and programs look: the same order, severity, words and figures."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import daily_sample
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sql_views import connected, records

pytest.importorskip("streamlit", reason="needs the extra dashboard")
from streamlit.testing.v1 import AppTest

import kldrift
from kldrift.cli.console import run_lines
from kldrift.cli.show import state_lines
from kldrift.config import load_config
from kldrift.dashboard.serve import APP, SECTION, app_arguments
from kldrift.expectations import DriftSummaryAction
from kldrift.expectations.gx import great_expectations as gx
from kldrift.reporting.figures import feature_words
from kldrift.reporting.row_words import happened, score_words
from kldrift.reporting.stored import stored_page

CONFIG = """\
monitor: orders
reference: {path: reference.parquet}
current: {path: orders.parquet}
time: {column: at, window: 1d}
segments: [[part]]
thresholds: {js: {warning: 0.004, critical: 0.02}}
alarms: {after: 1 of 1}
output: {path: drift}
expectations: {path: gx, data_docs: true}
"""
DAYS, LAST = 3, "Wed 3 Jan 2024"
NOT_OK = ("critical", "warning", "unscored")


def changed(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


def larger_in_one_part(table: pa.Table) -> pa.Table:
    x, there = table["x"].to_numpy(), pc.equal(table["part"], "right").to_numpy()
    return changed(table, "x", pa.array(x + 1.2 * there))


def nulls_in_the_same_rows(table: pa.Table) -> pa.Table:
    gone = pa.array(np.random.default_rng(1).random(len(table)) < 0.4)
    for name in ("x", "y"):
        table = changed(table, name, pc.if_else(gone, None, table[name]))
    return table


def a_new_category_beside_a_slight_shift(table: pa.Table) -> pa.Table:
    new = np.random.default_rng(2).random(len(table)) < 0.25
    table = changed(table, "kind", pa.array(np.where(new, "c", table["kind"].to_numpy(False))))
    return changed(table, "y", pa.array(table["y"].to_numpy() + 0.4))


@pytest.fixture(
    scope="module",
    params=[
        larger_in_one_part,
        nulls_in_the_same_rows,
        a_new_category_beside_a_slight_shift,
    ],
    ids=lambda incident: incident.__name__,
)
def incident(request, tmp_path_factory):
    """The configuration of a monitor, and the result of its last window, in which it happened."""
    folder = tmp_path_factory.mktemp("incident")
    file = folder / "orders.yaml"
    file.write_text(CONFIG, encoding="utf-8")

    def rows(day: int) -> pa.Table:
        calm = daily_sample.rows(day, 1200)
        return request.param(calm) if day == DAYS - 1 else calm

    return file, daily_sample.run_days(load_config(file), range(DAYS), rows)[-1]


def finding(row) -> tuple:
    """What every place must say of a feature: its name, where, how bad."""
    return row["feature"], row["segment"] or None, row["severity"]


@pytest.fixture(scope="module")
def found(incident) -> list[dict]:
    """What is not ok, one row for each feature, worst first, as the tables have it."""
    worst = json.loads(incident[1].to_json())["worst"]
    return [row for row in worst if row["severity"] in NOT_OK]


def plain(text: str) -> str:
    """Text of a page or of a terminal on one line, with the arrow of the tables."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text))).replace("→", "->")


def test_every_place_that_lists_findings_has_the_same_ones_in_the_same_order(incident, found):
    file, result = incident
    listed = [finding(row) for row in found]
    assert {severity for *_, severity in listed} & {"critical", "warning"}
    shown = state_lines(load_config(file), None)[1]["worst"]
    assert [finding(row) for row in shown if row["severity"] in NOT_OK] == listed
    frame = result.worst(99)
    assert [*frame.loc[frame["severity"].isin(NOT_OK), "feature"]] == [row[0] for row in listed]
    assert result.drifted == [feature for feature, _, severity in listed if severity != "unscored"]
    of_page = [e for e in stored_page(load_config(file)).entries if e.severity in NOT_OK]
    assert sorted((*e.key, e.severity) for e in of_page) == sorted(listed, key=str)
    views = connected(file.parent / "drift")
    now = records(views, "select * from worst_now order by place")
    assert [finding(row) for row in now] == listed
    score = [(row["metric"], pytest.approx(row["score"])) for row in found]
    assert [(row["metric"], row["score"]) for row in now] == score
    context = gx.get_context(mode="file", context_root_dir=str(file.parent / "gx"))
    posted = DriftSummaryAction(name="s").run(context.checkpoints.get("orders").run())
    assert [row["feature"] for row in posted["worst"]] == [row[0] for row in listed]


def test_every_place_that_is_read_says_the_same_of_each_finding(incident, found):
    file, result = incident
    config = load_config(file)
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.secrets[SECTION] = app_arguments(str(file), [], "127.0.0.1")
    app.run()
    pages = (p.read_text("utf-8") for p in (file.parent / "gx").rglob("validations/**/*.html"))
    places = {
        "run": "\n".join(line.text for line in run_lines(result, "critical")),
        "show": "\n".join(line.text for line in state_lines(config, None)[0]),
        "report": stored_page_text(config),
        "notebook": result._repr_html_(),
        "dashboard": "\n".join(
            [*(t.value for t in (*app.header, *app.text)), app.dataframe[0].value.to_string()]
        ),
        "Data Docs": next(page for page in pages if f"As of {LAST}" in page),
    }
    for row in found:
        what = happened(row["reason"]).partition(", as many as in")[0]
        figure = score_words(row | {row["metric"]: row["score"]}).partition(",")[0]
        for name, text in places.items():
            for words in (what, figure, row["severity"], feature_words(row["feature"])):
                assert words in plain(text), (name, words)


def stored_page_text(config) -> str:
    place = kldrift.report(config, str(config.source.parent / "page.html"))
    return Path(place).read_text(encoding="utf-8")
