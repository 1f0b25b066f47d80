"""The metric that decides each verdict, its limits, and the order that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kldrift.arrays import Floats, Ints, Texts
from kldrift.scoring.judge import held_to_limits, severities
from kldrift.scoring.learned import beside_history, threshold_kinds
from kldrift.scoring.metrics import LEARNED, LEARNED_SCORES
from kldrift.scoring.threshold import SEVERITIES, WORST_FIRST, Limits
from kldrift.scoring.verdict import Verdicts


@dataclass(frozen=True, eq=False)
class Decisive:
    """The metrics of many verdicts; arrays have shape ``(n,)``.

    ``metric`` is the one that raised the row, or else the one nearest to its limit, if any is.
    """

    verdicts: Verdicts
    metric: Texts
    score: Floats
    limits: Limits

    @classmethod
    def of(cls, verdicts: Verdicts) -> Decisive:
        """The deciding metrics of verdicts."""
        rows = len(verdicts)
        metric = np.full(rows, None, dtype=object)
        score, warning, critical = (np.full(rows, np.nan) for _ in range(3))
        held = list(held_to_limits(verdicts))
        severity, raised = severities(verdicts, held)
        _, raised = beside_history(replace(verdicts, severity=severity), raised, held)
        for part in held:
            if not part.limits:
                continue
            names = list(part.limits)
            scores = np.stack([part.scores[m] for m in names])
            smallest = np.stack([part.limits[m].smallest for m in names])
            times = np.nan_to_num(_times(scores, smallest), nan=-1.0)
            place = times.argmax(0)
            known = times.max(0) >= 0
            for i, name in enumerate(names):
                place[raised[part.rows] == name] = i
            at = (place, np.arange(len(place)))
            metric[part.rows] = np.where(known, np.array(names, dtype=object)[place], None)
            score[part.rows] = scores[at]
            for level, column in (("warning", warning), ("critical", critical)):
                column[part.rows] = np.stack([getattr(part.limits[m], level) for m in names])[at]
        judged = threshold_kinds(verdicts) == 2
        if judged.any():
            size, limit = (verdicts.scores[name] for name in LEARNED_SCORES[:2])
            fixed = np.nan_to_num(_times(score, Limits(warning, critical).smallest), nan=-1.0)
            nearest = (raised == None) & (_times(size, limit) > fixed)  # noqa: E711 - of each row
            learned = judged & (nearest | (raised == LEARNED))
            metric[learned] = LEARNED
            score, warning, critical = (
                np.where(learned, mine, other)
                for mine, other in ((size, score), (np.nan, warning), (limit, critical))
            )
        return cls(verdicts, metric, score, Limits(warning, critical))

    @cached_property
    def order(self) -> Ints:
        """The rows as tables list them: whole datasets, then segments, the worst of each first.

        By severity, then by how many times its smallest limit the score is, then by ``kl``.
        """
        v = self.verdicts
        place = np.array([WORST_FIRST.index(severity) for severity in SEVERITIES])
        times = _times(self.score, self.limits.smallest)
        times = np.where(np.isnan(times), np.inf, times)
        kl = np.where(np.isnan(v.scores["kl"]), np.inf, v.scores["kl"])
        rank = np.where(v.whole, _alphabetical([s.name for s in v.subjects])[v.of], 0)
        return np.lexsort((rank, -kl, -times, place[v.severity], ~v.whole))


def _times(score: Floats, limit: Floats) -> Floats:
    """The ratio of a score to its limit; the score itself where there is no limit, or it is 0."""
    return score / np.where(limit > 0, limit, 1.0)


def _alphabetical(names: Sequence[str]) -> Ints:
    places = {name: i for i, name in enumerate(sorted(set(names)))}
    return np.array([places[name] for name in names], dtype=np.int64)
