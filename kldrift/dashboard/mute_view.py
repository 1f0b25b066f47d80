"""What is muted until when, by whom and why, as the configuration says."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from kldrift.config.alarms import Mute
from kldrift.config.mute_file import add_mute, mute_from, mute_lines
from kldrift.dashboard.compare_view import OTHERS
from kldrift.dashboard.feature_view import choose_segment
from kldrift.dashboard.place import choice
from kldrift.dashboard.plain import lines, table, trouble
from kldrift.dashboard.stored import Scene, look_at
from kldrift.errors import ConfigError
from kldrift.reporting.figures import visible


def mute_view(scene: Scene) -> None:
    """Show what is muted, and let someone mute a feature."""
    if not scene.own:
        st.info(OTHERS)
        return
    if scene.config.time is None:
        st.info("Alerts and mutes are about windows: state time: {column: ..., window: 1d}")
        return
    look = look_at(scene.output, scene.monitor, scene.until[-1:], scene.zone)
    _known(scene)
    if not look.features:
        st.info("There is no feature to mute yet.")
        return
    st.subheader("Mute a feature", anchor=False)
    left, right = st.columns(2)
    feature = choice("feature, the worst first", look.features, "feature", where=left)
    segment = choose_segment(look.scores, feature, right)
    today = datetime.now(ZoneInfo(scene.zone)).date()
    until = left.date_input("until; the first day that is not muted", today + timedelta(days=14))
    owner = right.text_input("owner", placeholder="who says so")
    why = st.text_input("reason", placeholder="why nobody need be called")
    try:
        mute = mute_from(
            {
                "feature": feature,
                "until": str(until),
                "owner": owner.strip(),
                "why": why.strip(),
                "segment": segment,
            }
        )
    except ConfigError:
        st.text("State an owner and a reason: the lines for the configuration follow.")
        return
    _offered(scene, mute)


def _known(scene: Scene) -> None:
    alarms = scene.config.alarms
    if alarms is None:
        st.info(
            "The configuration has no alarms: with the first mute, exit codes follow alerts "
            "and no longer scores."
        )
    elif alarms.mute:
        st.subheader("Muted", anchor=False)
        rows = [(m.feature, m.segment or "all of it", m.until, m.owner, m.why) for m in alarms.mute]
        table(("feature", "segment", "until", "owner", "why"), rows, "mutes", alt="what is muted")
    else:
        st.text("Nothing is muted.")


def _offered(scene: Scene, mute: Mute) -> None:
    """Show the lines of a mute, and write them when someone says so."""
    st.text("These lines belong into the configuration:")
    st.code(lines(mute_lines(mute)), language="yaml")
    file = scene.config.source
    if file is None or not scene.writable:
        st.text("They are written from here only where the dashboard serves this machine alone.")
        return
    if scene.config.alarms is not None and mute in scene.config.alarms.mute:
        st.success("They stand in the configuration; the next run follows them.")
        return
    if st.button("Write them into the file"):
        try:
            add_mute(file, mute)
        except ConfigError as error:
            trouble("Nothing was written.", str(error))
            return
        st.rerun()
    st.text(visible(str(file)))
