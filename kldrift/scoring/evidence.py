"""How sure it is that the limits of rows are exceeded, corrected for all tests of a run.

A threshold on ``kl`` is a limit of the divergence itself: the test is that the divergence behind
the counts is above it. Large tables make every difference significant against zero, so that a test
against zero says nothing about a limit. Jensen-Shannon, Wasserstein and shares are tested likewise.
The other scores have no such test: where they are above their limit, their p-value is that of any
difference, and otherwise 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kldrift.profiles.profile import Counts
from kldrift.scoring.category import first_cell
from kldrift.scoring.comparison import Ints
from kldrift.scoring.metrics import CATEGORY_METRICS, SHARE_METRICS, TAIL_METRIC
from kldrift.scoring.scores import (
    Floats,
    cell_kinds,
    judged_cells,
    named_cells,
    ordered_blocks,
    unseen_cells,
)
from kldrift.scoring.status import Bools
from kldrift.scoring.threshold import Limits, QValues
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.effect_tests import (
    js_above_p,
    ratio_above_p,
    share_above_p,
    wasserstein_above_p,
)
from kldrift.statistics.named_cells import never_seen_p_value, pooled
from kldrift.statistics.significance import q_values
from kldrift.statistics.tails import tail_rise_p
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

    Rows without a limit are tested for any difference. Of several metrics the surest one counts,
    its p-value times their number (Bonferroni): the smallest of several is small by chance.

    Args:
        verdicts: with their scores.
        held: the rows that are scored, with their limits.
    """
    smallest = verdicts.scores["p_value"].copy()
    critical = np.full(len(verdicts), np.nan)
    for some in held:
        levels = [(limit.smallest, limit.critical) for limit in some.limits.values()]
        for out, level in ((smallest, 0), (critical, 1)):
            surest, tests = np.full(len(some.rows), np.nan), np.zeros(len(some.rows))
            for (metric, score), limit in zip(some.scores.items(), levels, strict=True):
                p_value = _p_above(verdicts, some.rows, metric, score, limit[level])
                surest, tests = np.fmin(surest, p_value), tests + ~np.isnan(p_value)
            surest = np.minimum(1.0, surest * tests)
            out[some.rows] = np.where(np.isnan(surest), out[some.rows], surest)
    if not verdicts.rules.corrected:
        return QValues(smallest, critical)
    return QValues(q_values(smallest), q_values(critical))


def _p_above(v: Verdicts, rows: Ints, metric: str, score: Floats, limit: Floats) -> Floats:
    """The p-values of scores above a limit; NaN without a limit or a test, 1 if not above it.

    What may be no difference at all is not above a limit either.
    """
    difference = v.scores["p_value"][rows]
    size = v.scores["kl_unbiased"][rows] if metric == "kl" else score
    size = np.where(np.isnan(size) | (limit == 0), score, size)
    p_value = np.where(size > limit, difference, np.where(np.isnan(limit), np.nan, 1.0))
    if metric == "kl":
        counted = ~np.isnan(v.scores["kl_unbiased"][rows])
    else:
        counted = np.array([s.comparison is not None for s in v.subjects], dtype=np.bool_)
        counted = counted[v.of[rows]]
    places = np.flatnonzero((p_value < 1) & (limit > 0) & counted)
    for at, p in _tests(v, rows, metric, places, limit):
        # A change of one share shows in a test of its own before it does among all cells.
        own = metric in (*SHARE_METRICS, *CATEGORY_METRICS, TAIL_METRIC)
        p_value[at] = p if own else np.maximum(p_value[at], p)
    return p_value


def _tests(
    v: Verdicts, rows: Ints, metric: str, places: Ints, limit: Floats
) -> Iterator[tuple[Ints, Floats]]:
    """Places of rows, and the p-values of "the metric is above its limit"."""
    counted = v.rows(rows[places])
    if metric == TAIL_METRIC:
        for block, p, q, _ in ordered_blocks(counted):
            yield places[block], tail_rise_p(p, q, limit[places[block]])
        return
    if metric in ("wasserstein", "wasserstein_std"):
        unit = (
            v.scores["std_reference"][rows] if metric == "wasserstein_std" else np.ones(len(rows))
        )
        for block, p, q, positions in ordered_blocks(counted):
            at = places[block]
            yield at, wasserstein_above_p(p, q, positions, limit[at] * unit[at])
        return
    if metric not in ("kl", "js", *SHARE_METRICS, *CATEGORY_METRICS):
        return
    for block, p, q in counted.scored_blocks(v.rules.missing):
        at = places[block]
        if metric == "kl":
            yield at, kl_unbiased(p, q).p_above(limit[at])
        elif metric == "js":
            yield at, js_above_p(p, q, limit[at])
        else:
            yield at, _share_p(metric, p, q, cell_kinds(counted, block, p.shape), limit[at])


def _share_p(metric: str, p: Counts, q: Counts, kinds: Ints, limit: Floats) -> Floats:
    """The p-values of "a metric of shares is above its limit"."""
    if metric == "null_share_ratio":
        cells = judged_cells(kinds)["null_share_change"]
    elif metric == "never_seen_current":
        cells = unseen_cells(q, kinds)
    elif metric in CATEGORY_METRICS:
        cells = first_cell(kinds)
    else:
        judged = judged_cells(kinds)[metric]
        names, other, never = named_cells(kinds)
        now, before, small = pooled(p, q, names, other, never)
        if metric != "value_share_change" or not small.any():
            return share_above_p(p, q, judged, limit)
        every = share_above_p(now, before, judged, limit)
        alone = share_above_p(p, q, small & ~never, limit)
        # The reference's share of unseen values is estimated, which is less sure than a count.
        x, once = ((side * never).sum(-1) for side in (p, q))
        unseen = never_seen_p_value(x, p.sum(-1), once, q.sum(-1))
        unseen = np.maximum(unseen, share_above_p(p, q, never, limit))
        surest = np.minimum.reduce([every, alone, unseen])
        return np.where(small.any(-1), np.minimum(1.0, 3 * surest), every)
    now, before = _together(p, cells), _together(q, cells)
    if metric == "null_share_ratio":
        return ratio_above_p(now, before, limit)
    if metric == "share_ratio":  # above the limit in one direction at most
        return np.minimum(ratio_above_p(now, before, limit), ratio_above_p(before, now, limit))
    return share_above_p(now, before, np.broadcast_to([True, False], now.shape), limit)


def _together(rows: Counts, cells: Bools) -> Counts:
    """Rows in some cells together, and in all others."""
    inside = np.where(cells, rows, 0).sum(-1)
    return np.stack([inside, rows.sum(-1) - inside], axis=-1)
