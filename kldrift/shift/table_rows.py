"""The rows of a model shift's tables, from the verdicts on one window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from kldrift import __version__
from kldrift.config import ModelShift, Threshold
from kldrift.scoring.status import Status
from kldrift.shift.verdict import ShiftVerdict
from kldrift.tables import TABLES
from kldrift.tables.stamp import Stamp


def window_tables(
    verdicts: Sequence[ShiftVerdict], config: ModelShift, stamp: Stamp
) -> dict[str, pa.Table]:
    """The tables of one window; ``worst_rows`` where the configuration names a key."""
    tables = {
        "profiles": TABLES["profiles"].empty_table(),
        "drift_cells": _table("drift_cells", _cells(verdicts), config, stamp),
        "drift_scores": _table(
            "drift_scores", [_score(v, config) for v in verdicts], config, stamp
        ),
    }
    if config.key is not None:
        tables["worst_rows"] = _table("worst_rows", _worst(verdicts), config, stamp)
    return tables


def _table(name: str, rows: Sequence[dict[str, Any]], config: ModelShift, stamp: Stamp) -> pa.Table:
    schema = TABLES[name]
    columns = stamp.columns(len(rows))
    columns["feature"] = pa.repeat(config.feature, len(rows))
    del columns["segment"]
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.array([row.get(field.name) for row in rows], field.type)
    return pa.table({field.name: columns[field.name] for field in schema}, schema=schema)


def _score(v: ShiftVerdict, config: ModelShift) -> dict[str, Any]:
    found, threshold = v.found, config.thresholds.get("kl", Threshold())
    row: dict[str, Any] = {
        "segment": v.segment,
        "kind": "model_shift",
        "status": v.status.value,
        "reason": v.reason or None,
        "severity": v.severity.value,
        "threshold_warning": threshold.warning,
        "threshold_critical": threshold.critical,
        "config_hash": config.config_hash,
        "kldrift_version": __version__,
    }
    for side in ("reference", "current"):  # the two models have judged the same rows
        row[f"n_{side}"], row[f"missing_{side}"] = found.rows, found.left_out
    if v.status is Status.OK:
        row |= {
            "cells": len(found.cells),
            "kl": found.kl,
            "kl_median": found.median,
            "kl_p90": found.p90,
            "kl_p99": found.p99,
            "top_class_changed": found.changed / found.compared,
            "kl_expected": 0.0,  # two equal models differ on no row
            "p_value": None if math.isnan(v.p_value) else v.p_value,
            "q_value": v.q_value,
            "q_critical": None if threshold.critical is None else v.q_value,
            "pseudocount": 0.0,
        }
    return row


def _cells(verdicts: Sequence[ShiftVerdict]) -> list[dict[str, Any]]:
    return [
        {
            "segment": v.segment,
            "cell": place,
            "cell_kind": cell.kind,
            "lower": cell.lower,
            "upper": cell.upper,
            "rows_reference": cell.rows,
            "rows_current": cell.rows,
            "probability_reference": cell.rows / v.found.compared,
            "probability_current": cell.rows / v.found.compared,
            "contribution": cell.contribution,
        }
        for v in verdicts
        if v.status is Status.OK
        for place, cell in enumerate(v.found.cells)
    ]


def _worst(verdicts: Sequence[ShiftVerdict]) -> list[dict[str, Any]]:
    return [
        {
            "segment": v.segment,
            "place": place,
            "key": example.key,
            "kl": example.kl if math.isfinite(example.kl) else None,
            "champion_class": example.champion,
            "challenger_class": example.challenger,
        }
        for v in verdicts
        for place, example in enumerate(v.found.worst, 1)
    ]
