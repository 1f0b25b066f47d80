"""Back-tests thresholds and learnt limits over the stored windows.

The verdicts of the thresholds stand in the tables. The other rule learns from the windows before
each one how far they usually are from each other, and pages at most as often as a budget allows.
Drifts that are planted into the last windows tell what each rule would have seen, and how late.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.config import Alarms, Budget, Config
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.progress import SILENT, Progress
from kldrift.monitor.backtest_chart import chart
from kldrift.monitor.counts_layout import Layout
from kldrift.monitor.findings import WindowCounts
from kldrift.monitor.learned_rule import LearnedRule, Replay, Shown
from kldrift.monitor.planted import USUAL, WITHIN, PlantedDrift, planted_windows
from kldrift.monitor.scorer import Scorer
from kldrift.profiles.group_keys import ALL
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.figures import many
from kldrift.reporting.json_values import records
from kldrift.reporting.page import lines_html, svg_file
from kldrift.statistics.learned_limits import FEWEST_WINDOWS
from kldrift.tables.batches import StoredBatches
from kldrift.tables.read import stored_reference_id, window_columns
from kldrift.tables.store import reach_store
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

JUDGED: Final = ("feature", "segment", "severity", "kl", "q_critical", "p_learned", "p_limit")
"""What says by which rule a row of ``drift_scores`` is critical."""
OVER_BUDGET: Final = 1.5
"""Times the budget that a rule may page before it is not suggested."""


@dataclass(frozen=True, eq=False, repr=False)
class Backtest:
    """The result of a back-test.

    Attributes:
        windows: one row per window, in the order of time: ``fixed`` (how many features were
            critical), ``fixed_feature`` (the first of them), ``kl`` (the largest), ``p_value`` (of
            the learnt rule, the smallest or that of ``learned_feature``; null while it learns),
            ``p_limit``, ``page`` (whether it would have called somebody), ``learned_feature`` (what
            somebody would have been called for).
        planted: one row per planted drift and rule: ``learned``, ``fixed``, and ``kl`` for the one
            limit that keeps the budget: how many features it was planted in, the shares that are
            found in the first window and within ten, and after how many windows on average.
        pages: how many pages the budget allows in so many days.
        days: those days.
        kl_limit: the limit on ``kl`` that would have kept the budget; None for too few windows.
        empty: windows without a row, which are left out.
        zone: of the times that people see.
    """

    windows: pd.DataFrame
    planted: pd.DataFrame
    pages: float
    days: float
    kl_limit: float | None
    empty: int = 0
    zone: str = "UTC"

    @property
    def summary(self) -> dict[str, Any]:
        """How many windows each rule would have flagged, and of how many."""
        judged = self.windows["p_value"].notna()
        return {
            "windows": len(self.windows),
            "without_rows": self.empty,
            "learning": int((~judged).sum()),
            "fixed": int((self.windows["fixed"] > 0).sum()),
            "fixed_after_learning": int((self.windows.loc[judged, "fixed"] > 0).sum()),
            "learned": int(self.windows["page"].sum()),
            "budget": f"{self.pages:g} in {self.days:g} days",
            "suggested": self.suggestion,
        }

    @property
    def verdict(self) -> str:
        """What each rule would have flagged, in words."""
        known = self.summary
        return (
            f"fixed thresholds flag {known['fixed']} of {many(known['windows'], 'window')}, learnt "
            f"limits page {many(known['learned'], 'time')}; the budget is {known['budget']}"
        )

    def __repr__(self) -> str:
        return f"Backtest({self.verdict})"

    def _repr_html_(self) -> str:
        lines = [self.verdict, "", "suggested:", *self.suggestion.splitlines()]
        return lines_html(lines, self.chart)

    @property
    def suggestion(self) -> str:
        """The rule to write into the configuration for this budget, as YAML.

        Learnt limits, unless they paged too often and the one limit on ``kl`` finds as much.
        """
        budget = f"{{budget: {{pages: {self.pages:g}, days: {self.days:g}}}}}"
        judged = int(self.windows["p_value"].notna().sum())
        allowed = max(1.0, OVER_BUDGET * self.pages * judged / max(1e-9, self._in_days))
        share_of = {rule: rows["within"].mean() for rule, rows in self.planted.groupby("rule")}
        better = share_of.get("kl", 0.0) >= share_of.get("learned", 0.0)
        if self.kl_limit is not None and self.windows["page"].sum() > allowed and better:
            return f"thresholds: {{kl: {{critical: {self.kl_limit:g}}}}}\nalarms: {budget}"
        return f"thresholds: learned\nalarms: {budget}"

    @property
    def _in_days(self) -> float:
        """Windows in the days of the budget."""
        starts = self.windows["window_start"]
        length = (starts.iloc[-1] - starts.iloc[0]) / pd.Timedelta(days=1) / (len(starts) - 1)
        return self.days / float(length)

    @cached_property
    def chart(self) -> Drawing:
        """The windows in the order of time, and what each rule would have flagged."""
        return chart(self.windows, self.kl_limit, self.zone)

    def to_svg(self) -> str:
        """The chart as an SVG that stands by itself."""
        return svg_file(self.chart, dark=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as one strict JSON object."""
        tables = {"planted": records(self.planted), "timeline": records(self.windows)}
        return {**self.summary, "kl_limit": self.kl_limit, **tables}


def backtest(
    config: Config,
    *,
    pages: float = 1.0,
    days: float = 90.0,
    plant: Sequence[str] = USUAL,
    progress: Progress = SILENT,
) -> Backtest:
    """Run rules over the stored windows of a monitor; no data is read.

    The arguments are those of :func:`kldrift.backtest`.

    Raises:
        ConfigError: the configuration has no windows, or a drift is misspelt.
        OutputError: there are too few windows to learn from, or they cannot be read.
    """
    if config.time is None:
        raise ConfigError("backtest needs windows: state time: {column: ..., window: 1d}")
    drifts = [PlantedDrift.of(text) for text in plant]
    store = reach_store(config.output.path)
    stored = stored_windows(store, config.monitor)
    _check_enough(config, len(stored))
    newest = stored_reference_id(store, config.monitor, stored[-1])
    scorer = Scorer.of(config, store, newest, StoredBatches.of(store, config.monitor))
    layout = Layout.of(scorer.reference, list(scorer.reference.profiles), config.scoring.missing)
    progress.stage("reading stored windows")
    windows, counts, scores, empty = list[Window](), [], [], 0
    newest_counted: deque[WindowCounts] = deque(maxlen=WITHIN)
    for number, window in enumerate(stored):
        one = scorer.counted(config, window)
        names = [p.feature.name for p in one.what.pairs]
        if names and not any(p.of_list(ALL).counts.any() for p in one.current):
            empty += 1
        elif names:  # else it was counted on other cells
            whole = {n: p.of_list(ALL) for n, p in zip(names, one.current, strict=True)}
            newest_counted.append(one)
            windows.append(window)
            counts.append(layout.counts(whole)[0][:, 0])
            scores.append(_whole(window_columns(store, config.monitor, window, JUDGED)))
        progress.update(number + 1, len(stored), "windows")
    _check_enough(config, len(windows), " with rows on the cells of the last")
    alarms = replace(config.alarms or Alarms(), budget=Budget(pages, days))
    before, last = Replay(LearnedRule(config.time, alarms)), max(0, len(windows) - WITHIN)
    shown, state = before.over(windows[:last], counts[:last])
    shown += state.over(windows[last:], counts[last:])[0]
    alpha = config.significance.alpha
    table = _table(windows, layout.names, [_critical(s, alpha) for s in scores], scores, shown)
    limit = _kl_limit(table, pages / days * _days(windows) / len(windows))
    planted = pd.DataFrame(columns=["planted", "rule", "features", "at_once", "within", "late"])
    if drifts:
        progress.stage("planting drifts")
        rows = planted_windows(scorer.reference, layout, state, newest_counted, drifts, limit)
        planted = pd.DataFrame(rows, columns=planted.columns)
    return Backtest(table, planted, pages, days, limit, empty, config.time.zone)


def _check_enough(config: Config, windows: int, which: str = "") -> None:
    if windows <= FEWEST_WINDOWS:
        raise OutputError(
            f"{config.output.path}: {windows} windows of {config.monitor!r}{which}; limits are "
            f"learnt from at least {FEWEST_WINDOWS}: kldrift backfill runs more"
        )


def _whole(rows: pa.Table) -> pa.Table:
    return rows.filter(rows["segment"].is_null())


def _table(
    windows: Sequence[Window],
    names: Sequence[str],
    critical: Sequence[list[str]],
    scores: Sequence[pa.Table],
    shown: Sequence[Shown],
) -> pd.DataFrame:
    """One row per window."""
    rows = []
    before = frozenset[int]()
    for window, fixed, stored, one in zip(windows, critical, scores, shown, strict=True):
        known = not np.isnan(one.p_values).all()
        called = sorted(one.raised - before, key=lambda i: float(one.p_values[i]))
        place = called[0] if called else int(np.nanargmin(one.p_values)) if known else 0
        before = one.raised
        rows.append(
            {
                "window_start": window.start,
                "fixed": len(fixed),
                "fixed_feature": fixed[0] if fixed else None,
                "kl": pc.max(stored["kl"]).as_py(),
                "p_value": float(one.p_values[place]) if known else math.nan,
                "p_limit": one.level if known else math.nan,
                "learned_feature": names[place] if one.page else None,
                "page": one.page,
            }
        )
    return pd.DataFrame(rows)


def _critical(rows: pa.Table, alpha: float) -> list[str]:
    """The features that the thresholds flagged, whether learnt limits did or not."""
    far = pc.fill_null(pc.less(rows["p_learned"], rows["p_limit"]), False)
    sure = pc.fill_null(pc.less(rows["q_critical"], alpha), False)
    fixed = pc.and_(pc.equal(rows["severity"], "critical"), pc.or_(pc.invert(far), sure))
    return list(rows.filter(fixed)["feature"].to_pylist())


def _kl_limit(table: pd.DataFrame, rate: float) -> float | None:
    """The smallest limit on ``kl`` that flags no more windows than the budget allows."""
    judged = table.loc[table["p_value"].notna(), "kl"].dropna().sort_values(ascending=False)
    allowed = math.floor(rate * len(judged))
    if allowed >= len(judged):
        return None
    largest = float(judged.iloc[allowed])
    digits = 10.0 ** (math.floor(math.log10(largest)) - 1) if largest > 0 else 1.0
    return math.ceil(largest / digits) * digits


def _days(windows: Sequence[Window]) -> float:
    lengths = [(w.end - w.start).total_seconds() for w in windows if w.start and w.end]
    return sum(lengths) / 86_400
