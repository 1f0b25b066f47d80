"""Choosing a feature's support from the sketch of its reference.

Two steps, because the counting pass knows exactly what a sketch can only nominate:
:func:`choose` proposes a support from the sketch; :func:`freeze` drops the proposed cells whose
exact count turns out too small. The result depends on the reference's rows alone.

See docs/decisions/frozen-support.md and docs/decisions/quantile-edges.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.binning.numeric_sketch import NOMINATION, NumericSketch, Sketch
from kldrift.binning.text_sketch import TextSketch
from kldrift.profiles.close_values import around, close_values
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
CHOSEN_ROWS = 20
"""Of too many categories, those with fewer rows get no cell: the most frequent of many rare ones
are those that chance made frequent in the reference, and look like drift everywhere else."""


@dataclass(frozen=True)
class Proposal:
    """A proposed support, and which of its cells need exact counts to be kept.

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
        parts = [lows, step(lows)]
        if unit is Unit.NUMBER and (scale > 1 or not integral):
            parts += around(lows, close_values(lows, counts))
        edges = np.unique(np.concatenate(parts))
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
    """The median of the sketched rows, or a value close to it; 0 without rows."""
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
class Frozen:
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


def freeze(proposal: Proposal, counts: NDArray[np.int64], *, keep: bool = False) -> Frozen:
    """Decide about tentative cells with the exact counts of the whole reference.

    Args:
        proposal: what :func:`choose` returned.
        counts: rows per cell of the proposal's support.
        keep: monitor the feature even if no category is frequent enough.
    """
    support = proposal.support
    if not proposal.tentative:
        return Frozen(support, np.arange(support.size))
    if isinstance(support, CategoricalSupport):
        return _freeze_categories(proposal, support, counts, keep=keep)
    base = proposal.base
    assert isinstance(base, NumericSupport)
    inner = counts[: support.intervals]
    tentative = np.array(proposal.tentative, dtype=support.edges.dtype)
    at = np.searchsorted(support.edges, tentative, "right")
    passed = tentative[inner[at] >= proposal.share * int(inner.sum())]
    edges = np.unique(np.concatenate([base.edges, passed, step(passed)]))
    frozen = NumericSupport(edges, support.scale, support.unit, support.pivot)
    target = np.arange(support.size) - support.size + frozen.size
    target[0] = 0
    target[1 : support.intervals] = np.searchsorted(frozen.edges, support.edges, "right")
    return Frozen(frozen, target)


def _freeze_categories(
    proposal: Proposal, support: CategoricalSupport, counts: NDArray[np.int64], *, keep: bool
) -> Frozen:
    n = len(support.categories)
    rows = int(counts[: n + 1].sum())
    frequent = counts[:n] >= proposal.share * rows
    names = pa.array(support.categories, pa.string()).filter(pa.array(frequent))
    chosen = _most_frequent(names, counts[:n][frequent], proposal.most)
    place = {name: i for i, name in enumerate(chosen)}
    frozen = CategoricalSupport(chosen, support.floats)
    other = len(chosen)
    target = [place.get(name, other) for name in support.categories]
    target += range(other, frozen.size)
    skip = "" if chosen or keep or not rows else _too_many(proposal.share * rows)
    return Frozen(frozen, np.array(target, dtype=np.intp), skip)
