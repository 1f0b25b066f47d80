"""popmon: stability metrics against an external reference, each file as one day; no report."""

from __future__ import annotations

import pandas as pd
from popmon.config import Settings
from popmon.pipeline.metrics import df_stability_metrics
from stopwatch import clock


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> int:
    """The drift of all columns."""
    sides = [
        frame.assign(day=pd.Timestamp(day))
        for frame, day in ((reference, "2026-01-01"), (current, "2026-01-02"))
    ]
    settings = Settings(time_axis="day", reference_type="external")
    found = df_stability_metrics(
        sides[1], settings=settings, time_width="1d", time_offset="2026-01-01", reference=sides[0]
    )
    return len(found["comparisons"])


clock(pd.read_parquet, compare)
