"""How much of a divergence lies between segments, and how much within them.

The chain rule of the divergence [1] over a segment s and a value x:

    D(P(s, x) || Q(s, x)) = D(P(s) || Q(s)) + sum over s of P(s) D(P(x | s) || Q(x | s))

The first part is the mix of segments: the same parts in other shares. The second one is what
happened inside of them. Both are of one table of counts, so that they add up.

References:
    [1] Cover, T. M. and Thomas, J. A. (2006). Elements of Information Theory, theorem 2.5.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SegmentSplit:
    """A divergence by segment, in nats.

    Attributes:
        total: of segment and value together.
        mix: the part of the segments' shares.
        parts: of each segment, ``P(s) D_s``: what happened within it, shape ``(segments,)``.
        by_chance: what each part would be about without any drift.
    """

    total: float
    mix: float
    parts: Floats
    by_chance: Floats

    @property
    def within(self) -> float:
        """What happened within the segments."""
        return float(self.parts.sum())

    @property
    def worst_first(self) -> NDArray[np.intp]:
        """Places of the segments by what chance does not explain, the largest first."""
        return np.argsort(-(self.parts - self.by_chance), kind="stable")


def segment_split(p: Counts, q: Counts, pseudocount: float = 0.5) -> SegmentSplit:
    """Split the divergence of a table of segments x cells.

    Args:
        p: current rows per segment and cell, shape ``(segments, k)``.
        q: reference rows.
        pseudocount: rows added to each place that has rows on either side.

    Examples:
        >>> p, q = np.array([[80, 0], [10, 10]]), np.array([[50, 0], [25, 25]])
        >>> found = segment_split(p, q, pseudocount=0)
        >>> round(found.total, 4), round(found.mix, 4), found.within
        (0.1927, 0.1927, 0.0)
    """
    occupied = (p + q) > 0
    now, before = (np.where(occupied, side + pseudocount, 0.0) for side in (p, q))
    now, before = now / max(now.sum(), 1e-300), before / max(before.sum(), 1e-300)
    share, usual = now.sum(-1), before.sum(-1)
    safe = [np.where(part > 0, part, 1.0)[:, None] for part in (share, usual)]
    each = rel_entr(now / safe[0], before / safe[1]).sum(-1)
    parts = np.where(share > 0, share * np.where(share > 0, each, 0.0), 0.0)
    free = np.maximum(occupied.sum(-1) - 1, 0)
    rows = 1 / np.maximum(p.sum(-1), 1) + 1 / np.maximum(q.sum(-1), 1)
    return SegmentSplit(
        total=float(rel_entr(now, before).sum()),
        mix=float(rel_entr(share, usual).sum()),
        parts=np.asarray(parts, dtype=np.float64),
        by_chance=share * free / 2 * rows,
    )
