"""``make bench``: run the benchmarks, print medians and ratios, write them as Parquet."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from tests.bench import cold, growth, history, memory, peers, report, run, scan, scores
from tests.bench.options import Options
from tests.bench.table import Row, as_markdown, as_text, by_benchmark

BENCHMARKS: Mapping[str, Callable[[Path, Options], list[Row]]] = {
    "scan": scan.run,
    "run": run.run,
    "cold": cold.run,
    "growth": growth.run,
    "history": history.run,
    "memory": memory.run,
    "scores": scores.run,
    "peers": peers.run,
}
RESULTS = Path("bench-results.parquet")
VERSIONS = ("kldrift", "pyspark", "pyarrow", "numpy", "pandas")


def arguments(words: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; by default all")
    parser.add_argument("--rows", type=int, help="rows of the large table (5,000,000)")
    parser.add_argument("--peer-rows", type=int, help="rows a side in peers (625,000)")
    parser.add_argument("--repeats", type=int, help="measurements of each contender (5)")
    parser.add_argument("--cores", type=int, default=2, help="of each Spark session (2)")
    parser.add_argument("--quick", action="store_true", help="small and once: does it run?")
    parser.add_argument(
        "--large", action="store_true", help="memory: 40 million rows, history: 20 million"
    )
    parser.add_argument("--data", type=Path, help="folder to keep the tables in, and find them")
    parser.add_argument("--envs", type=Path, default=Options.envs, help="other tools' environments")
    parser.add_argument("--output", type=Path, default=RESULTS, help=f"the results ({RESULTS})")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument(
        "--chart", action="store_true", help="measure nothing; put the results into docs/"
    )
    asked = parser.parse_args(words)
    if unknown := set(asked.names) - BENCHMARKS.keys():
        parser.error(f"no benchmark {sorted(unknown)[0]!r}; there are {', '.join(BENCHMARKS)}")
    for name in ("rows", "peer_rows", "repeats", "cores"):
        value = getattr(asked, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')}: expected 1 or more, got {value}")
    if asked.chart and not asked.output.exists():
        parser.error(f"{asked.output} is not there; run the benchmarks first")
    return asked


def options_of(asked: argparse.Namespace) -> Options:
    """The options of the benchmarks; what ``--quick`` makes small can still be said."""
    rows, peer_rows, repeats = (40_000, 10_000, 1) if asked.quick else (5_000_000, 625_000, 5)
    return Options(
        rows=asked.rows or rows,
        repeats=asked.repeats or repeats,
        quick=asked.quick,
        cores=asked.cores,
        peer_rows=asked.peer_rows or peer_rows,
        envs=asked.envs,
        large=asked.large,
    )


def circumstances() -> Row:
    """When, where and with what."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found: Row = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory / 2**30:.0f} GiB",
        "python": platform.python_version(),
    }
    return found | {name: version(name) for name in VERSIONS}


def main(words: list[str]) -> None:
    """Run the named benchmarks, or all."""
    asked = arguments(words)
    if asked.chart:
        for path in report.publish(pd.read_parquet(asked.output), Path("docs")):
            print(f"written: {path}")
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    options, rows = options_of(asked), list[Row]()
    with nullcontext(asked.data) if asked.data else tempfile.TemporaryDirectory() as name:
        folder = Path(name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for benchmark in asked.names or BENCHMARKS:
            found = BENCHMARKS[benchmark](folder, options)
            rows += found
            # After each: what is measured is not lost when a later one fails.
            frame = pd.DataFrame(rows).assign(**circumstances(), quick=options.quick)
            frame.to_parquet(asked.output, index=False)
            for title, group in by_benchmark(found).items():
                text = as_markdown(group) if asked.markdown else as_text(group)
                print(f"\n{'### ' if asked.markdown else ''}{title}\n\n{text}", flush=True)
    print(f"\nwritten: {asked.output}")


if __name__ == "__main__":
    main(sys.argv[1:])
