"""The tables that kldrift writes: the second public interface.

Every column has a type and, in its field metadata, a ``unit`` (``""`` where there is none) and
what a ``null`` means (``"never"`` where there is none; the writer refuses one there).
``docs/tables.md`` documents them column by column; a test compares the two.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from kldrift.divergences import DIVERGENCES, Divergence
from kldrift.scoring.metrics import (
    CATEGORY_METRICS,
    FIRST_DIVERGENCES,
    JOINT_METRICS,
    LEARNED_SCORES,
    SHARE_METRICS,
    TAIL_METRIC,
)

SCHEMA_VERSION: Final = 2
TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

NEVER_NULL: Final = "never"
UNSCORED_ROW: Final = "not scored; `status` says why"
CATEGORICAL: Final = "not numeric, or not scored"
NO_MOMENTS: Final = "not numeric, or no finite value"
NO_DIGITS: Final = "not numeric, no finite value, or no digit of it is known beside larger numbers"
NO_WINDOW_START: Final = "no time windows"
NO_WINDOW_END: Final = "no time windows and no `--as-of`"
WHOLE_DATASET: Final = "the whole dataset"
NO_CATEGORY: Final = "not one category with limits of its own, or not scored"
NO_SPREAD: Final = "categorical, not scored, or a side without spread, or without one that is known"
NOT_ORDERED_SPREAD: Final = "not numeric, not scored, or a reference without spread"
NO_CELLS: Final = "joint, model_shift, or not scored"
NOT_JOINT: Final = "no vector column, or not scored"
NOT_MODELS: Final = "no model shift, or not scored"
NO_CRITICAL: Final = "no critical threshold, or not scored"
NO_THRESHOLD: Final = "no such threshold, or not scored"
NO_METRIC: Final = "no threshold, or not scored"
BEFORE_FAILURE: Final = "the run failed before it was known"
OPEN_END: Final = "open, or a cell without bounds"
NO_LABEL: Final = "a cell that has only bounds or a kind"
JOINT_CELL: Final = "a feature or a pair of a joint group"
OTHER_CLASSES: Final = "the classes that are not among the most frequent"
NO_PAIR: Final = "not a pair of a joint group"
NOT_NUMERIC: Final = "not numeric"
NOT_CATEGORICAL: Final = "not categorical"
NO_NEVER_SEEN: Final = "no cell of values that were never seen"
NO_SUPPORT: Final = "no feature, or skipped"
OF_JOINT: Final = "joint"
NO_LIST: Final = "not of a list of segments"
BEYOND_DOUBLE: Final = "not numeric, or beyond a double"
OLDER: Final = "written by an older kldrift"
NO_HISTORY: Final = "not judged by windows before it, or they are too few, or not scored"
NO_ALARMS: Final = "no `alarms`"
NO_NEW_VALUE: Final = "no value that the reference never had, or a segment"
ONE_FEATURE: Final = "not joint, or no complete row"


def _column(name: str, type_: pa.DataType, null: str = NEVER_NULL, *, unit: str = "") -> pa.Field:
    return pa.field(name, type_, metadata={"unit": unit, "null": null})


def _list(name: str, type_: pa.DataType, null: str, *, unit: str = "") -> pa.Field:
    return _column(name, pa.list_(type_), null, unit=unit)


def _text(name: str, null: str = NEVER_NULL) -> pa.Field:
    return _column(name, pa.string(), null)


def _rows(name: str, null: str = NEVER_NULL) -> pa.Field:
    return _column(name, pa.int64(), null, unit="rows")


def _nats(name: str, null: str = UNSCORED_ROW) -> pa.Field:
    return _column(name, pa.float64(), null, unit="nats")


def _number(name: str, null: str = UNSCORED_ROW) -> pa.Field:
    return _column(name, pa.float64(), null)


def _of_feature(name: str, null: str = NO_DIGITS) -> pa.Field:
    return _column(name, pa.float64(), null, unit="unit of the feature")


def _divergence(divergence: Divergence) -> pa.Field:
    null = CATEGORICAL if divergence.ordinal else NO_CELLS
    if divergence.name in JOINT_METRICS:  # has a score whatever the kind
        null = UNSCORED_ROW
    return _column(divergence.name, pa.float64(), null, unit=divergence.unit)


VERSION: Final = _column("schema_version", pa.int32())
WINDOW_START: Final = _column("window_start", TIMESTAMP, NO_WINDOW_START, unit="UTC")
WINDOW_END: Final = _column("window_end", TIMESTAMP, NO_WINDOW_END, unit="UTC")
_OF_RUN: Final = (VERSION, _text("run_id"), _text("monitor"), WINDOW_START, WINDOW_END)
_GROUP: Final = (*_OF_RUN, _text("segment", WHOLE_DATASET), _text("feature"))
_INTERVAL: Final = tuple(_nats(name, NO_CELLS) for name in ("kl_unbiased", "kl_low", "kl_high"))

DRIFT_SCORES: Final = pa.schema(
    [
        *_GROUP,
        _text("kind", "not known; `status` says why"),
        _text("status"),
        _text("reason", "nothing to explain"),
        _rows("n_reference", "the reference was not counted; `status` says why"),
        _rows("n_current", "the current dataset was not counted; `status` says why"),
        _rows("missing_reference", "the reference was not counted; `status` says why"),
        _rows("missing_current", "the current dataset was not counted; `status` says why"),
        _column("cells", pa.int32(), UNSCORED_ROW, unit="cells"),
        *(
            field
            for d in DIVERGENCES.values()
            if d.scored
            for field in (_divergence(d), *(_INTERVAL if d.name == "kl" else ()))
        ),
        _number("wasserstein_std", NOT_ORDERED_SPREAD),
        *(_number(name, NO_CELLS) for name in SHARE_METRICS),
        _number(TAIL_METRIC, CATEGORICAL),
        *(_number(name, NO_CATEGORY) for name in CATEGORY_METRICS),
        _nats("gaussian_kl", NO_SPREAD),
        _nats("gaussian_kl_mean", NO_SPREAD),
        _nats("gaussian_kl_spread", NO_SPREAD),
        _of_feature("mean_reference"),
        _of_feature("mean_current"),
        _of_feature("std_reference"),
        _of_feature("std_current"),
        _number("frechet", NOT_JOINT),
        _nats("kl_median", NOT_MODELS),
        _nats("kl_p90", NOT_MODELS),
        _nats("kl_p99", NOT_MODELS),
        _number("top_class_changed", NOT_MODELS),
        _nats("kl_expected"),
        _number("p_value"),
        _number("q_value"),
        _number("q_critical", NO_CRITICAL),
        _text("metric", NO_METRIC),
        _column("threshold_warning", pa.float64(), NO_THRESHOLD, unit="unit of the metric"),
        _column("threshold_critical", pa.float64(), NO_THRESHOLD, unit="unit of the metric"),
        _text("threshold_kind", OLDER),
        _column("history_windows", pa.int32(), NO_HISTORY, unit="windows"),
        _nats("kl_learned", NO_HISTORY),
        _nats("limit_learned", NO_HISTORY),
        _number("p_learned", NO_HISTORY),
        _number("p_limit", "no limits that are learnt"),
        _number("alarm_level", "no `alarms`, or no limits that are learnt"),
        _text("severity"),
        _text("alert", f"{NO_ALARMS}, and no day of `reference.exclude`"),
        _column("alert_since", TIMESTAMP, "no alert", unit="UTC"),
        _column("pseudocount", pa.float64(), UNSCORED_ROW, unit="rows"),
        _text("reference_id", "the reference was not profiled"),
        _text("config_hash"),
        _text("kldrift_version"),
    ]
)

DRIFT_CELLS: Final = pa.schema(
    [
        *_GROUP,
        _column("cell", pa.int32()),
        _text("cell_kind"),
        _of_feature("lower", OPEN_END),
        _of_feature("upper", OPEN_END),
        _text("label", NO_LABEL),
        _rows("rows_reference"),
        _rows("rows_current"),
        _number("probability_reference", JOINT_CELL),
        _number("probability_current", JOINT_CELL),
        _nats("contribution", NEVER_NULL),
        _number("correlation_reference", NO_PAIR),
        _number("correlation_current", NO_PAIR),
    ]
)

SUPPORTS: Final = pa.schema(
    [
        VERSION,
        _text("monitor"),
        _text("reference_id"),
        _text("reference_key", "the reference has no version that is known without reading it"),
        _rows("rows"),
        _text("run_id"),
        _column("read_at", TIMESTAMP, unit="UTC"),
        _text("kind"),
        _text("feature", "a list of segments"),
        _column("segment_list", pa.int16(), NO_LIST),
        _text("made_from"),
        _text("skipped", "it is not skipped"),
        _text("note", "there is none"),
        _text("unit", NOT_NUMERIC),
        _column("scale", pa.int64(), NOT_NUMERIC, unit="keys per unit of the feature"),
        _column("pivot", pa.float64(), NOT_NUMERIC, unit="keys"),
        _list("integer_edges", pa.int64(), "no integer keys", unit="keys"),
        _list("float_edges", pa.float64(), "no float keys", unit="keys"),
        _list("categories", pa.string(), NOT_CATEGORICAL),
        _column("floats", pa.bool_(), NOT_CATEGORICAL),
        _list("known_hashes", pa.uint64(), NO_NEVER_SEEN),
        _column("known_cutoff", pa.uint64(), NO_NEVER_SEEN),
        _list("target", pa.int32(), NO_SUPPORT),
        _list("cell_kind", pa.string(), NO_SUPPORT),
        _list("lower", pa.float64(), NOT_NUMERIC, unit="unit of the feature"),
        _list("upper", pa.float64(), NOT_NUMERIC, unit="unit of the feature"),
        _list("label", pa.string(), NOT_NUMERIC),
        _list("joint_pivots", pa.float64(), "a list of segments", unit="unit of the feature"),
        _column("diagonal", pa.bool_(), "not joint"),
        _list("segments", pa.string(), NO_LIST),
    ]
)

PROFILES: Final = pa.schema(
    [
        VERSION,
        _text("run_id"),
        _text("monitor"),
        _text("dataset"),
        WINDOW_START,
        WINDOW_END,
        _column("segment_list", pa.int16(), WHOLE_DATASET),
        _column("segment_place", pa.int32(), WHOLE_DATASET),
        _text("segment", "the whole dataset, or the rows in no segment of a list"),
        _text("feature"),
        _text("kind"),
        _rows("n"),
        _list("cells", pa.int32(), OF_JOINT),
        _list("rows", pa.int64(), OF_JOINT, unit="rows"),
        _rows("moment_rows", "categorical, or no complete row"),
        _column("sum1", pa.float64(), BEYOND_DOUBLE, unit="keys"),
        _column("sum1_low", pa.float64(), BEYOND_DOUBLE, unit="keys"),
        _column("sum2", pa.float64(), BEYOND_DOUBLE, unit="keys, squared"),
        _column("sum2_low", pa.float64(), BEYOND_DOUBLE, unit="keys, squared"),
        _column("minimum", pa.float64(), NO_MOMENTS, unit="keys"),
        _column("maximum", pa.float64(), NO_MOMENTS, unit="keys"),
        _column("width", pa.int32(), ONE_FEATURE, unit="values"),
        _list("joint_sum1", pa.float64(), ONE_FEATURE, unit="units of the features"),
        _list("joint_cross", pa.float64(), ONE_FEATURE, unit="their products"),
        _list("joint_sum3", pa.float64(), ONE_FEATURE, unit="their cubes"),
        _list("joint_sum4", pa.float64(), ONE_FEATURE, unit="their fourth powers"),
        _list("new_values", pa.string(), NO_NEW_VALUE),
        _list("new_rows", pa.int64(), NO_NEW_VALUE, unit="rows"),
        _column("new_distinct", pa.int64(), NO_NEW_VALUE, unit="values"),
        _text("reference_id"),
        _text("config_hash"),
    ]
)

WORST_ROWS: Final = pa.schema(
    [
        *_GROUP,
        _column("place", pa.int32()),
        _text("key", "the row has no key"),
        _nats("kl", "infinite"),
        _column("champion_class", pa.int32()),
        _column("challenger_class", pa.int32()),
    ]
)

CLASS_PAIRS: Final = pa.schema(
    [
        *_GROUP,
        *(_column(f"{x}_class", pa.int32(), OTHER_CLASSES) for x in ("champion", "challenger")),
        _rows("rows"),
    ]
)

ALERTS: Final = pa.schema(
    [
        VERSION,
        _text("monitor"),
        _text("feature"),
        _list("features", pa.string(), NEVER_NULL),
        _text("segment", "all rows, or several segments"),
        _column("since", TIMESTAMP, unit="UTC"),
        _column("opened", TIMESTAMP, unit="UTC"),
        _column("closed", TIMESTAMP, "open", unit="UTC"),
        _column("windows", pa.int32(), unit="windows"),
        _nats("peak", "not scored by kl"),
        _number("p_value", "by a fixed threshold"),
        _text("muted_by", "not muted"),
        _text("muted_until", "not muted"),
        _text("why", "not muted"),
    ]
)

RUNS: Final = pa.schema(
    [
        *_OF_RUN,
        _column("started_at", TIMESTAMP, unit="UTC"),
        _column("finished_at", TIMESTAMP, unit="UTC"),
        _column("exit_code", pa.int32()),
        _rows("rows_reference", "the reference was not read"),
        _rows("rows_current", "the current dataset was not read"),
        _text("reference_read", "the reference was not read"),
        _text("current_read", "the current dataset was not read"),
        _column("features", pa.int32(), BEFORE_FAILURE, unit="features"),
        _column("warning", pa.int32(), BEFORE_FAILURE, unit="features"),
        _column("critical", pa.int32(), BEFORE_FAILURE, unit="features"),
        _column("unscored", pa.int32(), BEFORE_FAILURE, unit="features"),
        _column("alerts", pa.int32(), NO_ALARMS, unit="alerts"),
        _column("pages_spent", pa.int32(), NO_ALARMS, unit="pages"),
        _column("pages_allowed", pa.float64(), NO_ALARMS, unit="pages"),
        _column("pages_days", pa.float64(), NO_ALARMS, unit="days"),
        _number("p_limit", "no limits that are learnt"),
        _column("history_effective", pa.float64(), "no limits that are learnt", unit="windows"),
        _column(
            "skipped",
            pa.list_(pa.struct([("column", pa.string()), ("reason", pa.string())])),
            BEFORE_FAILURE,
        ),
        _column(
            "seconds",
            pa.list_(pa.struct([("stage", pa.string()), ("seconds", pa.float64())])),
            "not measured",
            unit="s",
        ),
        _text("reference_id", "the reference was not profiled"),
        _text("config_hash"),
        _text("kldrift_version"),
        _text("spark_version", "no Spark session was used"),
        _text("error", "the run did not fail"),
    ]
)

ADDED_LATER: Final = frozenset(
    (
        *(DIVERGENCES.keys() - FIRST_DIVERGENCES),
        *("known_hashes", "known_cutoff", "wasserstein_std", "note", "metric", "threshold_kind"),
        *(*SHARE_METRICS, TAIL_METRIC, *CATEGORY_METRICS, *LEARNED_SCORES, "history_effective"),
        *("alarm_level", "alert", "alert_since", "alerts", "pages_spent"),
        *("pages_allowed", "pages_days", "new_values", "new_rows", "new_distinct"),
    )
)
"""Columns that files of this ``schema_version`` may not have; they are then null."""

TABLES: Final = {
    "drift_scores": DRIFT_SCORES,
    "drift_cells": DRIFT_CELLS,
    "supports": SUPPORTS,
    "profiles": PROFILES,
    "alerts": ALERTS,
    "class_pairs": CLASS_PAIRS,
    "worst_rows": WORST_ROWS,
    "runs": RUNS,
}
