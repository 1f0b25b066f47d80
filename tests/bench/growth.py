"""How seconds and memory grow with rows, features and segments, and shrink with cores.

``propose`` and ``count`` are one scan, ``run`` is three of them and what follows, ``again`` is the
next run, which knows the reference. Time per value counts each value as often as it is read. What
should hold: time per value stays where it is, and a worker's memory does too.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench import data
from tests.bench.child import Case
from tests.bench.children import in_turn
from tests.bench.options import Options
from tests.bench.table import Row

WHAT = ("propose", "count", "run", "again")
RUNS = ("run", "again")
FEATURES = (10, 50, 500, 5_000)
FEATURE_ROWS = 100_000
SEGMENTED = 50
"""Features of the table that is split into segments."""
SEGMENTS = {"": 1, "text_0001": 10, "text_0004": 100, "text_0006": 1_000}
"""Columns to split it by, and how many values they have."""


def run(folder: Path, options: Options) -> list[Row]:
    """Measure 1/8, 1/4, 1/2 and all of the rows; 1 core; 10 to 5,000 features; segments."""
    cases = {**_rows(folder, options), **_features(folder, options), **_segments(folder, options)}
    return in_turn("growth", cases, folder, repeats=options.repeats)


def _rows(folder: Path, options: Options) -> dict[str, Case]:
    cores = options.cores
    sizes = [options.rows // part for part in (8, 4, 2, 1)]
    tables = {rows: str(data.table(folder, rows)) for rows in sizes}
    cases = {f"{rows:,} x 40, {cores} cores": Case(t, cores, WHAT) for rows, t in tables.items()}
    return cases | {f"{sizes[2]:,} x 40, 1 core": Case(tables[sizes[2]], 1, WHAT)}


def _features(folder: Path, options: Options) -> dict[str, Case]:
    """Tables of equally many rows, and a narrow one of as many values as the widest."""
    cores = options.cores
    widths, rows = (FEATURES[:2], 4_000) if options.quick else (FEATURES, FEATURE_ROWS)
    cases = {}
    for columns in widths:
        path = data.table(folder, rows, columns=columns)
        cases[f"{rows:,} x {columns:,}, {cores} cores"] = Case(str(path), cores, WHAT)
    narrow, times = widths[1], widths[-1] // widths[1]
    path = data.links(folder, data.table(folder, rows, columns=narrow), times)
    return cases | {f"{rows * times:,} x {narrow}, {cores} cores": Case(str(path), cores, WHAT)}


def _segments(folder: Path, options: Options) -> dict[str, Case]:
    rows = options.rows // 5
    path = data.links(folder, data.table(folder, rows, columns=SEGMENTED), 4)
    return {
        f"{4 * rows:,} x {SEGMENTED}, {n:,} segment{'s' if n > 1 else ''}, {options.cores} cores": (
            Case(str(path), options.cores, RUNS, column)
        )
        for column, n in SEGMENTS.items()
    }
