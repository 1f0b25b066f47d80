"""How seconds and memory grow with rows, with features, and shrink with cores.

``propose`` and ``count`` are one scan, ``run`` is three of them and what follows; time per value
counts each value as often as it is read. What should hold: time per value stays where it is, and a
worker's memory does too.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench import data
from tests.bench.children import Case, in_turn
from tests.bench.options import Options
from tests.bench.table import Row

WHAT = ("propose", "count", "run")
FEATURES = (10, 50, 500, 5_000)
FEATURE_ROWS = 100_000


def run(folder: Path, options: Options) -> list[Row]:
    """Measure 1/8, 1/4, 1/2 and all of the rows; 10 to 5,000 features; 1 core and 2."""
    cores = options.cores
    tables = {rows: data.table(folder, rows) for rows in _rows(options)}
    cases = {f"{rows:,} x 40, {cores} cores": Case(path, cores) for rows, path in tables.items()}
    middle = _rows(options)[1]
    cases[f"{middle:,} x 40, 1 core"] = Case(tables[middle], 1)
    width, rows = (FEATURES[:2], 4_000) if options.quick else (FEATURES, FEATURE_ROWS)
    for columns in width:
        path = data.table(folder, rows, columns=columns)
        cases[f"{rows:,} x {columns:,}, {cores} cores"] = Case(path, cores)
    return in_turn("growth", cases, folder, what=WHAT, repeats=options.repeats)


def _rows(options: Options) -> list[int]:
    return [options.rows // part for part in (8, 4, 2, 1)]
