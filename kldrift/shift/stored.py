"""The last run of a model shift from its tables: without Spark and without data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from kldrift.config import ModelShift
from kldrift.errors import OutputError
from kldrift.reporting.headline import why_it_failed
from kldrift.reporting.page import Page, whole_page
from kldrift.reporting.views import put_page
from kldrift.shift.result import SHIFT_TABLES, ShiftResult
from kldrift.tables.layout import window_file
from kldrift.tables.read import stored_runs, window_columns, window_tables
from kldrift.tables.store import Store, output_reached, reach_store
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

UNFINISHED: Final = "the run that wrote the tables did not finish: there is no row of it in runs"


def stored_shift(config: ModelShift) -> ShiftResult:
    """What the last run of a model shift found, in all of its windows."""
    store, monitor = reach_store(config.output.path), config.monitor
    windows = stored_windows(store, monitor, timed=config.time is not None)
    runs, unreadable = stored_runs(store, monitor)
    if not windows:
        why = why_it_failed(next(iter(runs), None), None, "UTC")
        step = f"the last run failed: {why}" if why else "kldrift model-shift runs it"
        raise OutputError(f"{config.output.path}: no result of {monitor!r} yet; {step}")
    wrote = {window: _run_of(store, monitor, window) for window in windows}
    run_id = wrote[windows[-1]]
    files = {name: store.names(name) for name in SHIFT_TABLES}
    tables: dict[str, list[pa.Table]] = {name: [] for name in SHIFT_TABLES}
    for window in (w for w in windows if wrote[w] == run_id):
        there = [n for n in files if window_file(n, monitor, window).partition("/")[2] in files[n]]
        for name, rows in window_tables(store, monitor, window, there).items():
            tables[name].append(rows)
    row = next((r for r in runs if r["run_id"] == run_id), None)
    unfinished: dict[str, Any] = {"monitor": monitor, "run_id": run_id, "skipped": []}
    result = ShiftResult.of(config, tables, row or {**unfinished, "exit_code": 1})
    failed = why_it_failed(next(iter(runs), None), run_id, result.zone)
    notes = [f"the last run failed: {failed}"] * bool(failed) + [UNFINISHED] * (row is None)
    return replace(result, notes=[*notes, *unreadable])


def stored_shift_page(config: ModelShift) -> Page:
    """The page of a model shift's last run."""
    return stored_shift(config)._page()  # noqa: SLF001 - a result of ours


def write_shift_report(config: ModelShift, path: str | None = None) -> str:
    """Write the page of a model shift's last run, whole or not at all; return where it is."""
    page = whole_page(stored_shift_page(config))
    with output_reached("the page" if path else "report.path"):
        return put_page(path or config.page_place, page)


def _run_of(store: Store, monitor: str, window: Window) -> str | None:
    """The run that wrote a window."""
    ids = window_columns(store, monitor, window, ["run_id"])["run_id"].unique().to_pylist()
    return next(iter(ids), None)
