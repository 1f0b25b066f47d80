"""The severities and scores of a monitor's windows, by feature and segment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.arrays import Bools, Floats, Ints
from kldrift.errors import DamagedError
from kldrift.features.names import ROWS_FEATURE
from kldrift.reporting.figures import feature_words, many, window_name
from kldrift.reporting.order import ranks
from kldrift.scoring.alerts import Key
from kldrift.scoring.metrics import DECIDING
from kldrift.scoring.threshold import WORST_FIRST, Severity
from kldrift.tables.read import window_columns
from kldrift.tables.schema import DRIFT_SCORES
from kldrift.tables.store import Store
from kldrift.tables.values import codes, floats_of, is_in, no_rows, rows_where
from kldrift.tables.window import Window

if TYPE_CHECKING:
    import pandas as pd

Kept: TypeAlias = Callable[[pa.Table], Bools]
"""Says which rows of a window to keep, by feature, segment and severity."""
KEYS: Final = ("feature", "segment", "severity")
DRIFTED: Final = (Severity.CRITICAL, Severity.WARNING)
AT_ONCE: Final = 8
"""Files that are read at the same time: an object store answers each after a while."""
ABSENT: Final = len(WORST_FIRST)
"""The rank of what has no row in a window."""
MOST_WINDOWS: Final = 90
"""How far is looked back, wherever it is told."""
WIDEST_GAP: Final = 7
"""So many windows that are missing are drawn as such; of more, no more."""
NAMED: Final = 3
ALIKE: Final = 0.5
"""Share of the features that are critical now which an earlier window must have had."""


@dataclass(frozen=True)
class Streak:
    """Windows in which something drifted: places of the first and the last, and how many did.

    ``judged`` of them from the first to the last could be scored.
    """

    first: int
    last: int
    drifted: int
    judged: int

    def __len__(self) -> int:
        return self.judged


@dataclass(frozen=True, eq=False)
class Past:
    """What windows said, in the order of time; the last is the one that a page is about.

    Attributes:
        windows: the windows.
        rows: their rows of ``drift_scores``: feature, segment, severity and metrics. Rows of
            segments may be missing where they did not drift.
        at: for each row the place of its window.
        notes: which windows are left out, because their files are damaged.
    """

    windows: tuple[Window, ...]
    rows: pa.Table
    at: Ints
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, frames: Sequence[tuple[Window, pd.DataFrame]]) -> Past:
        """The past from the scores of each window."""
        return cls.of_tables([(window, _as_table(frame)) for window, frame in frames])

    @classmethod
    def of_tables(
        cls, tables: Sequence[tuple[Window, pa.Table]], notes: Sequence[str] = ()
    ) -> Past:
        """The past from rows of ``drift_scores`` of each window."""
        parts = [table for _, table in tables if table.num_columns]
        none = no_rows(DRIFT_SCORES).select([*KEYS, "kl"])
        rows = pa.concat_tables(parts, promote_options="default") if parts else none
        sizes = [len(table) for _, table in tables]
        at = np.repeat(np.arange(len(sizes)), sizes)
        return cls(tuple(w for w, _ in tables), rows, at, tuple(notes))

    def __len__(self) -> int:
        return len(self.windows)

    @cached_property
    def slots(self) -> list[int]:
        """The place of each window where all are drawn; one that is missing leaves its own empty.

        No gap is wider than ``WIDEST_GAP`` windows.
        """
        slots = [0] * len(self)
        for i, (before, window) in enumerate(pairwise(self.windows), 1):
            missing = 0
            if before.start and before.end and window.start:
                gap = (window.start - before.end) / (before.end - before.start)
                missing = min(WIDEST_GAP, max(0, round(gap)))
            slots[i] = slots[i - 1] + 1 + missing
        return slots

    def spread(self, values: Sequence[Any]) -> list[Any]:
        """Values by window in the places of the windows; None where one is missing."""
        places: list[Any] = [None] * (self.slots[-1] + 1 if self.slots else 0)
        for slot, value in zip(self.slots, values, strict=True):
            places[slot] = value
        return places

    @cached_property
    def _codes(self) -> tuple[Ints, dict[Key, int]]:
        """The number of each row's key, and the numbers by key."""
        segment, segments = codes(self.rows["segment"])
        feature, names = codes(self.rows["feature"])
        parts = [None, *segments]
        both = feature * len(parts) + segment + 1
        unique, places = np.unique(both, return_inverse=True)
        split = (divmod(code, len(parts)) for code in unique.tolist())
        return places, {(names[f], parts[s]): i for i, (f, s) in enumerate(split)}

    @cached_property
    def _ranks(self) -> NDArray[np.int8]:
        """Places in ``WORST_FIRST``, by key and window; ``ABSENT`` where there is no row."""
        places, keys = self._codes
        ranks_of = np.full((len(keys), len(self)), ABSENT, dtype=np.int8)
        ranks_of[places, self.at] = ranks(self.rows["severity"])
        return ranks_of

    @cached_property
    def _worst(self) -> dict[str, NDArray[np.int8]]:
        features: dict[str, list[int]] = {}
        for (feature, _), place in self._codes[1].items():
            features.setdefault(feature, []).append(place)
        return {feature: self._ranks[places].min(0) for feature, places in features.items()}

    def severities(self, key: Key) -> list[str | None]:
        """The severity of a feature, or of one of its segments, by window; None for none."""
        place = self._codes[1].get(key)
        ranks_of = [ABSENT] * len(self) if place is None else self._ranks[place].tolist()
        return [None if rank == ABSENT else str(WORST_FIRST[rank]) for rank in ranks_of]

    @cached_property
    def critical(self) -> list[frozenset[str]]:
        """The features that were critical in each window, over all rows or in a segment."""
        critical = np.flatnonzero(is_in(self.rows["severity"], {str(Severity.CRITICAL)}))
        places, names = codes(self.rows["feature"])
        critical_in: list[set[str]] = [set() for _ in self.windows]
        for at, place in zip(self.at[critical].tolist(), places[critical].tolist(), strict=True):
            critical_in[at].add(names[place])
        return [frozenset(features) for features in critical_in]

    @property
    def judged(self) -> Past:
        """Without the windows in which no feature could be scored, such as days without rows."""
        scored = ~is_in(self.rows["severity"], {str(Severity.UNSCORED)})
        places = np.unique(self.at[scored & ~is_in(self.rows["feature"], {ROWS_FEATURE})])
        kept = np.isin(self.at, places)
        windows = tuple(self.windows[i] for i in places.tolist())
        at = np.searchsorted(places, self.at[kept])
        return Past(windows, rows_where(self.rows, kept), at, self.notes)

    @property
    def features(self) -> list[str]:
        """The features, in the order in which they come."""
        return list(codes(self.rows["feature"])[1])

    def worst(self, feature: str) -> list[str | None]:
        """The worst severity of a feature over all rows and segments, by window."""
        worst = self._worst.get(feature)
        ranks_of = [ABSENT] * len(self) if worst is None else worst.tolist()
        return [None if rank == ABSENT else str(WORST_FIRST[rank]) for rank in ranks_of]

    def scores(self, key: Key, metric: str) -> list[float | None]:
        """A score of a feature or of one of its segments, by window; None where there is none."""
        _, keys = self._codes
        values: list[float | None] = [None] * len(self)
        if key not in keys or metric not in self._numbers:
            return values
        places = self._rows_of[keys[key]]
        column = self._numbers[metric][places]
        for at, value in zip(self.at[places].tolist(), column.tolist(), strict=True):
            values[at] = None if np.isnan(value) else value
        return values

    @cached_property
    def _numbers(self) -> dict[str, Floats]:
        names = [name for name in self.rows.column_names if name not in KEYS]
        return {name: floats_of(self.rows[name]) for name in names}

    @cached_property
    def _rows_of(self) -> list[Ints]:
        places, keys = self._codes
        order = np.argsort(places, kind="stable")
        return np.split(order, np.searchsorted(places[order], np.arange(1, len(keys))))


def past_where(
    store: Store,
    monitor: str,
    windows: tuple[Window, ...],
    kept: Kept | None = None,
    metrics: Collection[str] = DECIDING,
) -> Past:
    """The severities and scores of some rows of each window; a damaged one is left out."""
    names = [*KEYS, *sorted(metrics)]

    def of_window(window: Window) -> pa.Table | DamagedError:
        try:
            rows = window_columns(store, monitor, window, names)
        except DamagedError as error:
            if window == windows[-1]:
                raise
            return error
        return rows if kept is None else rows_where(rows, kept(rows))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = [*zip(windows, pool.map(of_window, windows), strict=True)]
    whole = [(window, rows) for window, rows in found if not isinstance(rows, DamagedError)]
    lost = [str(error) for _, error in found if isinstance(error, DamagedError)]
    return Past.of_tables(whole, [f"an earlier window is left out: {error}" for error in lost])


def _as_table(frame: pd.DataFrame) -> pa.Table:
    """The kept columns of the scores of a window; a frame without rows may have none."""
    names = [n for n in (*KEYS, *DECIDING) if n in frame]
    fields = [DRIFT_SCORES.field(n).remove_metadata() for n in names]
    schema = pa.schema([f.with_nullable(True) for f in fields])
    return pa.Table.from_pandas(frame[names], schema, preserve_index=False)


def judged_in(severities: Sequence[str | None]) -> list[int]:
    """The places of windows that say whether something drifted: days without rows do not."""
    return [i for i, one in enumerate(severities) if one not in (None, Severity.UNSCORED)]


def streaks(severities: Sequence[str | None]) -> list[Streak]:
    """Windows that drifted one after another, in the order of time.

    One window that did not is no end where the two before it did: a score that lies at its limit.
    Windows in which nothing could be scored are passed over, such as weekends without rows.

    Examples:
        >>> streaks(["ok", "warning", "ok", "critical", "warning", "ok", "critical", "ok"])
        [Streak(first=1, last=1, drifted=1, judged=1), Streak(first=3, last=6, drifted=3, judged=4)]
        >>> streaks(["ok", "critical", "unscored", None, "critical"])
        [Streak(first=1, last=4, drifted=2, judged=2)]
    """
    streaks_found: list[Streak] = []
    judged = judged_in(severities)
    drifted = [severities[i] in DRIFTED for i in judged]
    begin, end = 0, -1  # of the last one, as places of what was judged
    for i in np.flatnonzero(drifted).tolist():
        at_limit = i > 2 and drifted[i - 3]
        if streaks_found and (end == i - 1 or (end == i - 2 and at_limit)):
            number = streaks_found.pop().drifted + 1
        else:
            begin, number = i, 1
        end = i
        streaks_found.append(Streak(judged[begin], judged[end], number, end - begin + 1))
    return streaks_found


def one_window_words(past: Past, zone: str) -> str:
    """What the last windows say of drift that is over, or lasts for one window; empty for none.

    Of a window after which all of its features are back to normal; or of earlier windows in which
    many of the features were critical that are critical now, and only there.
    """
    past = past.judged
    critical = list(past.critical)
    if len(critical) < 3:
        return ""
    *_, before, last, newest = critical
    if last and all(past.worst(name)[-1] == "ok" for name in last):
        when = window_name(past.windows[-2], zone)
        if not last & before:
            return f"One window only: {_names(last)} critical on {when}, and back to normal now."
        windows = len([*takewhile(last.intersection, critical[-2::-1])])
        begin = window_name(past.windows[-1 - windows], zone)
        return f"Over: {_names(last)} critical from {begin} until {when}, and back to normal now."
    if not newest or newest & last:
        return ""
    alone = [
        i
        for i in range(1, len(critical) - 2)
        if len(newest & critical[i]) >= ALIKE * max(len(newest), len(critical[i]))
        and not critical[i] & (critical[i - 1] | critical[i + 1])
    ]
    if not alone:
        return ""
    times = "" if len(alone) == 1 else f", the latest of {len(alone)} such windows"
    return (
        f"New in this window, and seen before: {len(newest & critical[alone[-1]])} of "
        f"{many(len(newest), 'critical feature')} had it on "
        f"{window_name(past.windows[alone[-1]], zone)} too{times}, for one window."
    )


def _names(features: Collection[str]) -> str:
    """Features by name, with their verb."""
    first = [feature_words(name, 40) for name in sorted(features)[:NAMED]]
    more = len(features) - len(first)
    verb = "was" if len(features) == 1 else "were"
    return f"{', '.join(first)}{f' and {more:,} more' if more else ''} {verb}"
