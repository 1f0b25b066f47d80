"""A verdict needs size and evidence, both."""

from __future__ import annotations

import pytest

from kldrift.config import Threshold
from kldrift.scoring.threshold import Severity, exceeded

BOTH = Threshold(warning=0.1, critical=0.25)


@pytest.mark.parametrize(
    ("score", "q_value", "threshold", "severity"),
    [
        pytest.param(0.3, 0.001, BOTH, Severity.CRITICAL, id="large and sure"),
        pytest.param(0.2, 0.001, BOTH, Severity.WARNING, id="middling and sure"),
        pytest.param(0.05, 0.001, BOTH, Severity.OK, id="small and sure"),
        pytest.param(0.3, 0.2, BOTH, Severity.OK, id="large and unsure"),
        pytest.param(0.3, None, BOTH, Severity.OK, id="large and not tested"),
        pytest.param(0.3, 0.01, BOTH, Severity.OK, id="not below alpha"),
        pytest.param(0.25, 0.001, BOTH, Severity.WARNING, id="not above critical"),
        pytest.param(0.1, 0.001, BOTH, Severity.OK, id="not above warning"),
        pytest.param(9.0, 0.001, Threshold(warning=0.1), Severity.WARNING, id="warning only"),
        pytest.param(0.2, 0.001, Threshold(critical=0.1), Severity.CRITICAL, id="critical only"),
        pytest.param(9.0, 0.001, Threshold(), Severity.OK, id="neither"),
        pytest.param(None, 0.001, BOTH, Severity.UNSCORED, id="no score"),
        pytest.param(None, None, BOTH, Severity.UNSCORED, id="no score and no test"),
        pytest.param(None, 0.001, Threshold(), Severity.OK, id="no score and no threshold"),
    ],
)
def test_a_threshold_is_exceeded_by_a_score_above_it_with_evidence(
    score, q_value, threshold, severity
):
    found, metric = exceeded({"kl": score}, q_value, {"kl": threshold}, 0.01)
    assert found is severity
    assert metric == (None if severity is Severity.OK else "kl")


@pytest.mark.parametrize(
    ("scores", "worst"),
    [
        ({"kl": 0.2, "psi": 0.3}, (Severity.CRITICAL, "psi")),
        ({"kl": 0.2, "psi": 0.2}, (Severity.WARNING, "kl")),
        ({"kl": None, "psi": 0.2}, (Severity.WARNING, "psi")),
        ({"kl": None, "psi": 0.0}, (Severity.UNSCORED, "kl")),
        ({"kl": 0.0, "psi": 0.0}, (Severity.OK, None)),
        ({"psi": 0.0}, (Severity.UNSCORED, "kl")),
    ],
    ids=["critical wins", "the first of equals", "drift wins", "no score", "ok", "unknown"],
)
def test_the_worst_metric_decides(scores, worst):
    assert exceeded(scores, 1e-9, {"kl": BOTH, "psi": BOTH}, 0.01) == worst


def test_without_thresholds_nothing_is_exceeded():
    assert exceeded({"kl": 9.0}, 1e-9, {}, 0.01) == (Severity.OK, None)
