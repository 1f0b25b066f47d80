"""Cases that need a process each, measured in turn like contenders of one process."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from tests.bench.child import Case, measure
from tests.bench.rounds import say
from tests.bench.table import Row, summarised

ROLES = ("driver", "jvm", "worker")
SCANS = {"propose": 1, "count": 1, "run": 3, "again": 1}
"""How often each reads the data."""


def in_turn(benchmark: str, cases: Mapping[str, Case], scratch: Path, *, repeats: int) -> list[Row]:
    """Measure every case ``repeats`` times, each time in a new process, in turn.

    Args:
        benchmark: its name.
        cases: by name.
        scratch: a folder for the tables that a run writes.
        repeats: rounds.

    Returns:
        A row for each case and measurement; the peaks are the medians of the rounds' peaks.
    """
    times: dict[str, dict[str, list[float]]] = {
        name: {w: [] for w in case.what} for name, case in cases.items()
    }
    peaks: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
    values: dict[str, int] = {}
    for turn in range(1, repeats + 1):
        for name, case in cases.items():
            measured = measure(case, scratch)
            text = ", ".join(f"{k} {v:.2f} s" for k, v in measured["seconds"].items())
            say(f"{benchmark}: {turn}/{repeats} {name}: {text}")
            for w in case.what:
                times[name][w].append(measured["seconds"][w])
            peaks[name].append(measured["peaks"])
            values[name] = measured["values"]
    rows = []
    for name, case in cases.items():
        done = {w: values[name] * SCANS[w] for w in case.what}
        largest = {
            f"{role}_peak_mb": round(statistics.median(p[role] for p in peaks[name]))
            for role in ROLES
        }
        found = summarised(benchmark, times[name], case=name, values=done, cores=case.cores)
        rows += [row | largest for row in found]
    return rows
