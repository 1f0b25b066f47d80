"""What to know of a comparison as a whole before its scores are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kldrift.features.patterns import Patterns
from kldrift.features.plan import Skipped
from kldrift.monitor.plan import Plan
from kldrift.scoring.verdict import Verdicts

SHOWN: Final = 3
"""Columns of another type that are named; of more, their number."""


def notes_of(plan: Plan, found: Sequence[Skipped], verdicts: Verdicts) -> list[str]:
    """Say that nothing was scored, or that few columns are features; mostly there is no note.

    Args:
        plan: of the comparison.
        found: what was skipped when the data was seen.
        verdicts: of all features.
    """
    notes = [] if verdicts.scored.any() else ["no feature was scored"]
    names = {p.feature.name for p in plan.pairs}
    excluded = Patterns(plan.config.features.exclude)
    lost = {s.column for s in found if s.column in names}
    kept = {p.feature.path[0] for p in plan.pairs if p.feature.name not in lost}
    lost |= {s.column for s in plan.skipped if not excluded.match(s.column, s.column)}
    if len(kept) < len(lost):
        columns = len(kept) + len(lost)
        notes.append(f"only {len(kept)} of {columns} columns were compared: the rest is skipped")
    retyped = [f"{p.feature.name} ({p.retyped})" for p in plan.pairs if p.retyped]
    if retyped:
        rest = f" and {len(retyped) - SHOWN} more" if len(retyped) > SHOWN else ""
        notes.append(f"compared although the type is another: {', '.join(retyped[:SHOWN])}{rest}")
    return notes
