"""All monitors of a folder: what each said last, and how its runs went."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import streamlit as st

from kldrift.dashboard.asked_sql import answer
from kldrift.dashboard.place import go
from kldrift.dashboard.plain import lines, severity_words, table
from kldrift.dashboard.stored import MOST_RUNS, SECONDS, Scene, monitors_of, runs_of, windows_of
from kldrift.errors import DamagedError
from kldrift.reporting.figures import NOTHING, moment, window_name
from kldrift.reporting.headline import verdict_line
from kldrift.reporting.order import beside_severities, counted
from kldrift.reporting.parts import MOVED
from kldrift.tables.read import window_columns
from kldrift.tables.schema import TABLES
from kldrift.tables.store import open_store

LATEST: Final = """
    select monitor, count(*) as runs, count(error) as failed,
           first(finished_at) as finished, first(error) as error
    from runs group by monitor
"""
HEAD: Final = ("monitor", "severity", "verdict", "window", "last run", "failed runs")


def monitors_view(scene: Scene) -> None:
    """Show all monitors of the folder, those that drifted first."""
    names = monitors_of(scene.output)
    if not names:
        st.info("There is no run of any monitor yet.")
        return
    runs = pa.Table.from_pylist(runs_of(scene.output, None), TABLES["runs"])
    latest = {row["monitor"]: row for row in answer(LATEST, {"runs": runs}).to_pylist()}
    time = scene.config.time  # of other monitors nobody says the zone
    zones = dict.fromkeys(names, "UTC") | ({scene.config.monitor: time.zone} if time else {})
    states = [(name, *_state(scene.output, name, zones[name])) for name in names]
    order = {"critical": 0, "warning": 1, "unscored": 2, "ok": 3}
    states.sort(key=lambda row: order.get(row[1], 4))
    rows = [
        (name, severity_words(severity), verdict, window, *_run(latest.get(name), zones[name]))
        for name, severity, verdict, window in states
    ]
    chosen = table(
        HEAD, rows, "monitors", on_select="rerun", selection_mode="single-row", alt="all monitors"
    )
    if len(runs) >= MOST_RUNS:
        st.text(f"Runs are counted among the latest {MOST_RUNS:,} of the folder.")
    picked = chosen["selection"]["rows"]
    if picked and picked[0] < len(states):
        go(monitor=states[picked[0]][0], view="window", window=None, feature=None, segment=None)
        st.rerun()


@st.cache_data(ttl=SECONDS, show_spinner=False)
def _state(output: str, monitor: str, zone: str) -> tuple[str, str, str]:
    """Severity, verdict and name of a monitor's last window."""
    windows = windows_of(output, monitor)
    if not windows:
        return "", "no window was ever written", NOTHING
    last, store = windows[-1], open_store(output)
    when = f"{window_name(last, zone)} ({zone})"
    try:
        rows = window_columns(store, monitor, last, ["feature", "segment", "severity", "alert"])
    except DamagedError as error:
        return "", lines(str(error)), when
    scores = rows.to_pandas()
    alone = scores["segment"].isna()
    sides = counted(scores[alone]), counted(scores[~alone])
    found = [n for n, rows in sides[0].items() if rows or (n in MOVED and sides[1][n])]
    return next(iter(found), "unscored"), verdict_line(*sides, beside_severities(scores)), when


def _run(row: dict[str, Any] | None, zone: str) -> tuple[str, str]:
    if row is None:
        return NOTHING, NOTHING
    finished = f"{moment(row['finished'], zone)} ({zone})" + (", failed" if row["error"] else "")
    return finished, f"{row['failed']} of {row['runs']}"
