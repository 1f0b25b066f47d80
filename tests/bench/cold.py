"""What a whole cold run costs, against what it cannot do without.

The floor is one process that starts Spark, reads both files with it and imports Great Expectations;
the contender is ``kldrift run`` on the same files, tables, results and Data Docs included. They run
in turn, so that what else the machine does hits both.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.bench.options import Options
from tests.bench.rounds import rounds, timed
from tests.bench.table import Row, summarised

ROWS = 10_000
COLUMNS = 18
START = "start Spark, read both, import GX"

FLOOR = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
for path in sys.argv[1:]:
    spark.read.parquet(path).write.format("noop").mode("overwrite").save()
import great_expectations
spark.stop()
"""


def make(folder: Path) -> list[str]:
    """Two files of 10,000 rows: 12 numbers, 6 texts."""
    paths = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        columns: dict[str, object] = {f"number_{i}": rng.lognormal(size=ROWS) for i in range(12)}
        columns |= {f"text_{i}": rng.choice(list("abcdefgh"), ROWS) for i in range(COLUMNS - 12)}
        paths.append(str(folder / f"cold-{seed}.parquet"))
        pd.DataFrame(columns).to_parquet(paths[-1])
    return paths


def call(command: list[str]) -> None:
    """Run a command from start to end."""
    subprocess.run(command, check=True, capture_output=True)


def run(folder: Path, options: Options) -> list[Row]:
    """Measure both, in turn, and return rows of a table."""
    paths = make(folder)
    config = folder / "kldrift.yaml"
    mapping = {
        "monitor": "cold",
        "reference": {"path": paths[0]},
        "current": {"path": paths[1]},
        "output": {"path": "drift"},
    }
    config.write_text(yaml.safe_dump(mapping))
    kldrift = str(Path(sys.executable).with_name("kldrift"))
    contenders = {
        START: timed(lambda: call([sys.executable, "-c", FLOOR, *paths])),
        "kldrift run": timed(lambda: call([kldrift, "run", str(config), "--quiet"])),
    }
    times = rounds("cold", contenders, options.repeats, warm=False)
    return summarised(
        "cold",
        times,
        case=f"2 x {ROWS:,} x {COLUMNS}, new processes",
        ratios={"ratio_to_floor": START},
    )
