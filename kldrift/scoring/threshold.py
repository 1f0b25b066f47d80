"""From scores to severities: is it sure that a limit is exceeded?

See docs/decisions/significance.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np

from kldrift.arrays import Floats, Ints, OfRows
from kldrift.scoring.metrics import Threshold


class Severity(StrEnum):
    """The verdict on a feature."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNSCORED = "unscored"


SEVERITIES: Final = (Severity.OK, Severity.UNSCORED, Severity.WARNING, Severity.CRITICAL)
"""By rank: of several metrics, the one of the highest rank decides."""
RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}
WORST_FIRST: Final = (Severity.CRITICAL, Severity.WARNING, Severity.UNSCORED, Severity.OK)
"""As tables list them: what could not be scored after what drifted."""


@dataclass(frozen=True, eq=False)
class Limits(OfRows):
    """The thresholds of one metric, one for each of many rows; NaN where a level has none."""

    warning: Floats
    critical: Floats

    @classmethod
    def of(cls, thresholds: Sequence[Threshold]) -> Self:
        """The limits of some thresholds."""
        levels = [(t.warning, t.critical) for t in thresholds]
        return cls(*np.array(levels, dtype=np.float64).reshape(-1, 2).T)  # None becomes NaN

    @property
    def smallest(self) -> Floats:
        """The warning, or the critical limit where there is none."""
        return np.where(np.isnan(self.warning), self.critical, self.warning)


@dataclass(frozen=True, eq=False)
class QValues(OfRows):
    """How sure it is that limits are exceeded, for many rows: corrected p-values of shape ``(n,)``.

    NaN where there was no test, which is no evidence.
    """

    smallest: Floats
    critical: Floats


def exceeded(
    scores: Mapping[str, Floats], q_values: QValues, limits: Mapping[str, Limits], alpha: float
) -> tuple[Ints, Ints]:
    """The verdicts on the scores of many rows, and the metrics that decided them.

    A threshold is exceeded when the score is above it, and it is sure that this is not chance: the
    q-value of that limit is below ``alpha``. Scores that could not be computed are NaN.

    Returns:
        The rank of the worst severity over all metrics (see ``SEVERITIES``), and the place of its
        metric among the limits; -1 for none. A metric with a threshold and without a score is
        unscored, which is worse than ok. Of equally bad metrics the first one decides.

    Examples:
        >>> scores = {"kl": np.array([0.3, 0.3, np.nan])}
        >>> limits = {"kl": Limits.of([Threshold(0.1, 0.25)] * 3)}
        >>> sure = QValues(np.array([1e-9, 1e-9, 1e-9]), np.array([1e-9, 0.2, 1e-9]))
        >>> [a.tolist() for a in exceeded(scores, sure, limits, 0.01)]
        [[3, 2, 1], [0, 0, 0]]
    """
    rows = len(q_values.smallest)
    worst, metric = np.zeros(rows, dtype=np.int64), np.full(rows, -1)
    sure, sure_critical = q_values.smallest < alpha, q_values.critical < alpha
    for place, (name, limit) in enumerate(limits.items()):
        score = scores[name]
        judged = ~(np.isnan(limit.warning) & np.isnan(limit.critical))
        rank = np.where(judged & np.isnan(score), RANK[Severity.UNSCORED], RANK[Severity.OK])
        rank[sure & (score > limit.warning)] = RANK[Severity.WARNING]
        rank[sure_critical & (score > limit.critical)] = RANK[Severity.CRITICAL]
        metric[rank > worst] = place
        worst = np.maximum(worst, rank)
    return worst, metric
