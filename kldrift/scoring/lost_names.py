"""Names without rows now: renamed, or gone and counted."""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.profiles.number_text import percent
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.name_sentences import NAMED, NULL, some_of
from kldrift.scoring.rare_names import SURELY, named_blocks
from kldrift.scoring.scored_cells import ScoredCells
from kldrift.scoring.verdict import Verdicts

LEAST_LOST: Final = 0.01
"""Share of a category that is looked for under another name."""
OF_CHANCE: Final = 0.05
"""Of the rows of names that are gone, the part that is said if chance explains it."""
MOSTLY: Final = 0.9
"""Of the rows that moved among rare names, the part from which one name has them."""
RARELY: Final = 1_000
"""Of so many features without any drift about one would have a name that is called gone."""


def lost(comparison: Comparison, cells: ScoredCells, row: int) -> list[tuple[str, float]]:
    """The categories and nulls that have no current row, with their shares of the reference's."""
    support, null = comparison.support, cells.rows_reference.shape[-1] - 1
    names = (
        support.categories[: support.frequent] if isinstance(support, CategoricalSupport) else ()
    )
    places = np.array([*range(len(names)), null])
    shares = cells.rows_reference[row, places] / max(1, int(cells.rows_reference[row].sum()))
    absent = (cells.rows_current[row, places] == 0) & (shares >= LEAST_LOST)
    said = (*map(repr, names), NULL)
    return [(said[i], float(shares[i])) for i in np.flatnonzero(absent).tolist()]


def gone(
    comparison: Comparison, cells: ScoredCells, row: int
) -> tuple[list[tuple[str, float]], int]:
    """The categories without a current row that chance would hardly leave without one.

    The most frequent one is the first, with its share of the reference's rows. And how many have
    no current row at all.
    """
    support = comparison.support
    if not isinstance(support, CategoricalSupport):
        return [], 0
    names = support.frequent
    now, before = (side[row] for side in (cells.rows_current, cells.rows_reference))
    shares = before[:names] / max(1, int(before.sum()))
    surely = int(now.sum()) * shares >= np.log(RARELY * max(1, names))
    absent = (now[:names] == 0) & (shares > 0)
    places = np.flatnonzero(absent & surely)
    places = places[np.argsort(-shares[places], kind="stable")]
    named = [(repr(support.categories[i]), float(shares[i])) for i in places.tolist()]
    return named, int(absent.sum())


def together(verdicts: Verdicts, place: int) -> tuple[str, float]:
    """Text about all lost names, rare ones too, and the share of the rows they had.

    Beyond what chance leaves gone; no words where hardly a name is gone, or rare ones are not
    counted.
    """
    row = verdicts.rows(np.array([place]))
    for _, named in named_blocks(row, verdicts.rules.missing):
        support = row.comparisons[row.of[0]].support
        assert isinstance(support, CategoricalSupport)
        q = named.q[0]
        places = np.flatnonzero((named.p[0] == 0) & (q > 0))
        if len(places) < 2:
            return "", 0.0
        most = sorted((-int(q[i]), support.categories[i]) for i in places.tolist())[:NAMED]
        first = [repr(name) for _, name in most]
        stored = row.comparisons[row.of[0]].reference.counts[row.group[0]]
        sample = named.unit[0] > 1
        several = support.known is not None and bool(stored[len(q) + 1])
        every = f"{(q > 0).sum():,} names"
        of = f"a sample of {every}" if sample else every + " with several rows" * several
        share = float(named.stands_for[0, places].sum() / named.m[0])
        surplus = float(named.gone[0])
        chance = f", of which {percent(share - surplus)} may be chance"
        had = f"such names had about {percent(share)}" if sample else f"they had {percent(share)}"
        return (
            f"{len(places):,} of {of} are gone: {some_of(first, len(places))}; {had} of the rows"
            f"{chance * (share - surplus > OF_CHANCE * share)}"
        ), surplus
    return "", 0.0


def moved_among(verdicts: Verdicts, place: int) -> tuple[str, float]:
    """Text about rows that moved among rare names, and their share of the rows."""
    row = verdicts.rows(np.array([place]))
    for _, named in named_blocks(row, verdicts.rules.missing):
        support = row.comparisons[row.of[0]].support
        assert isinstance(support, CategoricalSupport)
        before, now = (side[0] / rows[0] for side, rows in ((named.q, named.m), (named.p, named.n)))
        rise = np.where(named.ceiling[0] >= 0, now - before, 0.0)
        most = np.argsort(-rise, kind="stable")[:NAMED].tolist()
        names = [repr(support.categories[i]) for i in most]
        (share,), (p_value,) = named.moved(np.zeros(1))
        if p_value >= SURELY:
            return "", 0.0
        if rise[most[0]] >= MOSTLY * share:
            shares = f"from {percent(before[most[0]])} to {percent(now[most[0]])} of the rows"
            return f"{names[0]} rose {shares}", float(share)
        shown = (f"{percent(before[i])} -> {percent(now[i])}" for i in most)
        said = ", ".join(f"{name} {shares}" for name, shares in zip(names, shown, strict=True))
        rows = f"at least {percent(share)} of the rows moved"
        return f"some rare names have more rows and others fewer: {said}; {rows}", float(share)
    return "", 0.0


def names_text(comparison: Comparison, cells: ScoredCells, row: int) -> str:
    """How many categories have a cell; they are the frequent ones where others have none."""
    support = comparison.support
    if not isinstance(support, CategoricalSupport):
        return ""
    names = support.frequent
    others = int(cells.rows_reference[row, names])
    return f"{names:,} {'frequent ' if others else ''}names"
