"""The state of the dashboard, kept in the address, so that a link restores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from kldrift.reporting.figures import feature_words, visible


def asked(name: str) -> str | None:
    """A value from the address; None if it is not there."""
    value = st.query_params.get(name)
    return None if value is None else str(value)


def go(**places: str | None) -> None:
    """Change the address, from a callback; None removes a value."""
    for name, value in places.items():
        if value is None:
            st.query_params.pop(name, None)
        else:
            st.query_params[name] = value


def choice(
    label: str,
    options: Sequence[str],
    name: str,
    *,
    words: Callable[[str], Any] = feature_words,
    begin: int = 0,
    where: Any = st,
    ends: Sequence[str] = (),
) -> str:
    """Let someone choose, and write it into the address.

    It is the first, or that at ``begin``, where the address says nothing of it, or what is not
    there any more. Another choice takes ``ends`` out of the address.
    """
    key = f"choice of {name}"
    known = asked(name)
    # The address decides: it may be a link, or the way back.
    st.session_state[key] = known if known in options else options[begin]
    if known and known not in options:
        st.warning(f"The address asks for a {name} that is not here; this is another.")
        st.text(visible(known))

    def remember() -> None:
        go(**dict.fromkeys(ends), **{name: st.session_state[key]})

    where.selectbox(label, options, key=key, format_func=words, on_change=remember)
    return str(st.session_state[key])
