"""Verdicts: status, severity and reason of every group of every feature, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from kldrift.arrays import Bools, Floats, Ints, Texts
from kldrift.counting.new_values import NO_NEW_VALUES, NewValues
from kldrift.profiles.cells import CODES, CellKind
from kldrift.scoring.comparison import Alike, Comparison, Rows
from kldrift.scoring.joint_result import JointResult
from kldrift.scoring.metrics import JOINT_METRICS, NUMERIC_ONLY, Threshold
from kldrift.scoring.rules import Rules
from kldrift.scoring.status import PLACE, STATUSES, Status, is_scored
from kldrift.scoring.threshold import RANK, SEVERITIES, QValues, Severity

SIZES: Final = ("n_reference", "n_current", "missing_reference", "missing_current")


@dataclass(frozen=True, eq=False)
class Subject:
    """The subject of verdicts: a feature in all its groups, or joint features.

    Attributes:
        comparison: of a feature that was counted on both sides.
        changed: how the type of that feature changed; empty if it did not.
        of_windows: whether its reference is made of windows, which did not choose its cells.
        gap: why these have no rows of it; empty where they do.
        status: of what has no comparison, as all that follows.
        unseen: of names: values that the reference never had, in the whole of the current dataset.
        learned: whether it is held to limits that are learnt, too.
        segment: of what has no comparison: its segment; None for the whole dataset.
        rows: of what has no comparison: reference and current rows; -1 where they are not known.
    """

    name: str
    kind: str
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    comparison: Comparison | None = None
    changed: str = ""
    of_windows: bool = False
    gap: str = ""
    status: Status = Status.OK
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    joint: JointResult | None = None
    unseen: NewValues = NO_NEW_VALUES
    learned: bool = False
    segment: str | None = None
    rows: tuple[int, int] | None = None
    sentence: str = ""

    def unseen_before(self, group: int) -> int:
        """Reference rows of a group whose values have no cell, where they may be the new ones."""
        if self.comparison is None or not self.of_windows:
            return 0  # of what chose the cells, rare values stand for those that were never seen
        reference = self.comparison.reference
        never = reference.support.codes == CODES[CellKind.NEVER_SEEN]
        return int(reference.counts[group, never].sum())

    @cached_property
    def applicable(self) -> dict[str, Threshold]:
        """The thresholds that apply to it: order and moments are for numbers only."""
        if self.kind in ("numeric", "volume"):
            return dict(self.thresholds)
        if self.kind == "joint":
            return {m: t for m, t in self.thresholds.items() if m in JOINT_METRICS}
        return {m: t for m, t in self.thresholds.items() if m not in NUMERIC_ONLY}


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The rows of ``drift_scores``, before they are written.

    First the groups of the subjects that were compared, subject by subject, then one row for each
    of the others. Arrays have shape ``(n,)``.

    Attributes:
        subjects: what the verdicts are about, those that were compared first.
        of: the place of each row's subject.
        group: the place of its group in the comparison of its subject.
        segment: the name of its segment; None for the whole dataset.
        status: as a place in ``STATUSES``.
        reason: why there is no score, or what moved; empty if there is nothing to say.
        q_values: how sure it is that their limits are exceeded.
        sizes: rows and missing rows of both sides, by name; -1 where a side was not counted.
        rules: how scores and verdicts came about.
    """

    subjects: Sequence[Subject]
    of: Ints
    group: Ints
    segment: Texts
    status: Ints
    reason: Texts
    scores: Mapping[str, Floats]
    severity: Ints
    q_values: QValues
    sizes: Mapping[str, Ints]
    rules: Rules

    def __len__(self) -> int:
        return len(self.of)

    @cached_property
    def whole(self) -> Bools:
        """The rows of whole datasets; the others are segments."""
        return np.array([name is None for name in self.segment.tolist()], dtype=np.bool_)

    @cached_property
    def scored(self) -> Bools:
        """The rows that have a score."""
        return is_scored(self.status)

    def key(self, place: int) -> tuple[str, str | None]:
        """The feature and the segment of a row."""
        return self.subjects[self.of[place]].name, self.segment[place]

    def take(self, places: Bools | Ints) -> Verdicts:
        """Select verdicts by index or by a mask."""
        names = ("of", "group", "segment", "status", "reason", "severity")
        columns: dict[str, Any] = {name: getattr(self, name)[places] for name in names}
        columns["q_values"] = self.q_values.take(places)
        for name in ("scores", "sizes"):
            columns[name] = {key: values[places] for key, values in getattr(self, name).items()}
        return replace(self, **columns)

    def rows(self, places: Ints) -> Rows:
        """Some rows of features that were compared, as rows of counts."""
        return Rows(self._compared, self.of[places], self.group[places])

    @cached_property
    def _compared(self) -> Alike:
        return Alike([s.comparison for s in self.subjects if s.comparison is not None])

    def severities(self, places: Bools | Ints | slice = slice(None)) -> list[Severity]:
        """The severities of some rows; of all by default."""
        return [SEVERITIES[rank] for rank in self.severity[places].tolist()]

    @property
    def unscored(self) -> bool:
        """Whether a feature as a whole should have been scored and could not be, or none was."""
        new = self.status == PLACE[Status.NEW_FEATURE]  # there is no reference to score it against
        lost = self.whole & ~new & (self.severity == RANK[Severity.UNSCORED])
        return bool(lost.any()) or not self.scored.any()

    def held_to(self) -> dict[str, dict[str, Threshold]]:
        """The thresholds that each feature is judged by, by its name."""
        held = {}
        for i in np.flatnonzero(self.whole).tolist():
            subject, status = self.subjects[self.of[i]], STATUSES[self.status[i]]
            if status is Status.NEW_FEATURE:
                continue  # there is no reference to hold it to
            thresholds = subject.applicable
            if status is Status.CONSTANT:
                thresholds = {
                    m: t for m, t in thresholds.items() if not np.isnan(self.scores[m][i])
                }
            held[subject.name] = thresholds
        return held
