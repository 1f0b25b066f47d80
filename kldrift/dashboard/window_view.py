"""What drifted in a window: the verdict, the features, the worst first, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import altair as alt
import pandas as pd
import streamlit as st

from kldrift.config.marked_days import marked_days
from kldrift.dashboard.place import go
from kldrift.dashboard.plain import is_dark, lines, severity_words, show_block, trouble
from kldrift.dashboard.stored import Scene, look_at
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.entries import Card, Entry
from kldrift.reporting.figures import feature_words, visible, window_name
from kldrift.reporting.order import STATED
from kldrift.reporting.page import Page, svg_file
from kldrift.reporting.past import Past
from kldrift.reporting.plots import heat_chart
from kldrift.scoring.alerts import Key

IN_HEAT: Final = 40
"""Features."""
IN_STEP: Final = 20
"""Pixels of a feature in the heat map."""
BELOW: Final = 120
"""Pixels of the names of its windows and severities."""
TALL: Final = 92
"""Pixels of a row of the table: five lines of text, as what happened in one segment takes."""
THEN_AND_NOW: Final = (205, TALL - 8)
WINDOWS: Final = (115, TALL - 8)
"""Pixels of the pictures in it."""
MOST_SKIPPED: Final = 1000


def window_view(scene: Scene) -> None:
    """Show the window that is looked at."""
    look = look_at(scene.output, scene.monitor, scene.until, scene.zone)
    page = look.page
    if page.failed:
        trouble("The last run failed.", page.failed)
    if scene.damaged:
        trouble("The last window cannot be read.", scene.damaged)
    if scene.window is None:
        if not page.failed:
            st.info("There is no run of this monitor yet.")
            st.code("kldrift run CONFIG", language=None)
        return
    st.header(page.verdict, anchor=False)
    if page.lead:
        st.text(page.lead)
    marked = marked_days(scene.config, scene.window.start, scene.window.end) if scene.own else []
    for note in (*page.notes, *marked):
        st.text(lines(note))
    picked = show_rows(page, "features of the window")
    if picked is not None:
        feature, segment = picked
        go(view="feature", feature=feature, segment=segment)
        st.rerun()
    with st.expander("about this window"):
        for name, value in page.health:
            st.text(f"{name}: {value}")
    show_heat_map(look.story.past, look.features, scene.zone)
    for number, section in enumerate(page.sections):
        show_block(section, f"section {number}")
    if page.skipped:
        with st.expander(f"{page.left_out}: {len(page.skipped):,} columns"):
            frame = pd.DataFrame(page.skipped[:MOST_SKIPPED], columns=["column", "why"])
            st.dataframe(frame, hide_index=True, key="skipped", alt=page.left_out)


def show_rows(page: Page, key: str) -> Key | None:
    """Show the cards of a page as a table; return the feature and the segment that were picked.

    A card of several features shows these when it is picked.
    """
    cards = page.cards
    if not cards:
        return None
    dark, then, help_ = is_dark(), "rows by divergence", ""
    if page.noun == "feature":
        then, help_ = "then and now", " Grey is then, outlined is now. Pick a row to open it."
    frame = pd.DataFrame([_row(card, dark) for card in cards])
    frame = frame.loc[:, (frame != "").any()]
    text, image = st.column_config.TextColumn, st.column_config.ImageColumn
    config = {
        "severity": text(width=85),
        "feature": text(page.noun, width=130),
        "what happened": text(width=225),
        "then and now": image(then, width=THEN_AND_NOW[0] + 10),
        "windows": image(width=WINDOWS[0] + 10),
        "drifts since": text(width=100),
        "score": text(width=150),
    }
    above = st.container()  # what is picked is seen without scrolling
    chosen = st.dataframe(
        frame,
        hide_index=True,
        row_height=TALL,
        height=min(7, len(frame)) * TALL + 40,
        column_config=config,
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        alt="features, the worst first",
    )
    more = page.total - sum(len(card.cause.features) for card in cards)
    rest = f" {more:,} more features are in the view Feature." if more > 0 else ""
    st.text(f"Worst first: {STATED}.{help_}{rest}")
    picked: Sequence[int] = chosen["selection"]["rows"]
    if not picked or picked[0] >= len(cards):
        return None
    card = cards[picked[0]]
    if len(card.cause.features) == 1:
        return card.worst.key
    above.text(visible(f"{card.cause.title}: {card.cause.what}"))
    feature: str | None = above.selectbox(
        "open one of them",
        card.cause.features,
        index=None,
        format_func=feature_words,
        key=f"one of {key}",
    )
    return None if feature is None else (feature, None)


def _row(card: Card, dark: bool) -> dict[str, Any]:
    entry = card.worst
    distribution, _, windows = entry.charts
    several = len(card.cause.features) > 1
    alone = f"in {entry.alone}" if entry.alone else ""
    return {
        "severity": severity_words(entry.severity),
        "feature": card.cause.title if several else place(entry),
        "what happened": card.cause.what or alone or entry.reason_parts[0],
        "then and now": _uri(distribution, dark, THEN_AND_NOW),
        "windows": _uri(windows, dark, WINDOWS),
        "drifts since": card.longest.since.begin,
        "score": "; ".join(filter(None, (entry.score, entry.alert))),
    }


def place(entry: Entry) -> str:
    """The name of a row of a page, and where."""
    return entry.name + (f" in {entry.where}" if entry.where else "")


def _uri(drawing: Drawing | None, dark: bool, size: tuple[int, int]) -> str:
    if drawing is None:
        return ""
    return f"data:image/svg+xml,{quote(svg_file(drawing, dark=dark, size=size))}"


def show_heat_map(past: Past, features: Sequence[str], zone: str) -> None:
    """Show severities by feature and window; a click goes there."""
    if len(past) < 2 or not features:
        return
    st.subheader("When: severity by feature and window", anchor=False)
    few = features[:IN_HEAT]
    point = alt.selection_point(name="cell", fields=["feature", "window"])
    chart = (
        heat_chart(past, few, zone).add_params(point).properties(height=IN_STEP * len(few) + BELOW)
    )
    chosen = st.altair_chart(
        chart, width="stretch", on_select="rerun", key="heat", alt="severity by feature and window"
    )
    if len(features) > len(few):
        st.text(f"The worst {len(few)} of {len(features):,} features.")
    cells = chosen["selection"].get("cell") or []
    if cells:
        names = {window_name(w, zone, weekday=False): w for w in past.windows}
        feature = next((f for f in few if feature_words(f) == cells[0]["feature"]), None)
        window = names.get(cells[0]["window"])
        if feature is not None and window is not None:
            go(view="feature", feature=feature, window=window.key, segment=None)
            st.rerun()
