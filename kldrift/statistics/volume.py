"""Tests whether the number of rows of a window is unlike those of earlier windows."""

from __future__ import annotations

from collections.abc import Iterable
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
"""Weeks of windows from which growth is told."""
LEAST_SPREAD: Final = 0.02
"""Deviation of the logarithm of a number of rows that is granted always."""

SURELY_LOADED: Final = 24
"""Cells with rows, beside the first of each feature, whose counts one divisor shares by no chance:
half of them are even, and a third can be divided by three."""


@dataclass(frozen=True)
class Volume:
    """The number of rows of a window, compared with earlier windows.

    Attributes:
        expected: the usual number: the geometric mean, brought to the time of the window.
        kl: divergence of the two Poisson distributions, per expected row: ``r ln r - r + 1`` of
            their ratio r; 0.15 is half as many, 0.39 twice as many.
        p_value: two-sided, of Student's t of the logarithm among those before; where these have
            seasons, with the spread that is left within them. Of few rows at least that of the
            deviance of two Poisson distributions.
        windows: how many these are.
        alike: whether they are those of the same season.
        growth: of the logarithm a week; 0 where there is none for sure.
    """

    expected: float
    kl: float
    p_value: float
    windows: int
    alike: bool
    growth: float


def usual(unusual: Bools) -> Bools:
    """Which windows tell what is usual: not unusual ones, unless these last.

    Args:
        unusual: whether each was, in the order of time, shape ``(h,)``.

    Examples:
        >>> usual(np.array([False, True, True, False]))
        array([ True, False, False,  True])
        >>> usual(np.append(False, np.ones(FEWEST, dtype=np.bool_))).all()
        np.True_
    """
    runs = np.cumsum(np.diff(unusual, prepend=False))
    return ~unusual | (np.bincount(runs)[runs] >= FEWEST if len(runs) else unusual)


def volume(rows: int, past: Floats, seasons: Ints, season: int, weeks: Floats) -> Volume | None:
    """Compare a number of rows with those of earlier windows; None where these are too few.

    Args:
        rows: of the window.
        past: of earlier ones, in as much time, shape ``(h,)``; empty ones are left out.
        seasons: the hour or weekday of each of these, shape ``(h,)``.
        season: that of the window.
        weeks: how many each of the earlier ones lies before it, shape ``(h,)``.

    Examples:
        >>> past = np.array([100.0, 104, 98, 101, 99, 103, 97, 100])
        >>> found = volume(50, past, np.zeros(8, dtype=np.int64), 0, np.arange(8, 0, -1) / 7)
        >>> round(found.expected), round(found.kl, 2), found.p_value < 1e-6
        (100, 0.15, True)
    """
    seasons, weeks, past = seasons[past > 0], weeks[past > 0], past[past > 0]
    if len(past) < FEWEST:
        return None
    logs = np.log(past)
    growth = _growth(logs, seasons, weeks)
    logs += growth * weeks
    within = _within_seasons(logs, seasons)
    same = logs[seasons == season]
    alike = within is not None and len(same) >= FEWEST_ALIKE
    if within is None or not alike:
        same, within = logs, (float(logs.var(ddof=1)), len(logs) - 1)
    variance, free = within
    own, own_free = float(same.var(ddof=1)), len(same) - 1
    if (
        len(same) >= FEWEST_OWN
        and fdtrc(own_free, free, own / max(variance, LEAST_SPREAD**2)) < SURELY
    ):
        variance, free = own, own_free
    expected = float(np.exp(same.mean()))
    ratio = rows / expected
    kl = float(xlogy(ratio, ratio) - ratio + 1)
    spread = np.sqrt(max(variance, LEAST_SPREAD**2) * (1 + 1 / len(same)))
    t = abs(np.log(max(rows, 0.5)) - same.mean()) / spread
    counted = chdtrc(1, 2 * expected * max(kl, 0.0) / (1 + 1 / len(same)))
    p_value = max(float(2 * stdtr(free, -t)), float(counted))
    return Volume(expected, max(kl, 0.0), p_value, len(same), alike, growth)


def _growth(logs: Floats, seasons: Ints, weeks: Floats) -> float:
    """The growth of logarithms a week within seasons; 0 where there is none for sure.

    Windows that resemble the one before tell as much of it as fewer ones would.
    """
    _, place = np.unique(seasons, return_inverse=True)
    free = len(logs) - int(place.max()) - 2
    if weeks.max() < LONG_ENOUGH or free < FEWEST:
        return 0.0
    x, y = (z - (np.bincount(place, z) / np.bincount(place))[place] for z in (-weeks, logs))
    growth = float(x @ y / (x @ x))
    left = y - growth * x
    power = max(float(left @ left), free * LEAST_SPREAD**2)
    rho = min(max(float(left[1:] @ left[:-1]) / power, 0.0), 0.95)
    effective = (1 - rho) / (1 + rho)
    t = abs(growth) * np.sqrt((x @ x) * effective * free / power)
    return growth if 2 * stdtr(max(free * effective, 2), -t) < SURELY else 0.0


def _within_seasons(logs: Floats, seasons: Ints) -> tuple[float, int] | None:
    """The variance within seasons and its degrees of freedom; None where there are none for sure.

    All seasons tell it together, so that two weeks of days are enough.
    """
    names, place = np.unique(seasons, return_inverse=True)
    between, free = len(names) - 1, len(logs) - len(names)
    if not between or free < FEWEST:
        return None
    means = np.bincount(place, logs) / np.bincount(place)
    left = max(float(np.square(logs - means[place]).sum()), free * LEAST_SPREAD**2)
    explained = float(np.square(means[place] - logs.mean()).sum())
    surely = fdtrc(between, free, explained / between / (left / free)) < SURELY
    return (left / free, free) if surely else None


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
