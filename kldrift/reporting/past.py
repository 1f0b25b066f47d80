"""The severities and scores of a monitor's windows, by feature and segment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.scoring.metrics import METRICS
from kldrift.scoring.threshold import WORST_FIRST, Severity
from kldrift.tables.read import window_columns
from kldrift.tables.store import Store
from kldrift.tables.window import Window

Key = tuple[str, str | None]
"""A feature, and a segment or None for all rows."""
DRIFTED: Final = (Severity.CRITICAL, Severity.WARNING)
AT_ONCE: Final = 8
"""Files that are read at the same time: an object store answers each after a while."""
ABSENT: Final = len(WORST_FIRST)
"""The rank of what has no row in a window."""


@dataclass(frozen=True)
class Streak:
    """Windows without a break in which something drifted: places of the first and the last."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, eq=False)
class Past:
    """What windows said, in the order of time; the last is the one that a page is about.

    Attributes:
        windows: the windows.
        rows: their rows of ``drift_scores``: feature, segment, severity and metrics, and ``at``,
            the place of their window. Rows of segments may be missing where they did not drift.
    """

    windows: tuple[Window, ...]
    rows: pd.DataFrame

    @classmethod
    def of(cls, frames: Sequence[tuple[Window, pd.DataFrame]]) -> Past:
        """The past from the scores of each window."""
        numbered = [frame.assign(at=i) for i, (_, frame) in enumerate(frames) if len(frame)]
        empty = pd.DataFrame(columns=["feature", "segment", "severity", "kl", "at"])
        rows = pd.concat(numbered, ignore_index=True) if numbered else empty
        return cls(tuple(window for window, _ in frames), rows)

    def __len__(self) -> int:
        return len(self.windows)

    @cached_property
    def _codes(self) -> tuple[NDArray[np.int64], dict[Key, int]]:
        """The number of each row's key, and the numbers by key."""
        segment, segments = pd.factorize(self.rows["segment"])
        feature, features = pd.factorize(self.rows["feature"])
        both, unique = pd.factorize(feature * (len(segments) + 1) + segment + 1)
        names = list(map(str, features))
        parts = [None, *map(str, segments)]
        places = (divmod(code, len(parts)) for code in unique.tolist())
        keys = [(names[f], parts[s]) for f, s in places]
        return both.astype(np.int64), {key: i for i, key in enumerate(keys)}

    @cached_property
    def _ranks(self) -> NDArray[np.int8]:
        """Places in ``WORST_FIRST``, by key and window; ``ABSENT`` where there is no row."""
        codes, keys = self._codes
        ranks = np.full((len(keys), len(self)), ABSENT, dtype=np.int8)
        names = {str(severity): i for i, severity in enumerate(WORST_FIRST)}
        rank = self.rows["severity"].map(names).fillna(ABSENT).to_numpy(np.int8)
        ranks[codes, self.rows["at"].to_numpy(np.int64)] = rank
        return ranks

    @cached_property
    def _worst(self) -> dict[str, NDArray[np.int8]]:
        features: dict[str, list[int]] = {}
        for (feature, _), place in self._codes[1].items():
            features.setdefault(feature, []).append(place)
        return {feature: self._ranks[places].min(0) for feature, places in features.items()}

    def severities(self, key: Key) -> list[str | None]:
        """The severity of a feature or of one of its segments, by window; None where it has none.

        Args:
            key: the feature, and the segment.
        """
        place = self._codes[1].get(key)
        ranks = [ABSENT] * len(self) if place is None else self._ranks[place].tolist()
        return [None if rank == ABSENT else str(WORST_FIRST[rank]) for rank in ranks]

    def streak(self, key: Key) -> Streak | None:
        """The windows up to the last since which something drifts; None if it does not."""
        found = streaks(self.severities(key))
        return found[-1] if found and found[-1].last == len(self) - 1 else None

    @cached_property
    def critical(self) -> list[frozenset[str]]:
        """The features that were critical in each window, over all rows or in a segment."""
        rows = self.rows[self.rows["severity"] == str(Severity.CRITICAL)]
        found: list[set[str]] = [set() for _ in self.windows]
        for at, feature in zip(rows["at"], rows["feature"], strict=True):
            found[at].add(str(feature))
        return [frozenset(names) for names in found]

    def worst(self, feature: str) -> list[str | None]:
        """The worst severity of a feature over all rows and segments, by window."""
        ranks = self._worst.get(feature)
        found = [ABSENT] * len(self) if ranks is None else ranks.tolist()
        return [None if rank == ABSENT else str(WORST_FIRST[rank]) for rank in found]

    def scores(self, key: Key, metric: str) -> list[float | None]:
        """A score of a feature or of one of its segments, by window; None where it has none."""
        _, keys = self._codes
        values: list[float | None] = [None] * len(self)
        if key not in keys or metric not in self.rows:
            return values
        places = self._rows_of[keys[key]]
        column = pd.to_numeric(self.rows[metric]).to_numpy(np.float64)[places]
        for at, value in zip(self.rows["at"].to_numpy()[places], column, strict=True):
            values[at] = None if np.isnan(value) else float(value)
        return values

    @cached_property
    def _rows_of(self) -> list[NDArray[np.int64]]:
        codes, keys = self._codes
        order = np.argsort(codes, kind="stable")
        return np.split(order, np.searchsorted(codes[order], np.arange(1, len(keys))))


def past_where(
    store: Store,
    monitor: str,
    windows: tuple[Window, ...],
    kept: pc.Expression,
    metrics: Collection[str] = METRICS,
) -> Past:
    """The severities and scores of some rows of each window.

    Args:
        store: the output folder.
        monitor: the monitor.
        windows: in the order of time.
        kept: which rows, by feature, segment and severity.
        metrics: which scores.
    """
    names = ["feature", "segment", "severity", *sorted(metrics)]

    def of_window(window: Window) -> pa.Table:
        return window_columns(store, monitor, window, names).filter(kept)

    if not windows:
        return Past.of([])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tables = list(pool.map(of_window, windows))
    rows = pa.concat_tables(tables).to_pandas()
    return Past(windows, rows.assign(at=np.repeat(range(len(tables)), [*map(len, tables)])))


def streaks(severities: Sequence[str | None]) -> list[Streak]:
    """Windows that drifted without a break, in the order of time; one without a row is a break.

    Examples:
        >>> streaks(["ok", "warning", "critical", "ok", None, "warning"])
        [Streak(first=1, last=2), Streak(first=5, last=5)]
    """
    found: list[Streak] = []
    for i, severity in enumerate(severities):
        if severity not in DRIFTED:
            continue
        if found and found[-1].last == i - 1:
            found[-1] = Streak(found[-1].first, i)
        else:
            found.append(Streak(i, i))
    return found
