"""What may have been done to numbers: another unit, a constant, rounding, clipping.

Each candidate says what the shares of the reference's cells would have become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from kldrift.arrays import Counts, Floats
from kldrift.profiles.number_text import grouped, plain

LEAST_FITTED: Final = 0.95
"""What it must explain where a number of it was fitted to both sides."""
CLEARLY: Final = 3.0
"""In units of ``sqrt(1 / n + 1 / m)``: by how much the logarithm of a deviation must have changed
for numbers to be so many times as large; its error is 0.7 where they are normal."""
FAR_OUT: Final = 0.5
"""How far a deviation may be, as a logarithm, from that of other units: few values far out make up
most of some deviations, and units differ by much more."""
EXACT: Final = 1e-6
"""How far a rounded number may be from a multiple, in steps."""
FACTORS: Final = (10.0, 100.0, 1_000.0, 1e6, 0.1, 0.01, 0.001, 1e-6, 60.0, 1 / 60)
DEGREES: Final = {"Celsius to Fahrenheit": (1.8, 32.0), "Fahrenheit to Celsius": (5 / 9, -160 / 9)}
STEPS: Final = (1_000.0, 100.0, 10.0, 1.0, 0.1, 0.01)
"""The precision that numbers are rounded to."""
LEAST: Final = 0.9
"""Of the difference, what a candidate must explain to be told."""
ALL: Final = 0.995
"""What is all of it."""
CLOSE: Final = 0.05
"""How far mean and deviation may be from what a candidate says, in deviations."""

Below = Callable[[Floats], Floats]
"""The share of the reference below some numbers."""


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
        cycle: the first and the last of whole numbers that come round, such as hours, and what they
            are called; two zeros for others.
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
    cycle: tuple[int, int, str] = (0, 0, "")


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
        same: what is said of the numbers if it explains ``every``; empty if they are others.
        every: what is all of it.
    """

    name: str
    shares: Floats
    mean: float | None = None
    std: float | None = None
    close: float = 2 * CLOSE
    least: float = LEAST
    same: str = ""
    every: float = ALL


def candidates(numbers: Numbers) -> Iterator[Candidate]:
    """What may have been done; of two that explain as much, the first is told."""
    before = numbers.q / numbers.q.sum()
    if numbers.cycle[1]:
        yield from _turned(numbers, before)
        return
    below = _cumulated(numbers, before)
    yield from _in_other_units(numbers, before, below)
    # Of these the one of the nearer deviation is told.
    several = _fitted(numbers, below)
    yield from sorted(several, key=lambda one: abs(numbers.std[1] - (one.std or 0.0)))
    yield from _rounded(numbers, below)
    yield from _clipped(numbers, below)


def _in_other_units(numbers: Numbers, before: Floats, below: Below) -> Iterator[Candidate]:
    mean, std, edges, step = numbers.mean[0], numbers.std[0], numbers.edges, numbers.step
    for factor in FACTORS:
        at = below(_moved(edges, edges / factor))
        same = f"the same values, each times {grouped(factor)}"
        moved = factor * mean, factor * std, FAR_OUT
        yield Candidate(f"a factor of {grouped(factor)}", _between(at), *moved, same=same)
    for name, (times, added) in DEGREES.items():
        at = below(_moved(edges, (edges - added) / times))
        yield Candidate(f"a change of {name}", _between(at), times * mean + added, times * std)
    # The number itself lies below its opposite.
    at = 1 - below(-edges + step if step else np.nextafter(-edges, np.inf))
    same = "the same values with a flipped sign"
    yield Candidate("a flipped sign", _between(at), -mean, std, FAR_OUT, same=same)
    # Counts of one number alone fit whatever moves it to the right side.
    if numbers.smallest[0] > 0 and std > 0:
        with np.errstate(divide="ignore", over="ignore"):
            at = np.where(edges > 0, 1 - below(1 / np.where(edges > 0, edges, 1.0)), 0.0)
        yield Candidate("1 / x", _between(at), *_of_inverses(numbers, before), FAR_OUT)


def _fitted(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    """A constant that was added, or a factor, as both sides say it."""
    mean, std, edges, step = numbers.mean[0], numbers.std[0], numbers.edges, numbers.step
    ends = numbers.smallest, numbers.largest
    for added in dict.fromkeys([_added(numbers), step, -step]):
        if not added:
            continue
        at = below(_moved(edges, edges - added))
        by, moved = plain(abs(added), 4), (mean + added, std)
        name = f"{'adding' if added > 0 else 'subtracting'} {by}"
        exact = any(abs(now - end - added) <= EXACT * abs(added) for end, now in ends)
        way = "larger" if added > 0 else "smaller"
        same = f"the same values, all {way} by {by}" if exact else ""
        yield Candidate(name, _between(at), *moved, least=LEAST_FITTED, same=same)
    if factor := _factor(numbers):
        at = below(_moved(edges, edges / factor))
        name = f"a factor of about {plain(factor, _sure_digits(numbers))}"
        yield Candidate(name, _between(at), factor * mean, factor * std, least=LEAST_FITTED)


def _rounded(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    constant, ends = numbers.mean[1] - numbers.mean[0], (numbers.smallest[1], numbers.largest[1])
    for size in STEPS if numbers.std[0] > 0 else ():
        if not all(abs(end / size - np.rint(end / size)) <= EXACT for end in ends):
            continue
        steps = _steps_below(numbers.edges, size)
        # No number moves further than that, so their mean does not.
        if abs(constant) <= size / 2:
            yield Candidate(f"rounding to {grouped(size)}", _between(below((steps - 0.5) * size)))
        if -size <= constant <= 0:
            yield Candidate(f"rounding down to {grouped(size)}", _between(below(steps * size)))


def _clipped(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    low, high, edges = numbers.smallest[1], numbers.largest[1], numbers.edges
    if numbers.smallest[0] < high < numbers.largest[0]:
        shares = _between(np.where(edges > high, 1.0, below(edges)))
        yield Candidate(f"a cap at {_written(high)}", shares)
    if numbers.smallest[0] < low < numbers.largest[0]:
        shares = _between(np.where(edges <= low, 0.0, below(edges)))
        yield Candidate(f"a floor at {_written(low)}", shares)


def _turned(numbers: Numbers, before: Floats) -> Iterator[Candidate]:
    """The likeliest move of all of a cycle, such as hours by a change of time zone."""
    first, last, name = numbers.cycle
    at = np.searchsorted(numbers.edges, np.arange(first, last + 1), "right")
    if len(np.unique(at)) < len(at):  # several share a cell
        return
    turned = np.array([np.roll(before[at], by) for by in range(len(at))])
    by = int(abs(turned - numbers.p[at] / numbers.p.sum()).sum(-1).argmin())
    if by:
        shares = before.copy()
        shares[at] = turned[by]
        size, way = min((by, "later"), (len(at) - by, "earlier"), key=lambda one: one[0])
        same = f"all {name} are {size} {way} than in the reference"
        yield Candidate(f"moving all {name} by {size}", shares, same=same, every=LEAST)


def _steps_below(edges: Floats, size: float) -> Floats:
    """How many steps the first multiple has that is not below each edge.

    That of an edge just behind a value of its own is the next one, however doubles are rounded.
    """
    steps, nearest = np.ceil(edges / size), np.rint(edges / size)
    steps = np.where(abs(edges / size - nearest) <= EXACT, nearest, steps)
    alone = np.flatnonzero(edges[1:] == np.nextafter(edges[:-1], np.inf)) + 1
    steps[alone] = np.floor(edges[alone - 1] / size + EXACT) + 1
    return np.asarray(steps)


def _sure_digits(numbers: Numbers) -> int:
    """How many digits a ratio of both means is told with, by its error."""
    rows = numbers.q.sum(), numbers.p.sum()
    parts = zip(numbers.std, numbers.mean, rows, strict=True)
    error = np.hypot(*(std / abs(mean) / np.sqrt(n) for std, mean, n in parts))
    return int(np.clip(1 - np.log10(max(4 * error, 1e-4)), 2, 4))


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


def _moved(edges: Floats, at: Floats) -> Floats:
    """Moved edges, of which those behind one number alone stay just behind it."""
    alone = edges[1:] == np.nextafter(edges[:-1], np.inf)
    at[1:][alone] = np.nextafter(at[:-1][alone], np.inf)
    return at


def _written(value: float) -> str:
    """A value with six digits; whole numbers with all of theirs."""
    return plain(value, 15 if value == round(value) else 6)


def _cumulated(numbers: Numbers, shares: Floats) -> Below:
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
