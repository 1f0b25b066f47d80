"""The reasons of verdicts: which threshold was exceeded, and what moved."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from kldrift.profiles.moments import Moments
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.comparison import Ints
from kldrift.scoring.joint_result import joint_moved
from kldrift.scoring.reasons import Range, above, cell_name, extremes, most_moved
from kldrift.scoring.scored_cells import scored_cells
from kldrift.scoring.status import Texts
from kldrift.scoring.threshold import RANK, SEVERITIES, Severity
from kldrift.scoring.verdict import Verdicts

SHOWN_CELLS: Final = 3
LARGE_GAUSSIAN_KL: Final = 1.0


def explained(verdicts: Verdicts, deciding: Texts) -> Texts:
    """The reason of each row; empty if there is nothing to explain.

    Args:
        verdicts: the verdicts, with the reasons of their statuses.
        deciding: the metric that decided each severity; None where none did.
    """
    reason = verdicts.reason.copy()
    rank, scored = verdicts.severity, verdicts.scored
    alarms = np.flatnonzero(scored & (rank > RANK[Severity.UNSCORED]))
    low, high = verdicts.scores["kl_low"], verdicts.scores["kl_high"]
    of_smallest, of_critical = verdicts.q_values.smallest, verdicts.q_values.critical
    for i, what in zip(alarms.tolist(), _moved(verdicts, alarms), strict=True):
        metric, severity = deciding[i], SEVERITIES[rank[i]]
        limit = verdicts.subjects[verdicts.of[i]].thresholds[metric]
        interval = (low[i], high[i]) if metric == "kl" and not np.isnan(low[i]) else None
        q = of_critical if severity is Severity.CRITICAL else of_smallest
        score = verdicts.scores[metric][i]
        size = above(metric, score, severity, limit, q[i], interval)
        reason[i] = f"{size}; {what}"
    for i in np.flatnonzero(scored & (rank == RANK[Severity.UNSCORED])).tolist():
        reason[i] = f"{deciding[i]} could not be computed"
    gaussian, kl = verdicts.scores["gaussian_kl"], verdicts.scores["kl"]
    # Moments moved although the distribution hardly did.
    far = (gaussian >= LARGE_GAUSSIAN_KL) & (kl <= gaussian / 10)
    for i in np.flatnonzero(far & scored & (rank == RANK[Severity.OK]) & (reason == "")).tolist():
        reason[i] = _extremes(verdicts, i)
    return reason


def _moved(verdicts: Verdicts, places: Ints) -> list[str]:
    """The cells that changed most, as one sentence per row."""
    texts = np.full(len(places), "", dtype=object)
    joints = [verdicts.subjects[i].joint for i in verdicts.of[places].tolist()]
    for i, joint in enumerate(joints):
        if joint is not None:
            texts[i] = joint_moved(joint.cells, SHOWN_CELLS)
    counted = np.array([i for i, joint in enumerate(joints) if joint is None], dtype=np.int64)
    rows = verdicts.rows(places[counted])

    @cache
    def name(comparison: int, cell: int, *, seen: bool) -> str:
        return cell_name(rows.comparisons[comparison].rebinning.cells[cell], seen=seen)

    for cells in scored_cells(rows, verdicts.rules):
        top = cells.most_moved(SHOWN_CELLS)
        seen = np.take_along_axis(cells.rows_reference, top, -1) > 0
        columns = (top, seen, *cells.shares(top))
        of = rows.of[cells.places].tolist()
        sentences = []
        for comparison, *row in zip(of, *(c.tolist() for c in columns), strict=True):
            some, known, before, now = row
            named = [name(comparison, i, seen=s) for i, s in zip(some, known, strict=True)]
            sentences.append(most_moved(named, before, now))
        texts[counted[cells.places]] = sentences
    return texts.tolist()


def _extremes(verdicts: Verdicts, i: int) -> str:
    """The sentence that few rows far out moved the moments; empty for joint features."""
    comparison = verdicts.subjects[verdicts.of[i]].comparison
    if comparison is None:
        return ""
    group = verdicts.group[i : i + 1]
    now, before = (
        _range(side.moments, group, comparison.support)
        for side in (comparison.current, comparison.reference)
    )
    return extremes(verdicts.scores["gaussian_kl"][i], now, before)


def _range(moments: Moments | None, group: Ints, support: object) -> Range:
    assert moments is not None
    assert isinstance(support, NumericSupport)
    found = moments.take(group).summary(support.scale)
    return float(found.minimum[0]), float(found.maximum[0])
