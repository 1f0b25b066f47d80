"""Infers from counts what was done to numbers: another unit, a constant, rounding, clipping.

Each candidate says what the reference would have become. The one that leaves least of the
difference explains it, if that is little: ``1 - KS(predicted, current) / KS(reference, current)``
with the largest difference KS of the cumulated shares at the edges of the stored cells, less what
chance makes of it. Nulls come behind the numbers: what was done to these does not explain them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.arrays import Floats
from kldrift.statistics.number_changes import CLOSE, LEAST, Candidate, Numbers, candidates

BY_CHANCE: Final = 0.87
"""The mean of the Kolmogorov-Smirnov distance of two samples of one distribution, in units of
``sqrt(1 / n + 1 / m)``."""
AT_MOST_BY_CHANCE: Final = 1.36
"""What it exceeds in 5 % of cases."""
LEAST_FILLED: Final = 25
"""Rows that are null no more, from which they are looked for."""


def what_explains(numbers: Numbers) -> tuple[str, str]:
    """The transformation that explains most of a difference, and how much; empty if none does.

    And what can be said of the numbers where it explains all and they are the same ones.

    Examples:
        >>> edges = np.arange(1.0, 10.0)
        >>> q, p = np.full(10, 100), np.array([1000, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        >>> sides = {"mean": (5.0, 0.05), "std": (2.89, 0.0289)}
        >>> sides |= {"smallest": (0.0, 0.0), "largest": (10.0, 0.1)}
        >>> what_explains(Numbers(p, q, edges, **sides))
        ('explained by a factor of 0.01', 'the same values, each times 0.01')
    """
    with np.errstate(over="ignore", invalid="ignore"):  # numbers at the ends of doubles
        return _explained(numbers)


def _explained(numbers: Numbers) -> tuple[str, str]:
    n, m = numbers.p.sum(), numbers.q.sum()
    if not n or not m or len(numbers.edges) < 1:
        return "", ""
    current, reference = numbers.p / n, numbers.q / m
    filled = _filled(numbers, reference, current)
    if filled >= LEAST:
        return _told("0 in place of nulls", filled), ""
    unit = np.sqrt(1 / n + 1 / m)
    by_chance, most = BY_CHANCE * unit, AT_MOST_BY_CHANCE * unit
    there = [1 - null if numbers.compared else 1.0 for null in numbers.null]
    current *= there[1]
    whole = _distance(there[0] * reference, current) - by_chance
    if whole < 2 * by_chance:
        return "", ""
    explained = [
        (1 - max(0.0, _distance(there[0] * c.shares, current) - most) / whole, c)
        for c in candidates(numbers)
        if _fits(c, numbers)
    ]
    told = [(share, c) for share, c in explained if share >= c.least]
    if not told:
        return "", ""
    share, best = max(told, key=lambda one: one[0])
    return _told(best.name, share), best.same if share >= best.every else ""


def _told(name: str, share: float) -> str:
    """A candidate, and how much of the difference it explains if that is not all."""
    part = f"{100 * share:.0f}"
    return f"explained by {name}" + (
        f" ({part} % of the change)" if share < 1 and part != "100" else ""
    )


def _distance(p: Floats, q: Floats) -> float:
    return float(abs(np.cumsum(p - q)).max())


def _fits(candidate: Candidate, numbers: Numbers) -> bool:
    """Whether the moments are close to those that a candidate implies."""
    if candidate.mean is None or candidate.std is None:
        return True
    std = numbers.std[1]
    if not std > 0 or not candidate.std > 0:
        return False
    off = abs(numbers.mean[1] - candidate.mean) / std
    return off < CLOSE and abs(np.log(std / candidate.std)) < candidate.close


def _filled(numbers: Numbers, reference: Floats, current: Floats) -> float:
    """How many of the lost nulls are zeros now; 0 where that may be chance."""
    gone, n = numbers.null[0] - numbers.null[1], int(numbers.p.sum())
    share = gone / (1 - numbers.null[1]) if numbers.null[1] < 1 else 0.0
    most = LEAST * abs(current - reference).max()
    if share < max(most, LEAST_FILLED / n) or not numbers.smallest[1] <= 0 <= numbers.largest[1]:
        return 0.0
    at = int(np.searchsorted(numbers.edges, 0.0, "right"))
    ends = {0: numbers.smallest[1], len(numbers.edges): numbers.largest[1]}
    if ends.get(at, 0.0) != 0:  # other numbers lie beyond all of the reference's as well
        return 0.0
    zeros = current[at] - (1 - share) * reference[at]
    left = max(0.0, abs(zeros - share) - 2 * np.sqrt(current[at] / n))
    return float(1 - left / share)
