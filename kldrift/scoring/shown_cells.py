"""The cells of a row that its reason shows: those that changed most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

import numpy as np

from kldrift.arrays import Bools, Ints, Texts
from kldrift.profiles.cells import CellKind, among
from kldrift.scoring.comparison import MISSING, Comparison
from kldrift.scoring.reasons import stored_cell_name
from kldrift.scoring.scored_cells import ScoredCells, scored_cells
from kldrift.scoring.scores import IN_ORDER, cell_kinds, judged_cells
from kldrift.scoring.verdict import Verdicts

SEVERAL: Final = among(
    CellKind.BIN,
    CellKind.UNDERFLOW,
    CellKind.OVERFLOW,
    CellKind.OTHER,
    CellKind.NEVER_SEEN,
)
"""Cells that may hold more than one value."""


@dataclass(frozen=True, eq=False)
class ShownRow:
    """A row of the verdicts, and its scored cells that changed most.

    Attributes:
        number: the row's place among those that were asked for.
        place: its place among the verdicts.
        comparison: of its feature.
        cells: the scored cells of rows that have as many.
        at: the row's place among these.
        top: the cells that changed most, the first one most.
        names: what these are called.
        reference: their shares of the reference's rows.
        current: their shares of the current rows.
        single: the cell of the only value of the current rows; -1 for several.
        flag: whether there are two values at most, of which there is no spread to tell.
        chance: about how much a share differs without any drift, in units of its square root.
        name: what a cell with reference rows is called.
    """

    number: int
    place: int
    comparison: Comparison
    cells: ScoredCells
    at: int
    top: Sequence[int]
    names: Sequence[str]
    reference: Sequence[float]
    current: Sequence[float]
    single: int
    flag: bool
    chance: float
    name: Callable[[int], str]

    @property
    def kind(self) -> CellKind:
        """The kind of the cell that changed most."""
        return self.comparison.rebinning.cells[self.top[0]].kind

    def shown(self, i: int) -> tuple[str, float, float]:
        """The name and the shares of one of the cells that changed most."""
        return self.names[i], self.reference[i], self.current[i]


def shown_rows(verdicts: Verdicts, places: Ints, deciding: Texts, most: int) -> Iterator[ShownRow]:
    """The cells of some rows that changed most, so many of each; rows of one width together."""
    rows, subjects = verdicts.rows(places), verdicts.subjects
    alone = np.array([s.kind == "category" for s in subjects], dtype=np.bool_)
    weekdays = {i for i, s in enumerate(subjects) if s.name.startswith("weekday(")}

    @cache
    def name(comparison: int, cell: int, *, seen: bool = True) -> str:
        rebinning = rows.comparisons[comparison].rebinning
        return stored_cell_name(
            rebinning.cells[cell], rebinning.support, seen=seen, weekday=comparison in weekdays
        )

    for cells in scored_cells(rows, verdicts.rules):
        top = cells.most_moved(most)
        kinds = cell_kinds(rows, cells.places, cells.occupied.shape)
        by_share = [deciding[i] == "value_share_change" for i in places[cells.places]]
        judged = judged_cells(cells.rows_reference, kinds)["value_share_change"]
        cells.put_first(top, judged, np.array(by_share, dtype=np.bool_))
        mine = alone[rows.of[cells.places]]
        top[mine] = np.sort(top[mine], axis=-1)  # the category itself stands first
        seen = np.take_along_axis(cells.rows_reference, top, -1) > 0
        single, flags = _few_values(cells, kinds)
        sizes = (side.sum(-1) for side in (cells.rows_current, cells.rows_reference))
        chance = np.sqrt(sum(1 / np.maximum(1, size) for size in sizes))
        reference, current = (shares.tolist() for shares in cells.shares(top))
        for at, number in enumerate(cells.places.tolist()):
            of, best = int(rows.of[number]), top[at].tolist()
            yield ShownRow(
                number,
                int(places[number]),
                rows.comparisons[of],
                cells,
                at,
                best,
                [name(of, i, seen=s) for i, s in zip(best, seen[at].tolist(), strict=True)],
                reference[at],
                current[at],
                int(single[at]),
                bool(flags[at]),
                float(chance[at]),
                partial(name, of),
            )


def _few_values(cells: ScoredCells, kinds: Ints) -> tuple[Ints, Bools]:
    """The cell of the only value of the current rows, -1 for several; and where two are all.

    Nulls are none where several of the reference's values are gone.
    """
    occupied, before = (side > 0 for side in (cells.rows_current, cells.rows_reference))
    values = occupied & ~MISSING[kinds]
    several_gone = (before & ~values & ~MISSING[kinds]).sum(-1) > 1
    occupied = np.where((several_gone & values.any(-1))[:, None], values, occupied)
    only = np.where(occupied.sum(-1) == 1, occupied.argmax(-1), -1)
    several, numbers = SEVERAL[kinds], occupied & IN_ORDER[kinds]
    single = np.where(np.take_along_axis(several, only[:, None], -1)[:, 0], -1, only)
    return single, (numbers.sum(-1) <= 2) & ~(numbers & several).any(-1)
