"""Choosing a feature's support from the sketch of its reference.

Two steps, because the counting pass knows exactly what a sketch can only nominate:
:func:`choose` proposes a support from the sketch; :func:`settle` drops the proposed cells whose
exact count turns out too small. The result depends on the reference's rows alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.binning.numeric_sketch import NOMINATION, NumericSketch, Sketch
from kldrift.binning.text_sketch import TextSketch
from kldrift.profiles.cells import CODES, CellKind, Cells
from kldrift.profiles.support import (
    CategoricalSupport,
    Keys,
    NumericSupport,
    Support,
    Unit,
    step,
)

ID_ROWS = 100
TEXT_ID_ROWS = 20
TEXT_ID_SHARE = 0.9
INTEGER_ID_SHARE = 0.95
FEWEST_BINS = 5
ROWS_PER_BIN = 40
CHOSEN_ROWS = 20
"""Of too many categories, those with fewer rows get no cell: the most frequent of many rare ones
are those that chance made frequent in the reference, and look like drift everywhere else."""


@dataclass(frozen=True)
class Proposal:
    """A support, and which of its cells still have to prove themselves.

    Attributes:
        support: what the reference is counted on.
        tentative: keys or categories that keep a cell of their own only if they fill enough rows.
        share: the smallest share of rows (nulls left out) that a tentative cell must fill.
        most: most categories to keep.
        skip: why the feature cannot be monitored; empty if it can.
        base: for numbers, the support without its tentative cells.
    """

    support: Support
    tentative: tuple[float, ...] | tuple[int, ...] | tuple[str, ...] = ()
    share: float = 0.0
    most: int = 0
    skip: str = ""
    base: NumericSupport | None = None


@dataclass(frozen=True)
class Binning:
    """How finely a reference is cut; the ``scoring`` part of a configuration."""

    bins: int = 20
    stored_bins: int = 128
    max_categories: int = 1000
    max_segments: int = 1000


def choose(
    sketch: Sketch,
    binning: Binning,
    *,
    scale: int = 1,
    unit: Unit = Unit.NUMBER,
    floats: bool = False,
    keep: bool = False,
) -> Proposal:
    """Propose the support of a feature.

    Args:
        sketch: of all rows of the reference.
        binning: how finely to cut.
        scale: keys per unit, see :class:`~kldrift.profiles.support.NumericSupport`.
        unit: what a key stands for.
        floats: for text: whether the values were floats.
        keep: monitor the feature even if it looks like an identifier.
    """
    if unit is Unit.BOOLEAN:
        return Proposal(CategoricalSupport(("false", "true")))
    if isinstance(sketch, TextSketch):
        proposal = _categories(sketch, binning, floats=floats)
    else:
        proposal = _intervals(sketch, binning, scale, unit)
    return replace(proposal, skip="") if keep and proposal.skip else proposal


def _intervals(sketch: NumericSketch, binning: Binning, scale: int, unit: Unit) -> Proposal:
    lows, highs, counts = sketch.lows, sketch.highs, sketch.counts
    rows, integral = sketch.rows, lows.dtype == np.int64
    # Few rows make few bins, and values that came once are no sign of what will come again.
    few = min(binning.stored_bins, max(binning.bins, rows // 10))
    if sketch.exact and len(lows) <= few and 2 * len(lows) <= rows:
        edges = np.unique(np.concatenate([lows, step(lows)]))
        return Proposal(NumericSupport(edges, scale, unit, _middle(sketch)))
    skip = ""
    everyone = rows if sketch.exact else INTEGER_ID_SHARE * rows
    plain = integral and scale == 1 and unit is Unit.NUMBER
    if plain and rows >= ID_ROWS and sketch.distinct >= everyone:
        skip = f"near-unique: about every one of {rows:,} rows has a number of its own"
    share = rows / few
    before = np.cumsum(counts) - counts
    heavy = counts >= max(share, 2)
    single = lows == highs
    # A new bin begins where the mass before passes a multiple of the share, and on both sides of
    # a heavy cell; its edge is the first value seen there, which depends on the data alone.
    cuts = np.diff((before / share).astype(np.int64), prepend=-1) > 0
    cuts |= heavy
    cuts[1:] |= heavy[:-1]
    parts = [lows[cuts], step(lows[heavy & single]), step(highs[-1:])]
    pivot = _middle(sketch)
    base = support = NumericSupport(np.unique(np.concatenate(parts)), scale, unit, pivot)
    tentative = _inside(sketch.heavy, lows, highs, heavy & ~single)
    if len(tentative):
        parts += [tentative, step(tentative)]
        support = NumericSupport(np.unique(np.concatenate(parts)), scale, unit, pivot)
    fewest = max(1 / few, 2 / NOMINATION)  # lighter ones may not be nominated
    return Proposal(support, tuple(tentative.tolist()), fewest, skip=skip, base=base)


def _middle(sketch: NumericSketch) -> float:
    """A value at the median of the sketched rows; 0 where there are none."""
    if not len(sketch.counts):
        return 0.0
    middle = np.searchsorted(np.cumsum(sketch.counts), sketch.rows / 2)
    return float(sketch.lows[middle])


def _inside(values: Keys, lows: Keys, highs: Keys, cells: NDArray[np.bool_]) -> Keys:
    """The values that lie in one of the marked cells."""
    at = np.searchsorted(lows, values, "right") - 1
    inside = (at >= 0) & cells[at] & (values <= highs[at])
    return values[inside]


def _categories(sketch: TextSketch, binning: Binning, *, floats: bool) -> Proposal:
    most = binning.max_categories
    if sketch.exact:
        skip = ""
        distinct = len(sketch.counts)
        if sketch.rows >= TEXT_ID_ROWS and distinct >= TEXT_ID_SHARE * sketch.rows:
            skip = f"near-unique: {distinct:,} different values in {sketch.rows:,} rows"
        chosen = _most_frequent(sketch.values, sketch.counts, most)
        if distinct and not chosen:
            skip = skip or _too_many(CHOSEN_ROWS)
        return Proposal(CategoricalSupport(chosen, floats), skip=skip)
    share = max(2 / sketch.limit, CHOSEN_ROWS / sketch.rows)
    candidates = sketch.counts + sketch.deducted >= share * sketch.rows
    chosen = tuple(sorted(sketch.values.filter(pa.array(candidates)).to_pylist()))
    skip = "" if chosen else _too_many(share * sketch.rows)
    return Proposal(CategoricalSupport(chosen, floats), chosen, share, most, skip)


def _too_many(rows: float) -> str:
    return f"near-unique: no value has {math.ceil(rows):,} rows"


def _most_frequent(names: pa.Array, counts: NDArray[np.int64], most: int) -> tuple[str, ...]:
    """The most frequent names; equally frequent ones in the order of their text."""
    if len(counts) > most:
        least = max(int(np.partition(counts, -most)[-most]), CHOSEN_ROWS)
        names, counts = names.filter(pa.array(counts >= least)), counts[counts >= least]
    ranked = pa.record_batch([pa.array(-counts), names], ["counts", "names"])
    order = pc.sort_indices(ranked, [("counts", "ascending"), ("names", "ascending")])
    return tuple(names.take(order[:most]).to_pylist())


@dataclass(frozen=True)
class Settled:
    """The frozen support and where each proposed cell went.

    Attributes:
        support: what both datasets are compared on.
        target: index in ``support`` of each cell of the proposal, shape ``(proposed size,)``.
        skip: why the feature cannot be monitored; empty if it can.
    """

    support: Support
    target: NDArray[np.intp]
    skip: str = ""

    def fold(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts on the proposal's cells as counts on the support's."""
        out = np.zeros(self.support.size, dtype=np.int64)
        np.add.at(out, self.target, counts)
        return out


def settle(proposal: Proposal, counts: NDArray[np.int64], *, keep: bool = False) -> Settled:
    """Decide about tentative cells with the exact counts of the whole reference.

    Args:
        proposal: what :func:`choose` returned.
        counts: rows per cell of the proposal's support.
        keep: monitor the feature even if no category is frequent enough.
    """
    support = proposal.support
    if not proposal.tentative:
        return Settled(support, np.arange(support.size))
    if isinstance(support, CategoricalSupport):
        return _settle_categories(proposal, support, counts, keep=keep)
    base = proposal.base
    assert isinstance(base, NumericSupport)
    inner = counts[: support.intervals]
    tentative = np.array(proposal.tentative, dtype=support.edges.dtype)
    at = np.searchsorted(support.edges, tentative, "right")
    passed = tentative[inner[at] >= proposal.share * int(inner.sum())]
    edges = np.unique(np.concatenate([base.edges, passed, step(passed)]))
    settled = NumericSupport(edges, support.scale, support.unit, support.pivot)
    target = np.arange(support.size) - support.size + settled.size
    target[0] = 0
    target[1 : support.intervals] = np.searchsorted(settled.edges, support.edges, "right")
    return Settled(settled, target)


def _settle_categories(
    proposal: Proposal, support: CategoricalSupport, counts: NDArray[np.int64], *, keep: bool
) -> Settled:
    n = len(support.categories)
    rows = int(counts[: n + 1].sum())
    frequent = counts[:n] >= proposal.share * rows
    names = pa.array(support.categories, pa.string()).filter(pa.array(frequent))
    chosen = _most_frequent(names, counts[:n][frequent], proposal.most)
    place = {name: i for i, name in enumerate(chosen)}
    settled = CategoricalSupport(chosen, support.floats)
    other = len(chosen)
    target = [place.get(name, other) for name in support.categories]
    target += range(other, settled.size)
    skip = "" if chosen or keep or not rows else _too_many(proposal.share * rows)
    return Settled(settled, np.array(target, dtype=np.intp), skip)


@dataclass(frozen=True, eq=False)
class Scored:
    """How stored cells are merged into the cells that are scored.

    Attributes:
        target: index of the scored cell that each stored cell belongs to, not decreasing.
        support: the stored cells.
    """

    target: NDArray[np.intp]
    support: Support

    def __getstate__(self) -> dict[str, Any]:
        """What travels: not what is worked out from it."""
        return {"target": self.target, "support": self.support}

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The first stored cell of each scored cell."""
        first = np.ones(len(self.target), dtype=np.bool_)
        np.not_equal(self.target[1:], self.target[:-1], out=first[1:])
        return np.flatnonzero(first)

    @property
    def size(self) -> int:
        """Number of scored cells."""
        return int(self.target[-1]) + 1

    @cached_property
    def codes(self) -> NDArray[np.int8]:
        """Kind of each scored cell, as a place in ``KINDS``."""
        codes = self.support.codes
        if self.size == len(codes):
            return codes
        ends = np.append(self.starts[1:], len(codes)) - 1
        kinds = codes[self.starts]
        kinds[ends > self.starts] = CODES[CellKind.BIN]
        return kinds

    @cached_property
    def cells(self) -> Cells:
        """The scored cells."""
        support, cells = self.support, self.support.cells
        if self.size == len(cells) or isinstance(support, CategoricalSupport):
            return cells
        ends = np.append(self.starts[1:], len(cells)) - 1
        merged = self.starts != ends
        upper = cells.upper[ends]
        if support.integral:  # behind the last value, not at it
            last = np.flatnonzero(merged & (ends < len(support.edges)))
            last = last[support.points[ends[last]]]
            upper[last] = support.edges[ends[last]] / support.scale
        labels = cells.labels[self.starts]
        labels[merged] = None
        return Cells(self.codes, cells.lower[self.starts], upper, labels)

    def fold(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows per scored cell from rows per stored cell, along the last axis."""
        if self.size == counts.shape[-1]:
            return counts
        return np.add.reduceat(counts, self.starts, axis=-1)


def merge_for_scoring(support: Support, reference: NDArray[np.int64], bins: int) -> Scored:
    """Merge stored bins to about ``bins`` cells of equal reference mass.

    A reference of few rows gets fewer, one for each 40 rows but 5 at least: chance alone would
    otherwise give scores as large as a threshold. A value that fills more than one such share
    keeps its own cell, as do all values of a few-valued feature, the open tails and everything
    that is no number.

    Args:
        support: the stored cells.
        reference: rows of the whole reference in each of them.
        bins: number of cells to aim at.
    """
    target = np.arange(support.size)
    if isinstance(support, CategoricalSupport):
        return Scored(target, support)
    counts = reference[: support.intervals]
    rows = int(counts.sum())
    if not rows:
        return Scored(target, support)
    codes = support.codes[: support.intervals]
    bins = min(bins, max(FEWEST_BINS, rows // ROWS_PER_BIN))
    merged = codes == CODES[CellKind.BIN]
    if counts[merged].any():
        merged |= (codes == CODES[CellKind.VALUE]) & (counts * bins < rows)
    middle = np.cumsum(counts) - counts / 2
    share = np.floor(middle / rows * bins)
    same = merged[1:] & merged[:-1] & (share[1:] == share[:-1])
    target[1 : support.intervals] -= np.cumsum(same)
    target[support.intervals :] -= np.count_nonzero(same)
    return Scored(target, support)
