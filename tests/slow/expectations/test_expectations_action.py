"""What a run tells the outside world, sent to a server on this machine."""

from __future__ import annotations

import http.server
import json
import logging
import threading
import time
from datetime import timedelta

import pytest
from expectations_tables import RUN_ID, RUN_TIME, case_rows, publish_rows, row, write

from kldrift.expectations import DriftSummaryAction
from kldrift.expectations.gx import great_expectations as gx

ROWS = [
    row(
        "fare",
        kl=0.3,
        severity="critical",
        alert="raised",
        alert_since=RUN_TIME - timedelta(days=2),
    ),
    row("tip", kl=0.15, reason="most from tip in [0, 1)"),
    row("tolls", status="missing_feature", kl=None, q_value=None, reason="no such column"),
    row("fare", segment="cash", kl=2.0),
    row("quiet"),
]


class Sink(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted; ``/slow`` does not answer in time and ``/down`` says so."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append(json.loads(body))
        if self.path == "/slow":
            time.sleep(1.0)
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def sink(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.posted = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return publish_rows(tmp_path_factory.mktemp("action"), ROWS, data_docs=False)


def summary(published, **settings):
    action = DriftSummaryAction(name="summary", **settings)
    return action.run(published.checkpoint_result)


def test_each_feature_is_listed_once_in_the_order_of_the_report(published):
    listed = [(f["feature"], f["segment"], f["severity"]) for f in summary(published)["worst"]]
    assert listed == [
        ("fare", None, "critical"),
        ("tip", None, "warning"),
        ("tolls", None, "critical"),
    ]


WINDOW = "22 Nov 2026 20:45 to 23 Nov 2026 20:45 (UTC)"


def test_the_summary_says_what_where_since_when_and_how_sure(published):
    found = summary(published)
    assert found["text"] == (
        f"taxi, {WINDOW}: 7 of 10 drift expectations failed; worst: "
        "fare, critical (since 21 Nov 2026 20:45, q 1e-08): kl 0.3 is above 0.25, "
        "and q 1e-08 is below alpha 0.01; tip, warning (q 1e-09): most from tip in [0, 1); "
        "tolls, unscored: no such column"
    )
    assert (found["checkpoint"], found["run_name"]) == ("taxi", RUN_ID)
    assert (found["evaluated"], found["failed"], found["posted"]) == (10, 7, False)
    assert found["worst"][1] == {
        "feature": "tip",
        "segment": None,
        "metric": "kl",
        "severity": "warning",
        "threshold": 0.1,
        "score": 0.15,
        "outcome": "drift",
        "because": "kl 0.15 is above 0.1, and q 1e-09 is below alpha 0.01",
        "reason": "most from tip in [0, 1)",
        "alert_since": None,
        "sure": "q 1e-09",
    }


def test_the_list_is_cut_and_filtered_but_the_count_is_not_cut(published):
    found = summary(published, top=2, min_severity="critical")
    assert found["failed"] == 3
    assert [f["feature"] for f in found["worst"]] == ["fare", "tolls"]


def test_the_webhook_gets_the_summary(published, sink):
    found = summary(published, webhook=sink.url)
    assert found.pop("posted") is True
    assert sink.posted == [found]


def test_nothing_is_posted_when_nothing_failed(tmp_path, sink):
    calm = publish_rows(tmp_path, [row("a")], data_docs=False)
    found = summary(calm, webhook=sink.url)
    assert (found["posted"], found["failed"], found["text"]) == (
        False,
        0,
        f"taxi, {WINDOW}: 0 of 2 drift expectations failed",
    )
    assert sink.posted == []


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("{url}/slow", "TimeoutError"),
        ("{url}/down", "HTTPError"),
        ("http://127.0.0.1:1/secret", "URLError"),
        ("file:///etc/passwd", "ValueError"),
    ],
)
def test_a_webhook_that_fails_is_a_warning_without_its_address(
    published, sink, caplog, address, error
):
    with caplog.at_level(logging.WARNING, "kldrift"):
        found = summary(published, webhook=address.format(url=sink.url), timeout=0.1)
    assert found["posted"] is False
    assert caplog.messages == [f"the drift webhook failed: {error}"]


def test_the_address_can_come_from_the_environment(tmp_path, sink, monkeypatch):
    monkeypatch.setenv("DRIFT_HOOK", sink.url)
    publish_rows(tmp_path, [row("a", kl=0.9)], data_docs=False)
    context = gx.get_context(mode="file", context_root_dir=str(tmp_path / "gx"))
    checkpoint = context.checkpoints.get("taxi")
    checkpoint.actions = [DriftSummaryAction(name="kldrift_summary", webhook="${DRIFT_HOOK}")]
    checkpoint.save()
    publish_rows(tmp_path, [row("a", kl=0.9)], data_docs=False)
    assert [posted["failed"] for posted in sink.posted] == [2]
    assert "127.0.0.1" not in (tmp_path / "gx/checkpoints/taxi.json").read_text()


def test_an_expectation_that_could_not_be_evaluated_comes_first(tmp_path):
    publish_rows(tmp_path, [row("a", kl=9.0), row("b")], data_docs=False)
    write(tmp_path / "scores/taxi.parquet", [row("a", kl=9.0)])
    context = gx.get_context(mode="file", context_root_dir=str(tmp_path / "gx"))
    found = DriftSummaryAction(name="s").run(context.checkpoints.get("taxi").run())
    listed = [(f["feature"], f["severity"], f["outcome"]) for f in found["worst"]]
    assert listed == [("b", "critical", "error"), ("a", "critical", "drift")]


def test_great_expectations_own_actions_deliver(tmp_path, sink):
    published = publish_rows(tmp_path, case_rows(), data_docs=False)
    context = gx.get_context(mode="file", context_root_dir=str(tmp_path / "gx"))
    checkpoint = context.checkpoints.get("taxi")
    slack = gx.checkpoint.SlackNotificationAction(name="slack", slack_webhook=sink.url)
    checkpoint.actions.append(slack)
    checkpoint.save()
    checkpoint.run()
    failed = published.failed_warning + published.failed_critical
    met = f"*{published.evaluated - failed}* of *{published.evaluated}* Expectations were met"
    assert met in json.dumps(sink.posted)
