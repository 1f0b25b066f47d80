"""``make bench``: run the benchmarks, print medians and ratios, write them as Parquet."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from tests.bench import cold

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
BENCHMARKS = {"cold": cold.run}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all."""
    rows = []
    for name in names or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder:
            rows += BENCHMARKS[name](Path(folder))
    table = pd.DataFrame(rows)
    table["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
    table["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    out = Path("bench-results.parquet")
    table.to_parquet(out)
    print(table.to_string(index=False))
    print(f"written to {out}")


if __name__ == "__main__":
    main(sys.argv[1:])
