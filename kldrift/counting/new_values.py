"""The most frequent values of a text feature that the reference never had, and their rows.

All of them, while there are at most ``limit``. Of more, those with the smallest hashes are kept
with exact rows, and stand for all; the rows of all names are added up in a table of a fixed size,
by several hashes of each [1]; and the Misra-Gries step [2] keeps the names of all that are
frequent, whose rows are read from the table. So it matters neither how rows are split nor how they
come.

References:
    [1] Cormode, G. and Muthukrishnan, S. (2005). An improved data stream summary: the count-min
        sketch and its applications. Journal of Algorithms 55(1), 58-75.
    [2] Agarwal, P. K. et al. (2013). Mergeable summaries. ACM Transactions on Database Systems
        38(4), 26.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, Self

import numpy as np
import pyarrow as pa

from kldrift.arrays import Counts, Hashes, Ints
from kldrift.counting.frequent_names import COLUMNS, FrequentNames, rows_in, table_of
from kldrift.statistics.hashing import scatter, text_hashes

SAMPLED: Final = 4
"""One in so many of the names that are kept are those with the smallest hashes."""
FREQUENT: Final = 0.005
"""Share of the rows from which a name is frequent: no name that is kept by chance has as much."""


class NewName(NamedTuple):
    """A value that the reference never had, its rows, and how many such values it stands for."""

    name: str
    rows: int
    stands_for: float


@dataclass(frozen=True)
class NewValues:
    """The most frequent values that the reference never had.

    Attributes:
        named: names and rows, the most frequent first, equal ones by name.
        distinct: how many there are; of very many an estimate.
        known: beside these, the most frequent one of those that the reference had in too few rows
            for a cell, with its rows; None if none is frequent.
    """

    named: tuple[tuple[str, int], ...] = ()
    distinct: int = 0
    known: tuple[str, int] | None = None

    @classmethod
    def of(
        cls, names: Iterable[NewName], known: tuple[str, int] | None = None, most: int = 1000
    ) -> Self:
        """The values of a whole dataset, or of a window."""
        ordered = sorted(names, key=lambda new: (-new.rows, new.name))
        distinct = max(len(ordered), round(sum(new.stands_for for new in ordered)))
        return cls(tuple((new.name, new.rows) for new in ordered[:most]), distinct, known)


NO_NEW_VALUES: Final = NewValues()


@dataclass(frozen=True, eq=False)
class NewNames:
    """Names that are new, and their rows; a commutative monoid under ``+``.

    Attributes:
        share: of all new names, the share that can be told from the reference's.
        names: distinct, a string array without nulls.
        rows: of each; less than that for names that are only frequent, once there is a table.
        table: rows by parts of the hash, shape ``(4 * 4096,)``; None while no name is missing.
        known: the frequent ones of the names that are known, but have no cell.
    """

    limit: int
    share: float
    names: pa.Array
    hashes: Hashes
    rows: Counts
    table: Counts | None = None
    known: FrequentNames = field(default_factory=FrequentNames.none)

    @classmethod
    def empty(cls, limit: int, share: float = 1.0) -> Self:
        """No names: the neutral element of ``+``."""
        return cls(limit, share, pa.array([], pa.string()), np.empty(0, np.uint64), _NO_ROWS)

    def with_names(self, names: pa.Array, rows: Counts) -> Self:
        """A copy with other names, which must be distinct."""
        hashes = scatter(text_hashes(names).view(np.int64))  # others than those of known names
        return replace(self, names=names, hashes=hashes, rows=rows, table=None).pruned()

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: Self) -> Self:
        return self.plus([other])

    def plus(self, others: Sequence[Self]) -> Self:
        """The sum of several, in one step."""
        parts = (self, *others)
        encoded = pa.concat_arrays([part.names for part in parts]).dictionary_encode()
        codes = encoded.indices.to_numpy()
        rows = np.concatenate([part.rows for part in parts])
        hashes = np.empty(len(encoded.dictionary), dtype=np.uint64)
        hashes[codes] = np.concatenate([part.hashes for part in parts])
        any_table = any(part.table is not None for part in parts)
        return replace(
            self,
            names=encoded.dictionary,
            hashes=hashes,
            rows=np.bincount(codes, rows, len(hashes)).astype(np.int64),
            table=np.sum([part.counted for part in parts], axis=0) if any_table else None,
            known=self.known.plus([part.known for part in others]),
        ).pruned()

    @property
    def counted(self) -> Counts:
        """The table of all rows."""
        return table_of(self.hashes, self.rows) if self.table is None else self.table

    @property
    def _cutoff(self) -> np.uint64:
        """The largest hash of the names that stand for all."""
        sampled = self.limit // SAMPLED
        return np.uint64(np.partition(self.hashes, sampled - 1)[sampled - 1])

    def pruned(self) -> Self:
        """At most ``limit`` names: the Misra-Gries step, for those that do not stand for all."""
        if len(self) <= self.limit:
            return self
        sampled = self.hashes <= self._cutoff
        rest = np.where(sampled, 0, self.rows)
        place = -(self.limit - self.limit // SAMPLED) - 1
        off = np.partition(rest, place)[place]
        keep = sampled | (rest > off)
        return replace(
            self,
            names=self.names.filter(pa.array(keep)),
            hashes=self.hashes[keep],
            rows=np.where(sampled, self.rows, self.rows - off)[keep],
            table=self.counted,
        )

    def most(self) -> list[NewName]:
        """All names; of too many, the frequent ones, and those that stand for all."""
        keep, rows, each = np.ones(len(self), np.bool_), self.rows, np.ones(len(self))
        if self.table is not None:
            total = int(self.table[:COLUMNS].sum())
            about = rows_in(self.table, self.hashes)
            sampled = self.hashes <= self._cutoff
            keep, rows = sampled | (about >= FREQUENT * total), np.where(sampled, rows, about)
            each = np.where(sampled, 2**64 / float(self._cutoff), 0.0)
        columns = self.names.filter(pa.array(keep)), rows[keep], each[keep] / self.share
        return [NewName(*new) for new in zip(*(c.tolist() for c in columns), strict=True)]


_NO_ROWS: Final[Ints] = np.empty(0, dtype=np.int64)
