"""A name that the reference never had, or hardly, and that many rows have.

However many other names are new, or rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np

from kldrift.arrays import Counts, Floats, Ints, OfRows
from kldrift.counting.new_values import NO_NEW_VALUES, NewValues
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.number_text import percent, plain
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.rare_names import SURELY, names_by_rows, without_cell
from kldrift.scoring.verdict import Subject, Verdicts
from kldrift.statistics.effect_tests import rise_p
from kldrift.statistics.shared_names import MOST, SharedNames

OF_NEW: Final = 0.05
"""The share of the error rate of the test of the most frequent new name."""
OF_SHARED: Final = 0.1
"""That of the test of rows that share a new name."""
ONCE: Final = 1
"""Reference rows that a name may have which is said to be new: those stand for all unseen ones."""


class Name(NamedTuple):
    """A name, its rows, those that the reference may have of it; how many such, with what rows."""

    name: str
    rows: int
    before: int
    among: int
    together: int


@dataclass(frozen=True, eq=False)
class MostFrequentNew(OfRows):
    """The most frequent new name of whole datasets, or rare one, arrays of shape ``(n,)``.

    Attributes:
        x: its rows.
        once: reference rows that the name may have.
        names: how many names it is the most frequent one of.
        together: the rows of all these.
        shared: rows that share one of them.
    """

    x: Counts
    n: Counts
    m: Counts
    once: Counts
    names: Counts
    together: Counts
    shared: SharedNames

    @classmethod
    def of(
        cls, v: Verdicts, places: Ints, most: Sequence[Name], unseen: Sequence[NewValues]
    ) -> Self:
        """The names of some rows, each of which has one, beside all that are new."""
        n, m = _compared(v, places)
        x, once, names, together = np.array([one[1:] for one in most], np.int64).reshape(-1, 4).T
        return cls(x, n, m, once, names, together, _shared(v, places, unseen, n, m))

    @property
    def rise(self) -> Floats:
        """By how much the share of the name rose, at least."""
        return np.maximum(0.0, self.x / self.n - self.once / self.m)

    @property
    def fewer(self) -> Floats:
        """The share of the rows that moved to fewer names, if it is hardly chance."""
        chance = self.shared.above_p(np.zeros(len(self.x)))
        return np.where(chance < SURELY, self.shared.share, 0.0)

    def above_p(self, limit: Floats, others: Floats) -> Floats:
        """The p-value of "this rise, or a change that was tested, is above the limit".

        Of names whose shares add up to one share, no more than fit into it are above a limit.
        """
        p_value = rise_p(self.x, self.n, self.once, self.m, limit)
        with np.errstate(divide="ignore"):
            p_value *= np.minimum(self.names, self.together / self.n / limit)
        others = np.minimum(others / (1 - OF_NEW - OF_SHARED), p_value / OF_NEW)
        return np.minimum(1.0, np.minimum(others, self.shared.above_p(limit) / OF_SHARED))


def _compared(v: Verdicts, places: Ints) -> tuple[Counts, Counts]:
    """The current and the reference rows of some rows of verdicts that are compared."""
    n, m = (
        v.sizes[f"n_{side}"][places]
        - (v.sizes[f"missing_{side}"][places] if v.rules.missing == "exclude" else 0)
        for side in ("current", "reference")
    )
    return n, m


def _shared(
    v: Verdicts, places: Ints, unseen: Sequence[NewValues], n: Counts, m: Counts
) -> SharedNames:
    """Rows that share a new name, of some rows of verdicts."""
    rows = [np.array([rows for _, rows in new.named] or [0], dtype=np.float64) for new in unseen]
    sums = [((x * (x - 1)).sum(), (x * (x - 1)) @ (x * (x - 1)), x.max()) for x in rows]
    pairs, squares, largest = np.array(sums, dtype=np.float64).reshape(-1, 3).T
    comparisons = [v.subjects[i].comparison for i in v.of[places].tolist()]
    of_windows = {id(c.reference): c for c in comparisons if c is not None}  # they share one
    counted = {key: names_by_rows(c, MOST) for key, c in of_windows.items()}
    each_of = [counted[id(c.reference)] for c in comparisons if c is not None]
    names, each = np.array(each_of).reshape(-1, 2, MOST + 1).transpose(1, 0, 2)
    subjects = zip(v.of[places].tolist(), v.group[places].tolist(), strict=True)
    before = np.array([v.subjects[i].unseen_before(group) for i, group in subjects])
    names[before > 0] = 0  # they may not be new
    return SharedNames(pairs, squares, largest.astype(np.int64), names, each, n, m)


def most_frequent_new(v: Verdicts, rows: Ints) -> tuple[Ints, list[str], MostFrequentNew]:
    """Of some rows: the places of those that have a new name, or a rare one that is frequent now.

    And the one of these that rose most.
    """
    named = [s.comparison is not None and s.unseen != NO_NEW_VALUES for s in v.subjects]
    at = np.flatnonzero(np.array(named, bool)[v.of[rows]] & v.whole[rows] & v.scored[rows])
    mine = [v.subjects[i] for i in v.of[rows[at]].tolist()]
    groups, sizes = v.group[rows[at]].tolist(), zip(*_compared(v, rows[at]), strict=True)
    most = [
        max(_names(s, group), key=lambda one: one.rows / n - one.before / m)
        for s, group, (n, m) in zip(mine, groups, sizes, strict=True)
    ]
    found = MostFrequentNew.of(v, rows[at], most, [s.unseen for s in mine])
    return at, [one.name for one in most], found


def _names(subject: Subject, group: int) -> list[Name]:
    """The most frequent new name, and the most frequent one that the reference has hardly."""
    unseen, names, comparison = subject.unseen, [], subject.comparison
    assert comparison is not None
    if unseen.named:
        before = max(ONCE, subject.unseen_before(group))
        never = _rows_in(comparison, group, CellKind.NEVER_SEEN)
        names.append(Name(*unseen.named[0], before, unseen.distinct, never))
    if unseen.known is not None:
        of = without_cell(comparison, group, chosen=not subject.of_windows)
        names.append(Name(*unseen.known, *of, _rows_in(comparison, group, CellKind.OTHER)))
    return names


def _rows_in(comparison: Comparison, group: int, kind: CellKind) -> int:
    cells = comparison.support.codes == CODES[kind]
    return int(comparison.current.counts[group, cells].sum())


def with_new_names(v: Verdicts) -> Verdicts:
    """The verdicts whose largest change of a share, and test of any difference, know new names."""
    places, _, new = most_frequent_new(v, np.arange(len(v)))
    if not len(places):
        return v
    change, p_value = (v.scores[name].copy() for name in ("value_share_change", "p_value"))
    change[places] = np.maximum.reduce([change[places], new.rise, new.fewer])
    p_value[places] = new.above_p(np.zeros(len(places)), p_value[places])
    return replace(v, scores={**v.scores, "value_share_change": change, "p_value": p_value})


def new_name_text(v: Verdicts, place: int) -> tuple[str, float]:
    """Text about new names, and their share of the rows; mostly empty.

    That one of them is frequent, or that more rows share one than were to be expected.
    """
    at, names, new = most_frequent_new(v, np.array([place]))
    if not len(at):
        return "", 0.0
    (fewer,), (rise,) = new.fewer, new.rise
    if fewer > rise:
        times = plain(new.shared.pairs[0] / new.shared.expected[0], 2)
        shared = f"rows share a new one {times} times as often as was to be expected"
        return f"fewer different names than before: {shared}", float(fewer)
    share, before = percent(new.x[0] / new.n[0]), percent(new.once[0] / new.m[0])
    text = f"{names[0]!r} is new, with {share} of the rows"
    if new.once[0] > ONCE:
        text = f"{names[0]!r} has {share} of the rows, and had {before} at most"
    return text, float(rise)
