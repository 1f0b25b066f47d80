"""A whole ``kldrift.run`` in a warm session, against counting the current dataset alone.

The table is reference and current at once, Great Expectations is off. Each round has an output
folder of its own, in which it runs twice: the second run finds what the first one wrote.
"""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from typing import Any

import kldrift
from tests.bench import data
from tests.bench.options import Options
from tests.bench.profiles import Scans, arrow
from tests.bench.rounds import rounds, timed
from tests.bench.session import session
from tests.bench.table import Row, summarised

PROFILE = "count of current alone"


def config(path: Path, output: Path) -> dict[str, Any]:
    """A monitor that compares a folder with itself."""
    side = {"path": str(path)}
    return {
        "monitor": "bench",
        "reference": side,
        "current": side,
        "output": {"path": str(output)},
        "expectations": False,
    }


def run(folder: Path, options: Options) -> list[Row]:
    """Measure the first and the second run of an output, and one counting scan."""
    path = data.table(folder, options.rows)
    outputs = (folder / f"run-{i}" for i in count())
    output = next(outputs)
    with session(options.cores) as spark:
        scans = Scans(spark, arrow(path))
        frozen = scans.frozen()

        def first() -> None:
            nonlocal output
            output = next(outputs)
            shutil.rmtree(output, ignore_errors=True)
            kldrift.run(config(path, output), spark=spark, fail_on="never")

        def second() -> None:
            kldrift.run(config(path, output), spark=spark, fail_on="never")

        contenders = {
            PROFILE: timed(lambda: scans.count(*frozen)),
            "kldrift.run, first run": timed(first),
            "kldrift.run, second run": timed(second),
        }
        times = rounds("run", contenders, options.repeats)
    width = len(scans.source.schema.names)
    return summarised(
        "run",
        times,
        case=f"{options.rows:,} + {options.rows:,} x {width}, {options.cores} cores",
        ratios={"ratio_to_count": PROFILE},
    )
