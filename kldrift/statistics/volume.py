"""Tests whether the number of rows of a window is unlike those of earlier windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtr, xlogy

from kldrift.arrays import Bools, Counts, Floats, Ints

FEWEST: Final = 7
"""Windows before one that it takes to judge it."""
FEWEST_ALIKE: Final = 4
"""Windows of the same season that it takes to be compared with these alone."""
CLOSER: Final = 0.8
"""How much less they must vary than all do."""
LEAST_SPREAD: Final = 0.02
"""Deviation of the logarithm of a number of rows that is granted always."""

SURELY_LOADED: Final = 24
"""Cells with rows, beside the first of each feature, whose counts one divisor shares by no chance:
half of them are even, and a third can be divided by three."""


@dataclass(frozen=True)
class Volume:
    """The number of rows of a window, compared with earlier windows.

    Attributes:
        expected: the usual number: the geometric mean.
        kl: divergence of the two Poisson distributions, per expected row: ``r ln r - r + 1`` of
            their ratio r; 0.15 is half as many, 0.39 twice as many.
        p_value: two-sided, of Student's t of the logarithm among those before.
        windows: how many these are.
        alike: whether they are those of the same season.
    """

    expected: float
    kl: float
    p_value: float
    windows: int
    alike: bool


def volume(rows: int, past: Floats, alike: Bools) -> Volume | None:
    """Compare a number of rows with those of earlier windows; None where these are too few.

    Args:
        rows: of the window.
        past: of earlier ones, in as much time, shape ``(h,)``; empty ones are left out.
        alike: which of these are of the same hour or weekday, shape ``(h,)``.

    Examples:
        >>> past = np.array([100.0, 104, 98, 101, 99, 103, 97, 100])
        >>> found = volume(50, past, np.zeros(8, dtype=bool))
        >>> round(found.expected), round(found.kl, 2), found.p_value < 1e-6
        (100, 0.15, True)
    """
    alike, past = alike[past > 0], past[past > 0]
    if len(past) < FEWEST:
        return None
    logs = np.log(past)
    same = logs[alike]
    season = len(same) >= FEWEST_ALIKE and same.std(ddof=1) < CLOSER * logs.std(ddof=1)
    chosen = same if season else logs
    expected = float(np.exp(chosen.mean()))
    ratio = rows / expected
    kl = float(xlogy(ratio, ratio) - ratio + 1)
    n = len(chosen)
    spread = max(float(chosen.std(ddof=1)), LEAST_SPREAD) * np.sqrt(1 + 1 / n)
    t = abs(np.log(max(rows, 0.5)) - chosen.mean()) / spread
    return Volume(expected, max(kl, 0.0), float(2 * stdtr(n - 1, -t)), n, bool(season))


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
