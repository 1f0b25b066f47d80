"""The page of a monitor's last window, from its tables: without Spark and without data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from kldrift.arrays import Bools
from kldrift.config import Config
from kldrift.config.marked_days import marked_days
from kldrift.errors import DamagedError, OutputError, masked
from kldrift.profiles.profile import of_no_window
from kldrift.reporting.figures import window_of_row
from kldrift.reporting.json_values import json_value
from kldrift.reporting.monitor_page import Run, Story, monitor_page
from kldrift.reporting.order import leading, worst_first
from kldrift.reporting.page import Page, whole_page
from kldrift.reporting.past import DRIFTED, MOST_WINDOWS, Past, past_where
from kldrift.reporting.stored_window import of_last_whole, scores_and_cells
from kldrift.reporting.views import put_page
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.metrics import DECIDING
from kldrift.scoring.segment_splits import segment_splits
from kldrift.tables.read import (
    stored_alerts,
    stored_profiles,
    stored_reference_id,
    stored_runs,
    stored_supports,
)
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES
from kldrift.tables.store import Store, open_store, output_reached, reach_store
from kldrift.tables.values import is_in
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window


def stored_page(config: Config) -> Page:
    """Make the page of a monitor's last window, or of a run that failed before there was one."""
    store, monitor, timed = reach_store(config.output.path), config.monitor, config.time is not None
    windows = stored_windows(store, monitor, timed=timed)
    zone = config.time.zone if config.time else "UTC"
    look, damaged = partial(stored_story, store, monitor, zone=zone), ""
    if windows:
        (scores, cells, story), windows, damaged = of_last_whole(windows, look, zone)
    else:
        scores, cells, story = look(windows)
        if not story.runs:
            raise OutputError(f"{config.output.path}: no run of {monitor!r} yet; kldrift run")
    splits = stored_splits(store, config, windows[-1]) if windows else []
    notes = marked_days(config, windows[-1].start, windows[-1].end) if windows else []
    story = replace(story, splits=splits, damaged=damaged, notes=[*notes, *story.notes])
    return monitor_page(scores, cells, story)


def stored_story(
    store: Store, monitor: str, windows: tuple[Window, ...], zone: str
) -> tuple[pd.DataFrame, pd.DataFrame, Story]:
    """The scores and cells of a window, and what is known beside them.

    What is damaged but for the scores is left out, with a note. The last of the windows is the one
    that is asked for.
    """
    scores, cells = DRIFT_SCORES.empty_table().to_pandas(), DRIFT_CELLS.empty_table().to_pandas()
    notes: list[str] = []
    if windows:
        *tables, notes = scores_and_cells(store, monitor, windows[-1])
        scores, cells = (table.to_pandas() for table in tables)
    run_id = scores["run_id"].iloc[0] if len(scores) else None
    rows, unreadable = stored_runs(store, monitor, run_id)
    alerts: list[dict[str, Any]] = []
    try:
        alerts = [json_value(row) for row in stored_alerts(store, monitor).to_pylist()]
    except DamagedError as error:
        notes.append(f"no alert is shown: {error}")
    runs: list[Run] = [json_value(row) for row in rows]
    run = next((r for r in runs if r["run_id"] == run_id), None)
    skipped = [(s["column"], s["reason"]) for s in (run["skipped"] or [] if run else [])]
    past = stored_past(store, monitor, windows[-MOST_WINDOWS:], scores)
    story = Story(
        monitor,
        run,
        runs,
        past,
        zone,
        alerts=alerts,
        skipped=skipped,
        output=masked(store.location("")),
        notes=[*notes, *unreadable, *past.notes],
    )
    return scores, cells, story


def stored_splits(store: Store, config: Config, window: Window) -> list[dict[str, Any]]:
    """The splits of a window's features by lists of segments; none where they are not stored.

    A reference that is made of earlier windows has no profile of its own.
    """
    if not config.segments or config.reference.is_history:
        return []
    try:
        reference_id = stored_reference_id(store, config.monitor, window)
        supports = stored_supports(store, config.monitor, reference_id)
        current, _ = stored_profiles(store, config.monitor, supports, window)
        then, _ = stored_profiles(store, config.monitor, supports)
    except (
        ValueError,
        OutputError,
    ):  # files of before, or of a run that was killed: the page does without
        return []
    merged = {f.name: f.rebinning for f in supports.features if f.rebinning is not None}
    pairs = [
        (name, Comparison.of(of_no_window(current[name]), then[name], merged[name]))
        for name in current
        if name in then and name in merged
    ]
    columns = [", ".join(names) for names in config.segment_columns]
    lists = list(zip(columns, (s.names for s in supports.segments), strict=False))
    scoring = config.scoring
    return list(segment_splits(pairs, lists, scoring.missing, scoring.pseudocount))


def stored_past(
    store: Store, monitor: str, windows: tuple[Window, ...], scores: pd.DataFrame
) -> Past:
    """The severities and scores of some windows, of what a page shows."""
    lead = leading(worst_first(scores))
    segments = {None, *lead["segment"].dropna()}
    metrics = {"kl", *(lead["metric"].dropna() if "metric" in lead else ())} & {*DECIDING}

    def kept(rows: pa.Table) -> Bools:
        return is_in(rows["segment"], segments) | is_in(rows["severity"], DRIFTED)

    return past_where(store, monitor, windows, kept, metrics)


def write_report(config: Config, path: str | None = None) -> str:
    """Write the page of a monitor's last window, whole or not at all; return where it is.

    Raises:
        OutputError: the tables have no run, or cannot be read, or the page cannot be written.
    """
    page = whole_page(stored_page(config))
    with output_reached("the page" if path else "report.path"):
        return put_page(path or config.page_place, page)


def past_until(output: str, monitor: str, scores: pd.DataFrame) -> Past:
    """The windows of a monitor's tables up to that of some scores."""
    if not len(scores):
        return Past.of([])
    row: dict[str, Any] = json_value(scores.iloc[0].to_dict())
    last, store = window_of_row(row), open_store(output)
    windows = stored_windows(store, monitor, timed=last.start is not None)
    before = tuple(w for w in windows if w.key <= last.key)
    return stored_past(store, monitor, before[-MOST_WINDOWS:], scores)
