"""One feature in one window, as a whole or in a segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from kldrift.dashboard.place import choice, go
from kldrift.dashboard.plain import lines, severity_words, show_block
from kldrift.dashboard.stored import Look, Scene, look_at, past_of, worst_segments
from kldrift.reporting.alert_table import who_muted
from kldrift.reporting.blocks import Chart, WorstSegments
from kldrift.reporting.entries import entries_of
from kldrift.reporting.figures import metric_words, shown
from kldrift.reporting.json_values import records
from kldrift.reporting.parts import segments_of_features
from kldrift.reporting.past import Past
from kldrift.reporting.plots import history_chart

ALL_ROWS = ""
"""Stands for no segment."""


def feature_view(scene: Scene) -> None:
    """Show the feature that is asked for, by default the worst."""
    # Its earlier windows are read for this feature alone, below.
    look = look_at(scene.output, scene.monitor, scene.until[-1:], scene.zone)
    if scene.window is None or not look.features:
        st.info("No feature was compared in this window.")
        return
    left, right = st.columns(2)
    feature = choice("feature, the worst first", look.features, "feature", where=left)
    segment = choose_segment(look.scores, feature, right)
    past = past_of(scene.output, scene.monitor, scene.until, feature)
    for note in past.notes:
        st.text(lines(note))
    one_feature(look, past, scene.zone, feature, segment, windows=len(scene.until))


def choose_segment(scores: pd.DataFrame, feature: str, where: Any) -> str | None:
    """Let someone choose all rows or a segment of a feature; None stands for all rows."""
    mine = scores[scores["feature"] == feature]
    segments = worst_segments(scores, feature)
    whole = [ALL_ROWS] if mine["segment"].isna().any() or not segments else []
    names = mine["segment"].fillna(ALL_ROWS)
    severities = dict(zip(names, mine["severity"], strict=True))

    def words(segment: str) -> str:
        severity = severities.get(segment, "")
        return f"{severity_words(severity)}: {shown(segment) if segment else 'all rows'}"

    chosen = choice("segment", [*whole, *segments], "segment", words=words, where=where)
    return chosen or None


def one_feature(
    look: Look, past: Past, zone: str, feature: str, segment: str | None, *, windows: int
) -> None:
    """Show a feature: why, both distributions, its windows, its figures and its segments."""
    mine = look.scores[look.scores["feature"] == feature]
    same = mine["segment"].isna() if segment is None else mine["segment"] == segment
    matches = records(mine[same].head(1))
    if not matches:
        st.info("The feature has no row for this choice.")
        return
    row = matches[0]
    parts = segments_of_features(mine, [feature])
    start = past.windows[-1].start if len(past) else None
    muted = who_muted(look.story.alerts, start)
    (entry,) = entries_of([row], parts, look.cells, past, zone, muted)
    st.subheader(severity_words(entry.severity), anchor=False)
    texts = [entry.reason, entry.standing]
    st.text("\n".join(filter(None, texts)) or "as the reference")
    left, right = st.columns(2)
    with left:
        for one in entry.blocks:
            if isinstance(one, Chart):
                show_block(one, f"chart {one.title}")
    with right:
        if windows > 1:
            timeline(past, row, zone, look.story.alerts)
    others = [one for one in entry.blocks if not isinstance(one, Chart | WorstSegments)]
    for number, (one, side) in enumerate(zip(others, [left, right] * len(others), strict=False)):
        with side:
            show_block(one, f"part {number}")
    for one in entry.blocks:
        if isinstance(one, WorstSegments):
            _worst_segments(one, look.scores, feature)


def timeline(
    past: Past, row: Mapping[str, Any], zone: str, alerts: Sequence[Mapping[str, Any]]
) -> None:
    """Show a score by window, with its limits and alerts."""
    feature, segment = str(row["feature"]), row["segment"]
    spans = [
        {
            "since": str(alert["since"]),
            "until": str(alert["closed"] or past.windows[-1].end),
            "alert": "muted" if alert["muted_by"] else "alert",
        }
        for alert in alerts
        if feature in alert["features"] and alert["segment"] in (None, segment)
    ]
    metric = str(row.get("metric") or "kl")
    limits = [row["threshold_warning"], row["threshold_critical"]]
    chart = history_chart(past, (feature, segment), metric, limits, zone, spans)
    words = f"{metric_words(metric)} by window"
    st.subheader(f"{words}, with limits and alerts", anchor=False)
    st.altair_chart(chart.properties(title="", height=240), width="stretch", alt=words)


def _worst_segments(one: WorstSegments, scores: pd.DataFrame, feature: str) -> None:
    """Show the worst segments; a row leads to its segment."""
    chosen = show_block(one, "segments", on_select="rerun", selection_mode="single-row")
    picked = chosen["selection"]["rows"] if chosen else []
    names = {shown(s, 60): s for s in worst_segments(scores, feature)}
    if picked and picked[0] < len(one.rows):
        segment = names.get(one.rows[picked[0]][0])
        if segment is not None:
            go(segment=segment)
            st.rerun()
