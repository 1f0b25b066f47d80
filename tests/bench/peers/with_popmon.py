"""popmon: stability metrics against an external reference, each file as one day; no report.

These are the steps of ``df_stability_metrics``, which in 1.4.12 refuses a frame as its reference:
"reference should be a dict of histogrammar histograms".
"""

from __future__ import annotations

import pandas as pd
from popmon.config import Settings
from popmon.pipeline.metrics import make_histograms, stability_metrics
from stopwatch import clock


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> int:
    """The drift of all columns."""
    then = reference.assign(day=pd.Timestamp("2026-01-01"))
    now = current.assign(day=pd.Timestamp("2026-01-02"))
    day = float(pd.Timedelta("1d").value)
    width = {"day": {"bin_width": day, "bin_offset": float(pd.Timestamp("2026-01-01").value)}}
    before, features, specs, axis, kinds = make_histograms(
        then, binning="auto", bin_specs=width, time_axis="day", ret_specs=True
    )
    after = make_histograms(
        now, features=features, bin_specs=specs, time_axis=axis, var_dtype=kinds
    )
    settings = Settings(
        time_axis=axis, features=features, bin_specs=specs, reference_type="external"
    )
    return len(stability_metrics(after, settings=settings, reference=before)["comparisons"])


clock(pd.read_parquet, compare)
