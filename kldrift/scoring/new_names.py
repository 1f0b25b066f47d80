"""A name that the reference never had and that many rows have, however many other names are new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from kldrift.arrays import Counts, Floats, Ints, OfRows
from kldrift.counting.new_values import NewValues
from kldrift.profiles.number_text import percent
from kldrift.scoring.rare_names import SURELY, names_by_rows
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.effect_tests import rise_p
from kldrift.statistics.shared_names import MOST, SharedNames

OF_NEW: Final = 0.05
"""The share of the error rate of the test of the most frequent new name."""
OF_SHARED: Final = 0.1
"""That of the test of rows that share a new name."""
ONCE: Final = 1
"""Reference rows that a name may have which is said to be new: those stand for all unseen ones."""


@dataclass(frozen=True, eq=False)
class MostFrequentNew(OfRows):
    """The most frequent new name of whole datasets, arrays of shape ``(n,)``.

    Attributes:
        x: its rows.
        n: current rows that are compared.
        m: reference rows.
        names: how many names are new.
        once: reference rows that the name may have.
        shared: rows that share one of them.
    """

    x: Counts
    n: Counts
    m: Counts
    names: Counts
    once: Counts
    shared: SharedNames

    @classmethod
    def of(
        cls, v: Verdicts, places: Ints, unseen: Sequence[NewValues], before: Sequence[int]
    ) -> Self:
        """The names of some rows, each of which has one, beside reference rows without a cell."""
        n, m = (
            v.sizes[f"n_{side}"][places]
            - (v.sizes[f"missing_{side}"][places] if v.rules.missing == "exclude" else 0)
            for side in ("current", "reference")
        )
        most = [(new.named[0][1], new.distinct) for new in unseen]
        x, names = np.array(most, dtype=np.int64).reshape(-1, 2).T
        once = np.array(before, dtype=np.int64)
        shared = _shared(v, places, unseen, n, m)
        shared.names[once > 0] = 0  # they may not be new
        return cls(x, n, m, names, np.maximum(ONCE, once), shared)

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

        Of shares that add up to 1, no more than one in so many is above a limit.
        """
        p_value = rise_p(self.x, self.n, self.once, self.m, limit)
        with np.errstate(divide="ignore"):
            p_value *= np.minimum(self.names, 1 / limit)
        others = np.minimum(others / (1 - OF_NEW - OF_SHARED), p_value / OF_NEW)
        return np.minimum(1.0, np.minimum(others, self.shared.above_p(limit) / OF_SHARED))


def _shared(
    v: Verdicts, places: Ints, unseen: Sequence[NewValues], n: Counts, m: Counts
) -> SharedNames:
    """Rows that share a new name, of some rows of verdicts."""
    rows = [np.array([rows for _, rows in new.named], dtype=np.float64) for new in unseen]
    sums = [((x * (x - 1)).sum(), (x * (x - 1)) @ (x * (x - 1)), x.max()) for x in rows]
    pairs, squares, largest = np.array(sums, dtype=np.float64).reshape(-1, 3).T
    comparisons = [v.subjects[i].comparison for i in v.of[places].tolist()]
    counted = [names_by_rows(c, MOST) for c in comparisons if c is not None]
    names, each = np.array(counted).reshape(-1, 2, MOST + 1).transpose(1, 0, 2)
    return SharedNames(pairs, squares, largest.astype(np.int64), names, each, n, m)


def most_frequent_new(v: Verdicts, rows: Ints) -> tuple[Ints, MostFrequentNew]:
    """The places among some rows of those that have a new name, and the most frequent of these."""
    named = np.array([s.comparison is not None and bool(s.unseen.named) for s in v.subjects], bool)
    at = np.flatnonzero(named[v.of[rows]] & v.whole[rows] & v.scored[rows])
    mine = [v.subjects[i] for i in v.of[rows[at]].tolist()]
    groups = v.group[rows[at]].tolist()
    before = [s.unseen_before(group) for s, group in zip(mine, groups, strict=True)]
    return at, MostFrequentNew.of(v, rows[at], [s.unseen for s in mine], before)


def with_new_names(v: Verdicts) -> Verdicts:
    """The verdicts whose largest change of a share, and test of any difference, know new names."""
    places, new = most_frequent_new(v, np.arange(len(v)))
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
    at, new = most_frequent_new(v, np.array([place]))
    if not len(at):
        return "", 0.0
    name = v.subjects[v.of[place]].unseen.named[0][0]
    (fewer,), (rise,) = new.fewer, new.rise
    if fewer > rise:
        times = percent(new.shared.pairs[0] / new.shared.expected[0])
        pairs = f"pairs of rows that share a new one are {times} of what was to be expected"
        return f"fewer different names than before: {pairs}", float(fewer)
    share, before = percent(new.x[0] / new.n[0]), percent(new.once[0] / new.m[0])
    text = f"{name!r} is new, with {share} of the rows"
    if new.once[0] > ONCE:
        text = f"{name!r} has {share} of the rows, and had {before} at most"
    return text, float(rise)
