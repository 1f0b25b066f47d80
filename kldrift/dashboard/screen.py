"""One view of the page: its subject, and the view that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from kldrift.config import Config, ModelShift, configured_either
from kldrift.dashboard.compare_view import compare_view
from kldrift.dashboard.feature_view import feature_view
from kldrift.dashboard.monitors_view import monitors_view
from kldrift.dashboard.mute_view import mute_view
from kldrift.dashboard.place import asked, choice, go
from kldrift.dashboard.plain import trouble
from kldrift.dashboard.runs_view import runs_view
from kldrift.dashboard.shift_view import shift_view
from kldrift.dashboard.sql_view import sql_view
from kldrift.dashboard.stored import Scene, last_whole, monitors_of, windows_of
from kldrift.dashboard.trial_view import trial_view
from kldrift.dashboard.window_view import window_view
from kldrift.errors import ConfigError, KldriftError, masked
from kldrift.reporting.figures import window_name

VIEWS: Final[Mapping[str, tuple[str, Callable[[Scene], None]]]] = {
    "window": ("What drifted", window_view),
    "feature": ("Feature", feature_view),
    "compare": ("Two windows", compare_view),
    "trial": ("Other rules", trial_view),
    "mute": ("Mute", mute_view),
    "runs": ("Runs", runs_view),
    "monitors": ("All monitors", monitors_view),
    "sql": ("SQL", sql_view),
}
"""By their name in the address: what they are called, and what shows them."""
OF_WINDOW: Final = ("window", "feature", "mute")
"""Those that are about one window."""
OF_MONITOR: Final = ("window", "feature", "segment", "then", "now")
"""What the address says of one monitor alone."""


def screen(told: Mapping[str, Any]) -> None:
    """Show the page."""
    st.set_page_config(page_title="kldrift", layout="wide")
    try:
        config = configured_either(told["config"], told["set"])
        if isinstance(config, ModelShift):
            shift_view(config)
        else:
            view = _view()
            VIEWS[view][1](_scene(config, told, with_window=view in OF_WINDOW))
    except ConfigError as error:
        trouble("The configuration does not fit.", masked(str(error)))
    except KldriftError as error:
        trouble("The tables cannot be read.", masked(str(error)))


def _view() -> str:
    """The view that is asked for."""
    key, known = "choice of view", asked("view")
    st.session_state[key] = known if known in VIEWS else "window"

    def remember() -> None:
        go(view=st.session_state[key])

    st.segmented_control(
        "view",
        [*VIEWS],
        key=key,
        format_func=lambda name: VIEWS[name][0],
        on_change=remember,
        label_visibility="collapsed",
        required=True,
    )
    return str(st.session_state[key])


def _scene(config: Config, told: Mapping[str, Any], *, with_window: bool) -> Scene:
    """What the page is about, by the configuration and the address."""
    output, overrides = config.output.path, tuple(told["set"])
    left, middle, right = st.columns((3, 4, 2), vertical_alignment="bottom")
    names = sorted({config.monitor, *monitors_of(output)})
    begin = names.index(config.monitor)
    monitor = choice("monitor", names, "monitor", begin=begin, where=left, ends=OF_MONITOR)
    zone = config.time.zone if config.time and monitor == config.monitor else "UTC"
    windows = windows_of(output, monitor)
    window, damaged = None, ""
    if windows and with_window:
        whole, damaged = last_whole(output, monitor, windows, zone)
        by_key = {w.key: w for w in reversed(windows)}
        key = choice(
            f"window ({zone})",
            [*by_key],
            "window",
            words=lambda key: window_name(by_key[key], zone),
            begin=len(windows) - whole,
            where=middle,
        )
        window = by_key[key]
    if right.button("Read again"):
        st.cache_data.clear()
        st.cache_resource.clear()
        st.rerun()
    damaged = damaged if asked("window") is None else ""
    writable = bool(told["writable"])
    return Scene(config, overrides, writable, output, monitor, windows, window, zone, damaged)
