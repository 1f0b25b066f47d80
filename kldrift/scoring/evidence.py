"""How sure it is that the limits of rows are exceeded, corrected for all tests of a run.

A threshold on ``kl`` is a limit of the divergence itself: the test is that the divergence behind
the counts is above it. Large tables make every difference significant against zero, so that a test
against zero says nothing about a limit. Other scores have no such test yet: where they are above
their limit, their p-value is that of any difference, and otherwise 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kldrift.scoring.comparison import Ints
from kldrift.scoring.scores import Floats
from kldrift.scoring.threshold import Limits, QValues
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.significance import q_values
from kldrift.statistics.unbiased_kl import kl_unbiased


@dataclass(frozen=True, eq=False)
class Held:
    """Rows that are held to limits of the same metrics.

    Attributes:
        rows: their places among the verdicts, shape ``(n,)``.
        scores: by metric, shape ``(n,)``.
        limits: by metric.
    """

    rows: Ints
    scores: Mapping[str, Floats]
    limits: Mapping[str, Limits]


def evidence(verdicts: Verdicts, held: Sequence[Held]) -> QValues:
    """The q-values of all rows: of their smallest limit, and of their critical one.

    Rows without a limit are tested for any difference. Of several metrics the surest one counts.

    Args:
        verdicts: with their scores.
        held: the rows that are scored, with their limits.
    """
    smallest = verdicts.scores["p_value"].copy()
    critical = np.full(len(verdicts), np.nan)
    for some in held:
        levels = [(limit.smallest, limit.critical) for limit in some.limits.values()]
        for out, level in ((smallest, 0), (critical, 1)):
            surest = np.full(len(some.rows), np.nan)
            for (metric, score), limit in zip(some.scores.items(), levels, strict=True):
                surest = np.fmin(surest, _p_above(verdicts, some.rows, metric, score, limit[level]))
            out[some.rows] = np.where(np.isnan(surest), out[some.rows], surest)
    if not verdicts.rules.corrected:
        return QValues(smallest, critical)
    return QValues(q_values(smallest), q_values(critical))


def _p_above(v: Verdicts, rows: Ints, metric: str, score: Floats, limit: Floats) -> Floats:
    """The p-values of scores above a limit; NaN without a limit or a test, 1 if not above it."""
    difference = v.scores["p_value"][rows]
    size = v.scores["kl_unbiased"][rows] if metric == "kl" else score
    size = np.where(np.isnan(size) | (limit == 0), score, size)
    p_value = np.where(size > limit, difference, np.where(np.isnan(limit), np.nan, 1.0))
    if metric != "kl":
        return p_value
    estimated = (p_value < 1) & (limit > 0) & ~np.isnan(v.scores["kl_unbiased"][rows])
    places = np.flatnonzero(estimated)
    for block, p, q in v.rows(rows[places]).scored_blocks(v.rules.missing):
        at = places[block]
        p_value[at] = np.maximum(p_value[at], kl_unbiased(p, q).p_above(limit[at]))
    return p_value
