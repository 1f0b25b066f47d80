"""From the findings of a run and its configuration to verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from kldrift.arrays import Floats
from kldrift.binning.choose import ALL_DIFFERENT
from kldrift.config import Config, Threshold
from kldrift.counting.new_values import NO_NEW_VALUES, NewValues
from kldrift.execution.progress import Progress
from kldrift.features.pairs import Pair
from kldrift.monitor.categories import category_subjects
from kldrift.monitor.findings import CELLS_AT_ONCE, count_current, stored_cells
from kldrift.monitor.joint import scored_joint, unscored_joint
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Engine, Findings, read_reference
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.moments import Moments
from kldrift.scoring.category import category_scores
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.judge import ByLimits, Case, by_limits
from kldrift.scoring.rules import Rules
from kldrift.scoring.status import Status
from kldrift.scoring.verdict import Subject, Verdicts
from kldrift.tables.lists import batches

NOTHING_LEARNT: Final = MappingProxyType[str, Floats]({})
MUCH_WIDER: Final = 4
"""Numbers that span so many times as much, and lie so much farther apart, were not numbered on."""
AGED_CELLS: Final = (
    "cells have aged: {:.0f} % more of the rows before it lie beyond them than when they were "
    "chosen; --refresh-reference chooses new ones"
)


def compare_plan(plan: Plan, engine: Engine, progress: Progress) -> tuple[Findings, Verdicts]:
    """Run a plan's three scans and judge the scores."""
    reference = read_reference(plan, engine, progress)
    findings = count_current(plan, reference, engine, progress)
    return findings, judge_findings(plan, findings)


def judge_findings(
    plan: Plan,
    findings: Findings,
    learned: Mapping[str, Floats] = NOTHING_LEARNT,
) -> Verdicts:
    """Judge the findings of a run, and the features that could not be compared.

    ``learned`` are scores of windows beside their history, by name.
    """
    judged = findings.by_limits or _by_limits([(plan, findings)])[0]
    return _aged(judged.beside(learned), findings.reference.aged)


def judged_together(
    planned: Iterable[tuple[Plan, Findings]], most: int = CELLS_AT_ONCE
) -> Iterator[tuple[Plan, Findings]]:
    """Add verdicts by fixed limits to findings; several windows are judged together.

    They are asked for as they are needed; see :func:`~kldrift.monitor.findings.findings_of`.
    """
    for batch in batches(planned, lambda one: stored_cells(one[1].comparisons), most):
        for (plan, findings), verdicts in zip(batch, _by_limits(batch), strict=True):
            yield plan, replace(findings, by_limits=verdicts)


def _by_limits(planned: Sequence[tuple[Plan, Findings]]) -> list[ByLimits]:
    cases = [_case(plan, findings) for plan, findings in planned]
    return by_limits(cases, rules_of(planned[0][0].config))


def _case(plan: Plan, findings: Findings) -> Case:
    """The input of a verdict from the findings of a run, or of a window."""
    config = plan.config
    growing = growing_identifiers(findings)
    subjects = [
        _compared(
            pair,
            config,
            comparison,
            findings.unseen.get(pair.feature.name, NO_NEW_VALUES),
            growing,
            of_windows=findings.reference.of_windows,
            gap=findings.reference.gaps.get(pair.feature.name, findings.gap),
        )
        for pair, comparison in zip(findings.pairs, findings.comparisons, strict=True)
    ]
    scores = findings.scores
    categories = list(category_subjects(findings.pairs, findings.comparisons, config))
    if categories:
        subjects += categories
        scores = _with_categories(scores, categories, config)
    subjects += [_unpaired(p, config) for p in plan.pairs if not p.both]
    subjects += [
        scored_joint(j, config, reference, current) for j, reference, current in findings.joint
    ]
    subjects += [unscored_joint(j, config) for j in plan.joint if j.problem]
    subjects += findings.volumes
    return Case(subjects, scores, [known.names for known in findings.reference.segments])


def _aged(verdicts: Verdicts, aged: Mapping[str, float]) -> Verdicts:
    """Add to the reasons of features that their cells are too old."""
    if not aged:
        return verdicts
    reason = verdicts.reason.copy()
    for i in verdicts.whole.nonzero()[0].tolist():
        share = aged.get(verdicts.key(i)[0])
        if share is not None:
            text = AGED_CELLS.format(100 * share)
            reason[i] = f"{reason[i]}; {text}" if reason[i] else text
    return replace(verdicts, reason=reason)


def _with_categories(
    scores: Mapping[str, Floats], categories: Sequence[Subject], config: Config
) -> dict[str, Floats]:
    """The scores of features, followed by those of categories with limits of their own."""
    comparisons = [c.comparison for c in categories if c.comparison is not None]
    scoring = config.scoring
    own = category_scores(comparisons, pseudocount=scoring.pseudocount, missing=scoring.missing)
    groups, rows = sum(map(len, comparisons)), len(next(iter(scores.values())))
    none = {name: np.full(groups, np.nan) for name in scores} | own
    blank = np.full(rows, np.nan)
    return {name: np.append(scores.get(name, blank), values) for name, values in none.items()}


def growing_identifiers(findings: Findings) -> frozenset[str]:
    """Features that are numbers without repetition and go on beyond those of the reference.

    They are scored, and held to no limit: the next batch has larger ones again.
    """
    names = set()
    for pair, comparison in zip(findings.pairs, findings.comparisons, strict=True):
        name = pair.feature.name
        if not findings.reference.notes.get(name, "").startswith(ALL_DIFFERENT):
            continue
        sides = (comparison.reference.of_list(ALL), comparison.current.of_list(ALL))
        reference, current = (side.moments for side in sides)
        if reference and current and _goes_on(reference, current):  # neither None nor empty
            names.add(name)
    return frozenset(names)


def _goes_on(reference: Moments, current: Moments) -> bool:
    """Whether numbers begin above those of the reference and lie no farther apart.

    They may where a window has few of them: then all of them span no more than the reference.
    Amounts times forty span more and lie farther apart; one number in all rows does not go on.
    """
    first, last = current.minimum.min(), current.maximum.max()
    start, end = reference.minimum.min(), reference.maximum.max()
    span, rows = last - first, current.rows.sum()
    if not np.isfinite(span) or first <= end or rows > span + 1:
        return False
    wider = span / (end - start)
    return bool(min(wider, wider * reference.rows.sum() / rows) <= MUCH_WIDER)


def rules_of(config: Config) -> Rules:
    """The rules for scores and verdicts of a configuration."""
    scoring, significance = config.scoring, config.significance
    return Rules(
        pseudocount=scoring.pseudocount,
        missing=scoring.missing,
        min_rows=scoring.min_rows,
        alpha=significance.alpha,
        corrected=significance.correction != "none",
    )


def _compared(
    p: Pair,
    config: Config,
    comparison: Comparison,
    unseen: NewValues,
    growing: frozenset[str],
    *,
    of_windows: bool,
    gap: str,
) -> Subject:
    feature = p.feature
    thresholds = {} if p.feature.name in growing else thresholds_of(p, config)
    return Subject(
        feature.name,
        feature.kind,
        thresholds,
        comparison,
        changed=p.changed,
        of_windows=of_windows,
        gap=gap,
        unseen=unseen,
        learned=bool(thresholds) and has_learned_limits(p, config),
    )


def _unpaired(p: Pair, config: Config) -> Subject:
    """The subject of a verdict on a feature that one side does not have."""
    if p.reference is None:
        status, reason = Status.NEW_FEATURE, "not in the reference"
    else:
        status, reason = Status.MISSING_FEATURE, "not in the current dataset"
    if p.changed:
        status, reason = Status.TYPE_CHANGED, p.changed
    if p.ambiguous:
        status, reason = Status.ERROR, p.ambiguous
    thresholds = thresholds_of(p, config)
    return Subject(p.feature.name, p.feature.kind, thresholds, status=status, reason=reason)


def has_learned_limits(p: Pair, config: Config) -> bool:
    """Whether a feature is judged by limits that are learnt: as it says itself, or all do."""
    learned = config.learned
    for name in (p.feature.column, p.feature.name):
        own = config.features.override.get(name)
        if own is not None and own.learned is not None:
            learned = own.learned
    return learned


def thresholds_of(p: Pair, config: Config) -> dict[str, Threshold]:
    """The thresholds of a feature by metric: its own, and those of all features."""
    thresholds = dict(config.thresholds)
    for name in (p.feature.column, p.feature.name):
        if name in config.features.override:
            thresholds |= config.features.override[name].thresholds
    return thresholds
