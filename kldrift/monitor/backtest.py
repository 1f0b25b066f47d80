"""What each rule would have flagged over the stored windows: thresholds, and learnt limits.

The verdicts of the thresholds stand in the tables. The other rule learns from the windows before
each one how far they usually are from each other, and pages at most as often as a budget allows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kldrift.config import Config, Time
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.progress import SILENT, Progress
from kldrift.monitor.replay import Replay
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.profile import Profile
from kldrift.reporting.json_values import records
from kldrift.statistics.learned_limits import FEWEST_WINDOWS
from kldrift.tables.read import (
    stored_profiles,
    stored_reference_id,
    stored_scores,
    stored_supports,
    stored_windows,
)
from kldrift.tables.store import open_store
from kldrift.tables.supports import Supports
from kldrift.tables.window import Window

Counts = NDArray[np.int64]

MOST_CELLS: Final = 64
"""Cells of a feature that are looked at; of more, the rarest are one."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """What rules would have flagged.

    Attributes:
        windows: one row per window, in the order of time: ``fixed`` (how many features were
            critical), ``fixed_feature`` (the first of them), ``p_value`` (the smallest of the
            learnt rule; null while it learns), ``learned_feature``, ``page`` (whether it would have
            called somebody).
        pages: how many pages the budget allows in so many days.
        days: those days.
    """

    windows: pd.DataFrame
    pages: float
    days: float

    @property
    def summary(self) -> dict[str, Any]:
        """How many windows each rule would have flagged, and of how many."""
        judged = self.windows["p_value"].notna()
        return {
            "windows": len(self.windows),
            "learning": int((~judged).sum()),
            "fixed": int((self.windows["fixed"] > 0).sum()),
            "fixed_after_learning": int((self.windows.loc[judged, "fixed"] > 0).sum()),
            "learned": int(self.windows["page"].sum()),
            "budget": f"{self.pages:g} in {self.days:g} days",
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the result as one strict JSON object."""
        return {**self.summary, "timeline": records(self.windows)}


def backtest(
    config: Config, *, pages: float = 1.0, days: float = 90.0, progress: Progress = SILENT
) -> Backtest:
    """Run rules over the stored windows of a monitor; no data is read.

    Args:
        config: the configuration, with ``time``.
        pages: pages that the learnt rule may send, over all features,
        days: in so many days.
        progress: told what goes on.

    Raises:
        ConfigError: the configuration has no windows.
        OutputError: there are too few windows to learn from, or they cannot be read.
    """
    if config.time is None:
        raise ConfigError("backtest needs windows: state time: {column: ..., window: 1d}")
    store = open_store(config.output.path)
    windows = stored_windows(store, config.monitor)
    if len(windows) <= FEWEST_WINDOWS:
        raise OutputError(
            f"{config.output.path}: {len(windows)} windows of {config.monitor!r}; limits are "
            f"learnt from {FEWEST_WINDOWS} windows on: kldrift backfill runs them"
        )
    newest = stored_reference_id(store, config.monitor, windows[-1])
    supports = stored_supports(store, config.monitor, newest)
    progress.stage("reading stored windows")
    known: list[Window] = []
    profiles: list[Mapping[str, Profile]] = []
    fixed: list[list[str]] = []
    for number, window in enumerate(windows):
        if stored_reference_id(store, config.monitor, window) == newest:
            known.append(window)
            profiles.append(stored_profiles(store, config.monitor, supports, window)[0])
            fixed.append(_critical(stored_scores(store, config.monitor, window).to_pandas()))
        progress.update(number + 1, len(windows), "windows")
    names, counts = _table(supports, profiles)
    seasons = np.array([_season(w, config.time) for w in known])
    return Backtest(_flagged(known, names, counts, seasons, fixed, (pages, days)), pages, days)


def _critical(scores: pd.DataFrame) -> list[str]:
    """The features that the thresholds flagged, over all rows."""
    whole = scores["segment"].isna() & (scores["severity"] == "critical")
    return list(scores.loc[whole, "feature"])


def _flagged(
    windows: Sequence[Window],
    names: Sequence[str],
    counts: Counts,
    seasons: NDArray[np.int64],
    fixed: Sequence[Sequence[str]],
    asked: tuple[float, float],
) -> pd.DataFrame:
    """One row per window; what the learnt rule flagged is not learnt from."""
    pages, days = asked
    in_days = len(windows) / max(1e-9, _days(windows))
    shown, _ = Replay(pages, days * in_days).over(list(counts), seasons.tolist())
    rows = []
    for t, (window, one) in enumerate(zip(windows, shown, strict=True)):
        known = not np.isnan(one.p_values).all()
        place = int(np.nanargmin(one.p_values)) if known else 0
        rows.append(
            {
                "window_start": window.start,
                "fixed": len(fixed[t]),
                "fixed_feature": fixed[t][0] if fixed[t] else None,
                "p_value": float(one.p_values[place]) if known else math.nan,
                "learned_feature": names[place] if one.page else None,
                "page": one.page,
            }
        )
    return pd.DataFrame(rows)


def _days(windows: Sequence[Window]) -> float:
    lengths = [(w.end - w.start).total_seconds() for w in windows if w.start and w.end]
    return sum(lengths) / 86_400


def _table(
    supports: Supports, profiles: Sequence[Mapping[str, Profile]]
) -> tuple[list[str], Counts]:
    """The names of features, and rows per scored cell; shape ``(windows, features, cells)``."""
    of_feature = {f.name: f.rebinning for f in supports.features if f.rebinning is not None}
    names = [n for n in of_feature if all(n in of_window for of_window in profiles)]
    table = np.zeros((len(profiles), len(names), MOST_CELLS), dtype=np.int64)
    for place, name in enumerate(names):
        whole = np.stack([p[name].of_list(ALL).counts.sum(0) for p in profiles])
        counts = of_feature[name].fold(whole)
        if counts.shape[1] > MOST_CELLS:
            order = np.argsort(-counts.sum(0), kind="stable")
            kept, rest = order[: MOST_CELLS - 1], order[MOST_CELLS - 1 :]
            counts = np.column_stack([counts[:, kept], counts[:, rest].sum(1)])
        table[:, place, : counts.shape[1]] = counts
    return names, table


def _season(window: Window, time: Time) -> int:
    """The weekday of a day, the hour of a week for hours; longer windows have no season."""
    assert window.start is not None
    local = window.start.astimezone(ZoneInfo(time.zone))
    unit = time.windows.unit
    if unit == "h":
        return local.weekday() * 24 + local.hour
    return local.weekday() if unit == "d" else 0
