"""How many rows moved among rare names, of which none need be new or gone.

Names of a few rows each are scored together, so that rows which move from some of them to others
show nowhere. Of the t rows that a name has on both sides, the reference rows are binomial without
drift. They are at least as many as a name needs to be counted, and no more than a rare one has: the
names are chosen by their reference rows, and the law allows for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from kldrift.arrays import Bools, Counts, Floats, OfRows
from kldrift.statistics.chosen_cells import chosen_law, chosen_p_value
from kldrift.statistics.effect_tests import rise_p

WORTH: Final = 1.5
"""So many errors above what is expected, or the p-value is not worth computing, and is 1."""
WORTH_ALONE: Final = 10.0
"""The square of the errors of one name from which it is."""


@dataclass(frozen=True, eq=False)
class MovedNames(OfRows):
    """Rows that moved among rare names, whatever the limit; arrays of shape ``(n,)``.

    With e the reference rows of a name less those expected of its t rows, and v their variance, the
    share is ``sum (e^2 - v) / max |e|`` in units of ``(1 / n + 1 / m) / 2``, which is no more than
    the total variation, or the rise of one name if that is larger.

    Attributes:
        share: of the rows that moved.
        excess: ``sum (e^2 - v)``, and its ``error``; below 0 where it is not worth a test.
        largest: ``max |e|``.
        differ_p: the p-value of "rare names have the same shares".
        x: current rows of the name that rose most.
        y: reference rows that it has at most.
        names: how many it is the one of.
    """

    share: Floats
    excess: Floats
    error: Floats
    largest: Floats
    differ_p: Floats
    x: Counts
    y: Counts
    n: Counts
    m: Counts
    names: Counts

    def above_p(self, limit: Floats) -> Floats:
        """The p-value of "the share is above the limit", of shape ``(n,)``.

        The sum is above the limit if the names surely differ, too, as
        :func:`~kldrift.statistics.chosen_cells.chosen_p_value` says.
        """
        out, at = np.ones(len(self.x)), np.flatnonzero(self.error >= 0)
        if not len(at):
            return out
        mine, limit = self.take(at), limit[at]
        unit = (1 / mine.n + 1 / mine.m) / 2
        together = ndtr((limit * mine.largest / unit - mine.excess) / mine.error)
        together = np.maximum(together, mine.differ_p)
        alone = rise_p(mine.x, mine.n, np.maximum(mine.y, 0), mine.m, limit) * mine.names
        out[at] = np.minimum(1.0, 2 * np.minimum(together, alone))
        return out


def moved_names(
    p: Counts, q: Counts, floor: Counts, ceiling: Counts, stands_for: Floats
) -> MovedNames:
    """The rows that moved among rare names.

    Args:
        p: current rows of each name, and at last of all others, shape ``(r, k + 1)``.
        q: reference rows.
        floor: the fewest reference rows that each name has, as it is counted, shape ``(r, k)``.
        ceiling: the most that it has, as it is rare; negative for those that are not.
        stands_for: how many names each stands for.

    Examples:
        >>> before, now = np.full((1, 100), 10), np.where(np.arange(100) < 10, 37, 7)[None]
        >>> sides = (np.append(side, [[0]], axis=-1) for side in (now, before))
        >>> moved = moved_names(*sides, before * 0 + 2, before * 0 + 19, before / 10)
        >>> moved.share.round(2), moved.above_p(np.array([0.02])) < 0.001
        (array([0.11]), array([ True]))
    """
    rare = (ceiling >= 0) & (p + q > 0)[:, :-1]
    n, m, usual, v, off = _expected(p, q, rare)
    size = np.divide(off, v, out=np.zeros(v.shape), where=v > 0)
    together = size.sum(-1) > WORTH * np.sqrt(2 * rare.sum(-1))
    at = np.flatnonzero(together | (size.max(-1, initial=0.0) > WORTH_ALONE))
    share, excess, error, largest = np.tile([[0.0], [0.0], [-1.0], [0.0]], len(p))
    differ_p, (x, y, names) = np.ones(len(p)), np.zeros((3, len(p)), dtype=np.int64)
    if len(at):
        p, q, rare, usual, v, off = p[at], q[at], rare[at], usual[at], v[at], off[at]
        weight, now, before = np.where(rare, stands_for[at], 0.0), p[:, :-1], q[:, :-1]
        unit, most = (1 / n[at] + 1 / m[at]) / 2, ceiling[at]
        largest[at] = np.where(rare, abs(before - usual), 0.0).max(-1)
        excess[at] = (weight * off).sum(-1)
        noise = v * (3 * v + 1 + 4 * np.maximum(off, 0.0))
        drawn = weight * np.maximum(weight - 1, 0) * off**2
        error[at] = np.sqrt((weight**2 * noise + drawn).sum(-1))
        differ_p[at] = _differ_p(p, q, rare, floor[at], most)
        rise = np.where(rare, now / n[at, None] - most / m[at, None], -1.0)
        one = rise.argmax(-1)[:, None]
        x[at], y[at] = (np.take_along_axis(side, one, -1)[:, 0] for side in (now, most))
        names[at] = (now + before > 0).sum(-1)
        share[at] = np.maximum(0.0, np.maximum(unit * excess[at] / largest[at], rise.max(-1)))
    return MovedNames(share, excess, error, largest, differ_p, x, y, n, m, names)


def _expected(p: Counts, q: Counts, rare: Bools) -> tuple[Counts, Counts, Floats, Floats, Floats]:
    """Rows of both sides; what is expected of names, its variance, and the squares beyond that."""
    n, m = p.sum(-1), q.sum(-1)
    part = (m / np.maximum(1, n + m))[:, None]
    usual = (p + q)[:, :-1] * part
    v = usual * (1 - part)
    return n, m, usual, v, np.where(rare, (q[:, :-1] - usual) ** 2 - v, 0.0)


def _differ_p(p: Counts, q: Counts, rare: Bools, floor: Counts, ceiling: Counts) -> Floats:
    """The p-value of "rare names have the same shares", as they were chosen."""
    rare = np.append(rare, np.zeros((len(p), 1), np.bool_), axis=-1)
    other = np.broadcast_to(np.arange(rare.shape[-1]) == rare.shape[-1] - 1, rare.shape)
    now, before = (
        np.where(rare, side, 0) + other * np.where(rare, 0, side).sum(-1, keepdims=True)
        for side in (p, q)
    )
    least, most = (np.append(x, np.zeros((len(p), 1), np.int64), axis=-1) for x in (floor, ceiling))
    law = chosen_law(now, before, np.where(rare, least, 0), np.where(rare, most, now + before))
    return chosen_p_value(now, before, law, other)
