"""Sentences about numbers that all moved: a shift, another spread, another median."""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.profiles.number_text import grouped, percent
from kldrift.scoring.change import Change

LEAST_SHIFT: Final = 0.1
"""Reference deviations from which a mean has moved."""
LEAST_SPREAD: Final = 1.1
"""From so many times as wide, or as narrow, a spread has changed."""
CARRIED: Final = 0.1
"""Of the distance that a shift of all rows gives, what must show in the order of the rows: a few
values far out move the mean as well, and nothing else."""
ALL_OF: Final = 5.0
"""Deviations from which a shift of all rows moves half of them past all that were there."""
LEAST_END: Final = 0.02
"""Share of the rows by which both ends must have changed, for most values to be said to have."""
CLEAR_SPREAD: Final = 1.15
"""From so many times as wide, or as narrow, a spread is told before a shift."""
ABOUT_ALIKE: Final = 1 / 3
"""Of the larger change of an end, the least that the other changed for a spread to have changed."""


def moments_sentence(change: Change) -> str:
    """A shift or another spread, if it is one of the rows and not of a few values far out."""
    if not np.isfinite(change.shift) or not np.isfinite(change.spread):
        return ""
    carried = change.whole or change.ks >= CARRIED * min(abs(change.shift), ALL_OF)
    if abs(change.shift) >= LEAST_SHIFT and carried:
        return _shifted(change)
    if change.ks < CARRIED * LEAST_SHIFT:
        return ""
    low, high = change.ends
    if low * high < 0:  # lower ones became fewer, and higher ones more, or the other way round
        return _median(change)
    return spread_sentence(change)


def few_far_out(change: Change) -> bool:
    """Whether a few values far out move the mean by more than the order of the rows shows."""
    return abs(change.shift) >= 1 and change.ks < CARRIED * min(abs(change.shift), 2.0)


def at_both_ends(change: Change) -> bool:
    """Whether both ends have more rows, or both fewer, about alike: the middle hardly moved."""
    smaller, larger = sorted(map(abs, change.ends))
    alike = smaller >= LEAST_END and smaller >= ABOUT_ALIKE * larger
    clear = max(change.spread, 1 / change.spread) >= CLEAR_SPREAD if change.spread else False
    return alike and clear and change.ends[0] * change.ends[1] > 0 and not change.flag


def spread_sentence(change: Change) -> str:
    """How many times as wide, or as narrow, numbers are spread; empty if hardly.

    Few values far out make a deviation that the rows at both ends contradict, or do not show.
    """
    low, high = change.ends
    wider, both = change.spread > 1, low * high > 0
    agrees = not both or wider == (low > 0)
    carried = change.ks >= CARRIED * min(change.spread - 1, 2)
    if agrees and change.spread >= LEAST_SPREAD and carried:
        return f"spread {grouped(change.spread, 2)} times as wide"
    if agrees and change.spread <= 1 / LEAST_SPREAD:
        return f"spread narrowed to {percent(change.spread)} of what it was"
    if both and min(abs(low), abs(high)) >= LEAST_END:
        which, size = "more" if low > 0 else "fewer", percent(abs(low + high))
        return f"{which} values lie far out on both sides, by {size} of the rows"
    return ""


def _median(change: Change) -> str:
    """A shift of most rows that a few far out hide in the mean; empty if medians do not tell."""
    if len({*change.medians}) < 2 or min(map(abs, change.ends)) < LEAST_END:
        return ""
    way, verb = ("larger", "rose") if change.ends[1] > 0 else ("smaller", "fell")
    text = f"most values are {way}: the median {verb} from {change.medians[0]}"
    return f"{text} to {change.medians[1]}"


def _shifted(change: Change) -> str:
    way, verb = ("up", "rose") if change.shift > 0 else ("down", "fell")
    size = grouped(abs(change.shift), 2)
    text = f"shifted {way} by {size} standard deviation{'s' if size != '1' else ''}"
    if len({*change.means}) < 2:
        return text
    return f"{text}: the mean {verb} from {change.means[0]} to {change.means[1]}"
