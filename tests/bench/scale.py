"""What a scan of a very large table would cost: formulas, and a simulated schedule of its tasks.

    python -m tests.bench.scale

The constants of the code are imported, so that the page's figures can be made again when they
change. Nothing is measured here but the two rates that are taken from the other benchmarks.
"""

from __future__ import annotations

import heapq

import numpy as np

from kldrift.execution.programs import sketch_limit
from kldrift.sources.parquet.footers import TASKS as FOOTER_TASKS
from kldrift.sources.parquet.source import TASKS_PER_WORKER

BYTES = 100e12
COLUMNS = 2_000
CORES = 1_000
BYTES_PER_VALUE = 5.0  # compressed, as in the large table of the benchmarks
COUNT_RATE, PROPOSE_RATE = 50e6, 40e6  # values per second and core, see the table of results
ROW_GROUP = 128e6
ROW_GROUPS_PER_FILE = 8
STORED_CELLS = 130
ROW_OVERHEAD = 90  # moments and lengths
SKETCH_CELL = 20  # a count of 4 bytes, two keys of 8
FOOTER_PER_COLUMN = 100
PIECE = 120  # of a pickled share
SUMMARY = 15  # of a column of a task that reads footers, compressed


def makespan(tasks: int, seconds: float, *, cores: int, seed: int) -> float:
    """When the last of equal tasks ends, on cores of unequal speed.

    Speeds are lognormal with a spread of 20 %, and one core in a hundred runs at half its speed;
    each task goes to the core that is free first, as Spark hands them out.
    """
    rng = np.random.default_rng(seed)
    speed = np.exp(rng.normal(0, 0.2, cores))
    speed[rng.random(cores) < 0.01] /= 2
    free = [(0.0, i) for i in range(cores)]
    for _ in range(tasks):
        at, core = heapq.heappop(free)
        heapq.heappush(free, (at + seconds / speed[core], core))
    return max(at for at, _ in free)


def report() -> list[tuple[str, str]]:
    """What is spent on what."""
    values = BYTES / BYTES_PER_VALUE
    tasks = TASKS_PER_WORKER * CORES
    groups = BYTES / ROW_GROUP
    files = groups / ROW_GROUPS_PER_FILE
    profile = COLUMNS * (STORED_CELLS * 8 + ROW_OVERHEAD)
    sketch = sketch_limit(COLUMNS) * SKETCH_CELL
    rows = [
        ("rows, values", f"{values / COLUMNS:.1e}, {values:.1e}"),
        ("files, row groups, tasks", f"{files:,.0f}, {groups:,.0f}, {tasks:,}"),
    ]
    for name, rate in (("count", COUNT_RATE), ("choose supports", PROPOSE_RATE)):
        ideal = values / rate / CORES
        spans = [makespan(tasks, values / rate / tasks, cores=CORES, seed=s) for s in range(20)]
        rows.append(
            (f"{name}: ideal, simulated", f"{ideal:,.0f} s, {np.median(spans):,.0f} s (20 runs)")
        )
        rows.append((f"{name}: bytes read", f"{BYTES / ideal / CORES / 1e6:,.0f} MB/s a core"))
    return [
        *rows,
        ("footers, read by the executors", f"{groups * COLUMNS * FOOTER_PER_COLUMN / 1e9:,.0f} GB"),
        ("profiles over the network", f"{tasks * profile / 1e9:,.0f} GB in all"),
        ("sketches over the network", f"at most {tasks * sketch * COLUMNS / 1e12:,.2f} TB in all"),
        ("one feature's profiles in a merge", f"{tasks * profile / COLUMNS / 1e6:,.0f} MB"),
        (
            "one feature's sketches in a merge",
            f"{tasks * sketch / 1e6:,.0f} MB in one step, "
            f"{np.sqrt(tasks) * sketch / 1e6:,.1f} MB in each of two",
        ),
        ("driver: list of row groups", f"{groups * PIECE / 1e6:,.0f} MB"),
        (
            "driver: what footers say of columns",
            f"{FOOTER_TASKS * COLUMNS * SUMMARY / 1e6:,.0f} MB",
        ),
        ("driver: profiles", f"{profile / 1e6:,.1f} MB"),
    ]


if __name__ == "__main__":
    for what, figure in report():
        print(f"| {what} | {figure} |")
