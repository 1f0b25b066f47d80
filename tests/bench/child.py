"""One measurement in a process of its own: its session, its JVM, its peaks of memory.

    python -m tests.bench.child DATA CORES SCRATCH propose count run

prints one JSON object: the seconds of each, and the peaks in MB.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def measure(path: Path, cores: int, scratch: Path, *what: str) -> dict[str, Any]:
    """Start a process, let it measure, and return what it found.

    Args:
        path: the folder of Parquet files.
        cores: of its session.
        scratch: a folder for the tables that a run writes.
        what: ``propose``, ``count``, ``run``.

    Returns:
        ``seconds`` by name, ``peaks`` in MB by kind of process.

    Raises:
        RuntimeError: the process failed; with the end of what it said.
    """
    command = [sys.executable, "-m", "tests.bench.child", str(path), str(cores), str(scratch)]
    done = subprocess.run([*command, *what], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"{path.name}: the measurement failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(path: Path, cores: int, scratch: Path, what: list[str]) -> None:
    """Warm up on the same data, measure each once, print."""
    import kldrift
    from tests.bench.processes import Peaks
    from tests.bench.profiles import Scans, arrow
    from tests.bench.run import config
    from tests.bench.session import session

    output = scratch / "child"
    shutil.rmtree(output, ignore_errors=True)
    with Peaks() as peaks, session(cores) as spark:
        source = arrow(path)
        scans = Scans(spark, source)
        settled = scans.settled()
        works: dict[str, Callable[[], object]] = {
            "propose": scans.propose,
            "count": lambda: scans.count(*settled),
            "run": lambda: kldrift.run(config(path, output), spark=spark, fail_on="never"),
        }
        seconds = {}
        for name in what:
            began = time.perf_counter()
            works[name]()
            seconds[name] = time.perf_counter() - began
        values = sum(p.rows for p in source.footers.pieces) * len(source.schema.names)
    print(json.dumps({"seconds": seconds, "peaks": peaks.megabytes, "values": values}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
