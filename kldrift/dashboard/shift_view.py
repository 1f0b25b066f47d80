"""What two models said of the same rows: the report of a model shift, with its segments to open."""

from __future__ import annotations

import streamlit as st

from kldrift.config import ModelShift
from kldrift.dashboard.plain import drawing, lines, show_block
from kldrift.dashboard.window_view import place, show_rows
from kldrift.shift.stored import stored_shift_page


def shift_view(config: ModelShift) -> None:
    """Show the last run of a model shift."""
    page = stored_shift_page(config)
    st.text(config.monitor)
    st.header(page.verdict, anchor=False)
    for words in filter(None, (page.lead, page.about, *page.notes)):
        st.text(lines(words))
    show_rows(page, "segments")
    entries = page.entries
    opened = st.selectbox(
        "open a segment",
        range(len(entries)),
        index=None,
        format_func=lambda at: place(entries[at]),
    )
    if opened is not None:
        st.text(lines(entries[opened].reason))
        for chart in filter(None, entries[opened].charts):
            drawing(chart)
        for number, block in enumerate(entries[opened].blocks):
            show_block(block, f"block {number}")
    with st.expander("about this run"):
        for name, value in page.health:
            st.text(f"{name}: {value}")
    for number, section in enumerate(page.sections):
        show_block(section, f"section {number}")
