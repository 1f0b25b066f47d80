"""Words, tables and charts of the report as Streamlit shows them.

No name or value of the data is Markdown or HTML: they are shown by ``st.text``, in tables, in the
options of a choice, or in a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from kldrift.reporting.blocks import Block, Chart, Facts
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.figures import visible
from kldrift.reporting.page import svg_file
from kldrift.reporting.plots import SIGNS


def lines(text: str) -> str:
    """Text of several lines with a sign in place of each invisible character."""
    return "\n".join(map(visible, text.split("\n")))


def trouble(what: str, text: str) -> None:
    """Show an error: our words, and below them text that may hold data."""
    st.error(what)
    st.text(lines(text))


def is_dark() -> bool:
    """Whether the page is dark."""
    return bool(st.context.theme.type == "dark")


def severity_words(severity: str) -> str:
    """A severity with its sign, so that it is not told by colour alone."""
    return f"{SIGNS.get(severity, '')} {severity}"


def drawing(shape: Drawing) -> None:
    """Show a drawing as a picture, as large as there is room for."""
    words = visible(f"{shape.title}. {shape.about}")
    st.image(svg_file(shape, dark=is_dark()), width="stretch", alt=words)


def show_block(one: Block, key: str, **more: Any) -> Any:
    """Show a part of a feature's row."""
    st.subheader(one.title, anchor=False)
    if isinstance(one, Chart):
        return drawing(one.drawing)
    if isinstance(one, Facts):
        return st.text("\n".join(visible(f"{name}: {value}") for name, value in one.items))
    chosen = table(one.head, one.rows, key, alt=one.title, **more) if one.rows else None
    if one.rest:
        st.text(visible(one.rest))
    return chosen


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], key: str, **more: Any) -> Any:
    """Show rows of text."""
    cells = [[visible(x) if isinstance(x, str) else x for x in row] for row in rows]
    frame = pd.DataFrame(cells, columns=[*head])
    return st.dataframe(frame, hide_index=True, key=key, **more)
