"""From scores to verdicts: the status, the severity and the reason of every feature of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from kldrift.divergence.kl import kl_terms
from kldrift.divergence.probabilities import Probabilities, probabilities
from kldrift.features.plan import Pair
from kldrift.profiles.cells import CellKind, Cells
from kldrift.profiles.profile import Counts
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.metrics import JOINT_METRICS, Threshold
from kldrift.scoring.reasons import above, cell_name, extremes, most_moved
from kldrift.scoring.scores import Comparison, Floats, scored_counts
from kldrift.scoring.threshold import Severity, exceeded

if TYPE_CHECKING:
    from kldrift.config import Config


class Status(StrEnum):
    """Whether a feature could be scored, and if not, why."""

    OK = "ok"
    EMPTY = "empty"
    CONSTANT = "constant"
    TOO_FEW_ROWS = "too_few_rows"
    NEW_FEATURE = "new_feature"
    MISSING_FEATURE = "missing_feature"
    TYPE_CHANGED = "type_changed"
    ERROR = "error"


SCORED: Final = (Status.OK, Status.CONSTANT)
SHOWN_CELLS: Final = 3
LARGE_GAUSSIAN_KL: Final = 1.0


@dataclass(frozen=True, eq=False)
class ScoredCells:
    """The scored cells of one comparison, occupied ones only.

    Attributes:
        cells: what they are.
        rows_current: rows of each, shape ``(k,)``.
        rows_reference: rows of each.
        current: probability of each, smoothed.
        reference: probability of each, smoothed.
        contributions: what each adds to ``kl``, in nats.
    """

    cells: Cells
    rows_current: Counts
    rows_reference: Counts
    current: Probabilities
    reference: Probabilities
    contributions: Probabilities


@dataclass(frozen=True)
class JointCell:
    """A feature alone, or a pair of features, and what it adds to the ``kl`` of its group."""

    kind: str
    label: str
    contribution: float
    rows_reference: int
    rows_current: int
    correlation_reference: float | None = None
    correlation_current: float | None = None

    @property
    def moved(self) -> float:
        """How far a pair's correlation moved, on Fisher's scale; 0 where there is none."""
        if self.correlation_reference is None or self.correlation_current is None:
            return 0.0
        both = np.clip([self.correlation_reference, self.correlation_current], -1, 1)
        return float(np.abs(np.diff(np.arctanh(both * (1 - 1e-12)))[0]))


@dataclass(frozen=True)
class JointFound:
    """Rows of a group on both sides, those left out, and its cells; no cells where no score."""

    rows_reference: int
    rows_current: int
    left_out_reference: int
    left_out_current: int
    cells: tuple[JointCell, ...]


@dataclass(frozen=True, eq=False)
class Verdict:
    """One row of ``drift_scores``, before it is written.

    Attributes:
        name: the feature.
        kind: ``numeric``, ``categorical`` or ``joint``.
        status: whether it could be scored.
        reason: why not, or what moved; empty if there is nothing to say.
        scores: what was computed, by name.
        thresholds: by metric.
        severity: the verdict.
        comparison: both profiles, where there are both.
        cells: the scored cells, where there is a score.
        q_value: the p-value, corrected for all tests of the run.
        joint: what is known of a group of features.
    """

    name: str
    kind: str
    status: Status
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    severity: Severity = Severity.UNSCORED
    comparison: Comparison | None = None
    cells: ScoredCells | None = None
    q_value: float | None = None
    joint: JointFound | None = None

    def value(self, metric: str) -> float | None:
        """A score, or None where it could not be computed."""
        found = self.scores.get(metric, math.nan)
        return None if math.isnan(found) else float(found)

    @property
    def failed(self) -> bool:
        """Whether a feature that should have been scored could not be."""
        return self.severity is Severity.UNSCORED and self.status is not Status.NEW_FEATURE


def verdict_of(
    p: Pair, config: Config, comparison: Comparison | None, scores: Mapping[str, float]
) -> Verdict:
    """The verdict on one feature, before evidence is known."""
    kind, thresholds = p.feature.kind, thresholds_of(p, config)
    base = Verdict(p.feature.name, kind, Status.OK, thresholds=thresholds, comparison=comparison)
    if p.reference is None:
        status = Status.TYPE_CHANGED if p.changed else Status.NEW_FEATURE
        return replace(base, status=status, reason=p.changed or "not in the reference")
    if p.current is None:
        status = Status.TYPE_CHANGED if p.changed else Status.MISSING_FEATURE
        return replace(base, status=status, reason=p.changed or "not in the current dataset")
    assert comparison is not None
    counts = scored_counts(comparison, config.scoring.missing)
    status, reason = _status(p, config, comparison, counts, scores)
    if status not in SCORED:
        return replace(base, status=status, reason=reason)
    cells = scored_cells(comparison, counts, config.scoring.pseudocount)
    return replace(base, status=status, reason=reason, scores=scores, cells=cells)


def thresholds_of(p: Pair, config: Config) -> dict[str, Threshold]:
    """The thresholds of a feature by metric: its own, and those of all features."""
    thresholds = dict(config.thresholds)
    for name in (p.feature.column, p.feature.name):
        if name in config.features.override:
            thresholds |= config.features.override[name].thresholds
    return thresholds


def _status(  # noqa: PLR0911 - one line per status
    p: Pair,
    config: Config,
    comparison: Comparison,
    counts: tuple[Counts, Counts],
    scores: Mapping[str, float],
) -> tuple[Status, str]:
    n, m = comparison.current.rows, comparison.reference.rows
    for rows, side in ((m, "reference"), (n, "current dataset")):
        if rows == 0:
            return Status.EMPTY, f"no rows in the {side}"
    nulls = (comparison.current.counts[-1] == n, comparison.reference.counts[-1] == m)
    if p.changed and not any(nulls):
        return Status.TYPE_CHANGED, p.changed
    now, before = counts
    both = {"reference": before, "current dataset": now}
    gone = [side for side, found in both.items() if not found.any()]
    if gone:
        where = " and the ".join(gone)
        return Status.EMPTY, f"every value is missing in the {where}; scoring.missing is exclude"
    rows, fewest = int(min(now.sum(), before.sum())), config.scoring.min_rows
    if rows < fewest:
        return Status.TOO_FEW_ROWS, f"{rows} rows, scoring.min_rows is {fewest}"
    if scores["cells"] == 1:
        only = comparison.scored.cells[int((now + before).argmax())]
        if only.kind is CellKind.OTHER:
            return Status.CONSTANT, "no value is frequent enough for a cell of its own"
        return Status.CONSTANT, "one and the same value on both sides"
    if np.isnan(scores["kl"]):
        return Status.ERROR, (
            "kl is infinite: the current dataset has rows where the reference has none; "
            "set scoring.pseudocount above 0"
        )
    return Status.OK, ""


def scored_cells(
    comparison: Comparison, counts: tuple[Counts, Counts], pseudocount: float
) -> ScoredCells:
    """The occupied cells of a comparison, and what each adds to ``kl``."""
    p, q = counts
    occupied = (p + q) > 0
    current = probabilities(p, occupied, pseudocount=pseudocount)[occupied]
    reference = probabilities(q, occupied, pseudocount=pseudocount)[occupied]
    cells = comparison.scored.cells.take(occupied)
    terms = kl_terms(current, reference)
    return ScoredCells(cells, p[occupied], q[occupied], current, reference, terms)


def judge(verdicts: Sequence[Verdict], q: Floats, config: Config) -> tuple[Verdict, ...]:
    """Add evidence and severity.

    Args:
        verdicts: before evidence is known.
        q: the p-value of each, corrected for all tests of the run; NaN where there was none.
        config: the configuration.

    Returns:
        The verdicts, worst first.
    """
    judged = [_judged(v, float(x), config) for v, x in zip(verdicts, q, strict=True)]
    return tuple(sorted(judged, key=_worst_first))


def _judged(verdict: Verdict, q: float, config: Config) -> Verdict:
    if verdict.status not in SCORED:
        return verdict
    q_value = None if np.isnan(q) else q
    thresholds = applicable(verdict)
    scores = {name: verdict.value(name) for name in thresholds}
    severity, metric = exceeded(scores, q_value, thresholds, config.significance.alpha)
    reason = verdict.reason
    if metric is not None and severity in (Severity.WARNING, Severity.CRITICAL):
        reason = _why(verdict, severity, metric, q_value)
    elif metric is not None:
        reason = f"{metric} could not be computed"
    elif not reason:
        reason = _extremes(verdict)
    return replace(verdict, severity=severity, reason=reason, q_value=q_value)


def applicable(verdict: Verdict) -> dict[str, Threshold]:
    """Thresholds that this feature can be held to: order and moments are for numbers only."""
    if verdict.status is Status.CONSTANT:
        return {m: t for m, t in verdict.thresholds.items() if verdict.value(m) is not None}
    if verdict.kind == "joint":
        return {m: t for m, t in verdict.thresholds.items() if m in JOINT_METRICS}
    if verdict.kind == "numeric":
        return dict(verdict.thresholds)
    numeric_only = ("wasserstein", "ks", "gaussian_kl")
    return {m: t for m, t in verdict.thresholds.items() if m not in numeric_only}


def _worst_first(verdict: Verdict) -> tuple[int, float, str]:
    order = [Severity.CRITICAL, Severity.WARNING, Severity.UNSCORED, Severity.OK]
    kl = verdict.value("kl")
    return order.index(verdict.severity), -(kl if kl is not None else np.inf), verdict.name


def _why(verdict: Verdict, severity: Severity, metric: str, q_value: float | None) -> str:
    score = verdict.scores[metric]
    text = above(metric, score, severity, verdict.thresholds[metric], q_value)
    return f"{text}; {_most_moved(verdict)}"


def _extremes(verdict: Verdict) -> str:
    """Why moments moved although the distribution hardly did; empty if they did not."""
    gaussian, kl = verdict.value("gaussian_kl"), verdict.value("kl")
    if gaussian is None or kl is None or gaussian < LARGE_GAUSSIAN_KL or verdict.comparison is None:
        return ""
    if kl > gaussian / 10:
        return ""  # many rows moved
    support = verdict.comparison.support
    scale = support.scale if isinstance(support, NumericSupport) else 1
    now = verdict.comparison.current.moments.summary(scale)
    before = verdict.comparison.reference.moments.summary(scale)
    return extremes(gaussian, now, before)


def _most_moved(verdict: Verdict) -> str:
    """The cells that changed most, as a sentence."""
    if verdict.joint is not None:
        return _joint_moved(verdict.joint.cells)
    cells = verdict.cells
    assert cells is not None
    n, m = max(1, int(cells.rows_current.sum())), max(1, int(cells.rows_reference.sum()))
    now, before = cells.rows_current / n, cells.rows_reference / m
    # What a cell does to kl once mass is balanced: never negative, so that losses count too.
    weight = cells.contributions - cells.current + cells.reference
    top = np.argsort(-weight, kind="stable")[:SHOWN_CELLS]
    names = [cell_name(cells.cells[i], seen=bool(cells.rows_reference[i])) for i in top]
    return most_moved(names, before[top].tolist(), now[top].tolist())


def _joint_moved(cells: Sequence[JointCell]) -> str:
    """What features alone and what their dependence add, as a sentence."""
    alone = sorted((c for c in cells if c.kind == "feature"), key=lambda c: -c.contribution)
    pairs = [c for c in cells if c.kind == "pair"]
    top = ", ".join(f"{c.label} {c.contribution:.3g}" for c in alone[:SHOWN_CELLS])
    text = f"{sum(c.contribution for c in alone):.3g} nats from features alone ({top})"
    if not pairs:
        return text
    text += f", {sum(c.contribution for c in pairs):.3g} from their dependence"
    most = max(pairs, key=lambda c: c.moved)
    before, now = most.correlation_reference, most.correlation_current
    if before is None or now is None:
        return text
    digits = next((d for d in (2, 3, 4) if f"{before:.{d}f}" != f"{now:.{d}f}"), 6)
    correlations = f"{before:.{digits}f} -> {now:.{digits}f}"
    return f"{text}; correlation that moved most: {most.label}, {correlations}"
