"""How much of a divergence lies between segments, and how much within them.

The chain rule of the divergence [1] over a segment s and a value x:

    D(P(s, x) || Q(s, x)) = D(P(s) || Q(s)) + sum over s of P(s) D(P(x | s) || Q(x | s))

The first part is the mix of segments: the same parts in other shares. The second one is what
happened inside of them. Both are of one table of counts, so that they add up.

References:
    [1] Cover, T. M. and Thomas, J. A. (2006). Elements of Information Theory, theorem 2.5.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from kldrift.arrays import Counts, Floats


@dataclass(frozen=True, eq=False)
class SegmentSplit:
    """Divergences of features by segment, in nats.

    Attributes:
        total: of segment and value together, shape ``(features,)``.
        mix: the part of the segments' shares, shape ``(features,)``.
        parts: of each segment, ``P(s) D_s``: what happened within it, shape
            ``(segments, features)``.
        by_chance: what each part would be about without any drift.
    """

    total: Floats
    mix: Floats
    parts: Floats
    by_chance: Floats

    @property
    def within(self) -> Floats:
        """The part of the divergence within the segments, shape ``(features,)``."""
        return np.asarray(self.parts.sum(0))

    @property
    def worst(self) -> NDArray[np.intp]:
        """The segment that chance explains least, shape ``(features,)``."""
        return np.asarray((self.parts - self.by_chance).argmax(0))


def segment_split(
    p: Counts, q: Counts, pseudocount: float = 0.5, cells: Sequence[int] | None = None
) -> SegmentSplit:
    """Split the divergences of tables of segments x cells.

    ``p`` has shape ``(segments, k)``: the cells of several features stand one after the other, of
    each so many as ``cells`` says; by default there is one feature.

    Examples:
        >>> p, q = np.array([[80, 0], [10, 10]]), np.array([[50, 0], [25, 25]])
        >>> found = segment_split(p, q, pseudocount=0)
        >>> found.total.round(4), found.mix.round(4), found.within
        (array([0.1927]), array([0.1927]), array([0.]))
    """
    sizes = np.array([p.shape[1]] if cells is None else cells)
    starts = np.cumsum(sizes) - sizes

    def by_feature(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(np.add.reduceat(values, starts, axis=1))

    def of_cells(values: NDArray[Any]) -> NDArray[Any]:
        return np.repeat(values, sizes, axis=-1)

    occupied = (p + q) > 0
    current, reference = (np.where(occupied, side + pseudocount, 0.0) for side in (p, q))
    current, reference = (
        side / of_cells(np.maximum(by_feature(side).sum(0), 1e-300))
        for side in (current, reference)
    )
    share, usual = by_feature(current), by_feature(reference)
    safe = [of_cells(np.where(part > 0, part, 1.0)) for part in (share, usual)]
    each = by_feature(rel_entr(current / safe[0], reference / safe[1]))
    free = np.maximum(by_feature(occupied.astype(np.int64)) - 1, 0)
    rows = 1 / np.maximum(by_feature(p), 1) + 1 / np.maximum(by_feature(q), 1)
    return SegmentSplit(
        total=by_feature(rel_entr(current, reference)).sum(0),
        mix=np.maximum(0.0, rel_entr(share, usual).sum(0)),  # rounding may leave less
        parts=np.where(share > 0, share * np.where(share > 0, each, 0.0), 0.0),
        by_chance=share * free / 2 * rows,
    )
