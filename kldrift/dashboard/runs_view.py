"""The latest runs: what failed, how long each took, and with what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import altair as alt
import pyarrow as pa
import streamlit as st

from kldrift.dashboard.asked_sql import answer
from kldrift.dashboard.plain import table, trouble
from kldrift.dashboard.stored import Scene, runs_of
from kldrift.errors import masked
from kldrift.reporting.figures import (
    NOTHING,
    count_text,
    duration_text,
    moment,
    shown,
    window_name,
    window_of_row,
)
from kldrift.reporting.plots import COLOURS
from kldrift.tables.schema import TABLES

MOST: Final = 200
STARTED: Final = """
    select started_at, max(finished_at) as finished_at, count(error) as errors
    from runs group by started_at order by started_at
"""
"""A run of several windows, such as a backfill, has a row for each of them."""
TOTALS: Final = """
    select count(*) as runs, count(nullif(errors, 0)) as failed,
           median(seconds) as usual, max(seconds) as longest
    from (select errors, epoch(finished_at) - epoch(started_at) as seconds from runs)
"""


def runs_view(scene: Scene) -> None:
    """Show the latest runs of the monitor."""
    runs = runs_of(scene.output, scene.monitor)
    if not runs:
        st.info("There is no run of this monitor yet.")
        return
    if runs[0]["error"]:
        trouble("The last run failed.", masked(str(runs[0]["error"])))
    rows = pa.Table.from_pylist(runs, TABLES["runs"])
    started = answer(STARTED, {"runs": rows})
    (totals,) = answer(TOTALS, {"runs": started}).to_pylist()
    columns = st.columns(4)
    columns[0].metric("latest runs", f"{totals['runs']:,}")
    columns[1].metric("failed", f"{totals['failed']:,}")
    columns[2].metric("usual duration", duration_text(totals["usual"]))
    columns[3].metric("longest", duration_text(totals["longest"]))
    st.altair_chart(
        _durations(started.to_pylist(), scene.zone), width="stretch", alt="seconds by run"
    )
    head = ("started", "window", "exit code", "done after", "rows", "critical", "warning", "error")
    lines = [_line(run, scene.zone) for run in runs[:MOST]]
    chosen = table(
        head, lines, "runs", on_select="rerun", selection_mode="single-row", alt="the latest runs"
    )
    picked = chosen["selection"]["rows"]
    run = runs[picked[0]] if picked and picked[0] < len(runs) else runs[0]
    stages = run["seconds"] or []
    if stages:
        st.subheader("Where the time went" + ("" if picked else " in the last run"), anchor=False)
        steps = [(shown(s["stage"]), round(s["seconds"], 2)) for s in stages]
        table(("stage", "seconds"), steps, "stages", alt="seconds by stage")
    about = [f"run {run['run_id']}", f"kldrift {run['kldrift_version']}"]
    about += [f"Spark {run['spark_version']}"] if run["spark_version"] else []
    st.text(shown(", ".join(about), 300))
    if run["error"]:
        st.code(shown(masked(str(run["error"])), 4000), language=None, wrap_lines=True)


def _seconds(run: Mapping[str, Any]) -> float:
    return float((run["finished_at"] - run["started_at"]).total_seconds())


def _line(run: Mapping[str, Any], zone: str) -> tuple[Any, ...]:
    return (
        moment(run["started_at"], zone),
        window_name(window_of_row(run), zone),
        run["exit_code"],
        duration_text(_seconds(run)),
        count_text(run["rows_current"]),
        count_text(run["critical"]),
        count_text(run["warning"]),
        shown(masked(str(run["error"])), 160) if run["error"] else NOTHING,
    )


def _durations(runs: list[dict[str, Any]], zone: str) -> alt.Chart:
    """Seconds by run, of all of its windows; those that failed have another shape."""
    rows = [
        {
            "finished": _local(run["finished_at"], zone),
            "seconds": round(_seconds(run), 1),
            "run": "failed" if run["errors"] else "succeeded",
        }
        for run in runs
    ]
    domain, colours = ["succeeded", "failed"], [COLOURS["ok"], COLOURS["critical"]]
    wall_clock = alt.Scale(type="utc")  # whatever the zone of the browser
    dated = alt.Axis(format="%-d %b %H:%M", labelOverlap=True, tickCount=5)
    finished = alt.X("finished:T", title=f"finished ({zone})", scale=wall_clock, axis=dated)
    drawn: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows), height=220)
        .mark_point(filled=True, size=60)
        .encode(
            x=finished,
            y=alt.Y("seconds:Q"),
            color=alt.Color("run:N", scale=alt.Scale(domain=domain, range=colours)),
            shape=alt.Shape("run:N", scale=alt.Scale(domain=domain, range=["circle", "cross"])),
            tooltip=["seconds:Q", "run:N"],
        )
    )
    return drawn


def _local(when: datetime, zone: str) -> str:
    return f"{when.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M:%SZ}"
