"""A verdict needs a score above a limit, and certainty that it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.config import Threshold
from kldrift.scoring.threshold import SEVERITIES, Limits, QValues, Severity, exceeded

BOTH = Threshold(warning=0.1, critical=0.25)


def judged(scores, q_value, thresholds, alpha=0.01):
    """The verdict on one row; None is no number."""
    columns = {name: np.array([x], dtype=np.float64) for name, x in scores.items()}
    q = np.array([q_value], dtype=np.float64)
    limits = {name: Limits.of([threshold]) for name, threshold in thresholds.items()}
    rank, metric = exceeded(columns, QValues(q, q), limits, alpha)
    return SEVERITIES[rank[0]], [*thresholds, None][metric[0]]


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
    found, metric = judged({"kl": score}, q_value, {"kl": threshold})
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
    ],
    ids=["critical wins", "the first of equals", "drift wins", "no score", "ok"],
)
def test_the_worst_metric_decides(scores, worst):
    assert judged(scores, 1e-9, {"kl": BOTH, "psi": BOTH}) == worst


@pytest.mark.parametrize(
    ("q_critical", "severity"), [(0.001, Severity.CRITICAL), (0.2, Severity.WARNING)]
)
def test_critical_needs_certainty_of_its_own(q_critical, severity):
    sure = QValues(np.array([1e-9]), np.array([q_critical]))
    rank, _ = exceeded({"kl": np.array([0.3])}, sure, {"kl": Limits.of([BOTH])}, 0.01)
    assert SEVERITIES[rank[0]] is severity


def test_without_thresholds_nothing_is_exceeded():
    assert judged({"kl": 9.0}, 1e-9, {}) == (Severity.OK, None)


limits = st.tuples(st.none() | st.just(0.1), st.none() | st.just(0.2)).map(lambda t: Threshold(*t))
figure = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.3, float("nan")])
row = st.tuples(figure, figure, figure, limits, limits)


@quick
@given(st.lists(row, min_size=1))
def test_each_of_many_rows_is_judged_as_it_is_alone(rows):
    kl, psi, q, kl_limits, psi_limits = zip(*rows, strict=True)
    scores = {"kl": np.array(kl), "psi": np.array(psi)}
    thresholds = {"kl": Limits.of(kl_limits), "psi": Limits.of(psi_limits)}
    ranks, metrics = exceeded(scores, QValues(np.array(q), np.array(q)), thresholds, 0.12)
    for i, (one, two, evidence, first, second) in enumerate(rows):
        alone = judged({"kl": one, "psi": two}, evidence, {"kl": first, "psi": second}, 0.12)
        assert (SEVERITIES[ranks[i]], ["kl", "psi", None][metrics[i]]) == alone
