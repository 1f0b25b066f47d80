"""Verdicts on segments: the same rules as for features, over arrays of one element a segment.

A run has up to a thousand segments of each feature and list. What is said of one in words is made
only where there is something to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.binning.choose import CHOSEN_ROWS
from kldrift.divergence.kl import kl_terms
from kldrift.divergence.probabilities import Probabilities, probabilities
from kldrift.features.plan import Pair
from kldrift.profiles.cells import CellKind
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.metrics import Threshold
from kldrift.scoring.reasons import above, cell_name, extremes, most_moved
from kldrift.scoring.scores import SCORES, Floats
from kldrift.scoring.segment_scores import ScoredSegments, scored_segment_counts
from kldrift.scoring.threshold import RANK, Severity, exceeded_by
from kldrift.scoring.verdict import (
    LARGE_GAUSSIAN_KL,
    SCORED,
    SHOWN_CELLS,
    Status,
    Verdict,
    judge,
    thresholds_of,
)
from kldrift.statistics.significance import q_values

if TYPE_CHECKING:
    from kldrift.config import Config

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SEVERITIES: Final = tuple(sorted(RANK, key=RANK.__getitem__))
"""By rank."""
NUMERIC_ONLY: Final = ("wasserstein", "ks", "gaussian_kl")


@dataclass(frozen=True, eq=False)
class SegmentCells:
    """The scored cells of all segments of one feature and list, shape ``(segments, k)``.

    Attributes:
        occupied: which of them either side has rows in.
        rows_current: rows of each.
        rows_reference: rows of each.
        current: probability of each, smoothed.
        reference: probability of each, smoothed.
    """

    occupied: Bools
    rows_current: Ints
    rows_reference: Ints
    current: Probabilities
    reference: Probabilities

    @cached_property
    def contributions(self) -> Probabilities:
        """What each adds to ``kl``, in nats."""
        return kl_terms(self.current, self.reference)


@dataclass(frozen=True, eq=False)
class SegmentVerdicts:
    """Rows of ``drift_scores`` before they are written: one feature by one list of segments.

    Attributes:
        feature: the feature.
        kind: ``numeric`` or ``categorical``.
        names: of the segments.
        found: both sides and the scores.
        thresholds: by metric.
        status: whether each could be scored, shape ``(segments,)``, as all others.
        reason: why not, or what moved; empty if there is nothing to say.
        scores: by name; NaN where there is none.
        severity: its rank.
        q_values: the p-values, corrected for all tests of the run.
    """

    feature: str
    kind: str
    names: tuple[str, ...]
    found: ScoredSegments
    thresholds: Mapping[str, Threshold]
    status: NDArray[np.object_]
    reason: NDArray[np.object_]
    scores: Mapping[str, Floats]
    severity: Ints
    q_values: Floats

    @property
    def scored(self) -> Bools:
        """Which could be scored."""
        return is_scored(self.status)

    def cells(self, which: Ints, pseudocount: float, missing: str) -> SegmentCells:
        """The scored cells of some segments."""
        p, q = (
            scored_segment_counts(side.take(which), self.found.scored, missing)
            for side in (self.found.current, self.found.reference)
        )
        occupied = (p + q) > 0
        current = probabilities(p, occupied, pseudocount=pseudocount)
        reference = probabilities(q, occupied, pseudocount=pseudocount)
        return SegmentCells(occupied, p, q, current, reference)


def is_scored(status: NDArray[np.object_]) -> Bools:
    """Which statuses go with a score."""
    return np.isin(status.astype(str), [which.value for which in SCORED])


def segment_verdicts(
    p: Pair, config: Config, names: tuple[str, ...], found: ScoredSegments
) -> SegmentVerdicts:
    """The verdicts on the segments of one feature, before evidence is known."""
    status, reason = _statuses(p, config, found)
    unscored = ~is_scored(status)
    scores = {name: np.where(unscored, np.nan, found.scores[name]) for name in SCORES}
    return SegmentVerdicts(
        p.feature.name,
        p.feature.kind,
        names,
        found,
        thresholds_of(p, config),
        status,
        reason,
        scores,
        np.full(len(names), RANK[Severity.UNSCORED]),
        np.full(len(names), np.nan),
    )


def _statuses(
    p: Pair, config: Config, found: ScoredSegments
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    n, m = found.current.rows, found.reference.rows
    missing = config.scoring.missing
    now, before = (
        scored_segment_counts(side, found.scored, missing)
        for side in (found.current, found.reference)
    )
    rows = np.minimum(now.sum(-1), before.sum(-1))
    alike = (found.current.counts[:, -1] == n) | (found.reference.counts[:, -1] == m)
    single = found.scores["cells"] == 1
    only = (now + before).argmax(-1)
    others = np.array([cell.kind is CellKind.OTHER for cell in found.scored.cells])
    few = [f"{x:,} reference rows, at least {CHOSEN_ROWS} are needed" for x in m.tolist()]
    short = [f"{x} rows, scoring.min_rows is {config.scoring.min_rows}" for x in rows.tolist()]
    infinite = (
        "kl is infinite: the current dataset has rows where the reference has none; "
        "set scoring.pseudocount above 0"
    )
    gone = "every value is missing on one side; scoring.missing is exclude"
    status = np.full(len(n), Status.OK.value, dtype=object)
    reason = np.full(len(n), "", dtype=object)
    rules: list[tuple[Bools, Status, str | list[str]]] = [  # the first that holds says it
        (m == 0, Status.EMPTY, "no rows in the reference"),
        (n == 0, Status.EMPTY, "no rows in the current dataset"),
        (m < CHOSEN_ROWS, Status.TOO_FEW_ROWS, few),
        (~alike if p.changed else np.zeros(len(n), bool), Status.TYPE_CHANGED, p.changed),
        (rows == 0, Status.EMPTY, gone),
        (rows < config.scoring.min_rows, Status.TOO_FEW_ROWS, short),
        (
            single & others[only],
            Status.CONSTANT,
            "no value is frequent enough for a cell of its own",
        ),
        (single, Status.CONSTANT, "one and the same value on both sides"),
        (np.isnan(found.scores["kl"]), Status.ERROR, infinite),
    ]
    for holds, which, why in reversed(rules):
        status[holds] = which.value
        reason[holds] = why if isinstance(why, str) else np.array(why, dtype=object)[holds]
    return status, reason


def judge_all(
    verdicts: Sequence[Verdict], segments: Sequence[SegmentVerdicts], config: Config
) -> tuple[tuple[Verdict, ...], tuple[SegmentVerdicts, ...]]:
    """Add evidence and severity; the correction needs all tests of the run, segments included."""
    alone = np.array([v.scores.get("p_value", np.nan) for v in verdicts], dtype=np.float64)
    p_values = np.concatenate([alone, *(s.scores["p_value"] for s in segments)])
    corrected = config.significance.correction != "none"
    q = q_values(p_values) if corrected else p_values
    ends = np.cumsum([len(alone), *(len(s.names) for s in segments)])[:-1]
    first, *rest = np.split(q, ends)
    judged = tuple(_judged(s, found, config) for s, found in zip(segments, rest, strict=True))
    return judge(verdicts, first, config), judged


def _judged(s: SegmentVerdicts, q: Floats, config: Config) -> SegmentVerdicts:
    thresholds = {
        m: t for m, t in s.thresholds.items() if s.kind == "numeric" or m not in NUMERIC_ONLY
    }
    # A constant has no spread, so what needs one is not asked of it.
    constant = s.status == Status.CONSTANT.value
    asked = {m: np.where(constant & np.isnan(s.scores[m]), 0.0, s.scores[m]) for m in thresholds}
    rank, metric = exceeded_by(asked, q, thresholds, config.significance.alpha)
    scored = s.scored
    rank = np.where(scored, rank, RANK[Severity.UNSCORED])
    s = replace(s, severity=rank, q_values=np.where(scored, q, np.nan), reason=s.reason.copy())
    names = list(thresholds)
    alarms = np.flatnonzero(scored & (rank > RANK[Severity.UNSCORED]))
    texts = _most_moved(s, alarms, config)
    for i, text in zip(alarms.tolist(), texts, strict=True):
        name, severity = names[metric[i]], SEVERITIES[rank[i]]
        size = above(name, s.scores[name][i], severity, s.thresholds[name], s.q_values[i])
        s.reason[i] = f"{size}; {text}"
    for i in np.flatnonzero(scored & (rank == RANK[Severity.UNSCORED])).tolist():
        s.reason[i] = f"{names[metric[i]]} could not be computed"
    _add_extremes(s, scored & (rank == RANK[Severity.OK]) & (s.reason == ""))
    return s


def severities_of(segments: Sequence[SegmentVerdicts]) -> frozenset[Severity]:
    """The severities that segments have."""
    ranks = {rank for s in segments for rank in np.unique(s.severity).tolist()}
    return frozenset(SEVERITIES[rank] for rank in ranks)


def _most_moved(s: SegmentVerdicts, which: Ints, config: Config) -> list[str]:
    """The cells that changed most, as a sentence, for some segments."""
    if not len(which):
        return []
    cells = s.cells(which, config.scoring.pseudocount, config.scoring.missing)
    p, q = cells.rows_current, cells.rows_reference
    now, before = (x / np.maximum(1, x.sum(-1, keepdims=True)) for x in (p, q))
    weight = cells.contributions - cells.current + cells.reference
    weight[~cells.occupied] = -np.inf
    top = np.argsort(-weight, axis=-1, kind="stable")[:, :SHOWN_CELLS]
    shares = (np.take_along_axis(x, top, -1).tolist() for x in (before, now))
    seen = np.take_along_axis(q, top, -1) > 0
    named = [(cell_name(cell, seen=False), cell_name(cell)) for cell in s.found.scored.cells]
    names = (
        [named[j][known] for j, known in zip(*row, strict=True)]
        for row in zip(top.tolist(), seen.tolist(), strict=True)
    )
    return [most_moved(*row) for row in zip(names, *shares, strict=True)]


def _add_extremes(s: SegmentVerdicts, which: Bools) -> None:
    """Say where moments moved although the distribution hardly did."""
    gaussian, kl = s.scores["gaussian_kl"], s.scores["kl"]
    support = s.found.reference.support
    which = which & (gaussian >= LARGE_GAUSSIAN_KL) & (kl <= gaussian / 10)
    if not which.any() or not isinstance(support, NumericSupport):
        return
    for i in np.flatnonzero(which).tolist():
        now, before = (
            side[i].moments.summary(support.scale) for side in (s.found.current, s.found.reference)
        )
        s.reason[i] = extremes(gaussian[i], now, before)
