"""One measurement in a process of its own: its session, its JVM, its peaks of memory.

    python -m tests.bench.child '{"path": DATA, "cores": 2, "what": ["count", "run"]}' SCRATCH

prints one JSON object: the seconds of each, and the peaks in MB.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WARM_UP = 10_000
"""Rows of the table on which the session starts its workers and compiles its code."""


@dataclass(frozen=True)
class Case:
    """What is measured, and on what.

    Attributes:
        path: the folder of Parquet files.
        cores: of the session.
        what: ``propose`` and ``count``, one scan each; ``run``, a first run, and ``again``, the
            next one on the same output, which knows the reference.
        segment: the column that a run is split by; empty for none.
    """

    path: str
    cores: int
    what: tuple[str, ...]
    segment: str = ""


def measure(case: Case, scratch: Path) -> dict[str, Any]:
    """Start a process, let it measure, and return what it found.

    Args:
        case: what is measured.
        scratch: a folder for the tables that a run writes.

    Returns:
        ``seconds`` by name, ``peaks`` in MB by kind of process.

    Raises:
        RuntimeError: the process failed; with the end of what it said.
    """
    words = [json.dumps(asdict(case)), str(scratch)]
    command = [sys.executable, "-m", "tests.bench.child", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"{case.path}: the measurement failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(case: Case, scratch: Path) -> None:
    """Warm up on a small table and on the same data, measure each once, print."""
    import kldrift
    from tests.bench import data
    from tests.bench.processes import Peaks
    from tests.bench.profiles import Scans, arrow
    from tests.bench.run import config
    from tests.bench.session import session

    output, path = scratch / "child", Path(case.path)
    shutil.rmtree(output, ignore_errors=True)
    monitor = config(path, output)
    if case.segment:
        monitor |= {"segments": [[case.segment]]}
    small = data.table(scratch, WARM_UP)
    with Peaks() as peaks, session(case.cores) as spark:
        for _ in range(2):
            kldrift.run(config(small, scratch / "warm-up"), spark=spark, fail_on="never")
        source = arrow(path)
        scans = Scans(spark, source)
        frozen = scans.frozen()
        works: dict[str, Callable[[], object]] = {
            "propose": scans.propose,
            "count": lambda: scans.count(*frozen),
            "run": lambda: kldrift.run(monitor, spark=spark, fail_on="never"),
        }
        works["again"] = works["run"]
        seconds = {}
        for name in case.what:
            began = time.perf_counter()
            works[name]()
            seconds[name] = time.perf_counter() - began
        values = sum(p.rows for p in source.footers.pieces) * len(source.schema.names)
    print(json.dumps({"seconds": seconds, "peaks": peaks.megabytes, "values": values}))


if __name__ == "__main__":
    main(Case(**json.loads(sys.argv[1])), Path(sys.argv[2]))
