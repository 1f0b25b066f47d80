"""whylogs: a profile of each file, then its drift scores of all columns."""

from __future__ import annotations

import os

import pandas as pd
from stopwatch import clock

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"

import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> int:
    """The drift of all columns."""
    views = [whylogs.log(pandas=frame).view() for frame in (current, reference)]
    found = calculate_drift_scores(target_view=views[0], reference_view=views[1])
    return sum(score is not None for score in found.values())


clock(pd.read_parquet, compare)
