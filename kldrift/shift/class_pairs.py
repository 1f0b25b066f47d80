"""How many rows have each pair of likeliest classes, the champion's and the challenger's.

There may be as many pairs as classes squared, and nobody knows before the scan which are frequent.
So classes with large numbers are counted as one where there are too many pairs: from a bound on,
which is halved until the pairs fit. More rows never raise it, so that the bound and the counts are
the same however rows are parted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa

from kldrift.arrays import Ints
from kldrift.profiles.group_keys import begins

MOST_PAIRS: Final = 2**17
"""Pairs of all windows that are kept: 4 MB."""
NO_BOUND: Final = 2**31
OWN: Final = 20
"""Classes of a window that are written by their numbers, the most frequent ones."""
OTHER: Final = -1
"""The number that stands for all other classes."""
PAIRS: Final = pa.schema(
    [(name, pa.int64()) for name in ("window", "champion", "challenger", "rows")]
)


@dataclass(frozen=True, eq=False)
class ClassPairs:
    """Rows by window and pair of classes; a commutative monoid under ``+``. Shape ``(n,)`` each.

    Attributes:
        window: the start of the window, increasing.
        champion: the champion's likeliest class by number, or ``OTHER``.
        challenger: the challenger's.
        bound: classes from here on are ``OTHER``.
    """

    window: Ints
    champion: Ints
    challenger: Ints
    rows: Ints
    bound: int = NO_BOUND

    @classmethod
    def none(cls) -> Self:
        """No rows."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing)

    @classmethod
    def of(cls, window: Ints, champion: Ints, challenger: Ints) -> Self:
        """Count rows that were compared.

        Examples:
            >>> rows = np.array([[0, 0, 0], [1, 0, 1], [1, 2, 1]])
            >>> ClassPairs.of(*rows).top().to_pydict()["rows"]
            [1, 2]
        """
        if not len(window):
            return cls.none()
        windows, at = np.unique(window, return_inverse=True)
        classes = int(max(champion.max(), challenger.max())) + 1
        codes = (at * classes + champion) * classes + challenger  # of a batch: far below 2**63
        codes, rows = np.unique(codes, return_counts=True)
        pairs, challenger = np.divmod(codes, classes)
        at, champion = np.divmod(pairs, classes)
        return cls(windows[at], champion, challenger, rows.astype(np.int64))

    def __add__(self, other: Self) -> Self:
        return self.sum((self, other))

    @classmethod
    def sum(cls, several: Sequence[Self]) -> Self:
        """The sum of one or more counts."""
        window, champion, challenger, rows = (
            np.concatenate([getattr(s, name) for s in several]) for name in PAIRS.names
        )
        total = cls(window, champion, challenger, rows).below(min(s.bound for s in several))
        while len(total.rows) > MOST_PAIRS and total.bound > 1:
            total = total.below(total.bound // 2)
        return total

    def below(self, bound: int) -> Self:
        """Count classes from a bound on as one, and each pair of a window once."""
        champion, challenger = (
            np.where(side < bound, side, OTHER) for side in (self.champion, self.challenger)
        )
        order = np.lexsort((challenger, champion, self.window))
        columns = [column[order] for column in (self.window, champion, challenger)]
        starts = np.flatnonzero(begins(columns))
        rows = np.add.reduceat(self.rows[order], starts) if len(starts) else self.rows
        window, champion, challenger = (column[starts] for column in columns)
        return type(self)(window, champion, challenger, rows, bound)

    def top(self) -> pa.Table:
        """The pairs of each window's most frequent classes; the others are one class, null."""
        kept = [self._of_window(start) for start in np.unique(self.window).tolist()]
        pairs = self.sum([self.none(), *kept])
        columns = [pa.array(getattr(pairs, name)) for name in PAIRS.names]
        for i in (1, 2):
            columns[i] = pa.array(columns[i].to_numpy(), mask=columns[i].to_numpy() == OTHER)
        return pa.table(columns, schema=PAIRS)

    def _of_window(self, start: int) -> ClassPairs:
        inside = self.window == start
        sides = [self.champion[inside], self.challenger[inside]]
        rows = self.rows[inside]
        classes, at = np.unique(np.concatenate(sides), return_inverse=True)
        size = np.bincount(at, np.tile(rows, 2))
        order = np.lexsort((classes, -size))
        own = classes[order][classes[order] != OTHER][:OWN]
        champion, challenger = (np.where(np.isin(side, own), side, OTHER) for side in sides)
        return ClassPairs(self.window[inside], champion, challenger, rows)


class PairCounter:
    """Counts the pairs of a task's rows."""

    def __init__(self) -> None:
        self._kept: list[ClassPairs] = [ClassPairs.none()]

    def add(self, window: Ints, champion: Ints, challenger: Ints) -> None:
        """Count rows that were compared; see :class:`ClassPairs`."""
        self._kept.append(ClassPairs.of(window, champion, challenger))
        if sum(len(pairs.rows) for pairs in self._kept) > 2 * MOST_PAIRS:
            self.pairs()

    def pairs(self) -> ClassPairs:
        """What was counted."""
        self._kept = [ClassPairs.sum(self._kept)]
        return self._kept[0]
