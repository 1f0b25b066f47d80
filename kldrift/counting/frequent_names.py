"""The frequent ones of many names, and their rows, by window.

The rows of all names are added up in a small table, by two hashes of each [1]. A name that has a
share of all rows has it in one part of them at least, however they are split: so each part keeps
its frequent names alone, and it matters neither how rows are split nor how they come.

References:
    [1] Cormode, G. and Muthukrishnan, S. (2005). An improved data stream summary: the count-min
        sketch and its applications. Journal of Algorithms 55(1), 58-75.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from kldrift.arrays import Counts, Hashes, Ints
from kldrift.counting.row_groups import RowGroups
from kldrift.statistics.hashing import scatter

COLUMNS: Final = 4096
SHIFTS: Final = np.array([0, 12, 24, 36], dtype=np.uint64)
"""Where in a hash the column of each row of a table stands."""
KEPT: Final = 0.005
"""Share of a window's rows from which a name is kept, in each part."""
AT_ONCE: Final = 2**20
"""Names of windows whose rows are added up before they are hashed."""
SUMS_AT_ONCE: Final = 8
"""Of so many batches the names are added up together."""
FREQUENT: Final = 0.01
"""Share from which it is told, if it has the rows of a column, too, which others may share."""


NO_ROWS: Final = np.zeros(len(SHIFTS) * COLUMNS, dtype=np.int64)
"""The table of no names."""


@dataclass(frozen=True, eq=False)
class NamesOf:
    """The names of a dictionary that are looked at: their places in it, the names, their hashes."""

    places: Ints
    names: pa.Array
    hashes: Hashes

    @cached_property
    def columns(self) -> Ints:
        """Where each has its rows in a table, part by part."""
        return np.ascontiguousarray(places(self.hashes).T).ravel()

    @cached_property
    def numbers(self) -> Ints:
        """The number of each among these by its place; -1 for other places, and for those of none.

        The last two are those of no name.
        """
        numbers = np.full(int(self.places[-1]) + 3, -1)
        numbers[self.places] = np.arange(len(self.places))
        return numbers


@dataclass(frozen=True, eq=False)
class FrequentNames:
    """Names with many of the rows of a window; a commutative monoid under ``+``.

    Attributes:
        windows: increasing, shape ``(w,)``; one, which is 0, where there are none.
        rows: of all names of each.
        table: rows by parts of the hash, shape ``(4 * 4096,)``.
        names: those that are kept, shape ``(k,)``; one of several windows comes as often.
        hashes: of each and its window.
    """

    windows: Ints
    rows: Counts
    table: Counts
    names: pa.Array
    window: Ints
    hashes: Hashes

    @classmethod
    def none(cls) -> Self:
        """No names: the neutral element of ``+``."""
        empty = np.empty(0, np.int64)
        return cls(empty, empty, NO_ROWS, pa.array([], pa.string()), empty, empty.view(np.uint64))

    def __getstate__(self) -> dict[str, Any]:
        """The table in as few bytes as its largest number needs: there is one for each column."""
        table = self.table.astype(np.min_scalar_type(self.table.max()))
        return self.__dict__ | {"table": table if len(self.windows) else None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        table = state["table"]
        wide = NO_ROWS if table is None else table.astype(np.int64)
        self.__dict__.update(state | {"table": wide})

    @classmethod
    def of(cls, known: NamesOf, which: Ints, rows: Counts, windows: Ints, place: Ints) -> Self:
        """Some of the names, each once in a window, with their rows, and the place of the window.

        Args:
            known: the names.
            which: their places among these, shape ``(n,)``.
            rows: of each.
            windows: increasing.
            place: that of each name's window.
        """
        total = np.bincount(place, rows, len(windows)).astype(np.int64)
        hashes = known.hashes[which] ^ scatter(windows)[place]
        keep = np.flatnonzero(rows >= KEPT * total[place])
        kept = known.names.take(pa.array(which[keep])), windows[place[keep]], hashes[keep]
        return cls(windows, total, table_of(hashes, rows), *kept)

    @classmethod
    def of_window(cls, known: NamesOf, rows: Counts, window: int) -> Self:
        """All of the names in one window, with the rows of each.

        The parts of a hash are those of the name and of the window, bit by bit: the table of names
        is in another order for each window.
        """
        table = np.bincount(known.columns, np.tile(rows, len(SHIFTS)), len(NO_ROWS))
        windows, total = np.array([window]), np.array([rows.sum()])
        moved = np.repeat(places(scatter(windows))[0] & (COLUMNS - 1), COLUMNS)
        table = table[np.arange(len(NO_ROWS)) ^ moved].astype(np.int64)
        keep = np.flatnonzero((rows >= KEPT * total) & (rows > 0))
        hashes = known.hashes[keep] ^ scatter(windows)
        kept = known.names.take(pa.array(keep)), np.full(len(keep), window), hashes
        return cls(windows, total, table, *kept)

    def __add__(self, other: Self) -> Self:
        return self.plus([other])

    def plus(self, others: Sequence[Self]) -> Self:
        """The sum of several, in one step."""
        parts = [part for part in (self, *others) if len(part.windows)]
        if len(parts) < 2:
            return (*parts, self)[0]
        windows, place = np.unique(
            np.concatenate([part.windows for part in parts]), return_inverse=True
        )
        rows = np.concatenate([part.rows for part in parts])
        hashes, first = np.unique(
            np.concatenate([part.hashes for part in parts]), return_index=True
        )
        return type(self)(
            windows,
            np.bincount(place, rows, len(windows)).astype(np.int64),
            np.sum([part.table for part in parts], axis=0),
            pa.concat_arrays([part.names for part in parts]).take(pa.array(first)),
            np.concatenate([part.window for part in parts])[first],
            hashes,
        ).pruned()

    def pruned(self) -> Self:
        """Only the names that may have the share from which a name is kept."""
        keep = self._at_most >= KEPT * self._of_window
        kept = self.names.filter(pa.array(keep)), self.window[keep], self.hashes[keep]
        return type(self)(self.windows, self.rows, self.table, *kept)

    @property
    def _of_window(self) -> Counts:
        """The rows of the window of each name."""
        return self.rows[np.searchsorted(self.windows, self.window)]

    @property
    def _at_most(self) -> Counts:
        """The rows of each name and of those in its column."""
        return np.asarray(self.table[places(self.hashes)].min(-1))

    def most(self) -> dict[int, tuple[str, int]]:
        """The most frequent name of each window that has a frequent one, and about its rows."""
        about, total = rows_in(self.table, self.hashes), self.rows.sum()
        frequent = about >= np.maximum(FREQUENT * self._of_window, total / COLUMNS)
        columns = self.window, about, self.names.to_pylist(), frequent
        ordered = sorted(zip(*columns, strict=True), key=lambda one: (one[1], one[2]))
        return {int(w): (name, int(rows)) for w, rows, name, told in ordered if told}


def table_of(hashes: Hashes, rows: Counts) -> Counts:
    """A table of the rows of names, shape ``(4 * 4096,)``."""
    weights = np.repeat(rows, len(SHIFTS))
    table = np.bincount(places(hashes).ravel(), weights, len(SHIFTS) * COLUMNS)
    return table.astype(np.int64)


def rows_in(table: Counts, hashes: Hashes) -> Counts:
    """About the rows of names: what a table has of each, less what others add on average."""
    total, most = int(table[:COLUMNS].sum()), table[places(hashes)].min(-1)
    return np.asarray(np.rint(most - (total - most) / (COLUMNS - 1)), dtype=np.int64)


def places(hashes: Hashes) -> Ints:
    """The places of each hash in a table, shape ``(n, 4)``."""
    columns = (hashes[:, None] >> SHIFTS) & np.uint64(COLUMNS - 1)
    return columns.astype(np.int64) + np.arange(len(SHIFTS)) * COLUMNS


class FrequentNamesCounter:
    """Adds up the rows of names, batch by batch; those of one dictionary before they are hashed."""

    def __init__(self) -> None:
        self._sums = [FrequentNames.none()]
        self._names: NamesOf | None = None
        self._rows: dict[int, Counts] = {}
        self._place_of: dict[int, int] = {}
        self._cells: list[Ints] = []

    def add(self, names: NamesOf, rows: Counts, window: int) -> None:
        """Add the rows of each name in one window."""
        if names is not self._names or len(self._rows) * len(rows) > AT_ONCE:
            self._set_down()
        self._names = names
        self._rows[window] = self._rows.get(window, 0) + rows

    def add_rows(
        self, names: NamesOf, codes: Ints, rows: RowGroups | None, starts: Ints | None
    ) -> None:
        """Add rows by the places of their names, less than 0 for none, and by their windows."""
        size = len(names.places)
        if not size:
            return
        numbers = names.numbers[np.minimum(codes, len(names.numbers) - 2)]
        if rows is None or starts is None:
            self.add(names, np.bincount(numbers[numbers >= 0], minlength=size), 0)
            return
        if names is not self._names or sum(map(len, self._cells)) > AT_ONCE:
            self._set_down()
        self._names, place_of = names, np.zeros(rows.groups, np.int64)
        for number in rows.used.tolist():
            window = int(starts[number])
            place_of[number] = self._place_of.setdefault(window, len(self._place_of)) * size
        there = numbers >= 0
        self._cells.append((numbers + place_of[rows.numbers])[there])

    def _set_down(self) -> None:
        """Hash the names of the dictionary so far."""
        names, cells, windows = self._names, self._cells, np.array([*self._place_of], np.int64)
        self._rows, rows_of = {}, self._rows
        self._cells, self._place_of = [], {}
        if names is not None and cells:
            size = len(names.places)
            if len(windows) * size <= AT_ONCE:
                counts = np.bincount(np.concatenate(cells), minlength=len(windows) * size)
                of_windows = zip(windows.tolist(), counts.reshape(-1, size), strict=True)
                rows_of |= {w: rows_of.get(w, 0) + rows for w, rows in of_windows}
            else:
                met, sizes = np.unique(np.concatenate(cells), return_counts=True)
                place, which = np.divmod(met, size)
                order = np.argsort(windows)
                place = np.argsort(order)[place]
                self._sum_up(FrequentNames.of(names, which, sizes, windows[order], place))
        for window, rows in rows_of.items():
            assert names is not None
            self._sum_up(FrequentNames.of_window(names, rows, window))

    def _sum_up(self, *more: FrequentNames, most: int = SUMS_AT_ONCE) -> None:
        self._sums += more
        if len(self._sums) > most:
            self._sums = [self._sums[0].plus(self._sums[1:])]

    def total(self) -> FrequentNames:
        """The frequent names of all rows so far."""
        self._set_down()
        self._sum_up(most=1)
        return self._sums[0]
