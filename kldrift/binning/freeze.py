"""Freezing a proposed support with the exact counts of the whole reference.

See docs/decisions/frozen-support.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Ints
from kldrift.binning.choose import Proposal, most_frequent
from kldrift.profiles.close_values import beside
from kldrift.profiles.support import CategoricalSupport, KnownNames, NumericSupport, Support, step
from kldrift.statistics.hashing import text_hashes


@dataclass(frozen=True)
class Frozen:
    """The frozen support, and where each proposed cell went: its index in ``support``."""

    support: Support
    target: NDArray[np.intp]


def freeze(proposal: Proposal, counts: Ints) -> Frozen:
    """Decide about tentative cells with the exact counts of the whole reference."""
    support = proposal.support
    if isinstance(support, CategoricalSupport):
        return _freeze_categories(proposal, support, counts)
    if not proposal.tentative:
        return Frozen(support, np.arange(support.size))
    base = proposal.base
    assert isinstance(base, NumericSupport)
    inner = counts[: support.intervals]
    tentative = np.array(proposal.tentative, dtype=support.edges.dtype)
    at = np.searchsorted(support.edges, tentative, "right")
    enough = inner[at] >= proposal.share * int(inner.sum())
    passed = tentative[enough]
    next_to = beside(passed, proposal.close[enough])
    edges = np.unique(np.concatenate([base.edges, passed, step(passed), *next_to]))
    frozen = NumericSupport(edges, support.scale, support.unit, support.pivot)
    target = np.arange(support.size) - support.size + frozen.size
    target[0] = 0
    target[1 : support.intervals] = np.searchsorted(frozen.edges, support.edges, "right")
    return Frozen(frozen, target)


def _freeze_categories(proposal: Proposal, support: CategoricalSupport, counts: Ints) -> Frozen:
    """Keep the categories that are frequent enough; all other values of the reference are known."""
    n, chosen = len(support.categories), support.categories
    if proposal.tentative:
        rows = int(counts[: n + (1 if support.known is None else 2)].sum())
        names = support.categories[: support.frequent]
        frequent = counts[: len(names)] >= proposal.share * rows
        enough = pa.array(names, pa.string()).filter(pa.array(frequent))
        chosen = most_frequent(enough, counts[: len(names)][frequent], proposal.most)
        there = zip(names, counts[: len(names)].tolist(), strict=True)
        own = {name for name, rows in there if rows and name in {*proposal.own_cells}}
        chosen += tuple(sorted(own - {*chosen})) + support.categories[support.frequent :]
    place = {name: i for i, name in enumerate(chosen)}
    known = support.known
    if known is not None:
        dropped = [name for name in support.categories if name not in place]
        hashes = text_hashes(pa.array(dropped, pa.string()))
        hashes = hashes[hashes <= np.uint64(known.cutoff)]
        every = np.unique(np.concatenate([known.hashes, proposal.once, hashes]))
        known = KnownNames(every, known.cutoff)
    frozen = CategoricalSupport(chosen, support.floats, known, support.rare)
    other = len(chosen)
    target = [place.get(name, other) for name in support.categories]
    target += range(other, frozen.size)
    return Frozen(frozen, np.array(target, dtype=np.intp))
