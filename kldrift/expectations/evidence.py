"""Judges one row of the drift table by one threshold: an outcome and the numbers behind it.

The outcome is recomputed from the row's score and q-value by the rule of
``kldrift.scoring.threshold``, never copied from its ``severity``: a table that was edited after the
run is judged by what it says now. Everything here is plain Python on one row, ready for strict
JSON: a number that is null, NaN or infinite is ``None``.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from kldrift.profiles.number_text import grouped
from kldrift.reporting.figures import metric_words
from kldrift.scoring.evidence import OWN_TEST
from kldrift.scoring.learned import surely_far
from kldrift.scoring.metrics import LEARNED
from kldrift.scoring.reasons import certainty
from kldrift.scoring.threshold import RANK, Limits, QValues, Severity, exceeded

Outcome = Literal["within", "drift", "unscored"]
JsonValue = str | int | float | bool | None

SCORED_STATUSES: Final = frozenset({"ok", "constant"})
_AS_IN_ROW: Final = (
    "run_id",
    "window_start",
    "window_end",
    "kind",
    "status",
    "severity",
    "reason",
    "q_value",
    "q_critical",
    "p_value",
    "p_learned",
    "alert_since",
    "kl_unbiased",
    "kl_low",
    "kl_high",
    "kl_expected",
    "mean_reference",
    "mean_current",
)


@dataclass(frozen=True)
class Evidence:
    """The outcome of one threshold and why, for one row of the drift table."""

    outcome: Outcome
    score: float | None
    details: Mapping[str, JsonValue]

    @property
    def passes(self) -> bool:
        """Whether the threshold holds; a row without a score never passes."""
        return self.outcome == "within"


def judge_row(
    row: Mapping[str, Any],
    *,
    metric: str,
    threshold: float,
    alpha: float,
    severity: str = "warning",
) -> Evidence:
    """Judge one row against one threshold.

    Of ``drift_scores``, by column name. A score above ``threshold`` fails only when its
    ``q_value``, or ``q_critical`` for the severity ``critical``, is below ``alpha``.

    Returns:
        The outcome and its details; ``observed_value`` in GX is ``score``.

    Raises:
        KeyError: if the table has no column ``metric``.

    Examples:
        >>> row = {"status": "ok", "kl": 0.42, "q_value": 1e-12, "n_current": 900}
        >>> judge_row(row, metric="kl", threshold=0.25, alpha=0.01).details["because"]
        'kl 0.42 is above 0.25, and q 1e-12 is below alpha 0.01'
    """
    score = None if _is_null(row[metric]) else float(row[metric])
    column = "q_critical" if severity == "critical" else "q_value"
    q = None if _is_null(row.get(column)) else float(row[column])
    status = str(row.get("status"))
    if metric == LEARNED:
        outcome, because = _beside_history(score, threshold, row)
    else:
        outcome, because = _judge(score, q, status, metric, threshold, alpha)
        if outcome == "within" and severity != "critical" and _far(row, metric, score, threshold):
            outcome, because = "drift", f"{because}, but it surely is another distribution"
    if outcome == "drift" and severity == "critical" and row.get("threshold_kind") == "learning":
        outcome, because = "within", f"{because}, but it is no more than a warning while it learns"
    outcome, because = _alerted(outcome, because, severity, row)
    if outcome == "unscored" and not _is_null(row.get("reason")):
        because = f"{because}: {row['reason']}"
    finite = score if score is not None and math.isfinite(score) else None
    details: dict[str, JsonValue] = {
        "outcome": outcome,
        "because": because,
        "score": finite,
        "threshold": threshold,
        "alpha": alpha,
        "missing_share_reference": _share(row, "reference"),
        "missing_share_current": _share(row, "current"),
    }
    for count in ("n_reference", "n_current"):  # pandas reads integers with nulls as floats
        details[count] = None if _is_null(row.get(count)) else int(row[count])
    details |= {column: _json(row.get(column)) for column in _AS_IN_ROW}
    return Evidence(outcome, finite, details)


def _beside_history(
    score: float | None, limit: float, row: Mapping[str, Any]
) -> tuple[Outcome, str]:
    """Judge a window by the limit that was learnt from those before it."""
    if score is None:
        return "unscored", f"not scored, status {row.get('status')}"
    size = f"{metric_words(LEARNED)} {_beside(score, limit)} is"
    if not score > limit:
        return "within", f"{size} not above {grouped(limit)}"
    p_value = row.get("p_learned")
    sure = "" if p_value is None or _is_null(p_value) else f" (p {certainty(p_value)})"
    return (
        "drift",
        f"{size} above {grouped(limit)}, which windows like those before it hardly ever are{sure}",
    )


def _far(row: Mapping[str, Any], metric: str, score: float | None, limit: float) -> bool:
    """Whether a row that is held to what is learnt went along with its history, beyond a limit."""
    if row.get("threshold_kind") != "learned" or metric in OWN_TEST:
        return False
    sizes = (score, row.get("kl_unbiased") if metric == "kl" else score)
    numbers = [np.nan if _is_null(x) else x for x in (*sizes, limit, row.get("p_value"))]
    size, estimate, limits, p_value = np.array(numbers, dtype=np.float64)[:, None]
    return bool(surely_far(np.fmin(size, estimate), limits, p_value)[0])


def _alerted(
    outcome: Outcome, because: str, severity: str, row: Mapping[str, Any]
) -> tuple[Outcome, str]:
    """The outcome of a row once its alert is considered; without alarms it stays."""
    alert = row.get("alert")
    if _is_null(alert) or outcome == "unscored":
        return outcome, because
    if alert == "muted" or (alert == "pending" and severity == "critical"):
        return "within", because if outcome == "within" else f"{because}; the alert is {alert}"
    if alert == "raised" and severity == "critical" and row.get("severity") != "critical":
        return "drift", f"{because}, but the alert that was raised is still open"
    return outcome, because


def _judge(
    score: float | None, q: float | None, status: str, metric: str, threshold: float, alpha: float
) -> tuple[Outcome, str]:
    if status not in SCORED_STATUSES or score is None:
        return "unscored", f"not scored, status {status}"
    limit = Limits(warning=np.array([np.nan]), critical=np.array([threshold]))
    judge_row = np.array([np.nan if q is None else q])
    sure = QValues(judge_row, judge_row)
    rank, _ = exceeded({metric: np.array([score])}, sure, {metric: limit}, alpha)
    drift = bool(rank[0] == RANK[Severity.CRITICAL])
    size = f"{metric} {_beside(score, threshold)} is"
    if not score > threshold:
        text = f"{size} not above {threshold:.15g}"
    elif q is None:
        text = f"{size} above {threshold:.15g}, but there was no test that it is not chance"
    else:
        chance = "and q {} is below" if drift else "but q {} is not below"
        chance = chance.format(_beside(q, alpha))
        text = f"{size} above {threshold:.15g}, {chance} alpha {alpha:.15g}"
    return ("drift" if drift else "within"), text


def _beside(value: float, other: float) -> str:
    """Format a number as pages do, or with all digits where it would equal the other number."""
    short = grouped(value)
    return repr(value) if value != other and short == grouped(other) else short


def _share(row: Mapping[str, Any], side: str) -> float | None:
    missing, rows = row.get(f"missing_{side}", math.nan), row.get(f"n_{side}", math.nan)
    return None if _is_null(missing) or _is_null(rows) or not rows else float(missing) / float(rows)


def _is_null(value: Any) -> bool:
    return bool(pd.isna(value))


def _json(value: Any) -> JsonValue:
    if _is_null(value):
        return None
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int) else str(value)
