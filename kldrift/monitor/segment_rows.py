"""The rows of a run's tables for segments: columns from arrays, without an object a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift import __version__
from kldrift.config import Config, Threshold
from kldrift.counting.grouped_counter import SegmentProfiles
from kldrift.monitor.rows import Stamp, described
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.scores import SCORES
from kldrift.scoring.segment_verdict import SEVERITIES, SegmentVerdicts
from kldrift.scoring.threshold import Severity
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES, PROFILES

Ints = NDArray[np.int64]

ROWS_AT_ONCE: Final = 2**19
"""Rows of profiles that are in memory at once."""
_ORDER: Final = (Severity.CRITICAL, Severity.WARNING, Severity.UNSCORED, Severity.OK)


def segment_score_rows(
    segments: Sequence[SegmentVerdicts], config: Config, stamp: Stamp
) -> pa.Table:
    """``drift_scores``: one row per feature and segment, the worst first."""
    table = _stacked((_scores(s, config) for s in segments), stamp, DRIFT_SCORES)
    if not segments:
        return table
    place = np.array([_ORDER.index(severity) for severity in SEVERITIES])
    places = place[np.concatenate([s.severity for s in segments])]
    kl = np.concatenate([s.scores["kl"] for s in segments])
    return table.take(pa.array(np.lexsort((-np.where(np.isnan(kl), np.inf, kl), places))))


def segment_cell_rows(
    segments: Sequence[SegmentVerdicts], config: Config, stamp: Stamp
) -> pa.Table:
    """``drift_cells``: one row per scored cell of each feature and segment."""
    return _stacked((_cells(s, config) for s in segments), stamp, DRIFT_CELLS)


def segment_profile_rows(segments: Sequence[SegmentVerdicts], stamp: Stamp) -> Iterator[pa.Table]:
    """``profiles``: one row per stored cell that holds rows, of each feature, segment and side.

    Yields:
        Tables of some hundred thousand rows: all of them together may be many million.
    """
    waiting: list[pa.Table] = []
    for s in segments:
        for side in ("reference", "current"):
            waiting.append(_completed(_profiles(s, side, getattr(s.found, side)), stamp, PROFILES))
            if sum(table.num_rows for table in waiting) >= ROWS_AT_ONCE:
                yield pa.concat_tables(waiting)
                waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _stacked(parts: Iterator[dict[str, Any]], stamp: Stamp, schema: pa.Schema) -> pa.Table:
    """A table of parts, each the columns of one feature by one list."""
    tables = [_completed(part, stamp, schema) for part in parts]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _completed(part: dict[str, Any], stamp: Stamp, schema: pa.Schema) -> pa.Table:
    """A table of some columns; the others are the stamp's, or null."""
    known = {"reference_id": stamp.reference_id, "config_hash": stamp.config_hash}
    known["kldrift_version"] = __version__
    rows = len(part["segment"])
    columns = stamp.columns(rows) | part
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.repeat(pa.scalar(known.get(field.name), field.type), rows)
    return pa.table({f.name: columns[f.name] for f in schema}, schema=schema)


def _scores(s: SegmentVerdicts, config: Config) -> dict[str, Any]:
    n = len(s.names)
    threshold = s.thresholds.get("kl") or next(iter(s.thresholds.values()), Threshold())
    scored = s.scored
    columns: dict[str, Any] = {
        "segment": pa.array(s.names, pa.string()),
        "feature": pa.repeat(s.feature, n),
        "kind": pa.repeat(s.kind, n),
        "status": pa.array(s.status, pa.string()),
        "reason": pa.array([reason or None for reason in s.reason], pa.string()),
        "threshold_warning": pa.repeat(pa.scalar(threshold.warning, pa.float64()), n),
        "threshold_critical": pa.repeat(pa.scalar(threshold.critical, pa.float64()), n),
        "severity": pa.array([SEVERITIES[rank].value for rank in s.severity], pa.string()),
        "q_value": _known(s.q_values),
        "pseudocount": pa.array(np.full(n, config.scoring.pseudocount), mask=~scored),
        "cells": pa.array(np.where(scored, s.scores["cells"], 0).astype(np.int32), mask=~scored),
    }
    for side, found in (("reference", s.found.reference), ("current", s.found.current)):
        columns[f"n_{side}"] = found.rows
        columns[f"missing_{side}"] = found.counts[:, -1]
    for name in SCORES:
        if name != "cells":
            columns[name] = _known(s.scores[name])
    return columns


def _known(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _cells(s: SegmentVerdicts, config: Config) -> dict[str, Any]:
    which = np.flatnonzero(s.scored)
    cells = s.cells(which, config.scoring.pseudocount, config.scoring.missing)
    row, at = np.nonzero(cells.occupied)
    inside = (row, at)
    number = np.cumsum(cells.occupied, axis=-1)[inside] - 1
    shown = described([s.found.scored.cells])
    return {
        "segment": pa.array(s.names, pa.string()).take(pa.array(which[row])),
        "feature": pa.repeat(s.feature, len(row)),
        "cell": number.astype(np.int32),
        **{name: values.take(pa.array(at)) for name, values in shown.items()},
        "rows_reference": cells.rows_reference[inside],
        "rows_current": cells.rows_current[inside],
        "probability_reference": cells.reference[inside],
        "probability_current": cells.current[inside],
        "contribution": cells.contributions[inside],
    }


def _profiles(s: SegmentVerdicts, side: str, found: SegmentProfiles) -> dict[str, Any]:
    row, at = np.nonzero(found.counts)
    shown = described([found.support.cells])
    columns = {
        "dataset": pa.repeat(side, len(row)),
        "segment": pa.array(s.names, pa.string()).take(pa.array(row)),
        "feature": pa.repeat(s.feature, len(row)),
        "kind": pa.repeat(s.kind, len(row)),
        "cell": at.astype(np.int32),
        **{name: values.take(pa.array(at)) for name, values in shown.items()},
        "rows": found.counts[row, at],
    }
    if found.moments is not None and isinstance(found.support, NumericSupport):
        m = found.moments.summary(found.support.scale)
        for name in ("mean", "m2", "minimum", "maximum"):
            columns[name] = _known(getattr(m, name)).take(pa.array(row))
        columns["moment_rows"] = m.rows[row]
    return columns
