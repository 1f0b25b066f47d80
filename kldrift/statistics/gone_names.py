"""How many reference rows have names that are gone, beside what chance leaves without a row.

Of t rows that a name has on both sides, the y reference rows are binomial without drift, and a name
that has a cell because of its reference rows has at least as many as the floor. So the chance that
all t are the reference's is known for each name, whatever its share and however few rows it has:
many rare names together tell what none of them tells alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from scipy.special import betainc, expit, logit, ndtr

from kldrift.arrays import Counts, Floats, Hashes

FLOOR: Final = 2
"""Reference rows of a name that has a cell: those of one row stand for names never seen."""
WORTH: Final = 1.5
"""So many errors above what is expected, or the p-value is not worth computing, and is 1."""
ROUNDS: Final = 60
"""Of halving the interval that holds the tilt of a saddlepoint."""
STEEPEST: Final = 60.0
"""The largest tilt, in units of the most rows that one name has."""


def priorities(rows: Counts, hashes: Hashes) -> Floats:
    """By which names are drawn: those with the largest ones are a fair sample, by their rows [1].

    A name of y rows is among them with a probability of ``y / t``, or surely, where t is the
    largest priority of the others, and so stands for t rows, or for its own if these are more.

    References:
        [1] Duffield, N., Lund, C. and Thorup, M. (2007). Priority sampling for estimation of
            arbitrary subset sums. Journal of the ACM 54(6), 32.
    """
    return rows / _uniform(hashes)


def _uniform(hashes: Hashes) -> Floats:
    return (hashes.astype(np.float64) + 1) / 2.0**64


@dataclass(frozen=True, eq=False)
class NameSample:
    """The names of a reference that have a cell: the frequent ones, and some of all others.

    Attributes:
        floor: the reference rows that each name has at least, as it has a cell, shape ``(k,)``.
        stands_for: rows that a rare name stands for at least; 0 if all of them have a cell.
        frequent: names of so many rows have a cell surely.
        whole: the reference's rows of all groups together, shape ``(k,)``.
        rows: of all names together, by which one group is a part of them.
    """

    floor: Counts
    stands_for: int
    frequent: int
    whole: Counts
    rows: int

    @classmethod
    def of(cls, whole: Counts, rare: int, left: int, hashes: Hashes, rows: int) -> Self:
        """The sample, as its rows tell how it was drawn.

        Args:
            whole: the reference's rows of each name, in all groups together, shape ``(k,)``.
            rare: how many of the last names are a sample, the largest priorities first; of these
                the last one only says where it ends, if there are more.
            left: the rows of names that were seen several times and have no cell.
            hashes: of the names.
            rows: of all names together, and of nulls.

        Examples:
            >>> hashes = np.array([7, 1, 3], dtype=np.uint64) << np.uint64(60)
            >>> found = NameSample.of(np.array([40, 4, 3]), 2, 60, hashes, 120)
            >>> found.floor, found.stands_for
            (array([5, 2, 4]), 16)
            >>> NameSample.of(np.array([40, 4, 3]), 2, 0, hashes, 60).floor
            array([2, 2, 2])
        """
        frequent = int(whole[-rare:].max()) + 1
        end = float(priorities(whole[-1:], hashes[-1:])[0]) if left else 0.0
        drawn = np.floor(_uniform(hashes) * end).astype(np.int64) + 1
        floor = np.maximum(np.minimum(drawn, frequent), FLOOR)
        chosen = int(whole[-rare:].min()) >= FLOOR  # on these rows
        return cls(floor * chosen, round(end) * chosen, frequent, whole, rows)

    def floors(self, q: Counts) -> Counts:
        """The rows that each name has at least in some groups, shape ``(n, k)``."""
        return np.maximum(self.floor - (self.whole - q), 0)

    def stand_for(self, p: Counts, q: Counts) -> Counts:
        """How many reference rows each name stands for in some groups, if it is gone."""
        total = p + q
        every = np.maximum(total + self.whole - q, 1)
        drawn = (every < min(self.stands_for, self.frequent)) & (total > 0)
        return np.where(drawn, np.rint(total * (self.stands_for / every)), total).astype(np.int64)

    def names(self, p: Counts, q: Counts) -> Floats:
        """How many names each stands for, by the rows that it is expected to have been drawn by."""
        n, m = (side.sum(-1, keepdims=True) for side in (p, q))
        usual = np.maximum((p + q) * (m / np.maximum(1, n + m)) + self.whole - q, 1.0)
        drawn = usual < min(self.stands_for, self.frequent)
        return np.where(drawn, self.stands_for / usual, 1.0)

    def ceilings(self, q: Counts) -> Counts:
        """The rows that each rare name has at most in some groups; -1 for the frequent ones."""
        rare = (self.whole < self.frequent) & (self.floor > 0)
        return np.where(rare, np.maximum(self.frequent - 1 - (self.whole - q), 0), -1)

    def unit(self, m: Counts) -> Counts:
        """How many rows of a group one rare name stands for, 1 or more."""
        return np.maximum(1, np.rint(self.stands_for * (m / max(1, self.rows)))).astype(np.int64)


def gone_chance(p: Counts, q: Counts, floor: Counts, n: Counts, m: Counts) -> Floats:
    """The chance that all rows of a name are the reference's, without drift.

    ``floor`` are the fewest reference rows that each has.
    """
    total = p + q
    share = np.broadcast_to((m / np.maximum(1, n + m))[:, None], p.shape)
    chosen = (floor > 0) & (total > 0)
    t, least = total[chosen], floor[chosen]
    kept = np.ones(p.shape)
    kept[chosen] = betainc(least, np.maximum(t - least + 1, 1), share[chosen])
    chance = np.divide(share**total, kept, out=np.ones(p.shape), where=kept > 0)
    return np.asarray(np.where(total > 0, np.minimum(chance, 1.0), 0.0))


def gone_share(p: Counts, rows: Counts, chance: Floats, m: Counts) -> Floats:
    """The share of the reference's rows whose names are gone, less what chance leaves gone.

    A name stands for so many ``rows`` of the reference, if it is gone; its ``chance`` is that of
    :func:`gone_chance`.
    """
    gone = np.where(p == 0, rows, 0).sum(-1) - (rows * chance).sum(-1)
    return np.asarray(np.maximum(gone, 0.0) / np.maximum(1, m))


def gone_above_p(
    p: Counts, rows: Counts, chance: Floats, m: Counts, limit: Floats, unit: Counts
) -> Floats:
    """The p-value of "names with more than so large a share of the rows are gone".

    Names are gone by chance independently of each other, each with all its rows; of the share that
    is the limit the reference's rows are binomial, in units of what one name stands for. The tail
    of their sum is that of its saddlepoint [1]; 1 where it is not far from what is expected.
    ``unit`` are the rows that a name stands for at least; all else is as of :func:`gone_share`.

    References:
        [1] Lugannani, R. and Rice, S. (1980). Saddle point approximation for the distribution of
            the sum of independent random variables. Advances in Applied Probability 12(2).

    Examples:
        >>> q = np.full((1, 100), 10)
        >>> p = np.where(np.arange(100) < 50, 0, 20)[None]
        >>> n = m = np.array([1000])
        >>> chance = gone_chance(p, q, q * 0, n, m)
        >>> gone_share(p, p + q, chance, m).round(2)
        array([0.5])
        >>> gone_above_p(p, p + q, chance, m, np.array([0.02]), n // n) < 1e-12
        array([ True])
    """
    gone, size = np.where(p == 0, rows, 0).sum(-1), rows.astype(np.float64)
    units = m / unit
    mean = (size * chance).sum(-1) + m * limit
    spread = (size**2 * chance * (1 - chance)).sum(-1) + units * unit**2 * limit * (1 - limit)
    out = np.ones(len(p))
    at = np.flatnonzero((gone > 0) & (gone - mean > WORTH * np.sqrt(spread)))
    if len(at):
        terms = Terms(size[at], chance[at], units[at], unit[at].astype(np.float64), limit[at])
        out[at] = terms.tail(gone[at])
    return out


@dataclass(frozen=True, eq=False)
class Terms:
    """What the rows of names that are gone are a sum of, of some groups.

    Attributes:
        size: rows of each name, shape ``(n, k)``.
        chance: of each to be gone.
        units: how many units all rows are, shape ``(n,)``.
        unit: rows of one.
        limit: the chance of each of these to be gone.
    """

    size: Floats
    chance: Floats
    units: Floats
    unit: Floats
    limit: Floats

    def tail(self, gone: Counts) -> Floats:
        """The chance of so many rows or more, which are more than is expected."""
        low, high = np.zeros(len(gone)), STEEPEST / np.maximum(self.unit, self.size.max(-1))
        within = (self.limit > 0) | (gone < self.size.sum(-1))
        for _ in range(ROUNDS):
            middle = (low + high) / 2
            less = self._mean(*self._shares(middle)) < gone
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        tilt = (low + high) / 2
        _, spread, height = self._tilted(tilt)
        depth = np.sqrt(2 * np.maximum(tilt * gone - height, 0.0))
        # The sum is a whole number of units.
        width = -np.expm1(-tilt * self.unit) / self.unit * np.sqrt(spread)
        with np.errstate(divide="ignore", invalid="ignore"):  # where all names are gone
            near = np.exp(-(depth**2) / 2) / np.sqrt(2 * np.pi) * (1 / width - 1 / depth)
            every = np.exp(np.log(self.chance).sum(-1))
            alone = np.where(self.size >= gone[:, None], np.log1p(-self.chance), 0.0).sum(-1)
        p_value = np.where(within, np.clip(ndtr(-depth) + near, 0.0, 1.0), every)
        # One name may be enough, of which there is no sum.
        return np.asarray(np.maximum(p_value, 0.0 - np.expm1(alone)))

    @cached_property
    def _odds(self) -> tuple[Floats, Floats]:
        with np.errstate(divide="ignore"):
            return logit(self.chance), logit(self.limit)

    def _shares(self, tilt: Floats) -> tuple[Floats, Floats]:
        """The chance of each name to be gone, and of each unit, once it is tilted."""
        odds, extra = self._odds
        return expit(odds + tilt[:, None] * self.size), expit(extra + tilt * self.unit)

    def _mean(self, weight: Floats, share: Floats) -> Floats:
        """The mean of the sum, given these."""
        return np.asarray((self.size * weight).sum(-1) + self.units * self.unit * share)

    def _tilted(self, tilt: Floats) -> tuple[Floats, Floats, Floats]:
        """Mean, variance and cumulant generating function of the sum; shape ``(n,)`` each."""
        up, more = tilt[:, None] * self.size, tilt * self.unit
        with np.errstate(divide="ignore"):
            none, left = np.log1p(-self.chance), np.log1p(-self.limit)
            sure, often = np.log(self.chance), np.log(self.limit)
        weight, share = self._shares(tilt)
        mean = self._mean(weight, share)
        spread = (self.size**2 * weight * (1 - weight)).sum(-1)
        spread += self.units * self.unit**2 * share * (1 - share)
        height = np.logaddexp(none, sure + up).sum(-1)
        return mean, spread, height + self.units * np.logaddexp(left, often + more)
