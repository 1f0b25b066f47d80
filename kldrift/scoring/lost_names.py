"""Names that have no row any more: looked for under another name, or counted."""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scored_cells import ScoredCells
from kldrift.scoring.sentences import NULL

LEAST_LOST: Final = 0.01
"""Share of a category that is looked for under another name."""
RARELY: Final = 1_000
"""Of so many features without any drift about one would have a name that is called gone."""


def lost(comparison: Comparison, cells: ScoredCells, row: int) -> list[tuple[str, float]]:
    """The categories and nulls that have no current row, with their shares of the reference's.

    Args:
        comparison: of the feature.
        cells: of some rows.
        row: the place among these.
    """
    support = comparison.support
    if not isinstance(support, CategoricalSupport):
        return []
    places = np.array([*range(len(support.categories)), support.size - 1])
    shares = cells.rows_reference[row, places] / max(1, int(cells.rows_reference[row].sum()))
    absent = (cells.rows_current[row, places] == 0) & (shares >= LEAST_LOST)
    names = (*map(repr, support.categories), NULL)
    return [(names[i], float(shares[i])) for i in np.flatnonzero(absent).tolist()]


def gone(comparison: Comparison, cells: ScoredCells, row: int) -> list[tuple[str, float]]:
    """The categories without a current row that chance would hardly leave without one.

    The most frequent one is the first, with its share of the reference's rows.
    """
    support = comparison.support
    if not isinstance(support, CategoricalSupport):
        return []
    names = len(support.categories)
    current, reference = (side[row] for side in (cells.rows_current, cells.rows_reference))
    shares = reference[:names] / max(1, int(reference.sum()))
    surely = int(current.sum()) * shares >= np.log(RARELY * max(1, names))
    places = np.flatnonzero((current[:names] == 0) & surely)
    places = places[np.argsort(-shares[places], kind="stable")]
    return [(repr(support.categories[i]), float(shares[i])) for i in places.tolist()]


def names_text(comparison: Comparison, cells: ScoredCells, row: int) -> str:
    """How many categories have a cell; they are the frequent ones where others have none."""
    support = comparison.support
    if not isinstance(support, CategoricalSupport):
        return ""
    names = len(support.categories)
    others = int(cells.rows_reference[row, names])
    return f"{names:,} {'frequent ' if others else ''}names"
