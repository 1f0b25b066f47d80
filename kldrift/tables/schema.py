"""The four tables that kldrift writes: the second public interface.

Every column has a type and, in its field metadata, a unit or ``""`` and what a null means.
``docs/tables.md`` documents them column by column; a test compares the two.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

SCHEMA_VERSION: Final = 1
TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

DRIFT_SCORES: Final = pa.schema(
    [
        ("schema_version", pa.int32()),
        ("run_id", pa.string()),
        ("monitor", pa.string()),
        ("window_start", TIMESTAMP),
        ("window_end", TIMESTAMP),
        ("segment", pa.string()),
        ("feature", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("n_reference", pa.int64()),
        ("n_current", pa.int64()),
        ("missing_reference", pa.int64()),
        ("missing_current", pa.int64()),
        ("cells", pa.int32()),
        ("kl", pa.float64()),
        ("kl_reverse", pa.float64()),
        ("js", pa.float64()),
        ("psi", pa.float64()),
        ("hellinger", pa.float64()),
        ("total_variation", pa.float64()),
        ("wasserstein", pa.float64()),
        ("ks", pa.float64()),
        ("gaussian_kl", pa.float64()),
        ("gaussian_kl_mean", pa.float64()),
        ("gaussian_kl_spread", pa.float64()),
        ("mean_reference", pa.float64()),
        ("mean_current", pa.float64()),
        ("std_reference", pa.float64()),
        ("std_current", pa.float64()),
        ("kl_expected", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("threshold_warning", pa.float64()),
        ("threshold_critical", pa.float64()),
        ("severity", pa.string()),
        ("pseudocount", pa.float64()),
        ("reference_id", pa.string()),
        ("config_hash", pa.string()),
        ("kldrift_version", pa.string()),
    ]
)

DRIFT_CELLS: Final = pa.schema(
    [
        ("schema_version", pa.int32()),
        ("run_id", pa.string()),
        ("monitor", pa.string()),
        ("window_start", TIMESTAMP),
        ("window_end", TIMESTAMP),
        ("segment", pa.string()),
        ("feature", pa.string()),
        ("cell", pa.int32()),
        ("cell_kind", pa.string()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
        ("label", pa.string()),
        ("rows_reference", pa.int64()),
        ("rows_current", pa.int64()),
        ("probability_reference", pa.float64()),
        ("probability_current", pa.float64()),
        ("contribution", pa.float64()),
    ]
)

PROFILES: Final = pa.schema(
    [
        ("schema_version", pa.int32()),
        ("run_id", pa.string()),
        ("monitor", pa.string()),
        ("dataset", pa.string()),
        ("window_start", TIMESTAMP),
        ("window_end", TIMESTAMP),
        ("segment", pa.string()),
        ("feature", pa.string()),
        ("kind", pa.string()),
        ("cell", pa.int32()),
        ("cell_kind", pa.string()),
        ("lower", pa.float64()),
        ("upper", pa.float64()),
        ("label", pa.string()),
        ("rows", pa.int64()),
        ("moment_rows", pa.int64()),
        ("mean", pa.float64()),
        ("m2", pa.float64()),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("reference_id", pa.string()),
        ("config_hash", pa.string()),
    ]
)

RUNS: Final = pa.schema(
    [
        ("schema_version", pa.int32()),
        ("run_id", pa.string()),
        ("monitor", pa.string()),
        ("window_start", TIMESTAMP),
        ("window_end", TIMESTAMP),
        ("started_at", TIMESTAMP),
        ("finished_at", TIMESTAMP),
        ("exit_code", pa.int32()),
        ("rows_reference", pa.int64()),
        ("rows_current", pa.int64()),
        ("reference_read", pa.string()),
        ("current_read", pa.string()),
        ("features", pa.int32()),
        ("warning", pa.int32()),
        ("critical", pa.int32()),
        ("unscored", pa.int32()),
        (
            "skipped",
            pa.list_(pa.struct([("column", pa.string()), ("reason", pa.string())])),
        ),
        ("seconds", pa.list_(pa.struct([("stage", pa.string()), ("seconds", pa.float64())]))),
        ("reference_id", pa.string()),
        ("config_hash", pa.string()),
        ("kldrift_version", pa.string()),
        ("spark_version", pa.string()),
        ("error", pa.string()),
    ]
)

TABLES: Final = {
    "drift_scores": DRIFT_SCORES,
    "drift_cells": DRIFT_CELLS,
    "profiles": PROFILES,
    "runs": RUNS,
}
