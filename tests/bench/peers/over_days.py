"""What a tool flags on the days of streams: ``over_days.py TOOL FIRST STREAM.npz ...``.

Runs in the environment of the tool, on the rows that the counts of a stream stand for, and prints
for each stream and feature the days on which it is flagged, as JSON. The days before FIRST are the
reference; each later day is compared with them as the tool does it by default.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

Days = list[pd.Series]


def rows(counts: Any, edges: Any, rng: Any) -> Days:
    """The values of one feature, day by day; NaN for nulls.

    Args:
        counts: of its days and cells; the last two cells are nulls and new values.
        edges: quantiles of a normal distribution between the cells of a number; empty for a text.
        rng: draws a number's place within its cell.
    """
    days = []
    for day in counts:
        values = np.repeat(np.arange(len(day), dtype=float), day)
        null = values == len(day) - 2
        if len(edges):
            cells = np.minimum(values.astype(int), len(edges) - 2)
            share = rng.random(len(values))
            values = edges[cells] + share * (edges[cells + 1] - edges[cells])
        values[null] = np.nan
        days.append(pd.Series(values))
    return days


def nannyml(features: Sequence[Days], numbers: Sequence[bool], first: int) -> list[list[int]]:
    """Univariate drift by days, with the thresholds that the days of the reference give."""
    import nannyml as tool

    found = []
    for days, number in zip(features, numbers, strict=True):
        at = np.repeat(np.arange(len(days)), [len(day) for day in days])
        frame = pd.DataFrame({"x": pd.concat(days, ignore_index=True)})
        frame["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(at, unit="D")
        calculator = tool.UnivariateDriftCalculator(
            column_names=["x"],
            treat_as_categorical=[] if number else ["x"],
            timestamp_column_name="at",
            chunk_period="D",
        )
        calculator.fit(frame[at < first])
        said = calculator.calculate(frame[at >= first]).filter(period="analysis").to_df()
        alerts = said["x", "jensen_shannon", "alert"].to_numpy(dtype=bool)
        found.append((np.flatnonzero(alerts) + first).tolist())
    return found


def evidently(features: Sequence[Days], numbers: Sequence[bool], first: int) -> list[list[int]]:
    """The test that the preset for data drift takes for a column of its kind and size."""
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    found = []
    for days, number in zip(features, numbers, strict=True):
        kind = ColumnType.Numerical if number else ColumnType.Categorical
        before = pd.concat(days[:first], ignore_index=True).dropna()
        flags = []
        for day, rows in enumerate(days[first:], first):
            now = rows.dropna()
            if get_stattest(before, now, kind, None)(before, now, kind, None).drifted:
                flags.append(day)
        found.append(flags)
    return found


TOOLS: dict[str, Callable[[Sequence[Days], Sequence[bool], int], list[list[int]]]] = {
    f.__name__: f for f in (nannyml, evidently)
}


def main(tool: str, first: str, *files: str) -> None:
    """Print the days on which each feature of each stream is flagged."""
    warnings.simplefilter("ignore")
    found = []
    for file in files:
        stream, rng = np.load(file), np.random.default_rng(0)
        numbers = stream["numbers"].tolist()
        features = [
            rows(counts, stream["edges"] if number else (), rng)
            for counts, number in zip(stream["counts"].swapaxes(0, 1), numbers, strict=True)
        ]
        found.append(TOOLS[tool](features, numbers, int(first)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
