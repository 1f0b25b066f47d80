"""The tails of ordered cells: the outermost ones, where the reference has hardly any rows.

A tail is where a few rows of a reference lie, and all values beyond its largest and smallest. Its
cells were chosen by the reference's own rows, so their share is uncertain in a way of its own.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Counts, Floats
from kldrift.statistics.effect_tests import rise_p

TAIL: Final = 0.001
"""Share of the reference that is cut off as a cell at either end, where it has rows enough."""
LEAST_ROWS: Final = 10
"""Rows of the reference that such a cell needs."""
WIDEST: Final = 0.002
"""Share of the reference that the outermost cells may have to be a tail."""


def tail_edge(q: Counts, edges: NDArray[Any], *, upper: bool) -> Any:
    """Where a tail of the reference begins, or ends if it is the lower one."""
    rows = np.cumsum(q[::-1] if upper else q)
    cells = max(1, int(np.count_nonzero(rows <= WIDEST * rows[-1])))
    return edges[-cells] if upper else edges[cells - 1]


def tail_rows(p: Counts, q: Counts) -> tuple[tuple[Counts, Counts], tuple[Counts, Counts]]:
    """Current and reference rows in the lower and in the upper tail.

    Examples:
        >>> p, q = np.array([[0, 90, 9, 1]]), np.array([[0, 1_000, 1, 0]])
        >>> [(now.tolist(), before.tolist()) for now, before in tail_rows(p, q)]
        [([0], [0]), ([10], [1])]
    """
    most = WIDEST * q.sum(-1, keepdims=True)
    lower = q.cumsum(-1) <= most
    upper = q[:, ::-1].cumsum(-1)[:, ::-1] <= most
    below, above = (
        (np.where(cells, p, 0).sum(-1), np.where(cells, q, 0).sum(-1)) for cells in (lower, upper)
    )
    return below, above


def tail_rise_p(p: Counts, q: Counts, limit: Floats) -> Floats:
    """The p-value of "the share of the rows in one of the tails has risen by more than the limit".

    The reference's rows there are its outermost ones: see
    :func:`kldrift.statistics.effect_tests.rise_p`.

    Examples:
        >>> p, q = np.array([[9_900, 100]]), np.array([[10_000, 0]])
        >>> [f"{tail_rise_p(p, q, np.array([x]))[0]:.0g}" for x in (0.005, 0.01, 0.02)]
        ['3e-09', '1', '1']
    """
    n, m = (np.maximum(1, side.sum(-1)) for side in (p, q))
    each = [rise_p(current, n, reference, m, limit) for current, reference in tail_rows(p, q)]
    return np.asarray(np.minimum(1.0, 2 * np.minimum(*each)))
