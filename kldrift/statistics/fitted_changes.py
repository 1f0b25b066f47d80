"""Numbers that were fitted: a constant that was added to all, a factor, the sum of both sides.

One number that is fitted agrees with one difference, so that others must agree as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from kldrift.profiles.number_text import grouped, plain
from kldrift.statistics.number_changes import (
    CLEARLY,
    CLOSE,
    EXACT,
    FACTORS,
    LEAST,
    Below,
    Candidate,
    Numbers,
    affine,
    mirrored,
)

LEAST_FITTED: Final = 0.95
"""What it must explain where a number of it was fitted to both sides."""
BEYOND_CHANCE: Final = 2.0
"""In the same units: how far shares below an edge are apart that surely differ."""
UNSURE: Final = 0.1
"""The relative error from which a fitted number is not told."""
FEWEST_EXPECTED: Final = 5.0
"""Rows that a candidate has beyond an end, of which there are none if it is not the cause."""


def fitted(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    """A constant that was added, a factor, or a scale that is read from its other end."""
    if not _several_differ(numbers):
        return
    several = [*_shifted(numbers, below), *_scaled(numbers, below)]
    yield from sorted(several, key=lambda one: abs(numbers.std[1] - (one.std or 0.0)))
    (smallest, low), (largest, high) = numbers.smallest, numbers.largest
    if abs(low + largest - high - smallest) <= EXACT * abs(largest - smallest):
        yield mirrored(numbers, below, low + largest)


def _shifted(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    step, ends = numbers.step, (numbers.smallest, numbers.largest)
    error = float(np.hypot(*numbers.errors))
    for added in dict.fromkeys([_added(numbers), step, -step]):
        exact = any(abs(now - end - added) <= EXACT * abs(added) for end, now in ends)
        sure = exact or 4 * error < step
        low, high = (now - added for _, now in ends)
        if not added or _left_out(numbers, low, high, 0.0 if sure else 4 * error):
            continue
        amount = abs(added) if sure else _about(abs(added), error)
        if not amount:
            continue
        by = f"{'' if sure else 'about '}{numbers.written(amount)}"
        verb, way = ("adding", "larger") if added > 0 else ("subtracting", "smaller")
        same = f"the same values, all {way} by {by}" if exact else ""
        yield affine(numbers, below, 1.0, added, f"{verb} {by}", least=LEAST_FITTED, same=same)


def _scaled(numbers: Numbers, below: Below) -> Iterator[Candidate]:
    if factor := _factor(numbers):
        low, high = numbers.smallest[1] / factor, numbers.largest[1] / factor
        error = numbers.factor_error
        times = _about(factor, factor * error)
        if times and not _left_out(numbers, low, high, 4 * error * max(abs(low), abs(high))):
            name = f"a factor of about {grouped(times, 4)}"
            for exact in (times, factor):  # of few values, none lies where a fitted one says
                yield affine(numbers, below, exact, 0.0, name, least=LEAST_FITTED)


def _several_differ(numbers: Numbers) -> bool:
    """Whether the shares below several edges differ between which the reference has rows."""
    n, m = numbers.p.sum(), numbers.q.sum()
    apart = abs(np.cumsum(numbers.p / n - numbers.q / m)[:-1])
    firsts = np.flatnonzero(np.append(True, numbers.q[1:-1] > 0))
    apart = np.sort(np.maximum.reduceat(apart, firsts))
    return len(apart) > 1 and bool(apart[-2] >= BEYOND_CHANCE * np.sqrt(1 / n + 1 / m))


def _left_out(numbers: Numbers, low: float, high: float, slack: float) -> bool:
    """Whether the reference has cells of rows beyond what the current ends were before."""
    edges, ends = numbers.edges, (low - slack, high + slack)
    below, upto = (int(np.searchsorted(edges, end, "right")) for end in ends)
    rows = max(numbers.q[:below].sum(), numbers.q[upto + 1 :].sum())
    return bool(rows * numbers.p.sum() >= FEWEST_EXPECTED * numbers.q.sum())


def _about(fitted: float, error: float) -> float:
    """A fitted number with the fewest digits that are within twice its error; 0 if that is large.

    Examples:
        >>> _about(1755.0, 48.0), _about(1.2, 0.02), _about(0.5062, 0.004), _about(110.0, 20.0)
        (1800.0, 1.2, 0.5, 0.0)
    """
    if error > UNSURE * fitted:
        return 0.0
    rounded = [float(plain(fitted, digits)) for digits in range(1, 5)]
    return next((one for one in rounded if abs(one - fitted) <= 2 * error), rounded[-1])


def _factor(numbers: Numbers) -> float:
    """The factor by which the numbers grew, if their spread agrees; else 0."""
    (mean, now), (std, spread) = numbers.mean, numbers.std
    if not (std > 0 and spread > 0 and mean and now / mean > 0):
        return 0.0
    times, change = np.log(now / mean), np.log(spread / std)
    error = np.sqrt(1 / numbers.p.sum() + 1 / numbers.q.sum())
    close = max(CLOSE, CLEARLY * numbers.factor_error)
    unit = min(abs(times - np.log(factor)) for factor in FACTORS) < close
    return 0.0 if unit or abs(change) < CLEARLY * error else float(now / mean)


def _added(numbers: Numbers) -> float:
    """The constant added to the numbers, if both ends moved by it, or their mean clearly did."""
    low, high = (now - before for before, now in (numbers.smallest, numbers.largest))
    if abs(low - high) <= EXACT * abs(low):
        return float(low)
    constant, step = numbers.mean[1] - numbers.mean[0], numbers.step
    beyond = numbers.p[0] + numbers.p[-1]
    if abs(constant) < CLEARLY * np.hypot(*numbers.errors) or beyond >= LEAST * numbers.p.sum():
        return 0.0  # counts that lie beyond an end fit whatever moves them there
    return float(np.rint(constant / step)) * step if step else constant
