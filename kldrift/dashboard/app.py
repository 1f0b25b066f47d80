"""The script that Streamlit runs for each view of the page."""

from __future__ import annotations

import streamlit as st

from kldrift.dashboard.screen import screen
from kldrift.dashboard.serve import SECTION

if __name__ == "__main__":
    screen(st.secrets[SECTION])
