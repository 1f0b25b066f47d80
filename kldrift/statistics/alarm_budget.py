"""A budget of pages: how sure a window must be before somebody is called, over all tests at once.

The level follows what it brought: each page raises it, each quiet window lowers it a little, so
that in the long run as many pages come as were asked for, whatever the p-values are worth [1]. What
they are worth is seen sooner than in pages: in how far the farthest row of each quiet window lies,
which is exponential with mean 1 where p-values hold. Where it is more, the level counts as less.

References:
    [1] Gibbs, I. and Candes, E. (2021). Adaptive conformal inference under distribution shift.
        Advances in Neural Information Processing Systems 34.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from kldrift.arrays import Bools, Floats

STEP: Final = 4.0
"""How far a page moves the level, on the scale of minus the logarithm of a p-value."""
MOST: Final = 3
"""Pages that raise the level one after the other. Quiet windows bring no more
(docs/alarms.md): what pages beyond is no chance, and small drifts would pass for years
if the level rose with it."""
MARGIN: Final = 0.5
"""How much more than its budget says a monitor asks for when it begins."""
LEEWAY: Final = 1.0
"""How much less it asks for at least, however long nothing was unusual. Without an end, a page came
each time that the budget had room for one, for whatever lay farthest, at p-values of 0.01 and more.
"""
COMMON: Final = 0.05
"""The chance of a window up to which nobody is called for it, whatever the budget would allow: one
page in 90 days is every third month, and p-values of 0.3 are no news.
"""
DOUBT: Final = 20.0
"""Windows that the belief that p-values hold is worth."""
FARTHEST: Final = 10.0
"""How far a row counts at most: what has drifted says nothing of quiet windows."""


@dataclass(frozen=True)
class AlarmBudget:
    """The level of a monitor, which is carried from window to window.

    ``rate`` is the pages a window that are asked for, ``level`` how far out, beyond what the number
    of tests asks for, a row must be.

    Examples:
        >>> budget = AlarmBudget.of(pages=1, windows=90)
        >>> f"{budget.limit(50):.1e}, {budget.after(page=True).limit(50):.1e}"
        '1.3e-04, 2.6e-06'
        >>> f"{budget.limit(50, excesses=[2.0, 4.0, 3.0] * 20):.1e}"
        '7.5e-08'
    """

    rate: float
    level: float

    @classmethod
    def of(cls, pages: float, windows: float) -> Self:
        """The initial level of a monitor."""
        rate = pages / windows
        return cls(rate, max(MARGIN - math.log(rate), -math.log(COMMON)))

    def limit(self, tests: int, excesses: Sequence[float] = ()) -> float:
        """The p-value below which a row pages.

        ``tests`` are the features and segments of the window, ``excesses`` those of earlier
        windows.
        """
        far = [min(x, FARTHEST) for x in excesses if x > 0]
        stretch = max(1.0, (DOUBT + sum(far)) / (DOUBT + len(far)))
        return math.exp(-stretch * self.level) / max(1, tests)

    def open_limit(self, tests: int) -> float:
        """The p-value below which a row with an open alert still drifts: the initial level.

        What one page costs the next one must not close it.
        """
        return min(self.rate * math.exp(-MARGIN), COMMON) / max(1, tests)

    def after(self, *, page: bool, open_alert: bool = False) -> Self:
        """The level after a window; it stays the same while an alert is open."""
        if open_alert:
            return self
        usual = -math.log(self.rate)
        lowest = max(usual - LEEWAY, -math.log(COMMON))
        highest = max(usual + MARGIN, lowest) + MOST * STEP
        level = self.level + STEP * (page - self.rate)
        return replace(self, level=min(max(level, lowest), highest))


def excess(p_values: Floats, limits: Floats, open_alert: Bools) -> float:
    """How far the most extreme quiet row of a window exceeds what the number of rows explains.

    What pages raises the level already, and says nothing of quiet rows.

    Args:
        p_values: of its rows; NaN where there is none.
        limits: the p-value below which each of them is critical.
        open_alert: those whose alert is open.
    """
    quiet = p_values[(p_values >= limits) & ~open_alert]
    if not len(quiet):
        return 0.0
    return -math.log(max(float(quiet.min()), np.finfo(float).tiny) * len(quiet))
