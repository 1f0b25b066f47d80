"""From scores to verdicts, over all groups of all features at once, and of many windows.

A run has up to a thousand segments of each feature and list. So rules are evaluated once, over
columns, and the reason of a row is written only where there is something to explain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kldrift.arrays import Floats, Ints, Texts
from kldrift.profiles.group_keys import ALL, GroupKeys
from kldrift.scoring.comparison import Rows
from kldrift.scoring.evidence import Held, evidence
from kldrift.scoring.explanation import reason_texts
from kldrift.scoring.learned import beside_history
from kldrift.scoring.metrics import (
    CATEGORY_METRICS,
    JOINT_SCORES,
    LEARNED_SCORES,
    SCORES,
    TAIL_METRIC,
)
from kldrift.scoring.new_names import with_new_names
from kldrift.scoring.rules import Rules
from kldrift.scoring.scored_cells import OccupiedCells
from kldrift.scoring.status import PLACE, Sizes, Status, is_scored, statuses
from kldrift.scoring.threshold import RANK, Limits, QValues, Severity, exceeded
from kldrift.scoring.verdict import SIZES, Subject, Verdicts

SegmentNames = Sequence[Sequence[str]]
"""The names of the segments of each list."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is judged with one correction of p-values: a run, or one of its windows.

    The scores are those of :func:`kldrift.scoring.scores.score`; names are of the segments, list by
    list.
    """

    subjects: Sequence[Subject]
    scores: Mapping[str, Floats]
    names: SegmentNames


@dataclass(frozen=True, eq=False)
class ByLimits:
    """Verdicts by fixed limits, without what is learnt from other windows.

    Their reasons are those of statuses; ``cells`` are there for cases that were judged together.
    """

    verdicts: Verdicts
    deciding: Texts
    cells: Callable[[Ints], OccupiedCells] | None = None

    def beside(self, learned: Mapping[str, Floats]) -> Verdicts:
        """The verdicts with their reasons, once learnt limits are added."""
        verdicts = self.verdicts
        if learned:
            columns = dict(verdicts.scores)
            for name, values in learned.items():
                column = np.full(len(verdicts), np.nan)
                column[: len(values)] = values
                columns[name] = np.where(verdicts.scored, column, np.nan)
            verdicts = replace(verdicts, scores=columns)
        held = held_to_limits(verdicts)  # looked at only where something is learnt
        severity, deciding = beside_history(verdicts, self.deciding, held)
        verdicts = replace(verdicts, severity=severity)
        return replace(verdicts, reason=reason_texts(verdicts, deciding))


def by_limits(cases: Sequence[Case], rules: Rules) -> list[ByLimits]:
    """Judge all scores of some cases by the limits of their subjects.

    Cases that are judged together take less time than one after the other, and get the same
    verdicts: each is corrected for its own tests.
    """
    subjects = [(s, n) for n, case in enumerate(cases) for s in case.subjects]
    compared = [(s, s.comparison, n) for s, n in subjects if s.comparison is not None]
    others = [s for s, _ in subjects if s.comparison is None]
    comparisons = [comparison for _, comparison, _ in compared]
    rows = Rows.every(comparisons)
    current, reference = Sizes.of(rows, rules.missing)
    changed, gaps = [s.changed for s, *_ in compared], [s.gap for s, *_ in compared]
    scores = _together(cases)
    status, reason = statuses(rows, current, reference, scores, changed, gaps, rules)

    status = np.append(status, [PLACE[s.status] for s in others]).astype(np.int64)
    columns = _columns(scores, len(rows), others)
    scored = is_scored(status)
    columns = {name: np.where(scored, x, np.nan) for name, x in columns.items()}
    sizes = (reference.rows, current.rows, reference.missing, current.missing)
    alone = np.array([_sizes(s) for s in others], dtype=np.int64).reshape(-1, 4).T
    keys = [(comparison.keys, cases[n].names) for _, comparison, n in compared]
    verdicts = Verdicts(
        subjects=[s for s, *_ in compared] + others,
        of=np.append(rows.of, len(compared) + np.arange(len(others))),
        group=np.append(rows.group, np.zeros(len(others), dtype=np.int64)),
        segment=_segments(keys, others),
        status=status,
        reason=np.append(reason, np.array([s.reason for s in others], dtype=object)),
        scores=columns,
        severity=np.full(len(status), RANK[Severity.UNSCORED]),
        q_values=QValues(columns["p_value"], columns["p_value"]),
        sizes={name: np.append(*both) for name, *both in zip(SIZES, sizes, alone, strict=True)},
        rules=rules,
    )
    verdicts = with_new_names(verdicts)
    mine = [n for *_, n in compared] + [n for s, n in subjects if s.comparison is None]
    case_of = np.array(mine, dtype=np.int64)
    held = list(held_to_limits(verdicts))
    verdicts = replace(verdicts, q_values=evidence(verdicts, held, case_of[verdicts.of]))
    severity, deciding = severities(verdicts, held)
    verdicts = _doubted(replace(verdicts, severity=severity))
    together = _Together(verdicts)
    return [_only(together, deciding, case_of, n) for n in range(len(cases))]


def _together(cases: Sequence[Case]) -> dict[str, Floats]:
    """The scores of all cases, one after the other; NaN where a case has none of a name."""
    sizes = [len(next(iter(case.scores.values()), ())) for case in cases]
    return {
        name: np.concatenate(
            [
                case.scores.get(name, np.full(size, np.nan))
                for case, size in zip(cases, sizes, strict=True)
            ]
        )
        for name in dict.fromkeys(name for case in cases for name in case.scores)
    }


@dataclass(frozen=True, eq=False)
class _Together:
    """The verdicts of all cases, and their scored cells, once one of them is asked for."""

    verdicts: Verdicts

    @cached_property
    def cells(self) -> tuple[OccupiedCells, Ints]:
        """The cells of all rows that have any, and the place of each row among these."""
        v = self.verdicts
        compared = np.array([s.comparison is not None for s in v.subjects], dtype=np.bool_)
        rows = np.flatnonzero(v.scored & compared[v.of])
        place = np.full(len(v), -1)
        place[rows] = np.arange(len(rows))
        return OccupiedCells.of(v.rows(rows), v.rules), place

    def cells_of(self, places: Ints) -> OccupiedCells:
        """The cells of some rows, in their order."""
        cells, place = self.cells
        return cells.take(place[places])


def _only(together: _Together, deciding: Texts, case_of: Ints, case: int) -> ByLimits:
    """The verdicts of one case, by the case of each subject."""
    verdicts = together.verdicts
    mine = np.flatnonzero(case_of == case)
    if len(mine) == len(case_of):
        return ByLimits(verdicts, deciding)
    places = np.flatnonzero(case_of[verdicts.of] == case)
    taken = verdicts.take(places)
    of, subjects = np.searchsorted(mine, taken.of), [verdicts.subjects[i] for i in mine.tolist()]
    own = replace(taken, of=of, subjects=subjects)
    return ByLimits(own, deciding[places], lambda some: together.cells_of(places[some]))


def _doubted(verdicts: Verdicts) -> Verdicts:
    """Leave joint features unscored where the part that cannot be tested is above a limit."""
    subjects = list(verdicts.subjects)
    heavy = np.array([s.joint is not None and bool(s.joint.heavy) for s in subjects], np.bool_)
    fine = verdicts.severity == RANK[Severity.OK]
    status, severity = verdicts.status.copy(), verdicts.severity.copy()
    reason = verdicts.reason.copy()
    for i in np.flatnonzero(fine & heavy[verdicts.of]).tolist():
        subject = subjects[verdicts.of[i]]
        assert subject.joint is not None
        limits = Limits.of(list(subject.applicable.values())).smallest
        if (subject.joint.unjudged > limits).any():
            status[i], severity[i] = PLACE[Status.TOO_FEW_ROWS], RANK[Severity.UNSCORED]
            reason[i] = subject.joint.doubt
            joint = replace(subject.joint, cells=())
            subjects[verdicts.of[i]] = replace(subject, joint=joint)
    scored = is_scored(status)
    scores = {name: np.where(scored, x, np.nan) for name, x in verdicts.scores.items()}
    q = verdicts.q_values
    q_values = QValues(*(np.where(scored, x, np.nan) for x in (q.smallest, q.critical)))
    doubted = replace(verdicts, subjects=subjects, status=status, reason=reason, severity=severity)
    return replace(doubted, scores=scores, q_values=q_values)


def _columns(
    scores: Mapping[str, Floats], rows: int, others: Sequence[Subject]
) -> dict[str, Floats]:
    """All scores by name; subjects that were not compared come last."""
    none = np.full(rows, np.nan)
    return {
        name: np.append(scores.get(name, none), [s.scores.get(name, np.nan) for s in others])
        for name in (*SCORES, *CATEGORY_METRICS, *LEARNED_SCORES, *JOINT_SCORES)
    }


def _sizes(subject: Subject) -> tuple[int, int, int, int]:
    joint = subject.joint
    if joint is None:
        return (*(subject.rows or (-1, -1)), -1, -1)
    rows = joint.rows_reference, joint.rows_current
    return (*rows, joint.left_out_reference, joint.left_out_current)


def _segments(keys: Sequence[tuple[GroupKeys, SegmentNames]], others: Sequence[Subject]) -> Texts:
    """The segment of each row; None for whole datasets."""
    columns: list[Texts] = []
    for i, (mine, names) in enumerate(keys):  # the features of a dataset have the same groups
        same = i and names is keys[i - 1][1] and mine == keys[i - 1][0]
        columns.append(columns[-1] if same else _named(mine, names))
    return np.concatenate([*columns, np.array([s.segment for s in others], dtype=object)])


def _named(keys: GroupKeys, names: SegmentNames) -> Texts:
    named = np.full(len(keys), None, dtype=object)
    for i, (number, segment) in enumerate(
        zip(keys.list.tolist(), keys.segment.tolist(), strict=True)
    ):
        if number != ALL:
            named[i] = names[number][segment]
    return named


def held_to_limits(verdicts: Verdicts) -> Iterator[Held]:
    """The scored rows with the limits of their metrics, those with the same metrics together."""
    constant = verdicts.status == PLACE[Status.CONSTANT]
    # Features that are held to the same metrics, in the same order, are judged together.
    held = [tuple(s.applicable) for s in verdicts.subjects]
    for metrics in dict.fromkeys(held):
        chosen = [i for i, mine in enumerate(held) if mine == metrics]
        place = np.full(len(held), -1)
        place[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero((place[verdicts.of] >= 0) & verdicts.scored)
        mine = place[verdicts.of[rows]]
        limits = {
            m: Limits.of([verdicts.subjects[i].applicable[m] for i in chosen]).take(mine)
            for m in metrics
        }
        scores = {m: verdicts.scores[m][rows] for m in metrics}
        if any(verdicts.subjects[i].joint is not None for i in chosen):
            # What heavy tails add may be chance, and is no reason for an alarm.
            unjudged = [s.joint.unjudged if s.joint else 0.0 for s in verdicts.subjects]
            doubtful = np.array(unjudged)[verdicts.of[rows]]
            scores = {m: x - doubtful for m, x in scores.items()}
        # A constant has no spread, so what needs one is not asked of it.
        still = {m: constant[rows] & np.isnan(x) for m, x in scores.items()}
        # Without a spread of the reference there is no unit, without numbers there are no tails.
        for metric in ("wasserstein_std", TAIL_METRIC):
            if metric in still:
                still[metric] = np.isnan(scores[metric])
        scores = {m: np.where(still[m], 0.0, x) for m, x in scores.items()}
        yield Held(rows, scores, limits)


def severities(verdicts: Verdicts, held: Sequence[Held]) -> tuple[Ints, Texts]:
    """The severity of each row as a rank, and the metric that decided it; None for none."""
    rank = np.full(len(verdicts), RANK[Severity.UNSCORED])
    deciding = np.full(len(verdicts), None, dtype=object)
    for part in held:
        q, alpha = verdicts.q_values.take(part.rows), verdicts.rules.alpha
        rank[part.rows], decided = exceeded(part.scores, q, part.limits, alpha)
        deciding[part.rows] = np.array([*part.limits, None], dtype=object)[decided]
    return rank, deciding
