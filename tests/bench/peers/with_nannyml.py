"""NannyML: univariate drift with its default methods, the current file as one chunk."""

from __future__ import annotations

import nannyml
import pandas as pd
from stopwatch import clock


def compare(reference: pd.DataFrame, current: pd.DataFrame) -> int:
    """The drift of all columns."""
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(reference), chunk_number=1)
    found = calculator.fit(reference).calculate(current).filter(period="analysis").to_df()
    return len({column for column, *_ in found.columns if column != "chunk"})


clock(pd.read_parquet, compare)
