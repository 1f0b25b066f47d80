"""What may have been done to numbers: another unit, a constant, rounding, clipping.

Each candidate says what the shares of the reference's cells would have become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kldrift.arrays import Counts, Floats
from kldrift.profiles.number_text import grouped, percent, plain

FAR_OUT: Final = 0.5
"""How far a deviation may be, as a logarithm, from that of other units: few values far out make up
most of some deviations, and units differ by much more."""
EXACT: Final = 1e-6
"""How far a rounded number may be from a multiple, in steps."""
FACTORS: Final = (10.0, 100.0, 1_000.0, 1e6, 0.1, 0.01, 0.001, 1e-6, 60.0, 1 / 60)
DEGREES: Final = {
    "Celsius to Fahrenheit": (1.8, 32.0),
    "Fahrenheit to Celsius": (5 / 9, -160 / 9),
    "Celsius to kelvins": (1.0, 273.15),
    "kelvins to Celsius": (1.0, -273.15),
}
STEPS: Final = (1_000.0, 100.0, 10.0, 1.0, 0.1, 0.01)
"""The precision that numbers are rounded to."""
LEAST: Final = 0.9
"""Of the difference, what a candidate must explain to be told."""
ALL: Final = 0.995
"""What is all of it."""
LEAST_CUT: Final = 0.005
"""Share of the reference beyond an end of the current numbers, from which it was cut off: the
outermost values are others in each sample."""
LEAST_PART: Final = 0.05
"""Share of the rows that have another unit, or still have the old one, at least."""
MOST_BEYOND: Final = 10.0
"""Rows that are expected beyond an end where none is, at most."""
CLEARLY: Final = 3.0
"""Standard errors by which means must differ; and in units of ``sqrt(1 / n + 1 / m)`` by how much
the logarithm of a deviation must have changed, whose error is 0.7 of normal numbers."""
CLOSE: Final = 0.05
"""How far mean and deviation may be from what a candidate says, in deviations."""

Below = Callable[[Floats], Floats]
"""The share of the reference below some numbers."""


def plain_text(value: float) -> str:
    """A value with six digits; whole numbers with all of theirs."""
    return plain(value, 15 if value == round(value) else 6)


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
        written: how one is written for a reader.
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
    written: Callable[[float], str] = plain_text
    compared: bool = True
    cycle: tuple[int, int, str] = (0, 0, "")

    @property
    def errors(self) -> Floats:
        """The standard errors of both means."""
        return np.array(self.std) / np.sqrt([self.q.sum(), self.p.sum()])

    @property
    def factor_error(self) -> float:
        """The relative error of how many times as large the mean is."""
        return float(np.hypot(*(self.errors / self.mean)))


@dataclass(frozen=True)
class Candidate:
    """A transformation that may have been applied to the numbers.

    Attributes:
        name: in words; empty where the sentence about the cells says it.
        shares: of the cells that the reference would have then, shape ``(k,)``.
        mean: that its numbers would have; None where that is not known.
        std: their deviation.
        close: how far the logarithm of the deviation may be from it.
        least: what it must explain to be told.
        same: what is said of the numbers if it explains ``every``; empty if they are others.
        every: what is all of it.
        happened: what is said first if it explains ``every``, as it was done to some rows alone.
        whole: whether it was done to all numbers in one way.
    """

    name: str
    shares: Floats
    mean: float | None = None
    std: float | None = None
    close: float = 2 * CLOSE
    least: float = LEAST
    same: str = ""
    every: float = ALL
    happened: str = ""
    whole: bool = False


def affine(
    numbers: Numbers, below: Below, times: float, added: float, name: str, **said: Any
) -> Candidate:
    """Numbers that were multiplied, and to which something was added."""
    edges, mean = (numbers.edges - added) / times, times * numbers.mean[0] + added
    # Below an edge lie the opposites of the numbers that lie above its own.
    at = below(_moved(numbers.edges, edges)) if times > 0 else 1 - below(behind(numbers, edges))
    return Candidate(name, _between(at), mean, abs(times) * numbers.std[0], whole=True, **said)


def in_other_units(numbers: Numbers, before: Floats, below: Below) -> Iterator[Candidate]:
    """Another unit, another sign, the share of the others, the inverse."""
    (smallest, low), (largest, high), edges = numbers.smallest, numbers.largest, numbers.edges
    for factor in _likely_factors(numbers):
        times = grouped(factor)
        yield affine(numbers, below, factor, 0.0, f"a factor of {times}", close=FAR_OUT)
    for name, line in DEGREES.items():
        yield affine(numbers, below, *line, f"a change of {name}")
    yield mirrored(numbers, below, 0.0)
    for whole in (1.0, 100.0):
        if min(smallest, low) >= 0 and max(largest, high) <= whole:
            yield mirrored(numbers, below, whole)
    several = (before[: int(np.searchsorted(edges, 0.0, "right"))] > 0).sum() > 1
    if smallest < 0 <= low and largest > 0 and several:  # a floor moves one value to 0 as well
        at = np.where(edges > 0, below(edges) - below(behind(numbers, -edges)), 0.0)
        same = "the same values without minus signs"
        yield Candidate("lost minus signs", _between(at), same=same)
    # Counts of one number alone fit whatever moves it to the right side.
    if smallest > 0 and numbers.std[0] > 0:
        with np.errstate(divide="ignore", over="ignore"):
            at = np.where(edges > 0, 1 - below(1 / np.where(edges > 0, edges, 1.0)), 0.0)
        yield Candidate("1 / x", _between(at), *_of_inverses(numbers, before), FAR_OUT)


def _likely_factors(numbers: Numbers) -> Iterable[float]:
    """The factors that may be the cause, of numbers of one sign the one that their means say.

    None where several are within the error of these: all rows may lie beyond the reference's then.
    """
    (mean, now), (smallest, low), (largest, high) = numbers.mean, numbers.smallest, numbers.largest
    if not mean or smallest * largest < 0 or now / mean <= 0:
        return FACTORS
    most = max(2 * CLOSE, CLEARLY * numbers.factor_error)
    likely = [factor for factor in FACTORS if abs(np.log(now / mean / factor)) <= most]
    exact = [
        f
        for f in likely
        if abs(low - f * smallest) + abs(high - f * largest) <= EXACT * abs(high - low)
    ]
    return exact if exact or len(likely) > 1 else likely


def in_part(numbers: Numbers, before: Floats, below: Below) -> Iterator[Candidate]:
    """A smaller unit of a part of the rows, as the means say, and the largest number agrees.

    A larger one hardly moves the mean, whatever it is.
    """
    (mean, now), largest = numbers.mean, numbers.largest[1]
    for factor in FACTORS if numbers.smallest[0] >= 0 < mean else ():
        part = (now / mean - 1) / (factor - 1)
        if factor < 1 or not LEAST_PART < part < 1 - LEAST_PART:
            continue
        beyond = 1 - below(behind(numbers, largest / factor))[0]
        if beyond * part * numbers.p.sum() > MOST_BEYOND:
            continue  # many values at one number alone, such as a default
        moved = affine(numbers, below, factor, 0.0, "").shares
        square = (1 - part + part * factor**2) * (mean**2 + numbers.std[0] ** 2)
        std = float(np.sqrt(max(0.0, square - now**2)))
        name = f"a factor of about {grouped(factor)} for about {100 * part:.2g} % of the rows"
        yield Candidate(name, (1 - part) * before + part * moved, now, std, FAR_OUT)


def mirrored(numbers: Numbers, below: Below, total: float) -> Candidate:
    """A flipped sign, the share of the others, a scale that is read from its other end."""
    name, same = f"{numbers.written(total)} - x", ""
    if not total:
        name, same = "a flipped sign", "the same values with a flipped sign"
    return affine(numbers, below, -1.0, total, name, close=FAR_OUT, same=same, least=ALL)


def cut_off(numbers: Numbers, before: Floats, below: Below) -> Iterator[Candidate]:
    """No more numbers beyond an end, as if rows were filtered or left out."""
    low, high, edges = numbers.smallest[1], numbers.largest[1], numbers.edges
    lost = np.array([*below(np.array([low])), *(1 - below(behind(numbers, high)))])
    cut = lost >= LEAST_CUT
    if not cut.any() or lost.sum() >= 1:
        return
    lost = np.where(cut, lost, 0.0)
    gone = (cut[0] & (np.append(edges, np.inf) <= low)) | (
        cut[1] & (np.append(-np.inf, edges) > high)
    )
    shares = _between((np.minimum(below(edges), 1 - lost[1]) - lost[0]) / (1 - lost.sum()))
    ends = f"below {numbers.written(low)}", f"above {numbers.written(high)}"
    where = " or ".join(end for end, there in zip(ends, cut, strict=True) if there)
    happened = f"no values are {where} now: {percent(lost.sum())} of the reference's were"
    if (before[gone] > 0).sum() > 1:
        yield Candidate(f"a cut {where}", shares, happened=happened)
    else:  # one cell that is gone is said to be, and nothing else explains it
        yield Candidate("", shares)


def rounded(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    """Whole multiples of some step, the nearest ones or those below, as the means say."""
    constant, ends = numbers.mean[1] - numbers.mean[0], (numbers.smallest[1], numbers.largest[1])
    slack = 2 * float(np.hypot(*numbers.errors))
    for size in (s for s in STEPS if s > numbers.step and numbers.std[0] > 0):
        if not all(abs(end / size - np.rint(end / size)) <= EXACT for end in ends):
            continue
        steps, text = _steps_below(numbers.edges, size), numbers.written(size)
        to, many = ("whole numbers", "") if text == "1" else (text, "multiples of ")
        near, down = constant + slack >= -size / 4, constant - slack <= -size / 4
        way = "down " * (not near)
        now = f"rounded {way}to {to}" if near != down else f"{many}{to}"
        name, happened = f"rounding {way}to {to}", f"the values are {now} now"
        # No number moves further than that, so their mean does not.
        if near and abs(constant) <= size / 2 + slack:
            halves = (steps - 0.5) * size
            # A half becomes the next whole number, or the next even one.
            for at in (halves, np.where(steps % 2, behind(numbers, halves), halves)):
                yield Candidate(name, _between(below(at)), happened=happened)
        if down and -size - slack <= constant:
            yield Candidate(name, _between(below(steps * size)), happened=happened)


def clipped(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    """What lay beyond an end, at that end."""
    low, high, edges = numbers.smallest[1], numbers.largest[1], numbers.edges
    for end, name, where, at in (
        (high, "cap", "above", np.where(edges > high, 1.0, below(edges))),
        (low, "floor", "below", np.where(edges <= low, 0.0, below(edges))),
    ):
        if numbers.smallest[0] < end < numbers.largest[0]:
            text = numbers.written(end)
            happened = f"values {where} {text} are {text} now"
            yield Candidate(f"a {name} at {text}", _between(at), happened=happened)


def turned(numbers: Numbers, before: Floats) -> Iterator[Candidate]:
    """The likeliest move of all of a cycle, such as hours by a change of time zone."""
    first, last, name = numbers.cycle
    at = np.searchsorted(numbers.edges, np.arange(first, last + 1), "right")
    cells, times = np.unique(at, return_counts=True)
    if (before[cells[times > 1]] > 0).any():  # several share a cell
        return
    by_size = np.zeros((len(at), len(before)))
    for by, shares in enumerate(by_size):
        np.add.at(shares, at, np.roll(before[at], by))
    by = int(abs(by_size - numbers.p / numbers.p.sum()).sum(-1).argmin())
    if by:
        shares = by_size[by]
        size, way = min((by, "later"), (len(at) - by, "earlier"), key=lambda one: one[0])
        same = f"all {name} are {size} {way} than in the reference"
        yield Candidate(f"moving all {name} by {size}", shares, same=same, every=LEAST)


def _steps_below(edges: Floats, size: float) -> Floats:
    """How many steps the first multiple has that is not below each edge.

    That of an edge just behind a value of its own is the next one, however doubles are rounded.
    """
    steps, nearest = np.ceil(edges / size), np.rint(edges / size)
    close = EXACT * np.minimum(1.0, abs(nearest))  # 0 is a multiple without rounding
    steps = np.where(abs(edges / size - nearest) <= close, nearest, steps)
    alone = np.flatnonzero(edges[1:] == np.nextafter(edges[:-1], np.inf)) + 1
    steps[alone] = np.floor(edges[alone - 1] / size + EXACT) + 1
    return np.asarray(steps)


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


def cumulated(numbers: Numbers, shares: Floats) -> Below:
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


def behind(numbers: Numbers, at: Any) -> Floats:
    """The next number."""
    return np.atleast_1d(at + numbers.step if numbers.step else np.nextafter(at, np.inf))
