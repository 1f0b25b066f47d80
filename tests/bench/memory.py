"""Whether memory is flat in rows: a whole run of one million rows, of eight, and of forty.

The longer tables are the files of the first, linked under several names: they need no disk, and
their tasks read as many row groups as they would otherwise.
"""

from __future__ import annotations

from pathlib import Path

from tests.bench import data
from tests.bench.child import Case
from tests.bench.children import in_turn
from tests.bench.options import Options
from tests.bench.table import Row

ROWS = 1_000_000


def run(folder: Path, options: Options) -> list[Row]:
    """Measure the peaks of a run at each number of rows."""
    rows = 10_000 if options.quick else ROWS
    once = data.table(folder, rows)
    cases = {}
    for times in (1, 8, 40) if options.large else (1, 8):
        path = once if times == 1 else data.links(folder, once, times)
        name = f"{rows * times:,} x 40, {options.cores} cores"
        cases[name] = Case(str(path), options.cores, ("run",))
    return in_turn("memory", cases, folder, repeats=options.repeats)
