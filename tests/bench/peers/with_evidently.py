"""Evidently: the preset for data drift with its default methods."""

from __future__ import annotations

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from stopwatch import clock


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> int:
    """The drift of all columns."""
    numbers = [c for c in reference if c.startswith("number")]
    texts = [c for c in reference if c.startswith("text")]
    kinds = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [Dataset.from_pandas(f, data_definition=kinds) for f in (current, reference)]
    found = Report([DataDriftPreset()]).run(*sides).dict()
    return sum("ValueDrift" in metric["metric_name"] for metric in found["metrics"])


clock(pd.read_parquet, compare)
