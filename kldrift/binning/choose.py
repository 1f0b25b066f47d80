"""Choosing a feature's support from the sketch of its reference.

Two steps, because the counting pass knows exactly what a sketch can only nominate:
:func:`choose` proposes a support from the sketch; :mod:`kldrift.binning.freeze` drops the proposed
cells whose exact count turns out too small. The result depends on the reference's rows alone.

See docs/decisions/frozen-support.md and docs/decisions/quantile-edges.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Bools, Floats, Hashes, Ints
from kldrift.binning.numeric_sketch import NOMINATION, NumericSketch, Sketch
from kldrift.binning.text_sketch import TextSketch
from kldrift.features.feature import Feature
from kldrift.features.text_looks import FEW_VALUES, dates_as_numbers, epochs, hint, in_yaml, look_of
from kldrift.profiles.close_values import around, beside, close_values, same_values
from kldrift.profiles.rebinning import CHOSEN_ROWS, least_rows
from kldrift.profiles.support import (
    NUMBERS,
    CategoricalSupport,
    Keys,
    KnownNames,
    NumericSupport,
    Support,
    Unit,
    step,
    unsigned,
)
from kldrift.statistics.gone_names import FLOOR, priorities
from kldrift.statistics.hashing import text_hashes
from kldrift.statistics.tails import LEAST_ROWS, TAIL

FEWEST_BINS: Final = 20
"""However few rows there are, and whatever the bins of scores: stored cells serve any."""
ID_ROWS: Final = 100
TEXT_ID_ROWS: Final = 20
TEXT_ID_SHARE: Final = 0.9
INTEGER_ID_SHARE: Final = 0.95
SQUARABLE: Final = 1e150
"""Larger numbers have squares, and sums of them, that are no doubles."""
ALL_DIFFERENT: Final = "about every one of"
"""How a note begins about numbers that are all different."""
REPEATED: Final = 10
"""So many rows that share a value are to be expected of numbers without a plan. Where none do,
each row has a number of its own: an identifier."""
MOST_RARE: Final = 256
"""So many names that are too rare to be scored alone are counted alone; of more, a sample."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed support, and which of its cells need exact counts to be kept.

    Attributes:
        tentative: keys or categories that keep a cell of their own only if they fill enough rows.
        share: the smallest share of rows (nulls left out) that a tentative cell must fill.
        most: most categories to keep.
        once: hashes of the values that the reference has in one row: these rows are counted as
            never seen, because that is what each would be beside all others.
        skip: why the feature cannot be monitored; empty if it can.
        note: what to know of its values all the same, for a reader; mostly empty.
        base: for numbers, the support without its tentative cells.
        close: how far from each tentative number another may lie to be the same one.
        own_cells: categories that keep a cell of their own if they have a row.
    """

    support: Support
    tentative: tuple[float, ...] | tuple[int, ...] | tuple[str, ...] = ()
    share: float = 0.0
    most: int = 0
    once: Hashes = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    skip: str = ""
    note: str = ""
    base: NumericSupport | None = None
    close: Floats = field(default_factory=lambda: np.empty(0))
    own_cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binning:
    """How finely a reference is cut: what the cells of the store depend on."""

    stored_bins: int = 128
    max_categories: int = 1000
    max_segments: int = 1000


def choose(sketch: Sketch, feature: Feature, binning: Binning) -> Proposal:
    """Propose the support of a feature from the sketch of all rows of the reference."""
    if feature.unit is Unit.BOOLEAN:
        return Proposal(CategoricalSupport(("false", "true")))
    name = feature.column
    if isinstance(sketch, TextSketch):
        proposal = _categories(sketch, feature, binning.max_categories)
        look = None if feature.floats else look_of(sketch.values)
        if look is not None:
            proposal = replace(proposal, note=hint(name, look))
    else:
        proposal = _intervals(sketch, feature, binning)
        lows = sketch.lows
        if feature.scale == 1 and feature.unit is Unit.NUMBER and len(lows) > FEW_VALUES:
            note = epochs(name, lows[0].item(), sketch.highs[-1].item())
            note = note or dates_as_numbers(name, lows)
            proposal = replace(proposal, note=note or proposal.note)
    return replace(proposal, skip="", note="") if feature.keep else proposal


def _intervals(sketch: NumericSketch, feature: Feature, binning: Binning) -> Proposal:
    """Propose the support of numbers: a cell for each of a few values, or bins of equal rows."""
    scale, unit = feature.scale, feature.unit
    lows, highs, counts = sketch.lows, sketch.highs, sketch.counts
    rows, integral = sketch.rows, lows.dtype == np.int64
    # Few rows make few bins, and values that came once are no sign of what will come again.
    few = min(binning.stored_bins, max(FEWEST_BINS, rows // 10))
    if sketch.exact and len(lows) <= few and 2 * len(lows) <= rows:
        parts = [lows, step(lows), *_around(sketch, counts > 0, scale, unit)]
        edges = np.unique(np.concatenate(parts))
        return Proposal(NumericSupport(edges, scale, unit, _middle(sketch, unit)))
    plain = integral and scale == 1 and unit in NUMBERS
    skip, note = _identifier(sketch, feature.column) if plain and rows >= ID_ROWS else ("", "")
    heavy, single = counts >= max(rows / few, 2), lows == highs
    heavy[[0, -1]] |= (counts >= max(TAIL * rows, LEAST_ROWS))[[0, -1]]  # the last ones stay last
    cuts = _cuts(sketch, rows / few, heavy)
    values = lows[heavy & single]
    parts = [lows[cuts], step(values), step(highs[-1:])]
    parts += _around(sketch, heavy & single, scale, unit)
    pivot = _middle(sketch, unit)
    base = support = NumericSupport(np.unique(np.concatenate(parts)), scale, unit, pivot)
    tentative = _inside(sketch.heavy, lows, highs, heavy & ~single)
    close = same_values(tentative, lows, counts, unit)
    if len(tentative):
        parts += [tentative, step(tentative), *beside(tentative, close)]
        support = NumericSupport(np.unique(np.concatenate(parts)), scale, unit, pivot)
    fewest = max(1 / few, 2 / NOMINATION)  # lighter ones may not be nominated
    own = tuple(tentative.tolist())
    return Proposal(support, own, fewest, skip=skip, note=note, base=base, close=close)


def _around(sketch: NumericSketch, own: Bools, scale: int, unit: Unit) -> list[Keys]:
    """Edges of the cells next to the values that have a cell of their own."""
    lows, counts = sketch.lows, sketch.counts
    close = same = same_values(lows[own], lows, counts, unit)
    if unit in (Unit.NUMBER, Unit.CLOCK, Unit.DURATION) and (
        scale > 1 or lows.dtype == np.float64 or own.all()
    ):
        close = np.maximum(same, close_values(lows[own], lows, counts, scale))
    return around(lows, sketch.highs, own, same, close)


def _identifier(sketch: NumericSketch, name: str) -> tuple[str, str]:
    """Why whole numbers are an identifier, and a note where they may be one; empty for others."""
    rows = sketch.rows
    if sketch.distinct < (rows if sketch.exact else INTEGER_ID_SHARE * rows):
        return "", ""
    every = f"{ALL_DIFFERENT} {rows:,} rows has a number of its own"
    span = int(sketch.highs[-1]) - int(sketch.lows[0]) + 1
    if rows**2 / (2 * span) >= REPEATED:
        return f"near-unique: {every}", ""
    return "", f"{every}; if it is an identifier, set features: {{exclude: [{in_yaml(name)}]}}"


def _cuts(sketch: NumericSketch, share: float, heavy: Bools) -> Bools:
    """The cells of a sketch with which a bin begins.

    A new bin begins where the mass before passes a multiple of the share, and on both sides of a
    heavy cell; its edge is the first value seen there, which depends on the data alone. ``heavy``
    cells hold a bin's share or more.
    """
    counts, rows = sketch.counts, sketch.rows
    before = np.cumsum(counts) - counts
    cuts = np.diff((before / share).astype(np.int64), prepend=-1) > 0
    cuts |= heavy
    cuts[1:] |= heavy[:-1]
    tail = int(TAIL * rows)
    if tail >= LEAST_ROWS:  # the tails have cells of their own, see kldrift.statistics.tails
        cuts |= np.diff(before + counts > rows - tail, prepend=False)
        cuts |= np.diff(before >= tail, prepend=False)
    return cuts


def _middle(sketch: NumericSketch, unit: Unit) -> float:
    """The median of the sketched rows, or a number close to it.

    0 without rows, and where its square is no double: groups of smaller values have moments then.
    """
    if not len(sketch.counts):
        return 0.0
    middle = np.searchsorted(np.cumsum(sketch.counts), sketch.rows / 2)
    low = sketch.lows[middle]
    median = float(unsigned(low) if unit is Unit.UNSIGNED else low)
    return median if abs(median) < SQUARABLE else 0.0


def _inside(values: Keys, lows: Keys, highs: Keys, cells: Bools) -> Keys:
    """The values that lie in one of the marked cells."""
    at = np.searchsorted(lows, values, "right") - 1
    inside = (at >= 0) & cells[at] & (values <= highs[at])
    return values[inside]


def choose_segments(sketch: Sketch, binning: Binning) -> Proposal:
    """Propose the segments of a list, as categories: the most frequent, and the rest.

    Only of more than ``max_segments``, those of few rows are left out.
    """
    assert isinstance(sketch, TextSketch)
    most = binning.max_segments
    least = least_rows(sketch.rows) if len(sketch.counts) > most else 0
    chosen, tentative, share = _frequent(sketch, most, least)
    return Proposal(CategoricalSupport(chosen), tentative, share, most)


def _categories(sketch: TextSketch, feature: Feature, most: int) -> Proposal:
    known, floats, own_cells = sketch.known, feature.floats, feature.own_cells
    if sketch.exact and not len(sketch.counts):  # of presence alone there are no values
        return Proposal(CategoricalSupport((), floats))
    skip = ""
    if sketch.rows >= TEXT_ID_ROWS and known.distinct >= TEXT_ID_SHARE * sketch.rows:
        about = "" if sketch.exact else "about "
        skip = f"near-unique: {about}{known.distinct:,.0f} different values in {sketch.rows:,} rows"
    chosen, tentative, share = _frequent(sketch, most, least_rows(sketch.rows))
    if own_cells:
        there = {*sketch.values.to_pylist()} if sketch.exact else {*own_cells}
        chosen += tuple(n for n in own_cells if n in there and n not in {*chosen})
    rare = _rare(sketch, chosen if sketch.exact else own_cells, share * sketch.rows)
    if tentative:  # of names in the sample it is known that they are rare
        tentative = chosen = tuple(n for n in chosen if n not in {*rare})
    chosen += rare
    rest = ~np.isin(known.hashes, text_hashes(pa.array(chosen, pa.string())))
    once = rest & (known.rows == 1)
    several = KnownNames(known.hashes[rest & ~once], known.cutoff)
    support = CategoricalSupport(chosen, floats, several, len(rare))
    return Proposal(support, tentative, share, most, known.hashes[once], skip, own_cells=own_cells)


def _rare(sketch: TextSketch, chosen: tuple[str, ...], enough: float) -> tuple[str, ...]:
    """A sample of the names that were not chosen, weighted by rows, without single-row ones.

    Where not all names are known, none is rare that has ``enough`` rows.
    """
    known = sketch.known
    names, rows, hashes = known.names, known.rows[: len(known.names)], known.named
    least = 0.0
    if sketch.exact:
        names, rows, hashes = sketch.values, sketch.counts, text_hashes(sketch.values)
    elif len(names):  # names with larger hashes may have as large priorities below that
        least = float(priorities(np.array([enough]), hashes[-1:])[0])
    others = ~pc.is_in(names, pa.array(chosen, pa.string())).to_numpy(zero_copy_only=False)
    others &= (rows >= FLOOR) & (sketch.exact | (rows < enough))
    drawn = priorities(rows, hashes)
    first = np.flatnonzero(others & (drawn >= least))
    first = first[np.argsort(-drawn[first], kind="stable")][:MOST_RARE]
    return tuple(names.take(pa.array(first)).to_pylist())


def _frequent(
    sketch: TextSketch, most: int, least: int
) -> tuple[tuple[str, ...], tuple[str, ...], float]:
    """The values with cells of their own, which of them are tentative, and the share they need."""
    if sketch.exact:
        return most_frequent(sketch.values, sketch.counts, most, least), (), 0.0
    share = max(2 / sketch.limit, CHOSEN_ROWS / sketch.rows)
    candidates = sketch.counts + sketch.deducted >= share * sketch.rows
    chosen = tuple(sorted(sketch.values.filter(pa.array(candidates)).to_pylist()))
    return chosen, chosen, share


def most_frequent(names: pa.Array, counts: Ints, most: int, least: int = 0) -> tuple[str, ...]:
    """The most frequent names; equally frequent ones in the order of their text."""
    if len(counts) > most:
        least = max(int(np.partition(counts, -most)[-most]), least)
    if least:
        names, counts = names.filter(pa.array(counts >= least)), counts[counts >= least]
    ranked = pa.record_batch([pa.array(-counts), names], ["counts", "names"])
    order = pc.sort_indices(ranked, [("counts", "ascending"), ("names", "ascending")])
    return tuple(names.take(order[:most]).to_pylist())
