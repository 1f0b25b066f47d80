"""Infers from counts what was done to numbers: another unit, a constant, rounding, clipping.

Each candidate says what the reference would have become. The one that leaves least of the
difference explains it, if that is little: ``1 - KS(predicted, current) / KS(reference, current)``
with the largest difference KS of the cumulated shares at the edges of the stored cells, less what
chance makes of it. Nulls come behind the numbers: what was done to these does not explain them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from kldrift.arrays import Floats
from kldrift.profiles.number_text import plain, rose_or_fell
from kldrift.statistics.fitted_changes import FEWEST_EXPECTED, fitted
from kldrift.statistics.number_changes import (
    CLOSE,
    LEAST,
    Candidate,
    Numbers,
    clipped,
    cumulated,
    cut_off,
    in_other_units,
    in_part,
    rounded,
    turned,
)

BY_CHANCE: Final = 0.87
"""The mean of the Kolmogorov-Smirnov distance of two samples of one distribution, in units of
``sqrt(1 / n + 1 / m)``."""
AT_MOST_BY_CHANCE: Final = 1.36
"""What it exceeds in 5 % of cases."""
LEAST_FILLED: Final = 25
"""Rows that are null no more, from which they are looked for."""


class Explanation(NamedTuple):
    """What explains most of a difference; empty texts where nothing does.

    Attributes:
        text: the transformation, and how much it explains; empty where one of the others says it.
        same: what can be said of the numbers if it explains all and they are the same ones.
        happened: what was done to some of them alone, if that explains all.
        whole: whether it was done to all numbers.
    """

    text: str = ""
    same: str = ""
    happened: str = ""
    whole: bool = False


def what_explains(numbers: Numbers) -> Explanation:
    """The transformation that explains most of a difference.

    Examples:
        >>> edges = np.arange(1.0, 10.0)
        >>> q, p = np.full(10, 100), np.array([1000, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        >>> sides = {"mean": (5.0, 0.05), "std": (2.89, 0.0289)}
        >>> sides |= {"smallest": (0.0, 0.0), "largest": (10.0, 0.1)}
        >>> what_explains(Numbers(p, q, edges, **sides))[:2]
        ('explained by a factor of 0.01', '')
    """
    with np.errstate(over="ignore", invalid="ignore"):  # numbers at the ends of doubles
        return _explained(numbers)


def _explained(numbers: Numbers) -> Explanation:
    n, m = numbers.p.sum(), numbers.q.sum()
    if not n or not m or len(numbers.edges) < 1:
        return Explanation()
    current, reference = numbers.p / n, numbers.q / m
    unit = np.sqrt(1 / n + 1 / m)
    by_chance, most = BY_CHANCE * unit, AT_MOST_BY_CHANCE * unit
    filled, value = _filled(numbers, reference, current, most)
    if filled >= LEAST:
        fell = f"nulls {rose_or_fell(*numbers.null)} of the rows"
        happened = f"{fell}, with {value} in their place" if numbers.compared else ""
        return Explanation(
            _candidate_words(f"{value} in place of nulls", filled), happened=happened
        )
    there = [1 - null if numbers.compared else 1.0 for null in numbers.null]
    current *= there[1]
    whole = _distance(there[0] * reference, current) - by_chance
    if whole < 2 * by_chance:
        below = cumulated(numbers, reference)
        told = (c.happened for c in rounded(numbers, below) if _only_there(c, numbers, most))
        return Explanation(happened=next(told, ""))
    explained = [
        (1 - max(0.0, _distance(there[0] * c.shares, current) - most) / whole, c)
        for c in _candidates(numbers, reference)
        if _fits(c, numbers)
    ]
    likely = [(share, c) for share, c in explained if share >= c.least]
    share, best = max(likely, key=lambda one: one[0], default=(0.0, None))
    if best is None or not best.name:
        return Explanation()
    if share < best.every:
        return Explanation(_candidate_words(best.name, share), whole=best.whole)
    text = "" if best.happened or best.same else _candidate_words(best.name, share)
    return Explanation(text, best.same, best.happened, best.whole)


def _candidates(numbers: Numbers, before: Floats) -> Iterator[Candidate]:
    """What may have been done; of two that explain as much, the first is told."""
    if numbers.cycle[1]:
        yield from turned(numbers, before)
        return
    below = cumulated(numbers, before)
    yield from in_other_units(numbers, before, below)
    yield from cut_off(numbers, before, below)
    yield from fitted(numbers, below)
    yield from rounded(numbers, below)
    yield from clipped(numbers, below)
    yield from in_part(numbers, before, below)


def _candidate_words(name: str, share: float) -> str:
    """A candidate, and how much of the difference it explains if that is not all."""
    part = f"{100 * share:.0f}"
    return f"explained by {name}" + (
        f" ({part} % of the change)" if share < 1 and part != "100" else ""
    )


def _only_there(rounding: Candidate, numbers: Numbers, most: float) -> bool:
    """Whether there are numbers only where rounding leaves some, and so many as it does."""
    none = rounding.shares == 0
    usual = numbers.q[none].sum() / numbers.q.sum() * numbers.p.sum()
    shares = numbers.p / numbers.p.sum()
    left_out = usual >= FEWEST_EXPECTED and not numbers.p[none].any()
    return bool(left_out and _distance(rounding.shares, shares) <= most)


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
    chance = float(np.sqrt(1 / numbers.p.sum() + 1 / numbers.q.sum()))
    return off < max(CLOSE, 3 * chance) and abs(np.log(std / candidate.std)) < candidate.close


def _filled(numbers: Numbers, reference: Floats, current: Floats, most: float) -> tuple[float, str]:
    """How many of the lost nulls are one value now, and which; 0 where that may be chance.

    All others must have the shares they had, up to a distance of ``most``.
    """
    gone, n = numbers.null[0] - numbers.null[1], int(numbers.p.sum())
    share = gone / (1 - numbers.null[1]) if numbers.null[1] < 1 else 0.0
    if share < max(LEAST * abs(current - reference).max(), LEAST_FILLED / n):
        return 0.0, ""
    rise = current - (1 - share) * reference
    at = int(rise.argmax())
    others = _distance(rise, share * (np.arange(len(rise)) == at)) - most
    left = max(0.0, others, abs(rise[at] - share) - 2 * np.sqrt(current[at] / n))
    ends = np.array([numbers.smallest[1], *numbers.edges, numbers.largest[1]])[at : at + 2]
    low, high = np.clip(ends, numbers.smallest[1], numbers.largest[1])
    if at in (0, len(numbers.edges)):  # one value beyond all of the reference's is the last one
        low = high = ends[at and 1]
        mean = (numbers.mean[1] - (1 - share) * numbers.mean[0]) / share
        left += share * (abs(mean - low) > CLOSE * numbers.std[1] / share)
    if low <= 0 < high:
        low = high = 0.0
    one = high <= max(np.nextafter(low, np.inf), low + numbers.step)
    first, last = (numbers.written(float(plain(end, 15 if one else 5))) for end in (low, high))
    value = first if one else f"values from {first} to {last}"
    return float(1 - left / share), value
