"""The rows of a model shift's tables, from the verdicts on one window."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.monitor.rows import numbers, score_table
from kldrift.scoring.verdict import Verdicts
from kldrift.shift.summary import CELLS, Summaries
from kldrift.shift.verdict import LOWER, UPPER
from kldrift.shift.worst_rows import places
from kldrift.tables.schema import DRIFT_CELLS, PROFILES, WORST_ROWS
from kldrift.tables.stamp import Stamp

Ints = NDArray[np.int64]

INFINITE: Final = CELLS
"""The place of the cell of infinite rows, behind the others."""


def window_tables(
    verdicts: Verdicts, found: Summaries, stamp: Stamp, *, worst: bool
) -> dict[str, pa.Table]:
    """The tables of one window.

    Args:
        verdicts: on the groups of the window.
        found: their numbers.
        stamp: of the run.
        worst: whether there is a table of the worst rows.
    """
    tables = {
        "profiles": PROFILES.empty_table(),
        "drift_cells": _cells(verdicts, found, stamp),
        "drift_scores": score_table(verdicts, stamp),
    }
    if worst:
        tables["worst_rows"] = _worst(verdicts, found, stamp)
    return tables


def _cells(v: Verdicts, found: Summaries, stamp: Stamp) -> pa.Table:
    """How divergences are spread over rows; the worst group first."""
    order = v.order[v.scored[v.order]]
    rows = np.column_stack([found.rows, found.infinite])[order]
    contributions = np.column_stack([found.contributions, np.zeros(len(found))])[order]
    inside = row, at = np.nonzero(rows)
    shares = (rows / np.maximum(found.compared[order], 1)[:, None])[inside]
    columns: dict[str, Any] = {
        **_group_columns(v, order[row]),
        "cell": (np.cumsum(rows > 0, axis=-1)[inside] - 1).astype(np.int32),
        "cell_kind": pa.array(["bin", "infinite"]).take(pa.array((at == INFINITE).astype(int))),
        "lower": numbers(np.append(LOWER, np.nan)[at]),
        "upper": numbers(np.append(UPPER, np.nan)[at]),
        "contribution": contributions[inside],
    }
    for side in ("reference", "current"):  # the two models have judged the same rows
        columns |= {f"rows_{side}": rows[inside], f"probability_{side}": shares}
    return stamp.table(columns, len(row), DRIFT_CELLS)


def _worst(v: Verdicts, found: Summaries, stamp: Stamp) -> pa.Table:
    rank = np.empty(len(found), dtype=np.int64)
    rank[v.order] = np.arange(len(found))
    group = found.worst["group"].to_numpy()
    order = np.argsort(rank[group], kind="stable")
    rows, group = found.worst.take(pa.array(order)), group[order]
    kl = rows["kl"].to_numpy()
    columns: dict[str, Any] = {
        **_group_columns(v, group),
        "place": (places(rows, ["group"]) + 1).astype(np.int32),
        "key": rows["key"].combine_chunks(),
        "kl": pa.array(kl, mask=~np.isfinite(kl)),
    }
    for model in ("champion", "challenger"):
        columns[f"{model}_class"] = rows[model].combine_chunks().cast(pa.int32())
    return stamp.table(columns, len(rows), WORST_ROWS)


def _group_columns(v: Verdicts, rows: Ints) -> dict[str, Any]:
    return {
        "segment": pa.array(v.segment[rows], pa.string()),
        "feature": pa.repeat(v.subjects[0].name, len(rows)),
    }
