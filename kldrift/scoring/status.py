"""Whether a group of a feature could be scored, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np

from kldrift.arrays import Bools, Counts, Floats, Ints, Texts
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.numeric_support import LARGEST_EXACT, NumericSupport
from kldrift.profiles.rebinning import CHOSEN_ROWS
from kldrift.scoring.comparison import MISSING, Comparison, Rows
from kldrift.scoring.rules import Rules


class Status(StrEnum):
    """Whether a feature could be scored, and if not, why."""

    OK = "ok"
    EMPTY = "empty"
    CONSTANT = "constant"
    TOO_FEW_ROWS = "too_few_rows"
    NEW_FEATURE = "new_feature"
    MISSING_FEATURE = "missing_feature"
    TYPE_CHANGED = "type_changed"
    ERROR = "error"


SCORED: Final = (Status.OK, Status.CONSTANT)
STATUSES: Final = tuple(Status)
PLACE: Final = {status: place for place, status in enumerate(STATUSES)}
"""What an array holds of a status: its place in ``STATUSES``."""
NO_WINDOW: Final = "no earlier window has it"
INFINITE: Final = (
    "kl is infinite: the current dataset has rows where the reference has none; "
    "set scoring.pseudocount above 0"
)


@dataclass(frozen=True, eq=False)
class Sizes:
    """Rows of one side of each group, arrays of shape ``(n,)``.

    ``compared`` are those that are scored: not the missing ones where they are left out.
    """

    rows: Ints
    missing: Ints
    compared: Ints

    @classmethod
    def of(cls, rows: Rows, missing: str) -> tuple[Self, Self]:
        """The sizes of the current and the reference rows of groups."""

        def sizes(comparison: Comparison, counts: Counts) -> Counts:
            every = counts.sum(-1)
            left_out = counts[:, MISSING[comparison.support.codes] & (missing != "cell")].sum(-1)
            return np.stack([every, counts[:, -1], every - left_out], axis=-1)

        found = np.empty((2, len(rows), 3), dtype=np.int64)
        for places, width in rows.blocks(lambda _: found.shape[-1]):
            found[:, places] = rows.counts(places, width, sizes)
        current, reference = (cls(*side.T) for side in found)
        return current, reference


_SCORED: Final = np.array([status in SCORED for status in STATUSES])


def is_scored(status: Ints) -> Bools:
    """Which statuses, as places in ``STATUSES``, go with a score."""
    return np.asarray(_SCORED[status])


def statuses(
    rows: Rows,
    current: Sizes,
    reference: Sizes,
    scores: Mapping[str, Floats],
    changed: Sequence[str],
    gaps: Sequence[str],
    rules: Rules,
) -> tuple[Ints, Texts]:
    """The status of each row, as a place in ``STATUSES``, and its reason.

    ``changed`` says how the type of a feature changed, and ``gaps`` why a reference that is made of
    windows, or the current dataset, has no rows of it.
    """
    n, m = current.rows, reference.rows
    compared = np.minimum(current.compared, reference.compared)
    only = _only_cell(rows, np.flatnonzero(scores["cells"] == 1), rules.missing)
    # The whole needs no choice of segments: a small reference is compared as it is.
    segment = np.concatenate(
        [np.empty(0, np.bool_), *(c.keys.list != ALL for c in rows.comparisons)]
    )
    # Nulls alone are of no type.
    typed = (current.missing != n) & (reference.missing != m)
    other_type = np.array([bool(text) for text in changed], dtype=np.bool_)[rows.of] & typed

    new = np.array([gap == NO_WINDOW for gap in gaps], dtype=np.bool_)[rows.of]

    def gone(i: int) -> str:
        sides = {"reference": reference, "current dataset": current}
        where = " and the ".join(name for name, side in sides.items() if not side.compared[i])
        return f"every value is missing in the {where}; scoring.missing is exclude"

    def few(i: int) -> str:
        plural = "" if compared[i] == 1 else "s"
        return f"{compared[i]} row{plural}, scoring.min_rows is {rules.min_rows}"

    def same(i: int) -> str:
        support = rows.comparisons[rows.of[i]].support
        double = isinstance(support, NumericSupport) and not support.integral
        wide = double and abs(support.pivot) >= LARGEST_EXACT  # decimals of more digits may differ
        return f"one and the same value on both sides{', to 15 digits' * wide}"

    # The first that holds says it.
    cases: list[tuple[Bools, Status, str | Callable[[int], str]]] = [
        (new, Status.NEW_FEATURE, NO_WINDOW),
        (m == 0, Status.EMPTY, lambda i: gaps[rows.of[i]] or "no rows in the reference"),
        (n == 0, Status.EMPTY, lambda i: gaps[rows.of[i]] or "no rows in the current dataset"),
        (
            segment & (m < CHOSEN_ROWS),
            Status.TOO_FEW_ROWS,
            lambda i: f"{m[i]:,} reference rows, at least {CHOSEN_ROWS} are needed",
        ),
        (other_type, Status.TYPE_CHANGED, lambda i: changed[rows.of[i]]),
        (compared == 0, Status.EMPTY, gone),
        (compared < rules.min_rows, Status.TOO_FEW_ROWS, few),
        (
            (only == CODES[CellKind.OTHER]) | (only == CODES[CellKind.NEVER_SEEN]),
            Status.CONSTANT,
            "no value is frequent enough for a cell of its own",
        ),
        (only >= 0, Status.CONSTANT, same),
        (np.isnan(scores["kl"]), Status.ERROR, INFINITE),
    ]
    status = np.full(len(rows), PLACE[Status.OK])
    reason = np.full(len(rows), "", dtype=object)
    open_ = np.ones(len(rows), dtype=np.bool_)
    for holds, what, text in cases:
        places = np.flatnonzero(holds & open_)
        status[places] = PLACE[what]
        reason[places] = text if isinstance(text, str) else [text(i) for i in places.tolist()]
        open_[places] = False
    return status, reason


def _only_cell(rows: Rows, which: Ints, missing: str) -> Ints:
    """The kind of the one cell that rows lie in, as a place in ``KINDS``; -1 for all others."""
    kinds = np.full(len(rows), -1)
    single = rows.take(which)
    for places, p, q in single.scored_blocks(missing):
        cells = (p + q).argmax(-1)
        for where, comparison, _ in single.runs(places):
            codes = comparison.rebinning.codes[cells[where]]
            told_apart = getattr(comparison.support, "rare", 0) > 0
            kinds[which[places[where]]] = np.where(
                (codes == CODES[CellKind.OTHER]) & told_apart, -1, codes
            )
    return kinds
