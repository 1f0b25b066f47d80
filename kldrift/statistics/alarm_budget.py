"""A budget of pages: how sure a window must be before somebody is called, over all tests at once.

The level follows what it brought: each page raises it, each quiet window lowers it a little, so
that in the long run as many pages come as were asked for, whatever the p-values are worth [1].

References:
    [1] Gibbs, I. and Candes, E. (2021). Adaptive conformal inference under distribution shift.
        Advances in Neural Information Processing Systems 34.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Self

STEP: Final = 2.0
"""How far a page moves the level, on the scale of minus the logarithm of a p-value."""


@dataclass(frozen=True)
class AlarmBudget:
    """The level of a monitor, which is carried from window to window.

    Attributes:
        rate: pages a window that are asked for.
        level: minus the logarithm of the p-value below which a window pages.

    Examples:
        >>> budget = AlarmBudget.of(pages=1, windows=90, tests=50)
        >>> round(budget.level, 2), budget.pages(1e-6), budget.pages(1e-3)
        (8.41, True, False)
        >>> round(budget.after(page=True).level, 2), round(budget.after(page=False).level, 2)
        (10.39, 8.39)
    """

    rate: float
    level: float

    @classmethod
    def of(cls, pages: float, windows: float, tests: int) -> Self:
        """The level of a monitor that begins: that of Bonferroni over windows and tests.

        Args:
            pages: how many are asked for.
            windows: in so many windows.
            tests: features and segments of a window.
        """
        rate = pages / windows
        return cls(rate, math.log(max(1, tests) / rate))

    def pages(self, p_value: float) -> bool:
        """Whether the smallest p-value of a window pages."""
        return p_value < math.exp(-self.level)

    def after(self, *, page: bool, open_alert: bool = False) -> Self:
        """The level of the next window; it stays while an alert is open, which says nothing new."""
        if open_alert:
            return self
        return replace(self, level=self.level + STEP * (page - self.rate))
