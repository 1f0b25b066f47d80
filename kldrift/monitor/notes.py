"""Notes on a comparison as a whole, to be read before its scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from kldrift.config.problems import nearest
from kldrift.errors import first_names
from kldrift.features.names import Patterns
from kldrift.monitor.judging import growing_identifiers
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Findings
from kldrift.reporting.history import NOTHING
from kldrift.scoring.rare_names import rare_names
from kldrift.scoring.verdict import Verdicts

GROWING: Final = "; all are larger than the reference's, so no limit is held against it"
FEWEST_CELLS: Final = 20
"""Cells with rows in one feature, from which it is no chance that all counts are even."""
SHOWN: Final = 3
"""Columns of another type that are named; of more, their number."""


def notes_of(plan: Plan, findings: Findings, verdicts: Verdicts) -> list[str]:
    """Say that nothing was scored, what is misspelt or left out, or what is odd about values."""
    notes = [] if verdicts.scored.any() else [NOTHING]
    notes += plan.notes
    names = {p.feature.name for p in plan.pairs}
    excluded = Patterns(plan.config.features.exclude)
    lost = {s.column for s in findings.skipped if s.column in names}
    kept = {p.feature.path[0] for p in plan.pairs if p.feature.name not in lost}
    lost |= {s.column for s in plan.skipped if not excluded.match(s.column, s.column)}
    if len(kept) < len(lost):
        columns = len(kept) + len(lost)
        notes.append(f"only {len(kept)} of {columns} columns were compared: the rest is skipped")
    retyped = [f"{p.feature.name} ({p.retyped})" for p in plan.pairs if p.retyped]
    if retyped:
        notes.append(f"compared although the type is another: {first_names(retyped, SHOWN)}")
    aged = findings.reference.aged
    if aged:
        names_of = first_names(list(aged), SHOWN, repr)
        notes.append(
            f"cells have aged ({names_of}): run once with --refresh-reference, which chooses "
            "new ones, from which a new history begins; what was scored on the old ones stays"
        )
    alarms, known = plan.config.alarms, [*dict.fromkeys(s.name for s in verdicts.subjects)]
    for mute in alarms.mute if alarms else ():
        if not any(map(Patterns([mute.feature]).match, known)):
            end = nearest(mute.feature, known)
            notes.append(f"alarms.mute: {mute.feature!r} is no feature of these rows{end}")
    if (times := _times_repeated(verdicts)) > 1:
        each = f"all counts of the current dataset are multiples of {times:,}"
        notes.append(f"every row may be there {times:,} times: {each}, unlike the reference's")
    notes += [
        f"{name!r}: every row of the reference may be there {times:,} times, as all counts are "
        f"multiples of {times:,}; leave the copies out, or new values seem to be too many"
        for name, times in _names_repeated(verdicts)
    ]
    growing = growing_identifiers(findings)
    return notes + [
        f"{name!r}: {note}{GROWING if name in growing else ''}"
        for name, note in findings.reference.notes.items()
    ]


def _names_repeated(verdicts: Verdicts) -> Iterator[tuple[str, int]]:
    """Features of many names, none of which is there once: how many times each row seems to be."""
    for i in np.flatnonzero(verdicts.whole).tolist():
        subject = verdicts.subjects[verdicts.of[i]]
        comparison = subject.comparison
        if comparison is None or not rare_names(comparison):
            continue
        q = comparison.reference.counts[verdicts.group[i]]
        times = int(np.gcd.reduce(q))
        if times > 1 and np.count_nonzero(q) >= FEWEST_CELLS:
            yield subject.name, times


def _times_repeated(verdicts: Verdicts) -> int:
    """How many times each current row seems to be there; 1 where that may be chance."""
    reference = current = most = 0
    for i in np.flatnonzero(verdicts.whole).tolist():
        comparison, group = verdicts.subjects[verdicts.of[i]].comparison, verdicts.group[i]
        if comparison is not None:
            q, p = (side.counts[group] for side in (comparison.reference, comparison.current))
            reference = int(np.gcd.reduce(q, initial=reference))
            current = int(np.gcd.reduce(p, initial=current))
            most = max(most, int(np.count_nonzero(p)))
    return current if reference == 1 and most >= FEWEST_CELLS else 1
