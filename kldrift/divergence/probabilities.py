"""From counts to probabilities: the only place where zero counts are smoothed.

See docs/decisions/zeros.md and docs/decisions/counts-not-probabilities.md.
"""

from __future__ import annotations

import numpy as np

from kldrift.arrays import Bools, Floats, Ints, Values

Probabilities = Floats

KRICHEVSKY_TROFIMOV = 0.5
MOST_ADDED = 0.5
"""Of all rows, what is added to all cells at most: half a row each is added in full from one row
per cell on. Where there are fewer rows than cells, the rows would otherwise hardly count."""


def probabilities(
    counts: Ints,
    occupied: Bools | None = None,
    *,
    pseudocount: float = KRICHEVSKY_TROFIMOV,
) -> Probabilities:
    """Estimate cell probabilities with additive smoothing.

    Every occupied cell gets ``pseudocount`` rows on top of its own, so that no probability is zero
    and divergences stay finite; fewer where these would be more than half of all rows. The default
    is the Krichevsky-Trofimov estimator [1].

    Args:
        counts: rows per cell, shape ``(..., k)``.
        occupied: cells that take part, shape ``(..., k)``: those where the current or the
            reference dataset has a row. The others keep probability 0. All by default.
        pseudocount: rows added to each occupied cell at most; 0 gives the relative frequencies.

    Returns:
        Probabilities, shape ``(..., k)``, that add up to 1 along the last axis; zeros where there
        is neither a row nor an occupied cell.

    Raises:
        ValueError: the counts are no integers, or a count or the pseudocount is negative.

    References:
        [1] Krichevsky, R. E. and Trofimov, V. K. (1981). The performance of universal encoding.
            IEEE Transactions on Information Theory 27(2), 199-207.

    Examples:
        >>> probabilities(np.array([3, 0, 0]))
        array([0.77777778, 0.11111111, 0.11111111])
        >>> probabilities(np.array([3, 0, 0]), np.array([True, True, False]))
        array([0.875, 0.125, 0.   ])
        >>> probabilities(np.array([1, 0, 0, 0])).round(4)
        array([0.75  , 0.0833, 0.0833, 0.0833])
    """
    if counts.dtype.kind not in "iu":
        raise ValueError(f"counts must be integers, got {counts.dtype}")
    if pseudocount < 0 or (counts < 0).any():
        raise ValueError(f"counts and pseudocount must not be negative, got {pseudocount=}")
    smoothed: Values = counts
    if pseudocount:
        taking_part = np.ones(counts.shape, dtype=np.bool_) if occupied is None else occupied
        smoothed = counts + rows_added(counts, taking_part, pseudocount) * taking_part
    total = smoothed.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(smoothed, total, out=np.zeros(smoothed.shape), where=total > 0))


def rows_added(counts: Ints, occupied: Bools, pseudocount: float) -> Probabilities:
    """The rows that smoothing adds to each occupied cell, shape ``(..., 1)``.

    ``pseudocount``, or less where that would be more than half of all rows together. Without any
    row there is nothing to outweigh, and all of it is added.
    """
    rows, cells = counts.sum(-1, keepdims=True), occupied.sum(-1, keepdims=True)
    most = np.where(rows > 0, MOST_ADDED * rows / np.maximum(cells, 1), np.inf)
    return np.asarray(np.minimum(float(pseudocount), most))
