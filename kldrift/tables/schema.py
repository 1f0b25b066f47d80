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
from kldrift.tables import nulls

SCHEMA_VERSION: Final = 2
TIMESTAMP: Final = pa.timestamp("us", tz="UTC")


def _column(
    name: str, type_: pa.DataType, null: str = nulls.NEVER_NULL, *, unit: str = ""
) -> pa.Field:
    return pa.field(name, type_, metadata={"unit": unit, "null": null})


def _list(name: str, type_: pa.DataType, null: str, *, unit: str = "") -> pa.Field:
    return _column(name, pa.list_(type_), null, unit=unit)


def _text(name: str, null: str = nulls.NEVER_NULL) -> pa.Field:
    return _column(name, pa.string(), null)


def _rows(name: str, null: str = nulls.NEVER_NULL) -> pa.Field:
    return _column(name, pa.int64(), null, unit="rows")


def _nats(name: str, null: str = nulls.UNSCORED_ROW) -> pa.Field:
    return _column(name, pa.float64(), null, unit="nats")


def _number(name: str, null: str = nulls.UNSCORED_ROW) -> pa.Field:
    return _column(name, pa.float64(), null)


def _of_feature(name: str, null: str = nulls.NO_DIGITS) -> pa.Field:
    return _column(name, pa.float64(), null, unit="unit of the feature")


def _divergence(divergence: Divergence) -> pa.Field:
    null = nulls.CATEGORICAL if divergence.ordinal else nulls.NO_CELLS
    if divergence.name in JOINT_METRICS:  # has a score whatever the kind
        null = nulls.UNSCORED_ROW
    return _column(divergence.name, pa.float64(), null, unit=divergence.unit)


VERSION: Final = _column("schema_version", pa.int32())
WINDOW_START: Final = _column("window_start", TIMESTAMP, nulls.NO_WINDOW_START, unit="UTC")
WINDOW_END: Final = _column("window_end", TIMESTAMP, nulls.NO_WINDOW_END, unit="UTC")
_OF_RUN: Final = (VERSION, _text("run_id"), _text("monitor"), WINDOW_START, WINDOW_END)
_GROUP: Final = (*_OF_RUN, _text("segment", nulls.WHOLE_DATASET), _text("feature"))
_INTERVAL: Final = tuple(
    _nats(name, nulls.NO_CELLS) for name in ("kl_unbiased", "kl_low", "kl_high")
)

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
        _column("cells", pa.int32(), nulls.UNSCORED_ROW, unit="cells"),
        *(
            field
            for d in DIVERGENCES.values()
            if d.scored
            for field in (_divergence(d), *(_INTERVAL if d.name == "kl" else ()))
        ),
        _number("wasserstein_std", nulls.NOT_ORDERED_SPREAD),
        *(_number(name, nulls.NO_CELLS) for name in SHARE_METRICS),
        _number(TAIL_METRIC, nulls.CATEGORICAL),
        *(_number(name, nulls.NO_CATEGORY) for name in CATEGORY_METRICS),
        _nats("gaussian_kl", nulls.NO_SPREAD),
        _nats("gaussian_kl_mean", nulls.NO_SPREAD),
        _nats("gaussian_kl_spread", nulls.NO_SPREAD),
        _of_feature("mean_reference"),
        _of_feature("mean_current"),
        _of_feature("std_reference"),
        _of_feature("std_current"),
        _number("frechet", nulls.NOT_JOINT),
        _nats("kl_median", nulls.NOT_MODELS),
        _nats("kl_p90", nulls.NOT_MODELS),
        _nats("kl_p99", nulls.NOT_MODELS),
        _number("top_class_changed", nulls.NOT_MODELS),
        _nats("kl_expected"),
        _number("p_value"),
        _number("q_value"),
        _number("q_critical", nulls.NO_CRITICAL),
        _text("metric", nulls.NO_METRIC),
        _column("threshold_warning", pa.float64(), nulls.NO_THRESHOLD, unit="unit of the metric"),
        _column("threshold_critical", pa.float64(), nulls.NO_THRESHOLD, unit="unit of the metric"),
        _text("threshold_kind", nulls.OLDER),
        _column("history_windows", pa.int32(), nulls.NO_HISTORY, unit="windows"),
        _nats("kl_learned", nulls.NO_HISTORY),
        _nats("limit_learned", nulls.NO_HISTORY),
        _number("p_learned", nulls.NO_HISTORY),
        _number("p_limit", "no limits that are learnt"),
        _number("alarm_level", "no `alarms`, or no limits that are learnt"),
        _text("severity"),
        _text("alert", f"{nulls.NO_ALARMS}, and no day of `reference.exclude`"),
        _column("alert_since", TIMESTAMP, "no alert", unit="UTC"),
        _column("pseudocount", pa.float64(), nulls.UNSCORED_ROW, unit="rows"),
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
        _of_feature("lower", nulls.OPEN_END),
        _of_feature("upper", nulls.OPEN_END),
        _text("label", nulls.NO_LABEL),
        _rows("rows_reference"),
        _rows("rows_current"),
        _number("probability_reference", nulls.JOINT_CELL),
        _number("probability_current", nulls.JOINT_CELL),
        _nats("contribution", nulls.NEVER_NULL),
        _number("correlation_reference", nulls.NO_PAIR),
        _number("correlation_current", nulls.NO_PAIR),
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
        _column("segment_list", pa.int16(), nulls.NO_LIST),
        _text("made_from"),
        _text("skipped", "it is not skipped"),
        _text("note", "there is none"),
        _text("unit", nulls.NOT_NUMERIC),
        _column("scale", pa.int64(), nulls.NOT_NUMERIC, unit="keys per unit of the feature"),
        _column("pivot", pa.float64(), nulls.NOT_NUMERIC, unit="keys"),
        _list("integer_edges", pa.int64(), "no integer keys", unit="keys"),
        _list("float_edges", pa.float64(), "no float keys", unit="keys"),
        _list("categories", pa.string(), nulls.NOT_CATEGORICAL),
        _column("floats", pa.bool_(), nulls.NOT_CATEGORICAL),
        _list("known_hashes", pa.uint64(), nulls.NO_NEVER_SEEN),
        _column("known_cutoff", pa.uint64(), nulls.NO_NEVER_SEEN),
        _list("target", pa.int32(), nulls.NO_SUPPORT),
        _list("cell_kind", pa.string(), nulls.NO_SUPPORT),
        _list("lower", pa.float64(), nulls.NOT_NUMERIC, unit="unit of the feature"),
        _list("upper", pa.float64(), nulls.NOT_NUMERIC, unit="unit of the feature"),
        _list("label", pa.string(), nulls.NOT_NUMERIC),
        _list("joint_pivots", pa.float64(), "a list of segments", unit="unit of the feature"),
        _column("diagonal", pa.bool_(), "not joint"),
        _list("segments", pa.string(), nulls.NO_LIST),
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
        _column("segment_list", pa.int16(), nulls.WHOLE_DATASET),
        _column("segment_place", pa.int32(), nulls.WHOLE_DATASET),
        _text("segment", "the whole dataset, or the rows in no segment of a list"),
        _text("feature"),
        _text("kind"),
        _rows("n"),
        _list("cells", pa.int32(), nulls.OF_JOINT),
        _list("rows", pa.int64(), nulls.OF_JOINT, unit="rows"),
        _rows("moment_rows", "categorical, or no complete row"),
        _column("sum1", pa.float64(), nulls.BEYOND_DOUBLE, unit="keys"),
        _column("sum1_low", pa.float64(), nulls.BEYOND_DOUBLE, unit="keys"),
        _column("sum2", pa.float64(), nulls.BEYOND_DOUBLE, unit="keys, squared"),
        _column("sum2_low", pa.float64(), nulls.BEYOND_DOUBLE, unit="keys, squared"),
        _column("minimum", pa.float64(), nulls.NO_MOMENTS, unit="keys"),
        _column("maximum", pa.float64(), nulls.NO_MOMENTS, unit="keys"),
        _column("width", pa.int32(), nulls.ONE_FEATURE, unit="values"),
        _list("joint_sum1", pa.float64(), nulls.ONE_FEATURE, unit="units of the features"),
        _list("joint_cross", pa.float64(), nulls.ONE_FEATURE, unit="their products"),
        _list("joint_sum3", pa.float64(), nulls.ONE_FEATURE, unit="their cubes"),
        _list("joint_sum4", pa.float64(), nulls.ONE_FEATURE, unit="their fourth powers"),
        _list("new_values", pa.string(), nulls.NO_NEW_VALUE),
        _list("new_rows", pa.int64(), nulls.NO_NEW_VALUE, unit="rows"),
        _column("new_distinct", pa.int64(), nulls.NO_NEW_VALUE, unit="values"),
        _text("frequent_value", nulls.NO_FREQUENT_VALUE),
        _rows("frequent_rows", nulls.NO_FREQUENT_VALUE),
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
        *(
            _column(f"{x}_class", pa.int32(), nulls.OTHER_CLASSES)
            for x in ("champion", "challenger")
        ),
        _rows("rows"),
    ]
)

ALERTS: Final = pa.schema(
    [
        VERSION,
        _text("monitor"),
        _text("feature"),
        _list("features", pa.string(), nulls.NEVER_NULL),
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
        _column("features", pa.int32(), nulls.BEFORE_FAILURE, unit="features"),
        _column("warning", pa.int32(), nulls.BEFORE_FAILURE, unit="features"),
        _column("critical", pa.int32(), nulls.BEFORE_FAILURE, unit="features"),
        _column("unscored", pa.int32(), nulls.BEFORE_FAILURE, unit="features"),
        _column("alerts", pa.int32(), nulls.NO_ALARMS, unit="alerts"),
        _column("pages_spent", pa.int32(), nulls.NO_ALARMS, unit="pages"),
        _column("pages_allowed", pa.float64(), nulls.NO_ALARMS, unit="pages"),
        _column("pages_days", pa.float64(), nulls.NO_ALARMS, unit="days"),
        _number("p_limit", "no limits that are learnt"),
        _column("history_effective", pa.float64(), "no limits that are learnt", unit="windows"),
        _column(
            "skipped",
            pa.list_(pa.struct([("column", pa.string()), ("reason", pa.string())])),
            nulls.BEFORE_FAILURE,
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
        *("frequent_value", "frequent_rows"),
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
