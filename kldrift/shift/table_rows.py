"""The rows of a model shift's tables, from the verdicts on one window."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Ints
from kldrift.monitor.decisive import Decisive
from kldrift.monitor.rows import number_column, score_table
from kldrift.scoring.verdict import Verdicts
from kldrift.shift.summary import WRITTEN_CELLS, Summaries
from kldrift.shift.verdict import LOWER, UPPER
from kldrift.tables.schema import CLASS_PAIRS, DRIFT_CELLS, PROFILES, WORST_ROWS
from kldrift.tables.stamp import Stamp

INFINITE: Final = WRITTEN_CELLS
"""The place of the cell of infinite rows, behind the others."""


def shift_tables(
    verdicts: Verdicts, summaries: Summaries, worst: pa.Table | None, pairs: pa.Table, stamp: Stamp
) -> dict[str, pa.Table]:
    """The tables of one window."""
    tables = {
        "class_pairs": _pairs(verdicts, pairs, stamp),
        "profiles": PROFILES.empty_table(),
        "drift_cells": _cells(verdicts, summaries, stamp),
        "drift_scores": score_table(verdicts, stamp),
    }
    if worst is not None:
        tables["worst_rows"] = _worst(verdicts, worst, stamp)
    return tables


def _cells(v: Verdicts, summaries: Summaries, stamp: Stamp) -> pa.Table:
    """How divergences are spread over rows; the worst group first."""
    worst_first = Decisive.of(v).order
    order = worst_first[v.scored[worst_first]]
    rows = np.column_stack([summaries.rows, summaries.infinite])[order]
    contributions = np.column_stack([summaries.contributions, np.zeros(len(summaries))])[order]
    inside = row, at = np.nonzero(rows)
    shares = (rows / np.maximum(summaries.compared[order], 1)[:, None])[inside]
    columns: dict[str, Any] = {
        **_group_columns(v, order[row]),
        "cell": (np.cumsum(rows > 0, axis=-1)[inside] - 1).astype(np.int32),
        "cell_kind": pa.array(["bin", "infinite"]).take(pa.array((at == INFINITE).astype(int))),
        "lower": number_column(np.append(LOWER, np.nan)[at]),
        "upper": number_column(np.append(UPPER, np.nan)[at]),
        "contribution": contributions[inside],
    }
    for side in ("reference", "current"):  # the two models have judged the same rows
        columns |= {f"rows_{side}": rows[inside], f"probability_{side}": shares}
    return stamp.table(columns, len(row), DRIFT_CELLS)


def _worst(v: Verdicts, worst: pa.Table, stamp: Stamp) -> pa.Table:
    order = Decisive.of(v).order
    segments = pa.array(v.segment[order], pa.string())
    group = pc.index_in(worst["segment"], value_set=segments).to_numpy()
    rows = worst.take(pa.array(np.argsort(group, kind="stable"))).combine_chunks()
    kl = rows["kl"].to_numpy()
    group = np.sort(group)
    begin = np.searchsorted(group, group)
    columns: dict[str, Any] = {
        **_group_columns(v, order[group]),
        "place": (np.arange(len(rows)) - begin + 1).astype(np.int32),
        "key": rows["key"],
        "kl": number_column(np.where(np.isfinite(kl), kl, np.nan)),
        "champion_class": rows["champion"].cast(pa.int32()),
        "challenger_class": rows["challenger"].cast(pa.int32()),
    }
    return stamp.table(columns, len(rows), WORST_ROWS)


def _pairs(v: Verdicts, pairs: pa.Table, stamp: Stamp) -> pa.Table:
    """The pairs of classes of all rows, the most frequent first."""
    classes = [(name, "ascending") for name in ("champion", "challenger")]
    rows = pairs.sort_by([("rows", "descending"), *classes]).combine_chunks()
    columns: dict[str, Any] = {
        "segment": pa.nulls(len(rows), pa.string()),
        "feature": pa.repeat(v.subjects[0].name, len(rows)),
        "champion_class": rows["champion"].cast(pa.int32()),
        "challenger_class": rows["challenger"].cast(pa.int32()),
        "rows": rows["rows"],
    }
    return stamp.table(columns, len(rows), CLASS_PAIRS)


def _group_columns(v: Verdicts, rows: Ints) -> dict[str, Any]:
    return {
        "segment": pa.array(v.segment[rows], pa.string()),
        "feature": pa.repeat(v.subjects[0].name, len(rows)),
    }
