"""Tests whether the number of rows of a window is unlike those of earlier windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, fdtrc, stdtr, xlogy

from kldrift.arrays import Bools, Counts, Floats, Ints

FEWEST: Final = 7
"""Windows before one that it takes to judge it."""
FEWEST_ALIKE: Final = 2
"""Windows of the same season that it takes to be compared with these alone."""
FEWEST_OWN: Final = 4
"""Windows of a season whose own spread counts, where it is surely larger than that of all."""
SURELY: Final = 0.01
"""p-value of Fisher's F below which there are seasons, or one has a spread of its own."""
LONG_ENOUGH: Final = 4
"""Weeks of windows from which growth is told, and what an hour of a weekday has."""
LEAST_SPREAD: Final = 0.02
"""Deviation of the logarithm of a number of rows that is granted always."""

SURELY_LOADED: Final = 24
"""Cells with rows, beside the first of each feature, whose counts one divisor shares by no chance:
half of them are even, and a third can be divided by three."""


@dataclass(frozen=True, eq=False)
class EarlierRows:
    """The windows before one, in the order of time; arrays of shape ``(h,)``.

    Attributes:
        rows: of each, in as much time as the window has.
        learnt: which tell what is usual.
        latest: which lie on the latest level, see `levels`.
        seasons: the season of each, such as the hour; by kind, those with more seasons last.
        weeks: how many each lies before the window.
    """

    rows: Floats
    learnt: Bools
    latest: Bools
    seasons: Sequence[Ints]
    weeks: Floats

    def take(self, which: Bools) -> EarlierRows:
        """Some of the windows."""
        seasons = [kind[which] for kind in self.seasons]
        arrays = (self.rows[which], self.learnt[which], self.latest[which])
        return EarlierRows(*arrays, seasons, self.weeks[which])


@dataclass(frozen=True)
class Volume:
    """The number of rows of a window, compared with earlier windows.

    Attributes:
        expected: the usual number: the geometric mean, brought to the time of the window and to
            the level that is nearer.
        kl: divergence of the two Poisson distributions, per expected row: ``r ln r - r + 1`` of
            their ratio r; 0.15 is half as many, 0.39 twice as many.
        p_value: two-sided, of Student's t of the logarithm among those before; where these have
            seasons, with the spread that is left within them. Of few rows at least that of the
            deviance of two Poisson distributions.
        windows: how many these are.
        alike: the kind of season, from 1, of which they all are; 0 where they are of any.
        growth: of the logarithm a week; 0 where there is none for sure.
    """

    expected: float
    kl: float
    p_value: float
    windows: int
    alike: int
    growth: float


def levels(different: Bools, unusual: Bools, seasons: Ints) -> tuple[Bools, Bools]:
    """Which windows tell what is usual, and which lie on the latest level.

    Different windows in a row are not learnt from where one of them is unusual. So many (`FEWEST`)
    are a new level, which is usual from then on, and so is what most windows of a season have.

    Args:
        different: whether each surely was, in the order of time, shape ``(h,)``.
        unusual: which of these were critical.
        seasons: the season of each.

    Examples:
        >>> days = np.arange(20)
        >>> learnt, latest = levels(days > 12, days > 13, days % 7)
        >>> learnt.all(), np.flatnonzero(latest)[0]
        (np.True_, np.int64(13))
        >>> learnt, latest = levels(days == 12, days == 12, days % 7)
        >>> np.flatnonzero(~learnt), latest.any()
        (array([12]), np.False_)
    """
    runs = np.cumsum(np.diff(different, prepend=False))
    lasting = different & (np.bincount(runs)[runs] >= FEWEST)
    first = np.flatnonzero(lasting & np.diff(lasting, prepend=False))[-1:]
    _, place = np.unique(seasons, return_inverse=True)
    left_out = different & (np.bincount(runs, unusual)[runs] > 0)
    number = np.bincount(place)
    again = (number >= FEWEST_ALIKE) & (2 * np.bincount(place, left_out) > number)
    return ~left_out | lasting | again[place], np.arange(len(runs)) >= [*first, len(runs)][0]


def volume(rows: int, past: EarlierRows, season: Sequence[int]) -> Volume | None:
    """Compare the rows of a window with those of earlier ones, given its season of each kind.

    None where these are too few; empty ones are left out. No rows are usual in a season of which
    half of the windows had none.

    Examples:
        >>> rows, days = np.array([100.0, 104, 98, 101, 99, 103, 97, 100]), np.arange(8)
        >>> past = EarlierRows(rows, days >= 0, days > 8, [days % 7], (8 - days) / 7)
        >>> found = volume(50, past, [1])
        >>> round(found.expected), round(found.kl, 2), found.p_value < 1e-6
        (100, 0.15, True)
    """
    alike = [past.rows[kind == own] for kind, own in zip(past.seasons, season, strict=True)]
    number = sum(len(same) >= FEWEST_ALIKE for same in alike)
    if not rows and number and np.median(alike[number - 1]) == 0:
        return Volume(0.0, 0.0, 1.0, len(alike[number - 1]), number, 0.0)
    past = past.take(past.learnt & (past.rows > 0))
    if len(past.rows) < FEWEST:
        return None
    kinds = past.seasons if past.weeks.max() >= LONG_ENOUGH else past.seasons[:1]
    logs = np.log(past.rows)
    growth = _growth(logs, 2 * kinds[-1] + past.latest, past.weeks)
    logs += growth * past.weeks
    rise = _rise(logs, kinds[-1], past.latest)
    logs += np.where(past.latest, 0, rise)
    before = [-rise] if rise and 2 * past.latest.sum() < len(logs) else []
    found = (_beside(rows, logs + level, kinds, season, growth) for level in (0.0, *before))
    return min(found, key=lambda one: one.kl)


def _beside(
    rows: int, logs: Floats, kinds: Sequence[Ints], season: Sequence[int], growth: float
) -> Volume:
    """A number of rows beside the logarithms of others at its time and level."""
    same, alike, coarser = logs, 0, np.zeros(len(logs), dtype=np.int64)
    variance, free = float(logs.var(ddof=1)), len(logs) - 1
    for number, (kind, own) in enumerate(zip(kinds, season, strict=False), 1):
        within, mine = _within_seasons(logs, kind, coarser), logs[kind == own]
        if within is not None and len(mine) >= FEWEST_ALIKE:
            same, alike, coarser, (variance, free) = mine, number, kind, within
    spread, own_free = float(same.var(ddof=1)), len(same) - 1
    if (
        len(same) >= FEWEST_OWN
        and fdtrc(own_free, free, spread / max(variance, LEAST_SPREAD**2)) < SURELY
    ):
        variance, free = spread, own_free
    expected = float(np.exp(same.mean()))
    ratio = rows / expected
    kl = max(float(xlogy(ratio, ratio) - ratio + 1), 0.0)
    deviation = np.sqrt(max(variance, LEAST_SPREAD**2) * (1 + 1 / len(same)))
    t = abs(np.log(max(rows, 0.5)) - same.mean()) / deviation
    counted = chdtrc(1, 2 * expected * kl / (1 + 1 / len(same)))
    p_value = max(float(2 * stdtr(free, -t)), float(counted))
    return Volume(expected, kl, p_value, len(same), alike, growth)


def _growth(logs: Floats, seasons: Ints, weeks: Floats) -> float:
    """The growth of logarithms a week within seasons; 0 where there is none for sure.

    Windows that resemble the one before tell as much of it as fewer ones would.
    """
    free = len(logs) - len(np.unique(seasons)) - 1
    if weeks.max() < LONG_ENOUGH or free < FEWEST:
        return 0.0
    x, y = _without_seasons(seasons, -weeks, logs)
    growth = float(x @ y / (x @ x))
    left = y - growth * x
    power = max(float(left @ left), free * LEAST_SPREAD**2)
    rho = min(max(float(left[1:] @ left[:-1]) / power, 0.0), 0.95)
    effective = (1 - rho) / (1 + rho)
    t = abs(growth) * np.sqrt((x @ x) * effective * free / power)
    return growth if 2 * stdtr(max(free * effective, 2), -t) < SURELY else 0.0


def _rise(logs: Floats, seasons: Ints, latest: Bools) -> float:
    """How far the latest level lies above the ones before; 0 where no season has both."""
    if not latest.any():
        return 0.0
    x, y = _without_seasons(seasons, latest.astype(np.float64), logs)
    return float(x @ y / (x @ x)) if x.any() else 0.0


def _without_seasons(seasons: Ints, *values: Floats) -> list[Floats]:
    """Values without the mean of their season."""
    _, place = np.unique(seasons, return_inverse=True)
    number = np.bincount(place)
    return [one - (np.bincount(place, one) / number)[place] for one in values]


def _within_seasons(logs: Floats, seasons: Ints, coarser: Ints) -> tuple[float, int] | None:
    """The variance within seasons and its degrees of freedom; None where there are none for sure.

    All seasons tell it together, so that two weeks of days are enough; they must tell more than
    coarser ones.
    """
    number = len(np.unique(seasons))
    between, free = number - len(np.unique(coarser)), len(logs) - number
    if between < 1 or free < FEWEST:
        return None
    least, most = (np.square(_without_seasons(kind, logs)).sum() for kind in (seasons, coarser))
    left = max(float(least), free * LEAST_SPREAD**2) / free
    surely = fdtrc(between, free, float(most - least) / between / left) < SURELY
    return (left, free) if surely else None


def times_loaded(counts: Iterable[Counts]) -> Ints:
    """How many times each row is there, as where a file is loaded twice: what all counts share.

    Args:
        counts: of each feature, shape ``(groups, cells)``; the groups are the same.

    Returns:
        A number for each group; 1 where it has too few cells with rows to say so.

    Examples:
        >>> once = np.arange(1, 31)[None]
        >>> [int(times_loaded([n * once])[0]) for n in (1, 2, 3)], times_loaded([2 * once[:, :9]])
        ([1, 2, 3], array([1]))
    """
    times, free, left = (np.zeros(0, dtype=np.int64),) * 3
    for number, table in enumerate(counts):
        if not number:
            times, free = np.zeros((2, len(table)), dtype=np.int64)
            left = np.arange(len(table))
        own = table[left]
        times[left] = np.gcd(times[left], np.gcd.reduce(own, axis=-1))
        free[left] += np.maximum(np.count_nonzero(own, axis=-1) - 1, 0)
        left = left[times[left] != 1]
        if not len(left):
            break
    return np.where((times > 1) & (free >= SURELY_LOADED), times, 1)
