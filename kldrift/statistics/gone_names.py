"""How many reference rows have names that are gone, beside what chance leaves without a row.

Of t rows that a name has on both sides, the y reference rows are binomial without drift, and a name
that has a cell because of its reference rows has at least as many as the floor. So the chance that
all t are the reference's is known for each name, whatever its share and however few rows it has:
many rare names together tell what none of them tells alone.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import betainc, expit, logit, ndtr

from kldrift.arrays import Bools, Counts, Floats

FLOOR: Final = 2
"""Reference rows of a name that has a cell: those of one row stand for names never seen."""
WORTH: Final = 1.5
"""So many errors above what is expected, or the p-value is not worth computing, and is 1."""
ROUNDS: Final = 60
"""Of halving the interval that holds the tilt of a saddlepoint."""
STEEPEST: Final = 60.0
"""The largest tilt, in units of the most rows that one name has."""


def gone_floor(q: Counts, whole: Counts, rare: int, left: int, behind: Bools) -> Counts:
    """The reference rows that each name has at least, as it has a cell.

    Args:
        q: reference rows of some groups per name, shape ``(n, k)``.
        whole: those of all groups together, on which the cells were chosen, shape ``(k,)``.
        rare: how many of the last names are the rarest that have a cell.
        left: the rows of names that were seen several times and have no cell.
        behind: the names that come behind the last one in order: of as many rows as that one has,
            they would have no cell.

    Returns:
        0 where the names were chosen on other rows.

    Examples:
        >>> q, behind = np.array([[40, 4, 3]]), np.array([False, True, False])
        >>> gone_floor(q, q[0], 2, 0, behind), gone_floor(q, q[0], 2, 60, behind)
        (array([[2, 2, 2]]), array([[3, 4, 3]]))
    """
    fewest = int(whole[-rare:].min())
    least = fewest + behind if left else np.full(len(whole), FLOOR)
    chosen = np.maximum(least - (whole - q), 0)
    return chosen if fewest >= FLOOR else np.zeros_like(chosen)


def gone_chance(p: Counts, q: Counts, floor: Counts, n: Counts, m: Counts) -> Floats:
    """The chance that all rows of a name are the reference's, without drift.

    Args:
        p: current rows per name, shape ``(r, k)``.
        q: reference rows.
        floor: the fewest reference rows that each has.
        n: all current rows, shape ``(r,)``.
        m: all reference rows.
    """
    total = p + q
    share = np.broadcast_to((m / np.maximum(1, n + m))[:, None], p.shape)
    chosen = (floor > 0) & (total > 0)
    t, least = total[chosen], floor[chosen]
    kept = np.ones(p.shape)
    kept[chosen] = betainc(least, np.maximum(t - least + 1, 1), share[chosen])
    chance = np.divide(share**total, kept, out=np.ones(p.shape), where=kept > 0)
    return np.asarray(np.where(total > 0, np.minimum(chance, 1.0), 0.0))


def gone_share(p: Counts, q: Counts, chance: Floats, m: Counts) -> Floats:
    """The share of the reference's rows whose names are gone, less what chance leaves gone."""
    rows = np.where(p == 0, q, 0).sum(-1) - ((p + q) * chance).sum(-1)
    return np.asarray(np.maximum(rows, 0.0) / np.maximum(1, m))


def gone_above_p(p: Counts, q: Counts, chance: Floats, m: Counts, limit: Floats) -> Floats:
    """The p-value of "names with more than so large a share of the rows are gone".

    Names are gone by chance independently of each other, each with all its rows; of the share that
    is the limit the reference's rows are binomial. The tail of their sum is that of its saddlepoint
    [1]; 1 where it is not far from what is expected.

    Args:
        p: current rows per name, shape ``(r, k)``.
        q: reference rows.
        chance: of each name to be gone, as :func:`gone_chance` gives it.
        m: all reference rows, shape ``(r,)``.
        limit: the share, shape ``(r,)``.

    References:
        [1] Lugannani, R. and Rice, S. (1980). Saddle point approximation for the distribution of
            the sum of independent random variables. Advances in Applied Probability 12(2).

    Examples:
        >>> q = np.full((1, 100), 10)
        >>> p = np.where(np.arange(100) < 50, 0, 20)[None]
        >>> n = m = np.array([1000])
        >>> chance = gone_chance(p, q, q * 0, n, m)
        >>> gone_share(p, q, chance, m).round(2)
        array([0.5])
        >>> gone_above_p(p, q, chance, m, np.array([0.02])) < 1e-12
        array([ True])
    """
    gone, total = np.where(p == 0, q, 0).sum(-1), (p + q).astype(np.float64)
    mean = (total * chance).sum(-1) + m * limit
    error = np.sqrt((total**2 * chance * (1 - chance)).sum(-1) + m * limit * (1 - limit))
    out = np.ones(len(p))
    at = np.flatnonzero((gone > 0) & (gone - mean > WORTH * error))
    if len(at):
        out[at] = _tail(gone[at], total[at], chance[at], m[at], limit[at])
    return out


def _tail(gone: Counts, total: Floats, chance: Floats, m: Counts, limit: Floats) -> Floats:
    """The chance of so many rows or more, which are more than is expected."""
    low, high = np.zeros(len(gone)), STEEPEST / np.maximum(1.0, total.max(-1))
    within = (limit > 0) | (gone < total.sum(-1))
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        less = _slope(middle, total, chance, m, limit)[0] < gone
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    tilt = (low + high) / 2
    _, spread, height = _slope(tilt, total, chance, m, limit)
    depth = np.sqrt(2 * np.maximum(tilt * gone - height, 0.0))
    width = -np.expm1(-tilt) * np.sqrt(spread)  # the sum is a whole number
    with np.errstate(divide="ignore", invalid="ignore"):  # where all names are gone
        near = np.exp(-(depth**2) / 2) / np.sqrt(2 * np.pi) * (1 / width - 1 / depth)
        every = np.exp(np.log(chance).sum(-1))
        alone = np.where(total >= gone[:, None], np.log1p(-chance), 0.0).sum(-1)
    p_value = np.where(within, np.clip(ndtr(-depth) + near, 0.0, 1.0), every)
    # One name may be enough, of which there is no sum.
    return np.asarray(np.maximum(p_value, 0.0 - np.expm1(alone)))


def _slope(
    tilt: Floats, total: Floats, chance: Floats, m: Counts, limit: Floats
) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and cumulant generating function of the sum, tilted; shape ``(n,)`` each."""
    up = tilt[:, None]
    with np.errstate(divide="ignore"):
        odds, extra = logit(chance), logit(limit)
        none, left = np.log1p(-chance), np.log1p(-limit)
        sure = np.log(chance)
    weight, share = expit(odds + up * total), expit(extra + tilt)
    mean = (total * weight).sum(-1) + m * share
    spread = (total**2 * weight * (1 - weight)).sum(-1) + m * share * (1 - share)
    with np.errstate(divide="ignore"):
        more = np.logaddexp(left, np.log(limit) + tilt)
    height = np.logaddexp(none, sure + up * total).sum(-1) + m * more
    return mean, spread, height
