"""From counts to findings: what was counted of a dataset or a window, scored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import accumulate, pairwise
from typing import Final

import pandas as pd

from kldrift.arrays import Floats
from kldrift.counting.new_values import NewValues
from kldrift.execution.progress import Progress
from kldrift.monitor.groups import left_out, rows_of_rest
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Counting, Engine, Findings, Reference, counting, rows_read
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile, aligned
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scores import score
from kldrift.scoring.segment_splits import COLUMNS, segment_splits
from kldrift.tables.lists import batches
from kldrift.tables.window import Window

CELLS_AT_ONCE: Final = 2**22
"""Stored cells of the windows that are scored together: bounds their memory."""


@dataclass(frozen=True, eq=False)
class WindowCounts:
    """What was counted of a dataset or of one window, and what it is compared with."""

    plan: Plan
    reference: Reference
    what: Counting
    current: Sequence[Profile]
    together: Sequence[JointProfile]
    window: Window | None = None
    unseen: Mapping[str, NewValues] = field(default_factory=dict)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Of each feature, both profiles for the same groups, without the rows of no segment."""
        sides = zip(self.current, self.what.references(self.reference), strict=True)
        return tuple(
            Comparison.of(current, before, rebinning) for current, (before, rebinning) in sides
        )


def count_current(plan: Plan, reference: Reference, engine: Engine, progress: Progress) -> Findings:
    """Count the current dataset of a plan in one scan, and score it."""
    progress.stage("current: counting and scoring")
    what, scoring = counting(plan, reference), plan.config.scoring
    (current, together, unseen), scores = engine.count_and_score(
        what.program, what.references(reference), scoring.pseudocount, scoring.missing
    )
    names = [p.feature.name for p in what.pairs]
    rows_read(current, names, plan.current.rows)
    new = {names[n]: NewValues.of(s.most(), s.known.most().get(0)) for n, s in unseen.items()}
    return _findings_of(WindowCounts(plan, reference, what, current, together, unseen=new), scores)


def findings_of(
    counted: Iterable[WindowCounts], most: int = CELLS_AT_ONCE
) -> Iterator[tuple[WindowCounts, Findings]]:
    """The findings about each of some windows of one configuration; several are scored together.

    They are asked for as they are needed: with ``most`` 1, none before the findings of the one
    before it have been dealt with.
    """
    for batch in batches(counted, lambda one: stored_cells(one.comparisons), most):
        yield from _together(batch)


def stored_cells(comparisons: Sequence[Comparison]) -> int:
    """The stored cells of the current sides of some comparisons."""
    return sum(c.current.counts.size for c in comparisons)


def _together(counted: Sequence[WindowCounts]) -> Iterator[tuple[WindowCounts, Findings]]:
    scoring = counted[0].plan.config.scoring
    scores = score(
        [c for one in counted for c in one.comparisons],
        pseudocount=scoring.pseudocount,
        missing=scoring.missing,
    )
    ends = accumulate((sum(map(len, one.comparisons)) for one in counted), initial=0)
    for one, (start, stop) in zip(counted, pairwise(ends), strict=True):
        yield one, _findings_of(one, {name: values[start:stop] for name, values in scores.items()})


def _findings_of(counted: WindowCounts, scores: Mapping[str, Floats]) -> Findings:
    """The findings about rows that were counted."""
    plan, reference, what = counted.plan, counted.reference, counted.what
    one = counted.current[0] if counted.current else None
    rows = int(one.of_list(ALL).rows.sum()) if one is not None else plan.current.rows
    skipped, most = list(what.skipped), plan.config.scoring.max_segments
    if one is not None:
        name = what.pairs[0].feature.name
        then = reference.of_splits.get(name, reference.profiles[name])
        for k, (segments, known) in enumerate(zip(plan.segments, reference.segments, strict=True)):
            rest = rows_of_rest(then, k), rows_of_rest(one, k)
            why = left_out(segments, known, rest, most)
            skipped += [why] if why else []
    together = zip(what.joint, counted.together, strict=True)
    return Findings(
        what.pairs,
        counted.comparisons,
        tuple(counted.current),
        scores,
        tuple((j, reference.joint[j.name], p) for j, p in together),
        tuple(skipped),
        reference,
        rows,
        counted.unseen,
    )


def splits_of(plan: Plan, findings: Findings) -> Callable[[], pd.DataFrame]:
    """How to make one row per feature and list of segments; see `segment_splits`."""
    known = zip(plan.segments, findings.reference.segments, strict=True)
    names = [pair.feature.name for pair in findings.pairs]
    return partial(
        _table,
        [
            (name, _with_all_windows(comparison, findings.reference.of_splits.get(name)))
            for name, comparison in zip(names, findings.comparisons, strict=True)
        ],
        [(segments.name, values.names) for segments, values in known],
        plan.config.scoring.missing,
        plan.config.scoring.pseudocount,
    )


def _with_all_windows(comparison: Comparison, reference: Profile | None) -> Comparison:
    if reference is None:
        return comparison
    return Comparison(*aligned(comparison.current, reference), comparison.rebinning)


def _table(
    comparisons: Sequence[tuple[str, Comparison]],
    lists: Sequence[tuple[str, Sequence[str]]],
    missing: str,
    pseudocount: float,
) -> pd.DataFrame:
    rows = list(segment_splits(comparisons, lists, missing, pseudocount))
    return pd.DataFrame(rows, columns=list(COLUMNS))
