"""Stored windows under other rules, in memory: nothing is read but the tables, nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kldrift.config import Config
from kldrift.monitor.publish import judged_scores, judged_window, stamp_of
from kldrift.monitor.rescore import scored_again
from kldrift.monitor.rows import cell_table
from kldrift.reporting.past import Past
from kldrift.scoring.metrics import METRICS
from kldrift.tables.store import open_store
from kldrift.tables.window import Window

RUN_ID = "trial"


@dataclass(frozen=True, eq=False)
class Trial:
    """The windows as the tried rules judge them.

    Attributes:
        past: severities and scores of all windows.
        scores: ``drift_scores`` of the last.
        cells: ``drift_cells`` of the last.
    """

    past: Past
    scores: pd.DataFrame
    cells: pd.DataFrame


def trial(config: Config, windows: Sequence[Window], against: Window | None = None) -> Trial:
    """Score and judge stored windows as a configuration says, as `rescore` does, and write nothing.

    ``against`` is a stored window to compare with, in place of the reference.

    Raises:
        OutputError: a file of a window is not there, damaged, or on other cells.
    """
    store = open_store(config.output.path)
    frames = []
    scores, cells = pd.DataFrame(), pd.DataFrame()
    kept = ["feature", "segment", "severity", *METRICS]
    for number, step in enumerate(scored_again(config, store, windows, against)):
        judged = judged_window(step.plan, step.findings, step.window, step.watch)
        stamp = stamp_of(config, step.findings, step.window, RUN_ID)
        scores = judged_scores(judged, stamp).to_pandas()
        if number + 1 == len(windows):
            cells = cell_table(judged.verdicts, stamp).to_pandas()
        step.remember(scores)
        frames.append((step.window, scores[kept]))
    return Trial(Past.of(frames), scores, cells)
