"""What a comparison found, row by row, for tests that look at single rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kldrift.monitor.decisive import Decisive
from kldrift.monitor.stages import Findings
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scored_cells import ScoredCells, scored_cells
from kldrift.scoring.status import STATUSES, Status
from kldrift.scoring.threshold import SEVERITIES, Severity
from kldrift.scoring.verdict import Verdicts


@dataclass(frozen=True)
class VerdictRow:
    """A row, by its place."""

    verdicts: Verdicts
    place: int

    @property
    def name(self) -> str:
        return self.verdicts.subjects[self.verdicts.of[self.place]].name

    @property
    def kind(self) -> str:
        return self.verdicts.subjects[self.verdicts.of[self.place]].kind

    @property
    def comparison(self) -> Comparison | None:
        return self.verdicts.subjects[self.verdicts.of[self.place]].comparison

    @property
    def segment(self) -> str | None:
        return self.verdicts.segment[self.place]

    @property
    def status(self) -> Status:
        return STATUSES[self.verdicts.status[self.place]]

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.verdicts.severity[self.place]]

    @property
    def reason(self) -> str:
        return self.verdicts.reason[self.place]

    @property
    def q_value(self) -> float | None:
        q = self.verdicts.q_values.smallest[self.place]
        return None if np.isnan(q) else float(q)

    @property
    def scores(self) -> dict[str, float]:
        """Those that there are."""
        found = {name: float(x[self.place]) for name, x in self.verdicts.scores.items()}
        return {name: x for name, x in found.items() if not np.isnan(x)}

    @property
    def cells(self) -> ScoredCells:
        rows = self.verdicts.rows(np.array([self.place]))
        (found,) = scored_cells(rows, self.verdicts.rules)
        return found


def rows_of(verdicts: Verdicts) -> list[VerdictRow]:
    """All rows, in the order of the tables."""
    return [VerdictRow(verdicts, place) for place in Decisive.of(verdicts).order.tolist()]


def row_of(verdicts: Verdicts, name: str, segment: str | None = None) -> VerdictRow:
    """The row of a feature, over all rows or in a segment."""
    (row,) = [r for r in rows_of(verdicts) if (r.name, r.segment) == (name, segment)]
    return row


@dataclass(frozen=True)
class Compared:
    """What the scans of a plan found, and the verdicts on it."""

    findings: Findings
    verdicts: Verdicts

    @property
    def rows(self) -> list[VerdictRow]:
        return rows_of(self.verdicts)

    def row(self, name: str) -> VerdictRow:
        return row_of(self.verdicts, name)
