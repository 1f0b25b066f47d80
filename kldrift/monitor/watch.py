"""The state carried from window to window: counts to learn from, the level of pages, alerts.

A window is judged by earlier ones only. All of it follows from what the tables have of them, so
that a run goes on where another one stopped, and a window that is written again can be followed by
those that depend on it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.config import Alarms, Budget, Config, Mute, Time
from kldrift.config.marked_days import declared, mute_of
from kldrift.errors import DamagedError, OutputError
from kldrift.features.pairs import Pair
from kldrift.monitor.alert_log import AlertFacts, Logged, alerts_of, log_table, logged
from kldrift.monitor.counts_layout import Layout, without_unseen
from kldrift.monitor.decisive import Decisive
from kldrift.monitor.judging import has_learned_limits, judge_findings
from kldrift.monitor.learned_rule import LEAST_WINDOWS, LearnedRule
from kldrift.monitor.past_scores import (
    excess_of,
    far_rows,
    log_until,
    notable,
    of_rows,
    row_keys,
    seen_in,
    start_of,
    states_of,
)
from kldrift.monitor.plan import Plan
from kldrift.monitor.same_cells import SameCells
from kldrift.monitor.stages import Findings, Reference
from kldrift.profiles.profile import Profile, of_no_window
from kldrift.scoring.alerts import Alert, Alerts, Key, Seen, State
from kldrift.scoring.judge import held_to_limits, severities
from kldrift.scoring.learned import (
    KINDS_OF_THRESHOLDS,
    of_new_values,
    threshold_kinds,
    unusual,
)
from kldrift.scoring.threshold import RANK, Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.alarm_budget import excess
from kldrift.tables.read import stored_alerts, stored_scores, stored_supports
from kldrift.tables.store import Store
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window


@dataclass(frozen=True, eq=False)
class Judged:
    """A window that was judged.

    Attributes:
        alerts: of its rows; None without alarms.
        budget: of pages; None without alarms, as the next.
        spent: pages of the days that it is for.
        level: of the budget; None where nothing is learnt, as the next two.
        limit: the p-value below which rows are critical.
        effective: how many independent windows the history is worth.
    """

    verdicts: Verdicts
    alerts: Alerts | None = None
    log: pa.Table | None = None
    budget: Budget | None = None
    spent: int | None = None
    level: float | None = None
    limit: float | None = None
    effective: float | None = None

    @property
    def of_run(self) -> dict[str, float | int | None]:
        """The columns of ``runs`` about the window."""
        states = () if self.alerts is None else self.alerts.states.values()
        raised = sum(state.alert is Alert.RAISED for state in states)
        return {
            "alerts": None if self.alerts is None else raised,
            "pages_spent": self.spent,
            "pages_allowed": None if self.budget is None else self.budget.pages,
            "pages_days": None if self.budget is None else self.budget.days,
            "p_limit": self.limit,
            "history_effective": self.effective,
        }


class Watch:
    """The state before a window: earlier windows, the level of pages, open alerts."""

    def __init__(self, config: Config, time: Time, layout: Layout | None) -> None:
        self.notes: list[str] = []
        self._config, self._layout = config, layout
        self._alarms = config.alarms or Alarms()
        self._rule = LearnedRule(time, self._alarms)
        self._alerts = Alerts()
        self._log: tuple[Logged, ...] = ()

    @classmethod
    def before(
        cls,
        config: Config,
        store: Store,
        reference: Reference,
        pairs: Sequence[Pair],
        window: Window,
    ) -> Watch | None:
        """The state from the tables before a window; None without learnt limits and alarms."""
        asked = config.alarms or config.any_learned or config.reference.exclude
        if config.time is None or not asked:
            return None
        names = [p.feature.name for p in pairs if has_learned_limits(p, config)]
        layout = Layout.of(reference, names, config.scoring.missing)
        watch = cls(config, config.time, layout if layout.names else None)
        earlier = [
            w
            for w in stored_windows(store, config.monitor)
            if w.start and start_of(w) < start_of(window)
        ]
        first = start_of(window) - watch._alarms.span
        near = [w for w in earlier[:-LEAST_WINDOWS] if start_of(w) >= first]
        near += earlier[-LEAST_WINDOWS:]
        watch._read(store, reference, near, start_of(window))
        return watch

    def _read(
        self, store: Store, reference: Reference, windows: Sequence[Window], before: datetime
    ) -> None:
        config, layout = self._config, self._layout
        if layout is None and config.alarms is None:
            return
        if layout is not None and windows:
            supports = stored_supports(store, config.monitor, reference.reference_id)
            counted = SameCells(store, config.monitor, supports)
        learned: Window | None = None
        rows: dict[Window, pa.Table] = {}
        for window in windows:
            try:
                scores = stored_scores(store, config.monitor, window)
            except DamagedError as error:
                self.notes.append(f"an earlier window is left out: {error}")
                continue
            rows[window] = notable(scores)
            level, far = pc.min(scores["alarm_level"]).as_py(), None
            if level is not None:
                self._rule, learned = replace(self._rule, level=level), window
                far = excess_of(scores)
            if layout is not None:
                own: dict[str, Profile] = {}
                with suppress(ValueError, OutputError):  # damaged
                    profiles, _ = counted.profiles(window)
                    own = {name: of_no_window(p) for name, p in profiles.items()}
                keys = row_keys(far_rows(rows[window]))
                kept = layout.without(layout.counts(own), keys)
                self._rule = self._rule.after(window, kept, far)
        if config.alarms is None:
            return
        try:
            self._log = log_until(alerts_of(stored_alerts(store, config.monitor)), rows, before)
        except DamagedError as error:
            self.notes.append(f"alerts are logged anew: {error}")
        if rows:
            recent = tuple(seen_in(start_of(w), of) for w, of in rows.items())
            self._alerts = Alerts(states_of(rows[[*rows][-1]]), recent)
        if learned is not None:
            self._rule = self._paged(learned)

    def judged(self, plan: Plan, findings: Findings, window: Window) -> Judged:
        """Judge a window and add it to the history."""
        layout = self._layout
        if layout is None:
            return self._alerted(judge_findings(plan, findings), window)
        names = [p.feature.name for p in findings.pairs]
        counts = layout.counts(dict(zip(names, findings.current, strict=True)))
        beside = self._rule.beside(window, counts)
        groups = [(n, c.keys) for n, c in zip(names, findings.comparisons, strict=True)]
        limit, open_limit = beside.limit, beside.open_limit
        scores = layout.scores(beside, groups, limit, self._alerts.open, open_limit)
        verdicts = judge_findings(plan, findings, scores)
        keys = {verdicts.key(i) for i in unusual(verdicts).nonzero()[0].tolist()}
        new = self._by_new_values_alone(findings, window, verdicts, layout)
        judged = self._alerted(verdicts, window, new)
        p_values, far = verdicts.scores["p_learned"], None
        if not np.isnan(p_values).all():
            level = beside.budget.level
            judged = replace(judged, level=level, limit=limit, effective=beside.effective)
            if self._config.alarms is not None:
                self._rule = self._paged(window)
                still = set(self._alerts.open)
                open_alert = np.array([verdicts.key(i) in still for i in range(len(verdicts))])
                far = excess(p_values, verdicts.scores["p_limit"], open_alert)
        self._rule = self._rule.after(window, layout.without(counts, keys), far)
        return judged

    def _by_new_values_alone(
        self, findings: Findings, window: Window, verdicts: Verdicts, layout: Layout
    ) -> set[Key]:
        """The rows that are critical, and would not be without values that the reference never had.

        Beside the reference a season may have moved more rows than these values did.
        """
        there = unusual(verdicts) & (verdicts.scores["never_seen_current"] > 0)
        if not self._alarms.grace_span or not there.any():
            return set()
        names = [p.feature.name for p in findings.pairs]
        known = {n: without_unseen(c) for n, c in zip(names, findings.comparisons, strict=True)}
        beside = self._rule.beside(window, layout.counts(known))
        groups = [(n, c.keys) for n, c in zip(names, findings.comparisons, strict=True)]
        without = layout.scores(beside, groups, 1.0)["p_learned"]
        p_value = np.append(without, np.full(len(verdicts) - len(without), np.nan))
        fixed, _ = severities(verdicts, list(held_to_limits(verdicts)))
        there &= (fixed < RANK[Severity.CRITICAL]) & ~(p_value < verdicts.scores["p_limit"])
        return {verdicts.key(i) for i in np.flatnonzero(there).tolist()}

    def _alerted(
        self, verdicts: Verdicts, window: Window, new: Collection[Key] = frozenset()
    ) -> Judged:
        (start, end), rank = window.bounds, verdicts.severity
        day = declared(self._config, start, end)
        critical, unscored, warnings = (
            frozenset(verdicts.key(i) for i in (rank == RANK[s]).nonzero()[0].tolist())
            for s in (Severity.CRITICAL, Severity.UNSCORED, Severity.WARNING)
        )
        if self._config.alarms is None:
            if day is None:
                return Judged(verdicts)
            states = {key: State(Alert.MUTED, start) for key in critical}
            return Judged(verdicts, Alerts(states, muted=lambda _: True))
        mutes: dict[Key, Mute] = {}
        before = self._alerts

        def muted(key: Key) -> bool:
            mute = mute_of(self._config, key, start)
            if mute is None and before.of(key).alert is not Alert.RAISED:
                mute = day
            if mute is not None:
                mutes[key] = mute
            return mute is not None

        seen = Seen(start, critical, unscored, of_rows(warnings), _usual(verdicts))
        grace, waiting = self._alarms.grace_span, set(new)
        if grace:
            waiting |= {verdicts.key(i) for i in of_new_values(verdicts).nonzero()[0].tolist()}

        def waits(key: Key, since: datetime) -> bool:
            return key in waiting and start - since < grace

        self._alerts = self._alerts.after(seen, self._alarms.windows, muted, waits)
        facts = AlertFacts.of(verdicts, start, self._alerts.states)
        self._log = logged(self._log, self._alerts, facts, mutes)
        budget = self._alarms.budget
        first = start - timedelta(days=budget.days)
        spent = {one.opened for one in self._log if one.is_page and one.opened > first}
        table = log_table(self._config.monitor, self._log)
        return Judged(verdicts, self._alerts, table, budget, len(spent))

    def _paged(self, window: Window) -> LearnedRule:
        """The rule after the pages of a window."""
        start, log = start_of(window), self._log
        page = any(one.is_page and one.opened == start for one in log)
        still = any(one.is_page and one.open_at(start) and one.closed != start for one in log)
        return self._rule.paged(window, page=page, still_open=still)


def _usual(verdicts: Verdicts) -> set[Key]:
    """The rows that are critical by the fixed limit on ``kl``, and usual beside their history."""
    learned = threshold_kinds(verdicts) == KINDS_OF_THRESHOLDS.index("learned")
    rows = learned & (verdicts.severity == RANK[Severity.CRITICAL]) & ~unusual(verdicts)
    if rows.any():
        rows &= Decisive.of(verdicts).metric == "kl"
    return {verdicts.key(i) for i in rows.nonzero()[0].tolist()}
