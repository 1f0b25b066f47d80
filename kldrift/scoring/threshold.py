"""From a score to a verdict: size and evidence, both."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.scoring.metrics import Threshold


class Severity(StrEnum):
    """The verdict on a feature."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNSCORED = "unscored"


RANK: Final = {Severity.OK: 0, Severity.UNSCORED: 1, Severity.WARNING: 2, Severity.CRITICAL: 3}


def exceeded(
    scores: Mapping[str, float | None],
    q_value: float | None,
    thresholds: Mapping[str, Threshold],
    alpha: float,
) -> tuple[Severity, str | None]:
    """The verdict on a feature's scores, and the metric that decided it.

    A threshold is exceeded when the score is above it and ``q_value`` is below ``alpha``: a large
    table makes every difference significant, a small one makes chance look large.

    Args:
        scores: metric to score; None where it could not be computed.
        q_value: of the feature; None where there was no test, which is no evidence.
        thresholds: metric to its thresholds.
        alpha: largest false discovery rate.

    Returns:
        The worst severity over all metrics with a threshold, and its metric; a metric without a
        score is unscored, which is worse than ok.

    Examples:
        >>> exceeded({"kl": 0.3}, 1e-9, {"kl": Threshold(0.1, 0.25)}, 0.01)
        (<Severity.CRITICAL: 'critical'>, 'kl')
        >>> exceeded({"kl": 0.3}, 0.2, {"kl": Threshold(0.1, 0.25)}, 0.01)
        (<Severity.OK: 'ok'>, None)
    """
    worst: tuple[Severity, str | None] = (Severity.OK, None)
    evidence = q_value is not None and q_value < alpha
    for metric, threshold in thresholds.items():
        score = scores.get(metric)
        if threshold == Threshold():
            severity = Severity.OK
        elif score is None:
            severity = Severity.UNSCORED
        elif evidence and threshold.critical is not None and score > threshold.critical:
            severity = Severity.CRITICAL
        elif evidence and threshold.warning is not None and score > threshold.warning:
            severity = Severity.WARNING
        else:
            severity = Severity.OK
        if RANK[severity] > RANK[worst[0]]:
            worst = (severity, metric)
    return worst


def exceeded_by(
    scores: Mapping[str, NDArray[np.float64]],
    q_values: NDArray[np.float64],
    thresholds: Mapping[str, Threshold],
    alpha: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """:func:`exceeded` for many features at once.

    Args:
        scores: metric to scores, shape ``(n,)``; NaN where they could not be computed.
        q_values: shape ``(n,)``; NaN where there was no test.
        thresholds: metric to its thresholds, the same for all.
        alpha: largest false discovery rate.

    Returns:
        The rank of each verdict (see ``RANK``), and the place among the thresholds of the metric
        that decided it; -1 for none.

    Examples:
        >>> scores = {"kl": np.array([0.3, 0.2, np.nan])}
        >>> limits = {"kl": Threshold(0.1, 0.25)}
        >>> [a.tolist() for a in exceeded_by(scores, np.full(3, 1e-9), limits, 0.01)]
        [[3, 2, 1], [0, 0, 0]]
    """
    worst = np.zeros(len(q_values), dtype=np.int64)
    metric = np.full(len(q_values), -1)
    evidence = q_values < alpha
    for place, (name, threshold) in enumerate(thresholds.items()):
        if threshold == Threshold():
            continue
        rank = np.where(np.isnan(scores[name]), RANK[Severity.UNSCORED], RANK[Severity.OK])
        levels = {Severity.WARNING: threshold.warning, Severity.CRITICAL: threshold.critical}
        for severity, level in levels.items():
            if level is not None:
                rank = np.where(evidence & (scores[name] > level), RANK[severity], rank)
        metric = np.where(rank > worst, place, metric)
        worst = np.maximum(worst, rank)
    return worst, metric
