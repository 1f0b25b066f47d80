"""What the dashboard reads: tables by the readers of the package, each for some seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pandas as pd
import streamlit as st

from kldrift.config import Config
from kldrift.errors import DamagedError
from kldrift.reporting.figures import window_name
from kldrift.reporting.monitor_page import Story, monitor_page
from kldrift.reporting.order import leading, worst_first
from kldrift.reporting.page import Page
from kldrift.reporting.past import MOST_WINDOWS, Past, past_where
from kldrift.reporting.stored import stored_story
from kldrift.reporting.stored_window import of_last_whole
from kldrift.tables.read import stored_runs, window_columns
from kldrift.tables.store import open_store
from kldrift.tables.values import is_in
from kldrift.tables.which_windows import stored_monitors, stored_windows
from kldrift.tables.window import Window

SECONDS: Final = 30
"""So long what was read is shown again before it is read anew."""
MOST_ROWS: Final = 50
"""Features with charts."""
MOST_RUNS: Final = 500


@dataclass(frozen=True, eq=False)
class Scene:
    """The subject of the page.

    Attributes:
        writable: whether mutes may be written into its file.
        window: the one that is looked at; None before there is one.
        damaged: which later windows cannot be read, and why; empty for none.
    """

    config: Config
    overrides: tuple[str, ...]
    writable: bool
    output: str
    monitor: str
    windows: tuple[Window, ...]
    window: Window | None
    zone: str
    damaged: str = ""

    @property
    def own(self) -> bool:
        """Whether the configuration is that of the monitor that is looked at."""
        return self.monitor == self.config.monitor

    def window_words(self, key: str) -> str:
        """The name of a window, by its key."""
        return window_name(Window.of_key(key), self.zone)

    @property
    def until(self) -> tuple[Window, ...]:
        """The windows up to the one that is looked at."""
        if self.window is None:
            return ()
        return self.windows[: self.windows.index(self.window) + 1]


@dataclass(frozen=True, eq=False)
class Look:
    """A window of a monitor with its context."""

    scores: pd.DataFrame
    cells: pd.DataFrame
    story: Story

    @cached_property
    def page(self) -> Page:
        """The report of it."""
        return monitor_page(self.scores, self.cells, self.story, most=MOST_ROWS)

    @property
    def features(self) -> list[str]:
        """The features, the worst first."""
        return [str(name) for name in leading(self.scores)["feature"]]

    @classmethod
    def of(cls, scores: pd.DataFrame, cells: pd.DataFrame, story: Story) -> Look:
        """The view of some scores."""
        return cls(worst_first(scores), cells, story)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def monitors_of(output: str) -> tuple[str, ...]:
    """The monitors of a folder, those whose every run failed too."""
    store = open_store(output)
    failed = {str(row["monitor"]) for row in runs_of(output, None)}
    return tuple(sorted({*stored_monitors(store), *failed}))


@st.cache_data(ttl=SECONDS, show_spinner=False)
def windows_of(output: str, monitor: str) -> tuple[Window, ...]:
    """The windows of a monitor: those of time, or else whole datasets by the time of their run."""
    store = open_store(output)
    timed = stored_windows(store, monitor)
    return timed or stored_windows(store, monitor, timed=False)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def last_whole(
    output: str, monitor: str, windows: tuple[Window, ...], zone: str
) -> tuple[int, str]:
    """How many windows there are up to the last that can be read, and what is wrong with others."""
    store = open_store(output)
    names = ["feature", "segment", "severity"]
    try:
        _, whole, damaged = of_last_whole(
            windows, lambda some: window_columns(store, monitor, some[-1], names), zone
        )
    except DamagedError:
        return len(windows), ""
    return len(whole), damaged


@st.cache_data(ttl=SECONDS, show_spinner=False)
def runs_of(output: str, monitor: str | None) -> list[dict[str, Any]]:
    """The latest runs, the last first."""
    return stored_runs(open_store(output), monitor, most=MOST_RUNS)[0]


@st.cache_resource(ttl=SECONDS, max_entries=8, show_spinner="reading the tables")
def look_at(output: str, monitor: str, windows: tuple[Window, ...], zone: str) -> Look:
    """The last of some windows of a monitor."""
    return Look.of(*stored_story(open_store(output), monitor, windows, zone))


@st.cache_resource(ttl=SECONDS, max_entries=32, show_spinner="reading the windows")
def past_of(output: str, monitor: str, windows: tuple[Window, ...], feature: str) -> Past:
    """What windows said of one feature, in all of its segments."""
    return past_where(
        open_store(output),
        monitor,
        windows[-MOST_WINDOWS:],
        lambda rows: is_in(rows["feature"], {feature}),
    )


def worst_segments(scores: pd.DataFrame, feature: str) -> Sequence[str]:
    """The segments of a feature, the worst first."""
    return [str(s) for s in scores.loc[scores["feature"] == feature, "segment"].dropna()]
