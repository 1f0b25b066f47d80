"""What a whole cold run costs, against what it cannot do without.

The floor is one process that starts Spark, reads both files with it and imports Great Expectations;
the contender is ``kldrift run`` on the same files, tables, results and Data Docs included. They run
in turn, so that what else the machine does hits both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROWS = 10_000
COLUMNS = 18
REPEATS = 5

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
        paths.append(str(folder / f"{seed}.parquet"))
        pd.DataFrame(columns).to_parquet(paths[-1])
    return paths


def seconds(command: list[str]) -> float:
    """How long a command takes from start to end."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=None)
    return time.perf_counter() - began


def run(folder: Path) -> list[dict[str, object]]:
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
        "start Spark, read both, import GX": [sys.executable, "-c", FLOOR, *paths],
        "kldrift run": [kldrift, "run", str(config), "--quiet"],
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(REPEATS):
        for name, command in contenders.items():
            times[name].append(seconds(command))
    floor = statistics.median(times["start Spark, read both, import GX"])
    return [
        {
            "benchmark": "cold run, 2 x 10,000 rows",
            "contender": name,
            "median s": round(statistics.median(found), 2),
            "min s": round(min(found), 2),
            "max s": round(max(found), 2),
            "ratio": round(statistics.median(found) / floor, 2),
        }
        for name, found in times.items()
    ]
