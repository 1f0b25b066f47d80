"""Infers from counts what was done to numbers: another unit, a constant, rounding, clipping.

Each candidate says what the reference would have become. The one that leaves least of the
difference explains it, if that is little: ``1 - KS(predicted, current) / KS(reference, current)``
with the largest difference KS of the cumulated shares at the edges of the stored cells, less what
chance makes of it. Nulls come behind the numbers: what was done to these does not explain them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from kldrift.arrays import Counts, Floats
from kldrift.profiles.number_text import grouped, plain

LEAST: Final = 0.9
"""Of the difference, what a candidate must explain to be told."""
BY_CHANCE: Final = 0.87
"""The mean of the Kolmogorov-Smirnov distance of two samples of one distribution, in units of
``sqrt(1 / n + 1 / m)``."""
AT_MOST_BY_CHANCE: Final = 1.36
"""What it exceeds in 5 % of cases."""
LEAST_FILLED: Final = 25
"""Rows that are null no more, from which they are looked for."""
LEAST_FITTED: Final = 0.95
"""What it must explain where a number of it was fitted to both sides."""
ALL: Final = 0.995
"""What is all of it."""
CLOSE: Final = 0.05
"""How far mean and deviation may be from what a candidate says, in deviations."""
FAR_OUT: Final = 0.5
"""How far a deviation may be, as a logarithm, from that of other units: few values far out make up
most of some deviations, and units differ by much more."""
CLEARLY: Final = 3.0
"""In units of ``sqrt(1 / n + 1 / m)``: by how much the logarithm of a deviation must have changed
for numbers to be so many times as large; its error is 0.7 where they are normal."""
EXACT: Final = 1e-6
"""How far a rounded number may be from a multiple, in steps."""
FACTORS: Final = (10.0, 100.0, 1_000.0, 1e6, 0.1, 0.01, 0.001, 1e-6)
STEPS: Final = (1_000.0, 100.0, 10.0, 1.0, 0.1, 0.01)
"""The precision that numbers are rounded to."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of both sides, as their stored cells hold them.

    Attributes:
        p: current rows per cell, in their order, shape ``(k,)``.
        q: reference rows.
        edges: between the cells, in the unit of the feature, shape ``(k - 1,)``.
        mean: of the reference and of the current numbers; likewise all below.
        std: their standard deviations.
        smallest: the smallest numbers.
        largest: the largest numbers.
        null: shares of rows that are null.
        step: of which all numbers are multiples; 0 if of none.
        compared: whether nulls are part of the difference.
    """

    p: Counts
    q: Counts
    edges: Floats
    mean: tuple[float, float]
    std: tuple[float, float]
    smallest: tuple[float, float]
    largest: tuple[float, float]
    null: tuple[float, float] = (0.0, 0.0)
    step: float = 0.0
    compared: bool = True


@dataclass(frozen=True)
class Candidate:
    """A transformation that may have been applied to the numbers.

    Attributes:
        name: in words.
        shares: of the cells that the reference would have then, shape ``(k,)``.
        mean: that its numbers would have; None where that is not known.
        std: their deviation.
        close: how far the logarithm of the deviation may be from it.
    least: what it must explain to be told.
    same: what is said of the numbers if it explains all; empty where they are not the same ones.
    """

    name: str
    shares: Floats
    mean: float | None = None
    std: float | None = None
    close: float = 2 * CLOSE
    least: float = LEAST
    same: str = ""


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
        for c in _candidates(numbers, reference)
        if _fits(c, numbers)
    ]
    told = [(share, c) for share, c in explained if share >= c.least]
    if not told:
        return "", ""
    share, best = max(told, key=lambda one: one[0])
    return _told(best.name, share), best.same if share >= ALL else ""


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


def _candidates(numbers: Numbers, before: Floats) -> Iterator[Candidate]:
    mean, std = numbers.mean[0], numbers.std[0]
    below = _cumulated(numbers, before)
    edges = numbers.edges
    for factor in FACTORS:
        at = below(_moved(edges, edges / factor))
        name, same = (
            f"a factor of {grouped(factor)}",
            f"the same values, each times {grouped(factor)}",
        )
        yield Candidate(name, _between(at), factor * mean, factor * std, FAR_OUT, same=same)
    step = numbers.step  # the number itself lies below its opposite
    at = 1 - below(-edges + step if step else np.nextafter(-edges, np.inf))
    same = "the same values with a flipped sign"
    yield Candidate("a flipped sign", _between(at), -mean, std, FAR_OUT, same=same)
    # Counts of one number alone fit whatever moves it to the right side.
    if numbers.smallest[0] > 0 and std > 0:
        with np.errstate(divide="ignore", over="ignore"):
            at = np.where(edges > 0, 1 - below(1 / np.where(edges > 0, edges, 1.0)), 0.0)
        yield Candidate("1 / x", _between(at), *_of_inverses(numbers, before), FAR_OUT)
    constant = numbers.mean[1] - mean
    several, factor, ends = [], _factor(numbers), (numbers.smallest, numbers.largest)
    for added in dict.fromkeys([_added(numbers), step, -step]):
        if not added:
            continue
        at = below(_moved(edges, edges - added))
        by, moved = plain(abs(added), 4), (mean + added, std)
        name = f"{'adding' if added > 0 else 'subtracting'} {by}"
        exact = any(abs(now - end - added) <= EXACT * abs(added) for end, now in ends)
        way = "larger" if added > 0 else "smaller"
        same = f"the same values, all {way} by {by}" if exact else ""
        several.append(Candidate(name, _between(at), *moved, least=LEAST_FITTED, same=same))
    if factor:
        at = below(_moved(edges, edges / factor))
        name = f"a factor of {plain(factor, 4)}"
        moved = factor * mean, factor * std
        several.append(Candidate(name, _between(at), *moved, least=LEAST_FITTED))
    # Of those that explain as much, the first one is told: here the one of the nearer deviation.
    yield from sorted(several, key=lambda one: abs(numbers.std[1] - (one.std or 0.0)))
    for size in STEPS if std > 0 else ():
        if abs(constant) > size / 2:  # no number moves further than that, so their mean does not
            continue
        if not all(_multiple(end, size) for end in (numbers.smallest[1], numbers.largest[1])):
            continue
        rounded = _between(below((np.ceil(edges / size) - 0.5) * size))
        yield Candidate(f"rounding to {grouped(size)}", rounded)
    low, high = numbers.smallest[1], numbers.largest[1]
    if numbers.smallest[0] < high < numbers.largest[0]:
        yield Candidate(
            f"a cap at {_written(high)}",
            _between(np.where(edges > high, 1.0, below(edges))),
        )
    if numbers.smallest[0] < low < numbers.largest[0]:
        yield Candidate(
            f"a floor at {_written(low)}",
            _between(np.where(edges <= low, 0.0, below(edges))),
        )


def _factor(numbers: Numbers) -> float:
    """The factor by which the numbers grew, if their spread agrees; else 0."""
    (mean, now), (std, spread) = numbers.mean, numbers.std
    if not (std > 0 and spread > 0 and mean and now / mean > 0):
        return 0.0
    times, change = np.log(now / mean), np.log(spread / std)
    error = np.sqrt(1 / numbers.p.sum() + 1 / numbers.q.sum())
    unit = min(abs(times - np.log(factor)) for factor in FACTORS) < CLOSE
    return 0.0 if unit or abs(change) < CLEARLY * error else float(now / mean)


def _added(numbers: Numbers) -> float:
    """The constant added to the numbers, if both ends moved by it, or their mean clearly did."""
    low, high = (now - before for before, now in (numbers.smallest, numbers.largest))
    if abs(low - high) <= EXACT * abs(low):
        return float(low)
    constant, step = numbers.mean[1] - numbers.mean[0], numbers.step
    rows = numbers.q.sum(), numbers.p.sum()
    error = np.hypot(*(std / np.sqrt(n) for std, n in zip(numbers.std, rows, strict=True)))
    beyond = numbers.p[0] + numbers.p[-1]
    if abs(constant) < CLEARLY * error or beyond >= LEAST * rows[1]:
        return 0.0  # counts that lie beyond an end fit whatever moves them there
    return float(np.rint(constant / step)) * step if step else constant


def _of_inverses(numbers: Numbers, shares: Floats) -> tuple[float, float]:
    """Mean and deviation of ``1 / x``: where all lie beyond one end, nothing else tells.

    Args:
        numbers: all of whose reference is above 0.
        shares: of the cells, whose numbers are taken to lie in their middle.
    """
    low, high = numbers.smallest[0], numbers.largest[0]
    ends = np.clip(np.concatenate([[low], numbers.edges, [high]]), low, high)
    # Those of the smallest doubles are infinite: then there is no mean that numbers could have.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        inverse = 1 / np.sqrt(ends[:-1] * ends[1:])
        mean = float(inverse @ shares)
        return mean, float(np.sqrt(((inverse - mean) ** 2) @ shares))


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


def _moved(edges: Floats, at: Floats) -> Floats:
    """Moved edges, of which those behind one number alone stay just behind it."""
    alone = edges[1:] == np.nextafter(edges[:-1], np.inf)
    at[1:][alone] = np.nextafter(at[:-1][alone], np.inf)
    return at


def _multiple(number: float, size: float) -> bool:
    return bool(abs(number / size - np.rint(number / size)) <= EXACT)


def _written(value: float) -> str:
    """A value with six digits; whole numbers with all of theirs."""
    return plain(value, 15 if value == round(value) else 6)


def _cumulated(numbers: Numbers, shares: Floats) -> Callable[[Floats], Floats]:
    """The share of the reference below any number, between edges on a straight line."""
    edges = numbers.edges
    low, high = min(numbers.smallest[0], edges[0]), max(numbers.largest[0], edges[-1])
    at = np.concatenate([[np.nextafter(low, -np.inf)], edges, [np.nextafter(high, np.inf)]])
    at = np.maximum.accumulate(at)
    upto, step = np.concatenate([[0.0], np.cumsum(shares)]), numbers.step

    def below(x: Floats) -> Floats:
        if step:  # as many as below the next number that there can be
            x = np.ceil(x / step - EXACT) * step
        return np.asarray(np.interp(x, at, upto, left=0.0, right=1.0))

    return below


def _between(below: Floats) -> Floats:
    """The shares of cells, from those below each edge."""
    return np.diff(np.clip(below, 0.0, 1.0), prepend=0.0, append=1.0)
