"""The rule of learnt limits: what is known before a window of the windows before it.

A run judges by it one window after the other, and a back-test replays it over all that are stored.
What was unusual is not learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from kldrift.arrays import Counts, Floats
from kldrift.config import Alarms, Time
from kldrift.monitor.past_scores import start_of
from kldrift.monitor.seasons import season_of, seasonal_parts
from kldrift.scoring.alerts import Alerts, Seen
from kldrift.scoring.metrics import LEARNED_SCORES
from kldrift.statistics.alarm_budget import AlarmBudget, excess
from kldrift.statistics.learned_limits import FEWEST_WINDOWS, Usual, usual
from kldrift.tables.window import Window

LEAST_WINDOWS: Final = 3 * FEWEST_WINDOWS // 2
"""Windows that a history reaches back at least, however long they are: 90 days are three months,
which nothing is learnt from. More than the fewest, as unusual ones are left out.
"""
CELLS_AT_ONCE: Final = 2**22
"""Cells of histories that are looked at together: bounds the memory of the formulas."""


@dataclass(frozen=True, eq=False)
class PastCounts:
    """An earlier window.

    ``tables`` are its rows per cell without what was unusual, of the whole and of each list of
    segments, shape ``(features, segments, cells)``; ``excess`` is how far its farthest row was.
    """

    start: datetime
    season: int
    tables: tuple[Counts, ...]
    excess: float | None


@dataclass(frozen=True, eq=False)
class Beside:
    """A window compared with those before it."""

    of_list: tuple[tuple[Usual, ...], ...]
    shapes: tuple[tuple[int, int], ...]
    budget: AlarmBudget
    excesses: tuple[float, ...]

    @property
    def effective(self) -> float:
        """How many independent windows the history of whole datasets is worth."""
        return float(np.concatenate([u.learned.effective for u in self.of_list[0]]).mean())

    @property
    def p_values(self) -> list[Floats]:
        """Of the groups of each list, shape ``(features, segments)``; NaN while they learn."""
        tables = zip(self.of_list, self.shapes, strict=True)
        return [np.concatenate([_ready(u, u.p_values) for u in of]).reshape(x) for of, x in tables]

    @cached_property
    def tests(self) -> int:
        """How many groups of features can be judged."""
        return sum(int(np.isfinite(p).sum()) for p in self.p_values)

    @property
    def limit(self) -> float:
        """The p-value below which a group is critical."""
        return self.budget.limit(self.tests, self.excesses)

    @property
    def open_limit(self) -> float:
        """The p-value below which a group whose alert is open stays critical."""
        return self.budget.open_limit(self.tests)

    def scores(self, limits: Sequence[Floats]) -> list[dict[str, Floats]]:
        """The scores of each list by name, given limits of p-values; shapes as theirs."""
        found = []
        for of, table in zip(self.of_list, limits, strict=True):
            own = np.split(table.reshape(-1), np.cumsum([len(u.current) for u in of])[:-1])
            parts = [
                (*(_ready(u, x) for x in (u.divergences, u.limits(at), u.p_values, at)), u.windows)
                for u, at in zip(of, own, strict=True)
            ]
            kl, limit, p, p_limit, windows = (
                np.concatenate(x).reshape(table.shape) for x in zip(*parts, strict=True)
            )
            found.append(dict(zip(LEARNED_SCORES, (kl, limit, p, windows, p_limit), strict=True)))
        return found


def _ready(usual: Usual, values: Floats) -> Floats:
    return np.where(usual.windows >= FEWEST_WINDOWS, values, np.nan)


@dataclass(frozen=True, eq=False)
class LearnedRule:
    """What is known before a window; immutable, so that it can be continued twice."""

    time: Time
    alarms: Alarms
    past: tuple[PastCounts, ...] = ()
    level: float | None = None

    def beside(self, window: Window, tables: Sequence[Counts]) -> Beside:
        """Compare the counts of a window with those before it; shapes as of `PastCounts`."""
        past, season = self._before(window), self._season(window)
        seasons = np.array([one.season for one in past], dtype=np.int64)
        lists = []
        for number, current in enumerate(tables):
            history = np.stack([current, *(one.tables[number] for one in past)])[1:]
            width, parts = current.shape[-1], []
            step = max(1, CELLS_AT_ONCE // max(1, history[:, :1].size))
            for start in range(0, len(current), step):
                own = current[start : start + step].reshape(-1, width)
                earlier = history[:, start : start + step].reshape(len(history), *own.shape)
                parts.append(usual(earlier, seasons, own, season))
            lists.append(tuple(parts))
        shapes = tuple(table.shape[:2] for table in tables)
        excesses = tuple(one.excess for one in past if one.excess is not None)
        return Beside(tuple(lists), shapes, self._budget(window), excesses)

    def after(
        self, window: Window, tables: Sequence[Counts], excess: float | None = None
    ) -> LearnedRule:
        """The rule once a window is history, without its unusual groups; see `PastCounts`."""
        one = PastCounts(start_of(window), self._season(window), tuple(tables), excess)
        return replace(self, past=(*self._before(window), one))

    def paged(self, window: Window, *, page: bool, still_open: bool) -> LearnedRule:
        """The rule after a window that brought a page or not; alerts may be open from before."""
        budget = self._budget(window).after(page=page, open_alert=still_open and not page)
        return replace(self, level=budget.level)

    def _before(self, window: Window) -> tuple[PastCounts, ...]:
        """The history of a window."""
        first = start_of(window) - self.alarms.span
        recent = sum(one.start >= first for one in self.past)
        return self.past[-max(LEAST_WINDOWS, recent) :]

    def _season(self, window: Window) -> int:
        return season_of(window, self.time, seasonal_parts(self.time))

    def _budget(self, window: Window) -> AlarmBudget:
        (start, end), budget = window.bounds, self.alarms.budget
        own = AlarmBudget.of(budget.pages, budget.days / ((end - start) / timedelta(days=1)))
        return own if self.level is None else replace(own, level=self.level)


@dataclass(frozen=True, eq=False)
class Shown:
    """The judgement of one window.

    Attributes:
        p_values: of each feature; NaN while it learns.
        level: the p-value below which a feature is critical.
        raised: whose alert is open, as places of features.
    """

    p_values: Floats
    level: float
    page: bool
    raised: frozenset[int]


@dataclass(frozen=True, eq=False)
class Replay:
    """The learnt rule before a window, and the alerts that it alone would have raised."""

    rule: LearnedRule
    alerts: Alerts = field(default_factory=Alerts)

    def step(self, window: Window, counts: Counts) -> tuple[Shown, Replay]:
        """Judge a window by its counts, shape ``(features, cells)``, and add it to the history."""
        beside, before = self.rule.beside(window, [counts[:, None]]), _places(self.alerts)
        p_values, limits = beside.p_values[0][:, 0], np.full(len(counts), beside.limit)
        limits[list(before)] = beside.open_limit
        critical = p_values < limits
        seen = Seen(start_of(window), {(str(i), None) for i in np.flatnonzero(critical).tolist()})
        alerts = self.alerts.after(seen, self.rule.alarms.windows, lambda _: False)
        raised, rule, far = _places(alerts), self.rule, None
        page, still = bool(raised - before), raised & before
        if np.isfinite(p_values).any():
            rule = rule.paged(window, page=page, still_open=bool(still))
            far = excess(p_values, limits, np.isin(np.arange(len(p_values)), list(raised)))
        rule = rule.after(window, [np.where(critical[:, None], 0, counts)[:, None]], far)
        return Shown(p_values, beside.limit, page, raised), Replay(rule, alerts)

    def over(
        self, windows: Sequence[Window], counts: Sequence[Counts]
    ) -> tuple[list[Shown], Replay]:
        """Judge several windows, in the order of time."""
        shown, state = [], self
        for window, of in zip(windows, counts, strict=True):
            one, state = state.step(window, of)
            shown.append(one)
        return shown, state


def _places(alerts: Alerts) -> frozenset[int]:
    """The features whose alert is open: nobody mutes any."""
    return frozenset(int(feature) for feature, _ in alerts.open)
