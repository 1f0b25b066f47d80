"""The number of rows of a window, judged as a feature is: beside the windows before it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.compute as pc

from kldrift.config import Config, Threshold, Time
from kldrift.errors import OutputError
from kldrift.monitor.stages import Findings
from kldrift.scoring.status import Status
from kldrift.scoring.verdict import Subject
from kldrift.statistics.volume import volume
from kldrift.tables.read import stored_windows, window_columns
from kldrift.tables.store import Store
from kldrift.tables.window import Window

ROWS: Final = ":rows"
"""What the tables call the number of rows itself."""
THRESHOLDS: Final = {"kl": Threshold(0.02, 0.15)}
"""A fifth more or less, and half as many or 1.6 times as many."""
MOST: Final = 90
"""Windows that are looked at."""


class Volumes:
    """The rows of the windows of a monitor."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._rows: dict[Window, int] = {}

    @classmethod
    def before(cls, config: Config, store: Store, window: Window) -> Volumes | None:
        """Those that the tables know before a window; None without windows.

        Raises:
            OutputError: a folder cannot be read.
        """
        if config.time is None:
            return None
        found = cls(config.time)
        assert window.start is not None
        earlier = [
            w for w in stored_windows(store, config.monitor) if w.start and w.start < window.start
        ]
        for one in earlier[-MOST:]:
            with suppress(OutputError):  # damaged: it is not learnt from
                rows = window_columns(store, config.monitor, one, ["n_current"])["n_current"]
                found._rows[one] = pc.max(rows).as_py() or 0
        return found

    def beside(self, window: Window, findings: Findings) -> Findings:
        """The findings of a window with its rows; the window is known from then on."""
        return replace(findings, volume=self._subject(window, findings.rows_current))

    def _subject(self, window: Window, rows: int) -> Subject:
        start = window.start
        assert start is not None
        earlier = [w for w in self._rows if w.start and w.start < start][-MOST:]
        season = self._season(window)
        found = volume(
            rows,
            np.array([self._rows[w] for w in earlier], dtype=np.int64),
            np.array([self._season(w) == season for w in earlier], dtype=np.bool_),
        )
        self._rows[window] = rows
        if not rows:
            return Subject(ROWS, "volume", status=Status.EMPTY, reason="no rows in this window")
        if found is None:
            return Subject(ROWS, "volume", rows=(-1, rows))
        alike = f" {self._season_name(window)}" if found.alike else ""
        return Subject(
            ROWS,
            "volume",
            THRESHOLDS,
            scores={"kl": found.kl, "p_value": found.p_value},
            rows=(round(found.expected), rows),
            sentence=(
                f"{rows:,} rows, and usually about {found.expected:,.0f} "
                f"({found.windows:,}{alike} windows before)"
            ),
        )

    def _season(self, window: Window) -> int:
        assert window.start is not None
        local = window.start.astimezone(ZoneInfo(self._time.zone))
        if _length(window) < timedelta(hours=20):
            return local.hour
        return local.weekday() if _length(window) < timedelta(days=2) else 0

    def _season_name(self, window: Window) -> str:
        assert window.start is not None
        local = window.start.astimezone(ZoneInfo(self._time.zone))
        return f"{local:%H}:00" if _length(window) < timedelta(hours=20) else f"{local:%A}"


def _length(window: Window) -> timedelta:
    assert window.start is not None
    assert window.end is not None
    return window.end - window.start
