"""A small output folder that looks like a real one: one monitor, two days, four features."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from kldrift.tables import (
    SCHEMA_VERSION,
    TABLES,
    Window,
    prepare_output,
    write_reference,
    write_run,
    write_window,
)
from kldrift.tables.layout import OPTIONAL_TABLES

MONITOR = "nyc_taxi"
DAYS = tuple(
    Window(datetime(2020, 4, day, tzinfo=UTC), datetime(2020, 4, day + 1, tzinfo=UTC))
    for day in (1, 2)
)

# feature, kind, severity, kl, threshold_critical, rows missing now, reason
FEATURES = (
    (
        "payment_type",
        "categorical",
        "critical",
        0.42,
        0.25,
        0,
        "kl 0.42 above critical 0.25 (q 1e-12); most from payment_type=2: 23.1 % -> 35.0 %",
    ),
    (
        "trip_distance",
        "numeric",
        "warning",
        0.15,
        0.2,
        120,
        "kl 0.15 above warning 0.05 (q 1e-9); most from 0.5 to 1: 8.0 % -> 14.2 %",
    ),
    ("tip_amount", "numeric", "unscored", None, 0.25, 1000, "every value is null now"),
    ("passenger_count", "categorical", "ok", 0.01, 0.25, 3, None),
)
# kind, lower, upper, label, rows of the reference, rows now
CELLS = {
    "payment_type": [
        ("category", None, None, "1", 700, 550),
        ("category", None, None, "2", 231, 350),
        ("other", None, None, None, 9, 50),
        ("null", None, None, None, 60, 50),
    ],
    "trip_distance": [
        ("underflow", None, 0.5, None, 10, 20),
        ("bin", 0.5, 1.0, None, 80, 142),
        ("bin", 1.0, 4.0, None, 600, 518),
        ("overflow", 4.0, None, None, 310, 200),
        ("null", None, None, None, 0, 120),
    ],
    "passenger_count": [
        ("category", None, None, "1", 800, 790),
        ("category", None, None, "2", 200, 207),
        ("other", None, None, None, 0, 0),
        ("null", None, None, None, 0, 3),
    ],
}


REFERENCE_ID = "0123456789abcdef"
HASHES = [1, 2**64 - 1]


def window_tables(window: Window = DAYS[0], run_id: str = "run-1", monitor: str = MONITOR) -> dict:
    """Return the three tables of one window."""
    common = _common(run_id, monitor) | {"window_start": window.start, "window_end": window.end}
    scores = [common | {"segment": None} | _score(*feature) for feature in FEATURES]
    cells = [
        common
        | {"segment": None, "feature": feature, "cell": position}
        | dict(zip(("cell_kind", "lower", "upper", "label"), row, strict=False))
        | _sides(*row[4:])
        for feature, rows in CELLS.items()
        for position, row in enumerate(rows)
    ]
    profiles = [
        common | _profile(feature, "current", [row[5] for row in rows])
        for feature, rows in CELLS.items()
    ]
    return {
        name: pa.Table.from_pylist(rows, schema=TABLES[name])
        for name, rows in (("drift_scores", scores), ("drift_cells", cells), ("profiles", profiles))
    }


def reference_tables(run_id: str = "run-1", monitor: str = MONITOR) -> dict:
    """Return the two tables of the reference."""
    common = _common(run_id, monitor)
    profiles = [
        common | _profile(feature, "reference", [row[4] for row in rows])
        for feature, rows in CELLS.items()
    ]
    supports = [common | _support(feature, rows) for feature, rows in CELLS.items()]
    return {
        "supports": pa.Table.from_pylist(supports, schema=TABLES["supports"]),
        "profiles": pa.Table.from_pylist(profiles, schema=TABLES["profiles"]),
    }


def _common(run_id, monitor):
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "monitor": monitor,
        "reference_id": REFERENCE_ID,
        "config_hash": "0123456789abcdef",
        "kldrift_version": "0.1.0",
    }


def _profile(feature, dataset, counts):
    numeric = feature == "trip_distance"
    moments = {
        "moment_rows": sum(counts[:-1]),
        "sum1": 512.0,
        "sum1_low": 0.0,
        "sum2": 1024.0,
        "sum2_low": 0.0,
        "minimum": 10.0,
        "maximum": 990.0,
    }
    return {
        "dataset": dataset,
        "feature": feature,
        "kind": "numeric" if numeric else "categorical",
        "n": sum(counts),
        "cells": [cell for cell, rows in enumerate(counts) if rows],
        "rows": [rows for rows in counts if rows],
    } | (moments if numeric else {})


def _support(feature, rows):
    numeric = feature == "trip_distance"
    origin = {
        "reference_key": "key",
        "rows": 1000,
        "read_at": datetime(2020, 5, 1, 6, tzinfo=UTC),
    }
    cells = {
        "feature": feature,
        "made_from": f"Feature({feature!r})",
        "target": list(range(len(rows))),
        "cell_kind": [row[0] for row in rows],
        "joint_pivots": [0.0],
    }
    if not numeric:
        labels = [row[3] for row in rows if row[3] is not None]
        categories = {"kind": "categorical", "categories": labels, "floats": False}
        return origin | cells | categories | {"known_hashes": HASHES, "known_cutoff": 2**63}
    numbers = {
        "kind": "numeric",
        "unit": "number",
        "scale": 100,  # cents
        "pivot": 150.0,
        "integer_edges": [50, 100, 400],
        "lower": [row[1] for row in rows],
        "upper": [row[2] for row in rows],
        "label": [row[3] for row in rows],
    }
    return origin | cells | numbers


def _score(feature, kind, severity, kl, critical, missing, reason):
    return {
        "feature": feature,
        "kind": kind,
        "status": "empty" if kl is None else "ok",
        "reason": reason,
        "n_reference": 1000,
        "n_current": 1000,
        "missing_reference": 0,
        "missing_current": missing,
        "kl": kl,
        "kl_expected": None if kl is None else 0.004,
        "p_value": None if kl is None else 1e-13,
        "q_value": None if kl is None else 1e-12,
        "metric": None if kl is None else "kl",
        "threshold_warning": critical / 4,
        "threshold_critical": critical,
        "severity": severity,
        "pseudocount": 0.5,
    }


def _sides(reference, current):
    p, q = current / 1000, reference / 1000
    return {
        "rows_reference": reference,
        "rows_current": current,
        "probability_reference": q,
        "probability_current": p,
        "contribution": p - q,  # not the formula; what counts here is that it can be summed
    }


def run_row(window: Window = DAYS[0], run_id: str = "run-1") -> dict:
    """Return the row of one run."""
    started = datetime(2020, 5, 1, 6, tzinfo=UTC)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "monitor": MONITOR,
        "window_start": window.start,
        "window_end": window.end,
        "started_at": started,
        "finished_at": started + timedelta(seconds=42),
        "exit_code": 3,
        "rows_reference": 1000,
        "rows_current": 1000,
        "reference_read": "trips/2020-02/*.parquet",
        "current_read": "trips/2020-04/*.parquet",
        "features": 4,
        "warning": 1,
        "critical": 1,
        "unscored": 1,
        "alerts": None,
        "pages_spent": None,
        "pages_allowed": None,
        "pages_days": None,
        "p_limit": None,
        "history_effective": None,
        "skipped": [{"column": "trip_id", "reason": "nearly every value is its own"}],
        "seconds": [{"stage": "scan", "seconds": 40.5}, {"stage": "score", "seconds": 1.5}],
        "reference_id": REFERENCE_ID,
        "config_hash": "0123456789abcdef",
        "kldrift_version": "0.1.0",
        "spark_version": "4.1.4",
        "error": None,
    }


OF_EVERY_RUN = [name for name in TABLES if name not in ("alerts", *OPTIONAL_TABLES)]


def write_two_days(folder: Path, tables: str = "parquet") -> Path:
    """Two windows by two runs, in a folder made ready for them."""
    prepare_output(str(folder), tables)
    write_reference(str(folder), MONITOR, REFERENCE_ID, reference_tables())
    for window, run_id in zip(DAYS, ("run-1", "run-2"), strict=True):
        write_window(str(folder), MONITOR, window, window_tables(window, run_id))
        write_run(str(folder), run_row(window, run_id))
    return folder
