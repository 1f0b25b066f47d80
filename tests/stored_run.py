"""A run over tables in memory that writes its tables as a run on Spark does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa

from kldrift.config import Config, config_from_mapping
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor import reference_store
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import Plan, make_plan
from kldrift.monitor.rows import cell_table, score_table
from kldrift.monitor.stages import Reference
from kldrift.sources.table import TableSource
from kldrift.tables import Window, write_window
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import Origin

LARGE = 2**53
WINDOW = Window(None, datetime(2024, 3, 1, tzinfo=UTC))


def dataset(rows: int, seed: int) -> pa.Table:
    """Rows of all kinds that a reader could lose digits of."""
    rng = np.random.default_rng(seed)

    def some(values):
        return pa.array(values, mask=rng.random(rows) < 0.05)

    floats = np.where(rng.random(rows) < 0.3, 0.1, rng.normal(1e9 + seed, 1, rows))
    floats[:4] = np.nan, np.inf, -np.inf, 5e-324
    vectors = [rng.normal(seed, 1, 3).tolist() for _ in range(rows - 1)]
    return pa.table(
        {
            "floats": some(floats),
            "huge": some(LARGE + rng.integers(0, 40 + seed, rows)),
            "few": some(rng.integers(0, 4, rows)),
            "money": pa.array(
                [Decimal(x).scaleb(-2) for x in rng.integers(0, 99_999, rows).tolist()]
            ),
            "texts": some(rng.choice(["a", "null", "é", ""], rows, p=[0.4, 0.3, 0.2, 0.1])),
            "flag": some(rng.random(rows) < 0.4),
            "date": some((rng.integers(0, 900, rows)).astype("datetime64[D]")),
            "tiny": some(rng.normal(size=rows) * 1e-300),
            "wide": some(rng.normal(size=rows) * 1e307),
            "vector": pa.array([None, *vectors]),
            "group": some(rng.choice([f"g{i}" for i in range(9)], rows, p=[0.6] + [0.05] * 8)),
            "side": pa.array(rng.choice(["left", "right"], rows)),
            "id": pa.array(rng.permutation(rows) + 10**6),
            "nothing": pa.nulls(rows, pa.float64()),
        }
    )


def config_of(folder: str, missing: str = "cell") -> Config:
    """A configuration with joint features and lists of segments."""
    return config_from_mapping(
        {
            "monitor": "daily",
            "reference": {"sql": "reference"},
            "current": {"sql": "current"},
            "features": {"override": {"date": {"parts": ["whole"]}}},
            "joint": {"pair": {"features": ["floats", "few"]}},
            "segments": [["group"], ["side", "flag"]],
            "scoring": {"missing": missing, "pseudocount": 0.3, "max_segments": 5},
            "output": {"path": folder},
            "expectations": False,
        }
    )


def run_in_memory(config: Config, rows: tuple[int, int] = (3000, 2000)) -> tuple[Plan, Reference]:
    """Run a configuration of :func:`config_of`, and write its tables."""
    folder = config.output.path
    sources = TableSource(dataset(rows[0], 0)), TableSource(dataset(rows[1], 1))
    plan = make_plan(config, *sources)
    findings, verdicts = compare_plan(plan, MemoryEngine(*sources), SILENT)
    reference = findings.reference
    stamp = Stamp("run-2", "daily", WINDOW, reference.reference_id, config.config_hash)
    origin = Origin("key", reference.rows, "run-1", datetime(2024, 2, 1, tzinfo=UTC))
    reference_store.save(plan, reference, origin)
    current = {p.feature.name: c for p, c in zip(findings.pairs, findings.current, strict=True)}
    joint = {j.name: c for j, _, c in findings.joint}
    names = [known.names for known in reference.segments]
    tables = {
        "drift_scores": score_table(verdicts, stamp),
        "drift_cells": cell_table(verdicts, stamp),
        "profiles": profile_rows(current, joint, names, "current", stamp),
    }
    write_window(folder, "daily", WINDOW, tables)
    return plan, reference
