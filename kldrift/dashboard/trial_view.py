"""Other rules on stored windows: what they would have flagged. Nothing is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from kldrift.config import Config, load_config
from kldrift.config.yaml_text import to_yaml
from kldrift.dashboard.compare_view import OTHERS
from kldrift.dashboard.place import choice
from kldrift.dashboard.plain import drawing, lines, trouble
from kldrift.dashboard.stored import SECONDS, Scene, last_whole
from kldrift.dashboard.window_view import show_heat_map
from kldrift.monitor.backtest import Backtest, backtest
from kldrift.monitor.rescore import Trial, trial
from kldrift.reporting.figures import feature_words
from kldrift.reporting.past import Past, past_where
from kldrift.scoring.metrics import DEFAULT_THRESHOLDS, METRICS
from kldrift.statistics.learned_limits import FEWEST_WINDOWS
from kldrift.tables.read import window_columns
from kldrift.tables.store import open_store
from kldrift.tables.window import Window

ALL: Final = ""
AT_FIRST: Final = 12_000
"""Rows of scores: so many windows are tried before someone asks for more."""
WINDOWS: Final = 14
"""So many are tried at first, where that is not too many rows: an answer comes at once."""
CONFIGURED: Final = "configured"
WINDOW: Final = "window"
REFERENCES: Final = {
    CONFIGURED: "as configured",
    "previous": "windows before each one",
    WINDOW: "one stored window",
}


@dataclass(frozen=True)
class TriedRules:
    """Rules to try; ``against`` is the key of a window that takes the place of the reference."""

    overrides: tuple[str, ...]
    against: str | None = None


def trial_view(scene: Scene) -> None:
    """Let someone try rules, and show what they flag beside what was flagged."""
    if not scene.own:
        st.info(OTHERS)
        return
    if not scene.windows:
        st.info("There are no windows to try rules on.")
        return
    whole, damaged = last_whole(scene.output, scene.monitor, scene.windows, scene.zone)
    if damaged:
        trouble("The last window cannot be read.", damaged)
    stored = scene.windows[:whole]
    scored = _scored(scene.output, scene.monitor, stored[-1])
    number = 1
    if len(stored) > 1:
        most = min(90, len(stored))
        begin = max(1, min(WINDOWS, most, AT_FIRST // max(1, len(scored))))
        number = st.slider("the last windows", 1, most, begin)
        if begin < min(WINDOWS, most):
            st.text(f"A window has {len(scored):,} scores: more windows take their time.")
    rules = _rules(scene, sorted(set(scored)))
    before = _before(scene.output, scene.monitor, stored[-number:])
    for note in before.notes:
        st.text(note)
    windows = before.windows
    tried = _tried(scene, rules, windows)
    names = tried.past.features
    counts = [_flagged(past, names) for past in (before, tried.past)]
    left, right = st.columns(2)
    left.metric("windows with a critical feature, as stored", f"{counts[0]} of {len(windows)}")
    change = counts[1] - counts[0]
    right.metric(
        "windows with a critical feature, by these rules",
        f"{counts[1]} of {len(windows)}",
        f"{change:+d}" if change else None,
        delta_color="off",
    )
    st.dataframe(_by_feature(before, tried.past, names), hide_index=True, key="flagged")
    worst = sorted(names, key=lambda n: -_critical(tried.past, n))
    show_heat_map(tried.past, worst, scene.zone)
    if rules.overrides:
        st.subheader("In the configuration", anchor=False)
        st.code(lines("\n".join(rules.overrides)), language=None)
        st.text("Each is an option --set of kldrift rescore, which writes the tables anew.")
    _learned(scene)


def _rules(scene: Scene, names: Sequence[str]) -> TriedRules:
    """The rules that someone asks for, of all features or of one of these."""
    overrides: list[str] = []
    columns = st.columns(4)
    metric = columns[0].selectbox("limits", [CONFIGURED, *METRICS])
    if metric != CONFIGURED:
        known = scene.config.thresholds.get(metric) or DEFAULT_THRESHOLDS.get(metric)
        begin = (0.1, 0.25) if known is None else (known.warning or 0.0, known.critical or 0.0)
        limits = {
            level: columns[at].number_input(level, 0.0, None, value, format="%g", step=0.01)
            for at, (level, value) in enumerate(zip(("warning", "critical"), begin, strict=True), 1)
        }
        stated = {metric: {level: limit or None for level, limit in limits.items()}}
        features = [ALL, *names]
        words = "limits of"
        of = columns[3].selectbox(
            words, features, format_func=lambda n: feature_words(n) or "all features"
        )
        path = f"features.override.{json.dumps(of)}.thresholds" if of else "thresholds"
        overrides.append(f"{path}={to_yaml(stated)}")
    columns = st.columns(4)
    bins = columns[0].number_input("bins", 2, 100, scene.config.scoring.bins)
    if bins != scene.config.scoring.bins:
        overrides.append(f"scoring.bins={bins}")
    kinds = [k for k in REFERENCES if scene.config.time or k == CONFIGURED]
    kind = columns[1].selectbox("reference", kinds, format_func=REFERENCES.__getitem__)
    against = None
    if kind == "previous":
        number = columns[2].number_input("how many", 1, 90, 7)
        overrides.append(f"reference={{previous: {number}}}")
    if kind == WINDOW:
        keys = [w.key for w in reversed(scene.windows)]
        against = choice("which", keys, "then", words=scene.window_words, where=columns[2])
    return TriedRules(tuple(overrides), against)


@st.cache_data(ttl=SECONDS, show_spinner=False)
def _scored(output: str, monitor: str, window: Window) -> list[str]:
    """The feature of each row of a window's scores."""
    rows = window_columns(open_store(output), monitor, window, ["feature"])
    return [str(name) for name in rows["feature"].to_pylist()]


def _tried(scene: Scene, rules: TriedRules, windows: tuple[Window, ...]) -> Trial:
    config = scene.config
    if rules.overrides:
        assert config.source is not None
        config = load_config(config.source, overrides=[*scene.overrides, *rules.overrides])
    trial: Trial = _trial(config, config.config_hash, windows, rules.against)
    return trial


@st.cache_resource(ttl=SECONDS, max_entries=8, show_spinner="scoring stored windows")
def _trial(
    _config: Config,
    question: str,  # noqa: ARG001 - the key of what is kept
    windows: tuple[Window, ...],
    against: str | None,
) -> Trial:
    return trial(_config, windows, None if against is None else Window.of_key(against))


@st.cache_resource(ttl=SECONDS, max_entries=8, show_spinner="reading the windows")
def _before(output: str, monitor: str, windows: tuple[Window, ...]) -> Past:
    return past_where(open_store(output), monitor, windows, metrics=["kl"])


def _critical(past: Past, name: str, severity: str = "critical") -> int:
    return past.worst(name).count(severity)


def _flagged(past: Past, names: Sequence[str]) -> int:
    """How many windows have a critical feature."""
    worst = [past.worst(name) for name in names]
    return sum("critical" in of_window for of_window in zip(*worst, strict=True))


def _by_feature(before: Past, after: Past, names: Sequence[str]) -> pd.DataFrame:
    """How often each feature was flagged, as stored and by the rules."""
    rows: list[dict[str, Any]] = [
        {
            "feature": feature_words(name),
            "critical, as stored": _critical(before, name),
            "critical, by these rules": _critical(after, name),
            "warning, as stored": _critical(before, name, "warning"),
            "warning, by these rules": _critical(after, name, "warning"),
        }
        for name in names
    ]
    rows.sort(key=lambda row: -row["critical, by these rules"])
    return pd.DataFrame(rows)


def _learned(scene: Scene) -> None:
    """What limits that are learnt would have flagged, if there are windows to learn from."""
    if scene.config.time is None or len(scene.windows) <= FEWEST_WINDOWS:
        return
    with st.expander("limits that are learnt"):
        columns = st.columns(2)
        pages = columns[0].number_input("pages", 0.1, 100.0, 1.0)
        days = columns[1].number_input("in so many days", 1.0, 1000.0, 90.0)
        if not st.button("Run the back-test"):
            return
        tested = _backtest(scene.config, scene.config.config_hash, pages, days)
        drawing(tested.chart)
        st.text(tested.verdict)
        st.code(tested.suggestion, language="yaml")


@st.cache_resource(ttl=SECONDS, max_entries=4, show_spinner="scoring stored windows")
def _backtest(
    _config: Config,
    question: str,  # noqa: ARG001 - the key of what is kept
    pages: float,
    days: float,
) -> Backtest:
    return backtest(_config, pages=pages, days=days, plant=())
