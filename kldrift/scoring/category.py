"""One category with limits of its own: compared with all other values together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kldrift.arrays import Bools, Counts, Floats, Ints
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import Comparison, Rows
from kldrift.scoring.scores import score
from kldrift.statistics.significance import g_test


def one_category(comparison: Comparison, category: str) -> Comparison:
    """One category of a comparison against all others; missing values stay apart."""
    support = comparison.support
    assert isinstance(support, CategoricalSupport)
    alone = CategoricalSupport((category,), support.floats)
    missing, place = alone.size - 2, support.categories.index(category)

    def folded(side: Profile) -> Profile:
        own, apart = side.counts[:, [place]], side.counts[:, -missing:]
        rest = side.counts.sum(-1, keepdims=True) - own - apart.sum(-1, keepdims=True)
        return Profile(alone, side.keys, np.concatenate([own, rest, apart], axis=-1))

    return Comparison(
        folded(comparison.current),
        folded(comparison.reference),
        Rebinning(np.arange(alone.size), alone),
    )


def first_cell(kinds: Ints) -> Bools:
    """The cell of the category, which stands first."""
    return np.broadcast_to(np.arange(kinds.shape[-1]) == 0, kinds.shape)


def category_scores(
    comparisons: Sequence[Comparison], *, pseudocount: float, missing: str
) -> dict[str, Floats]:
    """The scores of single categories, and how far their shares moved.

    Where a side has no row of the category, half a row stands for it: the ratio stays finite.
    """
    out = score(comparisons, pseudocount=pseudocount, missing=missing)
    rows = Rows.every(comparisons)
    change, ratio = np.full((2, len(rows)), np.nan)
    for places, p, q in rows.scored_blocks(missing):
        change[places], ratio[places] = _moved(p, q)
        out["p_value"][places] = g_test(p, q)[2]  # this cell was not chosen by its rows
    return out | {"share_change": change, "share_ratio": ratio}


def _moved(p: Counts, q: Counts) -> tuple[Floats, Floats]:
    n, m = p.sum(-1), q.sum(-1)
    both = (n > 0) & (m > 0)
    n, m = np.maximum(n, 1), np.maximum(m, 1)
    current, reference = np.maximum(p[:, 0], 0.5) / n, np.maximum(q[:, 0], 0.5) / m
    ratio = np.maximum(current / reference, reference / current)
    ratio[(p[:, 0] == 0) & (q[:, 0] == 0)] = 1.0
    change = abs(p[:, 0] / n - q[:, 0] / m)
    return np.where(both, change, np.nan), np.where(both, ratio, np.nan)
