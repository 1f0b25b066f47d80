"""One row against one threshold: the outcome, and whether it says why."""

from __future__ import annotations

import datetime as dt
import json
import math

import numpy as np
import pandas as pd
import pytest
from expectations_tables import ALPHA, CASES, CRITICAL, RUN_TIME, WARNING, row

from kldrift.config import Threshold
from kldrift.expectations.evidence import SCORED_STATUSES, judge_row
from kldrift.scoring.status import SCORED, Status
from kldrift.scoring.threshold import SEVERITIES, Limits, QValues, exceeded


def judged(columns, threshold=WARNING, metric="kl"):
    return judge_row(row("f", **columns), metric=metric, threshold=threshold, alpha=ALPHA)


@pytest.mark.parametrize(
    ("status", "kl", "q", "severity"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_threshold_fails_exactly_when_the_severity_of_the_row_says_so(status, kl, q, severity):
    columns = {"status": status, "kl": kl, "q_value": q, "severity": "not looked at"}
    warning, critical = judged(columns), judged(columns, CRITICAL)
    assert warning.passes == (severity == "ok")
    assert critical.passes == (severity in {"ok", "warning"})
    assert (warning.outcome == "unscored") == (severity == "unscored")


@pytest.mark.parametrize(
    ("kl", "q", "severity"),
    [case[2:] for case in CASES if case[1] in SCORED_STATUSES],
    ids=[case[0] for case in CASES if case[1] in SCORED_STATUSES],
)
def test_the_severities_of_the_cases_are_those_that_a_run_stores(kl, q, severity):
    thresholds = {"kl": Threshold(WARNING, CRITICAL)}
    limits = {metric: Limits.of([threshold]) for metric, threshold in thresholds.items()}
    scores = {"kl": np.array([kl], dtype=np.float64)}
    certain = np.array([q], dtype=np.float64)
    rank, _ = exceeded(scores, QValues(certain, certain), limits, ALPHA)
    assert SEVERITIES[rank[0]] == severity


def test_the_statuses_that_are_judged_are_those_that_a_run_judges():
    assert {status.value for status in SCORED} == SCORED_STATUSES
    assert {case[1] for case in CASES} == {status.value for status in Status}


@pytest.mark.parametrize("threshold", [0.0, 0.1, 1e-300, 3.0])
def test_a_score_at_its_threshold_passes_and_the_next_one_fails(threshold):
    above = math.nextafter(threshold, math.inf)
    assert judged({"kl": threshold}, threshold).passes
    assert not judged({"kl": above}, threshold).passes


@pytest.mark.parametrize("nothing", [None, math.nan, pd.NA, pd.NaT])
def test_no_kind_of_null_score_ever_passes(nothing):
    found = judged({"kl": nothing, "reason": "the current dataset is empty", "status": "empty"})
    assert (found.outcome, found.score) == ("unscored", None)
    assert found.details["because"] == "not scored, status empty: the current dataset is empty"


def test_an_infinite_score_fails_and_is_not_stored_as_a_number():
    found = judged({"kl": math.inf})
    assert (found.outcome, found.score) == ("drift", None)
    assert found.details["because"].startswith("kl inf is above 0.1")


@pytest.mark.parametrize(
    ("columns", "because"),
    [
        ({"kl": 0.42, "q_value": 1e-12}, "kl 0.42 is above 0.1, and q 1e-12 is below alpha 0.01"),
        ({"kl": 0.42, "q_value": 0.3}, "kl 0.42 is above 0.1, but q 0.3 is not below alpha 0.01"),
        (
            {"kl": 0.42, "q_value": None},
            "kl 0.42 is above 0.1, but there was no test that it is not chance",
        ),
        ({"kl": 0.03}, "kl 0.03 is not above 0.1"),
        ({"kl": 0.1}, "kl 0.1 is not above 0.1"),
        (
            {"kl": 0.1000001, "q_value": 0.0099999999},
            "kl 0.1000001 is above 0.1, and q 0.0099999999 is below alpha 0.01",
        ),
    ],
)
def test_the_sentence_shows_numbers_that_differ_as_different(columns, because):
    assert judged(columns).details["because"] == because


def test_the_details_hold_both_sides_as_plain_json():
    found = judged({"kl": 0.3, "mean_current": math.inf, "p_value": math.nan, "reason": "why"})
    details = json.loads(json.dumps(dict(found.details), allow_nan=False))
    assert details == {
        "outcome": "drift",
        "because": "kl 0.3 is above 0.1, and q 1e-09 is below alpha 0.01",
        "score": 0.3,
        "threshold": 0.1,
        "alpha": 0.01,
        "missing_share_reference": 0.001,
        "missing_share_current": 0.05,
        "n_reference": 100_000,
        "n_current": 80_000,
        "run_id": row("f")["run_id"],
        "window_start": (RUN_TIME - dt.timedelta(days=1)).isoformat(),
        "window_end": RUN_TIME.isoformat(),
        "kind": "numeric",
        "status": "ok",
        "severity": "ok",
        "reason": "why",
        "q_value": 1e-9,
        "q_critical": 1e-8,
        "p_value": None,
        "kl_unbiased": None,
        "kl_low": None,
        "kl_high": None,
        "kl_expected": 0.0002,
        "mean_reference": 1.5,
        "mean_current": None,
        "alert_since": None,
        "p_learned": None,
    }


@pytest.mark.parametrize("rows", [None, math.nan, 0])
def test_a_share_of_no_rows_is_null(rows):
    found = judged({"n_current": rows})
    assert found.details["missing_share_current"] is None
    assert found.details["missing_share_reference"] == 0.001


def test_any_metric_of_the_table_can_be_judged_and_no_other():
    assert not judged({"psi": 0.2}, metric="psi").passes
    with pytest.raises(KeyError, match="nonsense"):
        judged({}, metric="nonsense")


@pytest.mark.parametrize(("severity", "passes"), [("warning", False), ("critical", True)])
def test_a_critical_threshold_is_judged_by_its_own_certainty(severity, passes):
    row = {"status": "ok", "kl": 0.3, "q_value": 1e-9, "q_critical": 0.2}
    found = judge_row(row, metric="kl", threshold=0.25, alpha=0.01, severity=severity)
    assert found.passes is passes


@pytest.mark.parametrize(
    ("alert", "severity", "score", "outcome"),
    [
        (None, "critical", 0.4, "drift"),
        ("raised", "critical", 0.4, "drift"),
        ("pending", "critical", 0.4, "within"),
        ("pending", "warning", 0.4, "drift"),
        ("muted", "warning", 0.4, "within"),
        ("raised", "critical", 0.05, "drift"),
        ("none", "critical", 0.05, "within"),
    ],
)
def test_a_threshold_follows_the_alert_where_there_are_alarms(alert, severity, score, outcome):
    said = "critical" if score > 0.25 else "ok"
    found = judge_row(
        row("f", kl=score, q_critical=1e-9, alert=alert, severity=said),
        metric="kl",
        threshold=0.25,
        alpha=ALPHA,
        severity=severity,
    )
    assert found.outcome == outcome


def test_a_limit_that_is_learnt_needs_no_other_evidence():
    given = {"kl_learned": 0.05, "limit_learned": 0.03, "p_learned": 2e-7, "severity": "critical"}
    found = judge_row(
        row("f", **given), metric="kl_learned", threshold=0.03, alpha=ALPHA, severity="critical"
    )
    assert found.outcome == "drift"
    assert "learnt kl 0.05 is above 0.03" in found.details["because"]
    assert "(p 2e-07)" in found.details["because"]
    untested = {"kl_learned": 0.05, "p_learned": float("nan")}
    found = judge_row(row("f", **untested), metric="kl_learned", threshold=0.03, alpha=ALPHA)
    assert found.details["because"].endswith("hardly ever are")


@pytest.mark.parametrize(
    ("kind", "p_value", "estimate", "passes"),
    [
        ("learned", 1e-20, 0.12, False),
        ("fixed", 1e-20, 0.12, True),
        ("learned", 1e-6, 0.12, True),
        ("learned", 1e-20, 0.08, True),
    ],
)
def test_what_moved_with_its_history_fails_a_warning_as_the_severity_says(
    kind, p_value, estimate, passes
):
    columns = {"status": "ok", "kl": 0.13, "q_value": 0.2, "kl_unbiased": estimate}
    columns |= {"threshold_kind": kind, "p_value": p_value}
    held = [
        judge_row(row("f", **columns), metric="kl", threshold=limit, alpha=ALPHA, severity=severity)
        for severity, limit in (("warning", 0.1), ("critical", 0.25))
    ]
    assert [found.passes for found in held] == [passes, True]
    if not passes:
        assert held[0].details["because"].endswith("but it surely is another distribution")


@pytest.mark.parametrize(("kind", "critical"), [("learning", True), ("learned", False)])
def test_a_row_that_is_learning_fails_no_critical_expectation(kind, critical):
    columns = {"kl": 0.4, "q_value": 1e-9, "q_critical": 1e-9, "threshold_kind": kind}
    held = [
        judge_row(row("f", **columns), metric="kl", threshold=0.25, alpha=ALPHA, severity=severity)
        for severity in ("warning", "critical")
    ]
    assert [found.passes for found in held] == [False, critical]
    if critical:
        text = held[1].details["because"]
        assert text.endswith("but it is no more than a warning while it learns")
