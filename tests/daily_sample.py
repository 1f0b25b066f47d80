"""Days of a small monitor, run in memory as a backfill on Spark runs them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from kldrift.config import Config, config_from_mapping
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor import reference_store
from kldrift.monitor.findings import count_current
from kldrift.monitor.plan import make_plan
from kldrift.monitor.publish import publish_window
from kldrift.monitor.record import Record
from kldrift.monitor.rescore import rescore_dependents
from kldrift.monitor.stages import read_reference
from kldrift.monitor.volumes import Volumes
from kldrift.monitor.watch import Watch
from kldrift.reporting.result import RunResult
from kldrift.sources.table import TableSource
from kldrift.tables import Window, prepare_output
from kldrift.tables.store import open_store
from kldrift.tables.supports import Origin

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def window(day: int) -> Window:
    return Window(START + day * DAY, START + (day + 1) * DAY)


def mapping(folder: object, **more: object) -> dict[str, object]:
    return {
        "monitor": "daily",
        "reference": {"sql": "r"},
        "current": {"sql": "c"},
        "time": {"column": "at", "window": "1d"},
        "output": {"path": str(folder)},
        "expectations": False,
    } | more


def config_of(folder: object, **more: object) -> Config:
    return config_from_mapping(mapping(folder, **more))


def rows(day: int, n: int = 600, shift: float = 0.0, nulls: float = 0.0) -> pa.Table:
    """Rows of a day, the same whenever they are asked for; every seventh day lies elsewhere."""
    rng = np.random.default_rng(100 + day)
    x = rng.normal(shift + 0.8 * (day % 7 == 6), 1, n)
    gone = rng.random(n) < nulls
    return pa.table(
        {
            "x": pa.array(x, mask=gone),
            "y": pa.array(rng.normal(0, 1, n), mask=gone),
            "kind": rng.choice(["a", "b"], n),
            "part": rng.choice(["left", "right"], n, p=[0.7, 0.3]),
        }
    )


def run_days(
    config: Config,
    days: Iterable[int],
    of_day: Callable[[int], pa.Table] = rows,
    *,
    dependents: bool = True,
    reference_rows: pa.Table | None = None,
    fail_on: str = "critical",
) -> list[RunResult]:
    """Run some days in their order, as one backfill."""
    prepare_output(config.output.path)
    first = TableSource(rows(0, 4_000) if reference_rows is None else reference_rows)
    plan = make_plan(config, first, first)
    reference = read_reference(plan, MemoryEngine(first, first), SILENT)
    reference_store.save(plan, reference, Origin("key", 4_000, "run-0", START))
    store, found = open_store(config.output.path), []
    days = list(days)
    watch = Watch.before(config, store, reference, plan.compared, window(days[0]))
    volumes = Volumes.of(config, store)
    assert volumes is not None
    for day in days:
        now = TableSource(of_day(day))
        own = replace(plan, current=now)
        findings = count_current(own, reference, MemoryEngine(first, now), SILENT)
        record = Record(config, window(day), START, SILENT)
        findings = volumes.beside(window(day), findings)
        found.append(publish_window(record, own, findings, fail_on, watch=watch))
    if dependents:
        rescore_dependents(config, [window(day) for day in days], fail_on)
    return found
