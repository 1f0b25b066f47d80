"""The scored cells of groups: rows, probabilities, and what each adds to ``kl``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Counts, Ints
from kldrift.divergence.kl import kl_terms
from kldrift.divergence.probabilities import Probabilities, probabilities
from kldrift.scoring.comparison import Rows
from kldrift.scoring.rules import Rules

CLEARLY_LESS: Final = 0.75
"""Of the largest change of a share, from which a value that is gone is not told before it; of the
surest one likewise, from which the largest one is told."""
SURELY: Final = 2.0
"""Standard errors that a change of a share is taken to be less than it looks."""
CLOSE: Final = 1e-9
"""Two shares of a flag change by as much."""


@dataclass(frozen=True, eq=False)
class ScoredCells:
    """The scored cells of some rows of one width, ``(n, k)``; ``occupied`` ones have rows."""

    places: Ints
    occupied: Bools
    rows_current: Counts
    rows_reference: Counts
    current: Probabilities
    reference: Probabilities

    @cached_property
    def contributions(self) -> Probabilities:
        """What each cell adds to ``kl``, in nats."""
        return kl_terms(self.current, self.reference)

    def most_moved(self, most: int) -> Ints:
        """The cells that changed most, the first ones most, shape ``(n, most)`` or fewer."""
        # What a cell does to kl once mass is balanced: never negative, so that losses count too.
        weight = self.contributions - self.current + self.reference
        weight[~self.occupied] = -np.inf
        return np.asarray(np.argsort(-weight, axis=-1, kind="stable")[:, :most])

    def put_first(self, top: Ints, judged: Bools, rows: Bools) -> None:
        """Put the cell whose share changed most, and surely, before those that changed less.

        A value that is new, or gone, stays where it is unless it changed clearly less.
        """
        sides = self.rows_current, self.rows_reference
        n, m = (np.maximum(1, side.sum(-1, keepdims=True)) for side in sides)
        now, before = self.rows_current / n, self.rows_reference / m
        error = np.sqrt(now * (1 - now) / n + before * (1 - before) / m)
        change = abs(now - before)
        sure = np.where(judged, np.maximum(0.0, change - SURELY * error), 0.0)
        sure = sure >= CLEARLY_LESS * sure.max(-1, keepdims=True)
        first = np.where(judged & sure, change, 0.0).argmax(-1)
        shown, most = (np.take_along_axis(change, i[:, None], -1)[:, 0] for i in (top[:, 0], first))
        whole = np.take_along_axis((now == 0) | (before == 0), top[:, :1], -1)[:, 0]
        least = np.where(whole, CLEARLY_LESS, 1 - CLOSE) * most
        for i in np.flatnonzero(rows & (shown < least)).tolist():
            others = [cell for cell in top[i].tolist() if cell != first[i]]
            top[i] = [first[i], *others][: len(top[i])]

    def shares(self, cells: Ints) -> tuple[Probabilities, Probabilities]:
        """The share of the rows that some cells have, reference and current, not smoothed."""
        reference, current = (
            np.take_along_axis(side / np.maximum(1, side.sum(-1, keepdims=True)), cells, -1)
            for side in (self.rows_reference, self.rows_current)
        )
        return reference, current


@dataclass(frozen=True, eq=False)
class OccupiedCells:
    """The scored cells that either side has rows in, row after row.

    ``columns`` are known by the names of ``drift_cells``; ``at`` is a cell's place among the scored
    ones of its row.
    """

    columns: Mapping[str, NDArray[Any]]
    sizes: Ints

    @classmethod
    def of(cls, rows: Rows, rules: Rules) -> Self:
        """The cells of some rows, at least one."""
        blocks = [_occupied(cells) for cells in scored_cells(rows, rules)]
        columns = {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]}
        row = columns.pop("row")
        if (np.diff(row) < 0).any():  # rows of another number of cells stand in another block
            order = np.argsort(row, kind="stable")
            columns = {name: values[order] for name, values in columns.items()}
        return cls(columns, np.bincount(row, minlength=len(rows)))

    def take(self, rows: Ints) -> Self:
        """Select the cells of some rows."""
        sizes, begins = self.sizes[rows], (np.cumsum(self.sizes) - self.sizes)[rows]
        at = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        return type(self)({name: x[at] for name, x in self.columns.items()}, sizes)


def _occupied(cells: ScoredCells) -> dict[str, NDArray[Any]]:
    """The columns of the cells that either side has rows in."""
    row, at = np.nonzero(cells.occupied)
    inside = (row, at)
    number = np.cumsum(cells.occupied, axis=-1)[inside] - 1
    return {
        "row": cells.places[row],
        "at": at,
        "cell": number.astype(np.int32),
        "rows_reference": cells.rows_reference[inside],
        "rows_current": cells.rows_current[inside],
        "probability_reference": cells.reference[inside],
        "probability_current": cells.current[inside],
        "contribution": cells.contributions[inside],
    }


def scored_cells(rows: Rows, rules: Rules) -> Iterator[ScoredCells]:
    """The scored cells of some rows, those with as many cells together."""
    for places, p, q in rows.scored_blocks(rules.missing):
        occupied = (p + q) > 0
        current = probabilities(p, occupied, pseudocount=rules.pseudocount)
        reference = probabilities(q, occupied, pseudocount=rules.pseudocount)
        yield ScoredCells(places, occupied, p, q, current, reference)
