"""Replays the rule of learnt limits over counts of windows, without tables: what it flags, when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kldrift.arrays import Counts, Floats
from kldrift.monitor.learned_rule import LearnedRule
from kldrift.monitor.past_scores import start_of
from kldrift.scoring.alerts import Alert, Alerts, Key, Seen
from kldrift.statistics.alarm_budget import excess
from kldrift.tables.window import Window


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
    """The learnt rule before a window, and the alerts that it alone would have raised.

    Attributes:
        rule: the rule.
        alerts: what is open; features are known by their places.
    """

    rule: LearnedRule
    alerts: Alerts = field(default_factory=Alerts)

    def step(self, window: Window, counts: Counts) -> tuple[Shown, Replay]:
        """Judge a window by its counts, shape ``(features, cells)``, and add it to the history."""
        beside = self.rule.beside(window, [counts[:, None]])
        p_values, limits = beside.p_values[0][:, 0], np.full(len(counts), beside.limit)
        limits[[int(key[0]) for key in self.alerts.open]] = beside.open_limit
        critical = p_values < limits
        keys = {(str(i), None) for i in np.flatnonzero(critical).tolist()}
        seen = Seen(start_of(window), keys)
        alerts = self.alerts.after(seen, self.rule.alarms.windows, lambda _: False)
        raised, before = _raised(alerts), _raised(self.alerts)
        page, still = bool(raised - before), raised & before
        known = np.isfinite(p_values)
        fresh = [i for i in np.flatnonzero(known).tolist() if i not in still]
        rule, far = self.rule, None
        if known.any():
            rule = rule.paged(window, page=page, still_open=bool(still))
            far = excess(p_values[fresh])
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


def _raised(alerts: Alerts) -> frozenset[int]:
    states: Mapping[Key, object] = alerts.states
    return frozenset(int(key[0]) for key in states if alerts.of(key).alert is Alert.RAISED)
