"""Names without rows now: renamed, or gone and counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from kldrift.profiles.cells import CellKind, among
from kldrift.profiles.number_text import percent
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.name_sentences import NAMED, some_of
from kldrift.scoring.rare_names import SURELY, named_blocks
from kldrift.scoring.scored_cells import ScoredCells
from kldrift.scoring.verdict import Verdicts

SINGLE: Final = among(CellKind.CATEGORY, CellKind.VALUE)
"""Cells of one value."""
OTHERS: Final = among(CellKind.OTHER, CellKind.BIN)
"""Cells of values without a cell of their own."""
LEAST_LOST: Final = 0.01
"""Share of a category that is looked for under another name."""
OF_CHANCE: Final = 0.05
"""Of the rows of names that are gone, the part that is said if chance explains it."""
MOSTLY: Final = 0.9
"""Of the rows that moved among rare names, the part from which one name has them."""
RARELY: Final = 1_000
"""Of so many features without any drift about one would have a name that is called gone."""


def lost(
    comparison: Comparison, cells: ScoredCells, row: int, name: Callable[[int], str]
) -> list[tuple[str, float]]:
    """The single values and nulls that have no current row, with their reference shares.

    ``name`` is how a cell is called.
    """
    null = cells.rows_reference.shape[-1] - 1
    places = np.append(np.flatnonzero(SINGLE[comparison.rebinning.codes]), null)
    shares = cells.rows_reference[row, places] / max(1, int(cells.rows_reference[row].sum()))
    absent = (cells.rows_current[row, places] == 0) & (shares >= LEAST_LOST)
    return [(name(int(places[i])), float(shares[i])) for i in np.flatnonzero(absent).tolist()]


def gone(
    comparison: Comparison, cells: ScoredCells, row: int, name: Callable[[int], str]
) -> tuple[list[tuple[str, float]], int]:
    """The single values without a current row that chance would hardly leave without one.

    The most frequent one is the first, with its share of the reference's rows. And how many have
    no current row at all.
    """
    single = SINGLE[comparison.rebinning.codes]
    now, before = (side[row] for side in (cells.rows_current, cells.rows_reference))
    shares = before / max(1, int(before.sum()))
    surely = int(now.sum()) * shares >= np.log(RARELY * max(1, int(single.sum())))
    absent = single & (now == 0) & (shares > 0)
    places = np.flatnonzero(absent & surely)
    places = places[np.argsort(-shares[places], kind="stable")]
    named = [(name(i), float(shares[i])) for i in places.tolist()]
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
        (share,) = named.moved.share
        if named.moved.above_p(np.zeros(1)) >= SURELY:
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
    """How many single values have a cell; they are the frequent ones where others have none."""
    codes, before = comparison.rebinning.codes, cells.rows_reference[row]
    single = SINGLE[codes]
    others = before[OTHERS[codes]].any()
    what = "names" if isinstance(comparison.support, CategoricalSupport) else "values"
    return f"{(single & (before > 0)).sum():,} {'frequent ' if others else ''}{what}"
