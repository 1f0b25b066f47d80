"""Results that are hard to show: hostile names, many rows, nothing at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

import kldrift
from kldrift.reporting.monitor_page import Story, monitor_page
from kldrift.reporting.page import Page
from kldrift.reporting.past import Past
from kldrift.reporting.result import Result
from kldrift.tables import Window

ATTACK = "</script><img src=x onerror=alert(1)>\u202e\x1b[31m"
NAMES = (
    ATTACK,
    "שלום עולם",
    "x" * 300,
    "😀 emoji",
    "a.b `c` \"d\" 'e'",
    "<!--<script>",
    "{{ 7*7 }}",
)


def sides(rows: int = 3000) -> list[pd.DataFrame]:
    """Two datasets of hostile and of plain names and values."""
    rng = np.random.default_rng(0)
    found = []
    for moved in (0.0, 1.0):
        frame = pd.DataFrame({name: rng.normal(moved * 0.4, 1, rows) for name in NAMES})
        frame["price"] = rng.lognormal(3 + moved * 0.3, 1, rows).round(2)
        frame["pay"] = rng.choice(["card", ATTACK, "b"] + ["new"] * int(moved), rows)
        frame["country"] = rng.choice(["nz", ATTACK, "fr"], rows)
        frame["weekday"] = rng.integers(0, 7, rows)
        frame["quiet"] = rng.normal(size=rows)
        frame["sick"] = rng.normal(size=rows) + moved * (frame["country"] == "nz")
        frame["age"] = np.where(rng.random(rows) < moved * 0.3, np.nan, rng.integers(18, 80, rows))
        found.append(frame)
    return found


def hostile() -> Result:
    """A comparison with hostile names, segments and a joint group."""
    return kldrift.compare(
        *sides(), segments=[["country"]], joint={f"group {ATTACK}": ["price", "quiet"]}, alpha=0.01
    )


def two_causes() -> Result:
    """A comparison of three features that lost values in the same rows, and one that shifted."""
    rng = np.random.default_rng(0)
    then = pd.DataFrame({name: rng.normal(size=4000) for name in "abcd"})
    lost = rng.random(4000) < 0.3
    now = then.assign(d=then["d"] + 0.4, **{n: then[n].mask(lost) for n in "abc"})
    return kldrift.compare(then, now)


def past_of(scores: pd.DataFrame, windows: int) -> Past:
    """Days before a result, the first half of them without drift."""
    frames = []
    for day in range(windows):
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
        quiet = day < windows // 2
        one = scores.assign(severity="ok", kl=0.01, js=0.001) if quiet else scores
        frames.append((Window(start, start + timedelta(days=1)), one))
    return Past.of(frames)


def page_of(result: Result, *, windows: int = 0, times: int = 1) -> Page:
    """The page of a result, with windows before it, and so many copies of each feature."""
    scores, cells = (
        pd.concat([t.assign(feature=t["feature"] + " " * i) for i in range(times)])
        for t in (result.scores, result.cells)
    )
    past = past_of(scores, windows)
    skipped = [(ATTACK, ATTACK)]
    return monitor_page(scores, cells, Story("m", past=past, skipped=skipped, notes=[ATTACK]))
