"""From the numbers of windows and segments to verdicts: the test, the severity, the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import stdtr

from kldrift.config import ModelShift, Threshold
from kldrift.scoring.status import Status
from kldrift.scoring.threshold import SEVERITIES, WORST_FIRST, Limits, QValues, Severity, exceeded
from kldrift.shift.summary import LEFT_OUT, NO_ROWS, Summary
from kldrift.statistics.significance import q_values
from kldrift.tables import Window

NOTHING: Final = NO_ROWS.summary()


@dataclass(frozen=True)
class ShiftVerdict:
    """One row of ``drift_scores``, before it is written.

    Attributes:
        window: the window.
        segment: None for all of its rows.
        found: its numbers.
        status: whether there is a score.
        reason: why not, or what was found.
        p_value: of the test that the mean is above the smallest threshold; NaN without a test.
        q_value: corrected for all tests of the run.
        severity: the verdict.
    """

    window: Window
    segment: str | None
    found: Summary
    status: Status
    reason: str
    p_value: float = math.nan
    q_value: float | None = None
    severity: Severity = Severity.UNSCORED

    @property
    def failed(self) -> bool:
        """Whether a window as a whole could not be scored; a segment may be too small for it."""
        return self.severity is Severity.UNSCORED and not self.small_segment

    @property
    def small_segment(self) -> bool:
        """Whether this is a segment with fewer rows than ``min_rows`` asks for."""
        return self.segment is not None and self.status in (Status.TOO_FEW_ROWS, Status.EMPTY)


def judge(
    groups: Mapping[tuple[Window, str | None], Summary], config: ModelShift
) -> tuple[ShiftVerdict, ...]:
    """Judge all windows and segments of a run; the correction needs all of its tests at once.

    Returns:
        The verdicts, worst first.
    """
    verdicts = [_scored(*group, found, config) for group, found in groups.items()]
    p_values = np.array([v.p_value for v in verdicts], dtype=np.float64)
    corrected = config.significance.correction != "none"
    q = q_values(p_values) if corrected else p_values
    judged = [_judged(v, float(x), config) for v, x in zip(verdicts, q, strict=True)]
    return tuple(sorted(judged, key=_worst_first))


def mean_above(found: Summary, threshold: float) -> float:
    """One-sided p-value of Student's t-test over rows: is the mean divergence above a threshold?

    ``t = (mean - threshold) / sqrt(variance / n)`` with ``n - 1`` degrees of freedom, over the
    finite rows. It holds for any distribution of many rows, by the central limit theorem.

    Args:
        found: the rows.
        threshold: in nats.

    Returns:
        0 to 1; NaN for fewer than two finite rows.

    Examples:
        >>> from kldrift.shift.summary import Shift
        >>> round(mean_above(Shift.of(np.array([0.1, 0.2, 0.3, 0.4])).summary(), 0.1), 6)
        0.051364
    """
    if found.finite < 2 or not math.isfinite(found.kl):
        return math.nan
    error = math.sqrt(found.variance / found.finite)
    if error == 0:
        return 0.0 if found.kl > threshold else 1.0
    return float(stdtr(found.finite - 1, -(found.kl - threshold) / error))


def smallest(threshold: Threshold) -> float | None:
    """The lower of the two levels; None where there is none."""
    levels = [x for x in (threshold.warning, threshold.critical) if x is not None]
    return min(levels, default=None)


def _scored(
    window: Window, segment: str | None, found: Summary, config: ModelShift
) -> ShiftVerdict:
    status, reason = Status.OK, ""
    if not found.rows:
        status, reason = Status.EMPTY, "no rows"
    elif not found.compared:
        status, reason = Status.EMPTY, "no row can be compared"
    elif found.compared < config.min_rows:
        status = Status.TOO_FEW_ROWS
        reason = f"{found.compared} rows can be compared, min_rows is {config.min_rows}"
    elif not math.isfinite(found.kl):
        status, reason = Status.ERROR, "the divergence of every row is infinite"
    if found.infinite and status is not Status.ERROR:
        reason = _and(
            reason,
            f"{_share(found.infinite, found.compared)} rows infinite: "
            "the champion masks a class that the challenger allows",
        )
    if found.left_out:
        reason = _and(reason, _left_out(found))
    p_value = math.nan
    level = smallest(config.thresholds.get("kl", Threshold()))
    if status is Status.OK and level is not None:
        p_value = mean_above(found, level)
    return ShiftVerdict(window, segment, found, status, reason, p_value)


def _judged(verdict: ShiftVerdict, q: float, config: ModelShift) -> ShiftVerdict:
    if verdict.status is not Status.OK:
        return verdict
    q_value = None if math.isnan(q) else q
    found, alpha = verdict.found, config.significance.alpha
    limits = {metric: Limits.of([t]) for metric, t in config.thresholds.items()}
    sure = QValues(np.array([q]), np.array([q]))
    rank, metric = exceeded({"kl": np.array([found.kl])}, sure, limits, alpha)
    severity, reason = SEVERITIES[rank[0]], verdict.reason
    if metric[0] >= 0:
        limit = getattr(list(config.thresholds.values())[metric[0]], severity.value)
        reason = _and(_why(found, severity, limit, q_value), reason)
    return replace(verdict, severity=severity, q_value=q_value, reason=reason)


def _why(found: Summary, severity: Severity, limit: float, q: float | None) -> str:
    evidence = "" if q is None else f", q {q:.1g}"
    top = max(found.cells, key=lambda cell: cell.contribution)
    return (
        f"kl {found.kl:.3g} is above {severity.value} {limit:g}{evidence}; "
        f"the top class differs in {_percent(found.changed / found.compared)} of the rows; "
        f"{_percent(top.rows / found.compared)} of the rows, those of "
        f"{_between(top.lower, top.upper)} nats, add {_percent(top.contribution / found.kl)} of it"
    )


def _between(lower: float | None, upper: float | None) -> str:
    return f"{lower:.3g} or more" if upper is None else f"{lower:.3g} to {upper:.3g}"


def _left_out(found: Summary) -> str:
    """How many rows were left out, and why."""
    whys = [f"{found.outcomes[o]:,} {why}" for o, why in LEFT_OUT.items() if found.outcomes[o]]
    return f"{_share(found.left_out, found.rows)} rows left out: {', '.join(whys)}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 or not share else f"{100 * share:.2g} %"


def _and(first: str, second: str) -> str:
    return "; ".join(filter(None, (first, second)))


def _worst_first(verdict: ShiftVerdict) -> tuple[int, float, str, str]:
    kl = verdict.found.kl
    place = -kl if math.isfinite(kl) else -math.inf
    start = verdict.window.start
    when = "" if start is None else start.isoformat()
    return WORST_FIRST.index(verdict.severity), place, when, verdict.segment or ""
