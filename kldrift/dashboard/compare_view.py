"""Any two stored windows beside each other, in place of the reference and the current dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import streamlit as st

from kldrift.config import Config
from kldrift.dashboard.feature_view import choose_segment, one_feature
from kldrift.dashboard.place import asked, choice, go
from kldrift.dashboard.plain import trouble
from kldrift.dashboard.stored import SECONDS, Look, Scene, last_whole
from kldrift.dashboard.window_view import show_rows
from kldrift.monitor.rescore import trial
from kldrift.reporting.monitor_page import Story
from kldrift.tables.window import Window

OTHERS: Final = (
    "The configuration is of another monitor: kldrift dashboard CONFIG with that of this one."
)


def compare_view(scene: Scene) -> None:
    """Compare two windows by the thresholds of the configuration; nothing is written."""
    if not scene.own:
        st.info(OTHERS)
        return
    if len(scene.windows) < 2:
        st.info("There are fewer than two windows to compare.")
        return
    by_key = {w.key: w for w in reversed(scene.windows)}
    whole, damaged = last_whole(scene.output, scene.monitor, scene.windows, scene.zone)
    left, right = st.columns(2)
    lost = min(len(by_key) - whole, len(by_key) - 2)
    then = choice("then", [*by_key], "then", words=scene.window_words, begin=lost + 1, where=left)
    later = choice("now", [*by_key], "now", words=scene.window_words, begin=lost, where=right)
    if damaged and not (asked("then") or asked("now")):
        trouble("The last window cannot be read.", damaged)
    look = _compared(scene.config, by_key[then], by_key[later], scene.zone)
    st.header(look.page.verdict, anchor=False)
    if look.page.lead:
        st.text(look.page.lead)
    if not look.features:
        return
    picked = show_rows(look.page, "features of two windows")
    if picked is not None and picked[0] != asked("feature"):
        go(feature=picked[0], segment=None)
        st.rerun()
    left, right = st.columns(2)
    feature = choice("feature, the worst first", look.features, "feature", where=left)
    segment = choose_segment(look.scores, feature, right)
    one_feature(look, look.story.past, scene.zone, feature, segment, windows=1)


@st.cache_resource(ttl=SECONDS, max_entries=8, show_spinner="comparing")
def _compared(_config: Config, then: Window, later: Window, zone: str) -> Look:
    return compared(_config, then, later, zone)


def compared(config: Config, then: Window, later: Window, zone: str) -> Look:
    """Two windows, judged by thresholds alone: what is learnt is of windows in their order."""
    plain = replace(config, alarms=None, learned=False)
    result = trial(plain, [later], against=then)
    return Look.of(result.scores, result.cells, Story(config.monitor, zone=zone))
