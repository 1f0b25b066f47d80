"""Replays the learnt rule over counts of windows, without tables: what it flags, and when.

It judges as a run does, window by window, by earlier ones only; what was unusual is not learnt
from. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from kldrift.arrays import Counts, Floats
from kldrift.scoring.alerts import Alert, Alerts, Key, Seen
from kldrift.statistics.alarm_budget import AlarmBudget, excess
from kldrift.statistics.learned_limits import FEWEST_WINDOWS, usual

MOST_WINDOWS: Final = 90
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Alerts only need an order of windows here, and no dates."""


@dataclass(frozen=True, eq=False)
class Shown:
    """The judgement of one window.

    Attributes:
        p_values: of each feature; NaN while it learns.
        level: the p-value below which a feature is critical.
        page: whether somebody would have been called.
        raised: whose alert is open, as places of features.
    """

    p_values: Floats
    level: float
    page: bool
    raised: frozenset[int]


@dataclass(frozen=True, eq=False)
class Replay:
    """The state of the learnt rule before a window; immutable, so that it can be continued twice.

    Attributes:
        pages: that the budget allows.
        windows: in so many windows.
        after: how many critical windows, of how many, make an alert.
        most: windows that the history reaches back.
        past: counts of earlier windows, shape ``(features, cells)`` each, without what was unusual.
        seasons: of these.
        level: of the budget; None until it is needed.
        excesses: how far the farthest feature of each window was.
        alerts: what is open.
        seen: how many windows it has seen.
    """

    pages: float
    windows: float
    after: tuple[int, int] = (1, 1)
    most: int = MOST_WINDOWS
    past: tuple[Counts, ...] = ()
    seasons: tuple[int, ...] = ()
    level: float | None = None
    excesses: tuple[float, ...] = ()
    alerts: Alerts = field(default_factory=Alerts)
    seen: int = 0

    def step(self, counts: Counts, season: int) -> tuple[Shown, Replay]:
        """Judge a window and add it to the history."""
        budget = AlarmBudget.of(self.pages, self.windows)
        if self.level is not None:
            budget = replace(budget, level=self.level)
        p_values = np.full(len(counts), np.nan)
        if self.past:
            beside = usual(np.stack(self.past), np.array(self.seasons), counts, season)
            ready = beside.learned.windows >= FEWEST_WINDOWS
            p_values = np.where(ready, beside.p_values, np.nan)
        known = np.isfinite(p_values)
        limit = budget.limit(int(known.sum()), self.excesses)
        limits = np.full(len(counts), limit)
        limits[[int(key[0]) for key in self.alerts.open]] = budget.open_limit(int(known.sum()))
        critical = p_values < limits
        keys = {(str(i), None) for i in np.flatnonzero(critical).tolist()}
        start = _START + self.seen * timedelta(days=1)
        alerts = self.alerts.after(Seen(start, keys), self.after, lambda _: False)
        raised, before = _raised(alerts), _raised(self.alerts)
        page = bool(raised - before)
        excesses = self.excesses
        if known.any():
            still = raised & before
            budget = budget.after(page=page, open_alert=bool(still) and not page)
            fresh = [i for i in np.flatnonzero(known).tolist() if i not in still]
            excesses = (*excesses, excess(p_values[fresh]))[-self.most :]
        kept = np.where(critical[:, None], 0, counts)
        later = replace(
            self,
            past=(*self.past, kept)[-self.most :],
            seasons=(*self.seasons, season)[-self.most :],
            level=budget.level if known.any() else self.level,
            excesses=excesses,
            alerts=alerts,
            seen=self.seen + 1,
        )
        return Shown(p_values, limit, page, raised), later

    def over(self, counts: Sequence[Counts], seasons: Sequence[int]) -> tuple[list[Shown], Replay]:
        """Judge several windows, in the order of time."""
        shown, state = [], self
        for window, season in zip(counts, seasons, strict=True):
            one, state = state.step(window, season)
            shown.append(one)
        return shown, state


def _raised(alerts: Alerts) -> frozenset[int]:
    states: Mapping[Key, object] = alerts.states
    return frozenset(int(key[0]) for key in states if alerts.of(key).alert is Alert.RAISED)
