"""Drift tables for the tests of kldrift.expectations, and a small publish around them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.tables.schema import DRIFT_SCORES

RUN_ID = "20261123T204500Z-1a2b3c4d"
RUN_TIME = dt.datetime(2026, 11, 23, 20, 45, tzinfo=dt.UTC)
WARNING, CRITICAL, ALPHA = 0.1, 0.25, 0.01

# Every way a row can be judged at WARNING, CRITICAL, ALPHA, its severity written by hand.
# (feature, status, kl, q_value, severity)
CASES: list[tuple[str, str, float | None, float | None, str]] = [
    ("small, certain", "ok", 0.05, 1e-9, "ok"),
    ("small, by chance", "ok", 0.05, 0.9, "ok"),
    ("at warning, certain", "ok", 0.1, 1e-9, "ok"),
    ("above warning, certain", "ok", 0.10000000000000002, 1e-9, "warning"),
    ("above warning, by chance", "ok", 0.2, 0.5, "ok"),
    ("above warning, q at alpha", "ok", 0.2, 0.01, "ok"),
    ("at critical, certain", "ok", 0.25, 1e-9, "warning"),
    ("above critical, certain", "ok", 0.4, 0.0, "critical"),
    ("above critical, by chance", "ok", 0.4, 0.2, "ok"),
    ("zero", "ok", 0.0, 1.0, "ok"),
    ("constant, same", "constant", 0.0, 1.0, "ok"),
    ("constant, moved", "constant", 3.0, 1e-12, "critical"),
    ("constant, no score", "constant", None, None, "unscored"),
    ("missing", "missing_feature", None, None, "unscored"),
    ("new", "new_feature", None, None, "unscored"),
    ("empty", "empty", None, None, "unscored"),
    ("few", "too_few_rows", None, None, "unscored"),
    ("retyped", "type_changed", None, None, "unscored"),
    ("broken", "error", None, None, "unscored"),
    ("few, scored by mistake", "too_few_rows", 0.01, 0.5, "unscored"),
    ("large, not tested", "ok", 0.4, None, "ok"),
]


def user_context(folder: Path) -> Any:
    """The project below a folder, opened as its user would."""
    from kldrift.expectations.gx import great_expectations as gx

    return gx.get_context(mode="file", context_root_dir=str(folder / "gx"))


def row(feature: str, **columns: Any) -> dict[str, Any]:
    """A row of the drift table, ok unless said otherwise."""
    usual = {
        "schema_version": 1,
        "run_id": RUN_ID,
        "monitor": "taxi",
        "window_start": RUN_TIME - dt.timedelta(days=1),
        "window_end": RUN_TIME,
        "feature": feature,
        "kind": "numeric",
        "status": "ok",
        "n_reference": 100_000,
        "n_current": 80_000,
        "missing_reference": 100,
        "missing_current": 4_000,
        "cells": 20,
        "kl": 0.05,
        "kl_expected": 0.0002,
        "p_value": 1e-10,
        "q_value": 1e-9,
        "q_critical": 1e-8,
        "mean_reference": 1.5,
        "mean_current": 2.5,
        "severity": "ok",
    }
    return usual | columns


def case_rows() -> list[dict[str, Any]]:
    """The rows of CASES, with a reason where kldrift gives one."""
    reasons = {"unscored": "it could not be, because", "ok": None}
    return [
        row(
            name,
            status=status,
            kl=kl,
            q_value=q,
            q_critical=q,
            severity=severity,
            reason=reasons.get(severity, "most from payment_type=2: 23.1 % -> 35.0 %"),
        )
        for name, status, kl, q, severity in CASES
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Write the drift table and return it as the monitor holds it."""
    table = pa.Table.from_pylist(rows, schema=DRIFT_SCORES)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return table.to_pandas()


def publish_rows(folder: Path, rows: list[dict[str, Any]], **changes: Any) -> Any:
    """Write the rows to ``folder`` and publish them to ``folder/gx``."""
    from kldrift.expectations import publish

    monitor = changes.get("monitor", "taxi")
    path = Path(changes.get("scores_path", folder / "scores" / f"{monitor}.parquet"))
    scores = write(path, rows)
    usual: dict[str, Any] = {
        "scores_path": str(path),
        "root": folder / "gx",
        "monitor": monitor,
        "run_id": RUN_ID,
        "run_time": RUN_TIME,
        "thresholds": {feature: {"kl": (WARNING, CRITICAL)} for feature in scores["feature"]},
        "alpha": ALPHA,
    }
    return publish(scores, **(usual | changes))
