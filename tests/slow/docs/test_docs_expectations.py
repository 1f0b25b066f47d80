"""The Python of docs/expectations.md, run from top to bottom as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from expectations_tables import publish_rows, row

from kldrift.expectations.evidence import judge_row
from kldrift.expectations.gx import great_expectations as gx

DOCS = (Path(__file__).parents[3] / "docs/expectations.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
ROWS = [
    row("fare_amount", kl=0.4, psi=0.5, severity="critical", reason="moved most: card"),
    row("tip_amount"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    publish_rows(tmp_path / "drift", ROWS, monitor="nyc_taxi")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLACK_WEBHOOK", "http://127.0.0.1:1/")
    monkeypatch.setenv("DRIFT_WEBHOOK", "http://127.0.0.1:1/")
    return tmp_path


def test_every_block_runs_and_what_it_adds_survives_the_next_run(folder, capsys):
    assert len(BLOCKS) == 7
    names = {}
    for block in BLOCKS:
        exec(compile(block, "docs/expectations.md", "exec"), names)
    assert capsys.readouterr().out.splitlines() == [
        "20261123T204500Z-1a2b3c4d False FailureSeverity.CRITICAL",
        "FailureSeverity.WARNING fare_amount",
        "kl 0.4 is above 0.1, and q 1e-09 is below alpha 0.01",
        "moved most: card",
        "FailureSeverity.CRITICAL fare_amount",
        "kl 0.4 is above 0.25, and q 1e-08 is below alpha 0.01",
        "moved most: card",
        "False",
    ]
    published = publish_rows(folder / "drift", ROWS, monitor="nyc_taxi")
    (suite,) = published.checkpoint_result.run_results.values()
    assert len(suite.results) == published.evaluated + 2
    context = gx.get_context(mode="file", context_root_dir="drift/gx")
    actions = {a.type: a for a in context.checkpoints.get("nyc_taxi").actions}
    assert set(actions) == {"update_data_docs", "kldrift_summary", "slack"}
    assert str(actions["kldrift_summary"].webhook) == "${DRIFT_WEBHOOK}"


def test_every_detail_is_documented():
    table = DOCS[DOCS.index("| `details`") : DOCS.index("`observed_value` is")]
    found = judge_row(ROWS[0], metric="kl", threshold=0.1, alpha=0.01)
    assert set(re.findall(r"`(\w+)`", table)) - {
        "details",
        "within",
        "drift",
        "unscored",
        "kl",
    } == set(found.details)
