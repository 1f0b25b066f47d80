"""The rows of a run's tables, from its verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from kldrift import __version__
from kldrift.config import Config, Threshold
from kldrift.profiles.cells import KINDS, Cells
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.verdict import Verdict
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES, PROFILES, SCHEMA_VERSION
from kldrift.tables.window import Window


@dataclass(frozen=True)
class Stamp:
    """What every row of a run carries.

    Attributes:
        run_id: the run.
        monitor: its monitor.
        window: the window of the current dataset.
        reference_id: a fingerprint of the reference's profiles.
        config_hash: a fingerprint of the configuration.
    """

    run_id: str
    monitor: str
    window: Window
    reference_id: str
    config_hash: str

    def columns(self, rows: int) -> dict[str, Any]:
        """The columns that all tables begin with."""
        start, end = (_instant(t, rows) for t in (self.window.start, self.window.end))
        return {
            "schema_version": np.full(rows, SCHEMA_VERSION, dtype=np.int32),
            "run_id": pa.repeat(self.run_id, rows),
            "monitor": pa.repeat(self.monitor, rows),
            "window_start": start,
            "window_end": end,
            "segment": pa.nulls(rows, pa.string()),
        }


def _instant(moment: datetime | None, rows: int) -> pa.Array:
    kind = pa.timestamp("us", tz="UTC")
    return pa.repeat(pa.scalar(moment, kind), rows)


def score_rows(verdicts: Sequence[Verdict], config: Config, stamp: Stamp) -> pa.Table:
    """``drift_scores``: one row per feature."""
    rows = [_score_row(v, config) for v in verdicts]
    n = len(rows)
    columns = stamp.columns(n)
    columns["reference_id"] = pa.repeat(stamp.reference_id, n)
    columns["config_hash"] = pa.repeat(stamp.config_hash, n)
    columns["kldrift_version"] = pa.repeat(__version__, n)
    for field in DRIFT_SCORES:
        if field.name not in columns:
            columns[field.name] = pa.array([row.get(field.name) for row in rows], field.type)
    return pa.table({name: columns[name] for name in DRIFT_SCORES.names}, schema=DRIFT_SCORES)


def _score_row(v: Verdict, config: Config) -> dict[str, Any]:
    threshold = v.thresholds.get("kl") or next(iter(v.thresholds.values()), Threshold())
    row: dict[str, Any] = {
        "feature": v.name,
        "kind": v.kind,
        "status": v.status.value,
        "reason": v.reason or None,
        "threshold_warning": threshold.warning,
        "threshold_critical": threshold.critical,
        "severity": v.severity.value,
        "q_value": v.q_value,
    }
    if v.comparison is not None:
        for side, profile in (
            ("reference", v.comparison.reference),
            ("current", v.comparison.current),
        ):
            row[f"n_{side}"] = profile.rows
            row[f"missing_{side}"] = int(profile.counts[-1])
    if v.joint is not None:
        row["n_reference"], row["missing_reference"] = (
            v.joint.rows_reference,
            v.joint.left_out_reference,
        )
        row["n_current"], row["missing_current"] = v.joint.rows_current, v.joint.left_out_current
    for name in v.scores:
        row[name] = v.value(name)
    if v.scores:
        row["pseudocount"] = config.scoring.pseudocount if v.joint is None else 0.0
        row["cells"] = int(v.scores["cells"])
    return row


def cell_rows(verdicts: Sequence[Verdict], stamp: Stamp) -> pa.Table:
    """``drift_cells``: one row per scored cell."""
    scored = [(v, v.cells) for v in verdicts if v.cells is not None]
    sizes = [len(c.cells) for _, c in scored]
    columns = stamp.columns(sum(sizes))
    columns["feature"] = _repeated([v.name for v, _ in scored], sizes)
    columns["cell"] = _numbered(sizes)
    columns.update(described([c.cells for _, c in scored]))
    for name, attribute in (
        ("rows_reference", "rows_reference"),
        ("rows_current", "rows_current"),
        ("probability_reference", "reference"),
        ("probability_current", "current"),
        ("contribution", "contributions"),
    ):
        columns[name] = _joined([getattr(c, attribute) for _, c in scored])
    for name in ("correlation_reference", "correlation_current"):
        columns[name] = pa.nulls(sum(sizes), pa.float64())
    return pa.concat_tables([_table(columns, DRIFT_CELLS), _joint_rows(verdicts, stamp)])


def _joint_rows(verdicts: Sequence[Verdict], stamp: Stamp) -> pa.Table:
    """The cells of groups: one row per feature alone and per pair."""
    found = [(v.name, i, c) for v in verdicts if v.joint for i, c in enumerate(v.joint.cells)]
    columns = stamp.columns(len(found))
    cells = [c for _, _, c in found]
    columns["feature"] = pa.array([name for name, _, _ in found], pa.string())
    columns["cell"] = pa.array([i for _, i, _ in found], pa.int32())
    columns["cell_kind"] = pa.array([c.kind for c in cells], pa.string())
    for name in ("lower", "upper", "probability_reference", "probability_current"):
        columns[name] = pa.nulls(len(found), pa.float64())
    for name in (
        "label",
        "rows_reference",
        "rows_current",
        "contribution",
        "correlation_reference",
        "correlation_current",
    ):
        kind = DRIFT_CELLS.field(name).type
        columns[name] = pa.array([getattr(c, name) for c in cells], kind)
    return _table(columns, DRIFT_CELLS)


def profile_rows(verdicts: Sequence[Verdict], stamp: Stamp) -> pa.Table:
    """``profiles``: one row per stored cell of each dataset."""
    both = [(v, v.comparison) for v in verdicts if v.comparison is not None]
    sizes = [c.support.size for _, c in both]
    n = sum(sizes)
    columns = stamp.columns(n)
    columns["feature"] = _repeated([v.name for v, _ in both], sizes)
    columns["kind"] = _repeated([v.kind for v, _ in both], sizes)
    columns["cell"] = _numbered(sizes)
    columns.update(described([c.support.cells for _, c in both]))
    columns["reference_id"] = pa.repeat(stamp.reference_id, n)
    columns["config_hash"] = pa.repeat(stamp.config_hash, n)
    sides = []
    for side in ("reference", "current"):
        profiles: list[Profile] = [getattr(c, side) for _, c in both]
        columns["dataset"] = pa.repeat(side, n)
        columns["rows"] = _joined([p.counts for p in profiles])
        moments = [_moments(p) for p in profiles]
        for name in ("moment_rows", "mean", "m2", "minimum", "maximum"):
            kind = PROFILES.field(name).type
            columns[name] = _repeated([m.get(name) for m in moments], sizes, kind)
        sides.append(_table(columns, PROFILES))
    return pa.concat_tables(sides)


def _moments(profile: Profile) -> dict[str, float | int]:
    support = profile.support
    if not isinstance(support, NumericSupport):
        return {}
    m = profile.moments.summary(support.scale)
    if not m.rows:
        return {"moment_rows": 0}
    numbers = {"mean": m.mean, "m2": m.m2, "minimum": m.minimum, "maximum": m.maximum}
    return {"moment_rows": m.rows} | {k: x for k, x in numbers.items() if np.isfinite(x)}


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _repeated(values: list[Any], sizes: list[int], kind: pa.DataType | None = None) -> pa.Array:
    index = np.repeat(np.arange(len(values)), sizes)
    return pa.array(values, kind or pa.string()).take(pa.array(index))


def _numbered(sizes: list[int]) -> np.ndarray[Any, Any]:
    ends = np.cumsum(sizes, dtype=np.int32)
    numbers = np.arange(sum(sizes), dtype=np.int32) - np.repeat(ends - sizes, sizes)
    return numbers.astype(np.int32)


def _joined(arrays: list[Any]) -> np.ndarray[Any, Any]:
    return np.concatenate(arrays) if arrays else np.empty(0)


def described(cells: Sequence[Cells]) -> dict[str, pa.Array]:
    """The columns that say what cells are, of one feature after the other."""
    codes = _joined([c.codes for c in cells]).astype(np.int8)
    labels = [c.labels for c in cells]
    return {
        "cell_kind": pa.array([kind.value for kind in KINDS]).take(pa.array(codes)),
        "lower": pa.array(_joined([c.lower for c in cells]), from_pandas=True),
        "upper": pa.array(_joined([c.upper for c in cells]), from_pandas=True),
        "label": pa.array(_joined(labels), pa.string(), from_pandas=True),
    }
