"""How sure it is that the limits of rows are exceeded, corrected for all tests of a run.

A threshold on ``kl`` is a limit of the divergence itself: the test is that the divergence behind
the counts is above it. Large tables make every difference significant against zero, so that a test
against zero says nothing about a limit. Jensen-Shannon, Wasserstein and shares are tested likewise.
The other scores have no such test: where they are above their limit, their p-value is that of any
difference, and otherwise 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kldrift.arrays import Bools, Counts, Floats, Ints
from kldrift.scoring.category import first_cell
from kldrift.scoring.metrics import CATEGORY_METRICS, SHARE_METRICS, SPIKE_METRIC, TAIL_METRIC
from kldrift.scoring.new_names import most_frequent_new
from kldrift.scoring.rare_names import chosen_on, named_blocks, named_cells, surplus_kl_of
from kldrift.scoring.scores import (
    cell_kinds,
    judged_cells,
    ordered_blocks,
    unseen_cells,
)
from kldrift.scoring.threshold import Limits, QValues
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.effect_tests import (
    js_above_p,
    ratio_above_p,
    share_above_p,
    wasserstein_above_p,
)
from kldrift.statistics.named_cells import CellChoice, named_share_p
from kldrift.statistics.significance import q_values
from kldrift.statistics.spikes import spike_above_p
from kldrift.statistics.tails import tail_rise_p
from kldrift.statistics.unbiased_kl import kl_unbiased

IN_ORDER: Final = (SPIKE_METRIC, TAIL_METRIC, "wasserstein", "wasserstein_std")
"""Metrics whose tests look at stored cells in order."""
OF_CELLS: Final = ("kl", "js", *(m for m in SHARE_METRICS if m != SPIKE_METRIC), *CATEGORY_METRICS)
"""Metrics whose tests look at scored cells."""
OWN_TEST: Final = (*SHARE_METRICS, *CATEGORY_METRICS, TAIL_METRIC)
"""Metrics of which a test of any difference says nothing."""


@dataclass(frozen=True, eq=False)
class Held:
    """Rows, by their places among the verdicts, that are held to limits of the same metrics."""

    rows: Ints
    scores: Mapping[str, Floats]
    limits: Mapping[str, Limits]


@dataclass(frozen=True, eq=False)
class LimitTest:
    """The test of rows against one limit of one metric.

    Attributes:
        limit: shape ``(n,)``.
        asked: the rows that a test of their counts decides, shape ``(n,)``.
        p_value: NaN without a limit or a test, 1 for what is not above it, shape ``(n,)``; what a
            test of the counts says is put in.
    """

    metric: str
    limit: Floats
    asked: Bools
    p_value: Floats

    @classmethod
    def of(cls, v: Verdicts, rows: Ints, metric: str, score: Floats, limit: Floats) -> LimitTest:
        """The test, before counts are looked at.

        What may be no difference at all is not above a limit either; but a change of one share
        shows in a test of its own before it does among all cells.
        """
        difference = v.scores["p_value"][rows]
        size = v.scores["kl_unbiased"][rows] if metric == "kl" else score
        size = np.where(np.isnan(size) | (limit == 0), score, size)
        if metric == "kl":
            counted = ~np.isnan(v.scores["kl_unbiased"][rows])
        else:
            counted = np.array([s.comparison is not None for s in v.subjects], dtype=np.bool_)
            counted = counted[v.of[rows]]
        own = metric in OWN_TEST
        asked = (size > limit) & (limit > 0) & counted & (own | (difference < 1))
        at_least = np.where(asked & own, 0.0, difference)
        p_value = np.where(size > limit, at_least, np.where(np.isnan(limit), np.nan, 1.0))
        return cls(metric, limit, asked, p_value)

    def put(self, places: Ints, p_value: Floats) -> None:
        """Store the results of a test of the counts for some of the rows."""
        self.p_value[places] = np.maximum(self.p_value[places], p_value)


def evidence(verdicts: Verdicts, held: Sequence[Held], case: Ints) -> QValues:
    """The q-values of all rows: of their smallest limit, and of their critical one.

    Rows without a limit are tested for any difference. Of several metrics the surest one counts,
    its p-value times their number (Bonferroni): the smallest of several is small by chance. Those
    of which there is nothing to be seen, such as a change of nulls where there are none, are none.
    The tests of a case are corrected for their number.
    """
    smallest = verdicts.scores["p_value"].copy()
    critical = np.full(len(verdicts), np.nan)
    for part in held:
        limits = [(limit.smallest, limit.critical) for limit in part.limits.values()]
        levels = [
            [
                LimitTest.of(verdicts, part.rows, metric, score, limit[level])
                for (metric, score), limit in zip(part.scores.items(), limits, strict=True)
            ]
            for level in (0, 1)
        ]
        _test(verdicts, part.rows, [test for tests in levels for test in tests])
        for out, tests in zip((smallest, critical), levels, strict=True):
            surest, count = np.full(len(part.rows), np.nan), np.zeros(len(part.rows))
            for test in tests:
                surest = np.fmin(surest, test.p_value)
                count += ~np.isnan(test.p_value) & (part.scores[test.metric] > 0)
            surest = np.minimum(1.0, surest * np.maximum(1, count))
            out[part.rows] = np.where(np.isnan(surest), out[part.rows], surest)
    if not verdicts.rules.corrected:
        return QValues(smallest, critical)
    order = np.argsort(case, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(case[order])) + 1):
        smallest[mine], critical[mine] = q_values(smallest[mine]), q_values(critical[mine])
    return QValues(smallest, critical)


def _test(v: Verdicts, rows: Ints, tests: Sequence[LimitTest]) -> None:
    """Test the counts of rows against all their limits; cells are merged once for all of them."""
    in_order = [t for t in tests if t.metric in IN_ORDER]
    of_cells = [t for t in tests if t.metric in OF_CELLS]
    asked = _asked(in_order)
    for block, cells in ordered_blocks(v.rows(rows[asked])):
        places = asked[block]
        for test in in_order:
            mine = np.flatnonzero(test.asked[places])
            at = places[mine]
            limit = test.limit[at]
            if not len(mine):
                continue
            if test.metric == TAIL_METRIC:
                p, q = cells.values
                test.put(at, tail_rise_p(p[mine], q[mine], limit))
                continue
            if test.metric == SPIKE_METRIC:
                test.put(at, spike_above_p(*cells.spikes(mine), limit))
                continue
            if test.metric == "wasserstein_std":
                limit = limit * v.scores["std_reference"][rows[at]]
            sides = cells.p[mine], cells.q[mine]
            test.put(at, wasserstein_above_p(*sides, cells.positions[mine], limit))
    _test_cells(v, rows, of_cells)
    of_shares = [t for t in tests if t.metric == "value_share_change"]
    _test_gone(v, rows, of_shares)
    _test_new(v, rows, of_shares)


def _test_cells(v: Verdicts, rows: Ints, of_cells: Sequence[LimitTest]) -> None:
    """Test the scored cells of rows against their limits."""
    asked = _asked(of_cells)
    counted = v.rows(rows[asked])
    for block, p, q in counted.scored_blocks(v.rules.missing):
        places, kinds = asked[block], cell_kinds(counted, block, p.shape)
        choice = chosen_on(counted, block, p.shape)
        for test in of_cells:
            mine = np.flatnonzero(test.asked[places])
            if len(mine):
                at = places[mine]
                sides = p[mine], q[mine]
                test.put(
                    at,
                    _of_cells(test.metric, *sides, kinds[mine], choice.take(mine), test.limit[at]),
                )


def _test_gone(v: Verdicts, rows: Ints, tests: Sequence[LimitTest]) -> None:
    """Test how many names are gone, beside what was tested of the scored cells."""
    asked = _asked(tests)
    for block, named in named_blocks(v.rows(rows[asked]), v.rules.missing):
        places = asked[block]
        for test in tests:
            mine = np.flatnonzero(test.asked[places])
            at = places[mine]
            cells = v.scores["cells"][rows[at]]
            test.p_value[at] = named.above_p(test.limit[at], test.p_value[at], cells, mine)


def _test_new(v: Verdicts, rows: Ints, tests: Sequence[LimitTest]) -> None:
    """Test the most frequent new name beside what was tested of all cells."""
    places, _, new = most_frequent_new(v, rows)
    for test in tests:
        mine = np.flatnonzero(test.asked[places])
        at = places[mine]
        test.p_value[at] = new.take(mine).above_p(test.limit[at], test.p_value[at])


def _asked(tests: Sequence[LimitTest]) -> Ints:
    """The rows that any of the tests needs."""
    return np.flatnonzero(np.any([t.asked for t in tests], axis=0)) if tests else np.array([], int)


def _of_cells(
    metric: str, p: Counts, q: Counts, kinds: Ints, choice: CellChoice, limit: Floats
) -> Floats:
    """The p-values of "the metric is above its limit", from scored cells, shape ``(n,)``."""
    if metric == "kl":
        return kl_unbiased(p, q).less(surplus_kl_of(p, q, kinds, choice)).p_above(limit)
    if metric == "js":
        # Small divergences are about in this proportion, and a surplus is small.
        return js_above_p(p, q, limit + surplus_kl_of(p, q, kinds, choice) / 4)
    return _share_p(metric, p, q, kinds, choice, limit)


def _share_p(
    metric: str, p: Counts, q: Counts, kinds: Ints, choice: CellChoice, limit: Floats
) -> Floats:
    """The p-values of "a metric of shares is above its limit"."""
    if metric == "null_share_ratio":
        cells = judged_cells(q, kinds)["null_share_change"]
    elif metric == "never_seen_current":
        cells = unseen_cells(q, kinds)
    elif metric in CATEGORY_METRICS:
        cells = first_cell(kinds)
    else:
        judged = judged_cells(q, kinds)[metric]
        if metric == "value_share_change":
            return named_share_p(p, q, *named_cells(kinds), choice, judged, limit)
        return share_above_p(p, q, judged, limit)
    current, reference = _together(p, cells), _together(q, cells)
    if metric == "null_share_ratio":
        return ratio_above_p(current, reference, limit)
    if metric == "share_ratio":  # above the limit in one direction at most
        return np.minimum(
            ratio_above_p(current, reference, limit), ratio_above_p(reference, current, limit)
        )
    return share_above_p(current, reference, np.broadcast_to([True, False], current.shape), limit)


def _together(rows: Counts, cells: Bools) -> Counts:
    """Rows in some cells together, and in all others."""
    inside = np.where(cells, rows, 0).sum(-1)
    return np.stack([inside, rows.sum(-1) - inside], axis=-1)
