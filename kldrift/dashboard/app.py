"""What Streamlit runs for each look at the page."""

from __future__ import annotations

import streamlit as st

from kldrift.dashboard.screen import screen
from kldrift.dashboard.serve import SECTION

screen(st.secrets[SECTION])
