"""The rows of a run's tables, from its verdicts: column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Floats, Ints
from kldrift.counting.new_values import NO_NEW_VALUES
from kldrift.monitor.decisive import Decisive
from kldrift.profiles.cells import KINDS, CellKind, Cells
from kldrift.profiles.number_text import percent
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.alerts import Alerts
from kldrift.scoring.comparison import CELLS_AT_ONCE
from kldrift.scoring.learned import KINDS_OF_THRESHOLDS, threshold_kinds
from kldrift.scoring.name_sentences import some_of
from kldrift.scoring.reasons import stored_cell_name
from kldrift.scoring.scored_cells import OccupiedCells
from kldrift.scoring.status import STATUSES
from kldrift.scoring.threshold import SEVERITIES
from kldrift.scoring.verdict import Verdicts
from kldrift.tables.lists import blocks
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES, TIMESTAMP
from kldrift.tables.stamp import Stamp

CellsOf: TypeAlias = Callable[[Ints], OccupiedCells]
MOST_NAMED: Final = 10
"""Values that the reference never had, of which a cell says the names."""


def score_table(
    verdicts: Verdicts, stamp: Stamp, alerts: Alerts | None = None, level: float | None = None
) -> pa.Table:
    """``drift_scores``: one row per feature, and per feature and segment; the worst first."""
    v, decisive = verdicts, Decisive.of(verdicts)
    order = decisive.order
    of = pa.array(v.of[order])
    subjects, scored = v.subjects, v.scored[order]
    joint = np.array([s.kind == "joint" for s in subjects], dtype=np.bool_)[v.of[order]]
    pseudocount = np.where(joint, 0.0, v.rules.pseudocount)
    of_cells = scored & ~np.isnan(v.scores["cells"][order])
    cells = np.where(of_cells, v.scores["cells"][order], 0).astype(np.int32)
    columns: dict[str, Any] = {
        "segment": pa.array(v.segment[order], pa.string()),
        "feature": pa.array([s.name for s in subjects], pa.string()).take(of),
        "kind": pa.array([s.kind for s in subjects], pa.string()).take(of),
        "status": pa.array(STATUSES, pa.string()).take(pa.array(v.status[order])),
        "reason": pa.array([text or None for text in v.reason[order]], pa.string()),
        "severity": pa.array(SEVERITIES, pa.string()).take(pa.array(v.severity[order])),
        "q_value": number_column(v.q_values.smallest[order]),
        "q_critical": number_column(v.q_values.critical[order]),
        "pseudocount": pa.array(pseudocount, mask=~scored),
    }
    columns["metric"] = pa.array(decisive.metric[order], pa.string())
    kinds = threshold_kinds(v)[order]
    columns["threshold_kind"] = pa.array(KINDS_OF_THRESHOLDS, pa.string()).take(pa.array(kinds))
    columns["alarm_level"] = pa.repeat(pa.scalar(level, pa.float64()), len(order))
    if alerts is not None:
        states = [alerts.of(v.key(i)) for i in order.tolist()]
        columns["alert"] = pa.array([state.alert for state in states], pa.string())
        columns["alert_since"] = pa.array([state.since for state in states], TIMESTAMP)
    for severity in ("warning", "critical"):
        columns[f"threshold_{severity}"] = number_column(getattr(decisive.limits, severity)[order])
    for name, sizes in v.sizes.items():
        columns[name] = pa.array(sizes[order], mask=sizes[order] < 0)
    for name, values in v.scores.items():
        columns[name] = number_column(values[order])
    columns["cells"] = pa.array(cells, mask=~of_cells)
    if "history_windows" in columns:
        columns["history_windows"] = columns["history_windows"].cast(pa.int32())
    return stamp.table(columns, len(order), DRIFT_SCORES)


def cell_table(verdicts: Verdicts, stamp: Stamp) -> pa.Table:
    """``drift_cells``: one row per scored cell, in the order of `cell_parts`."""
    return pa.concat_tables(cell_parts(verdicts, stamp))


def cell_parts(
    verdicts: Verdicts, stamp: Stamp, known: CellsOf | None = None
) -> Iterator[pa.Table]:
    """The rows of ``drift_cells``, some hundred thousand at a time; one part at least.

    Features come in the order of ``drift_scores``, then joint features, then segments. ``known``
    gives the cells of some verdicts, where windows were scored together.
    """
    v = verdicts
    counted = np.array([s.comparison is not None for s in v.subjects], dtype=np.bool_)[v.of]
    shown = v.scored & counted
    order = Decisive.of(verdicts).order
    whole = order[(shown & v.whole)[order]]
    joint = order[(v.scored & ~counted)[order]]
    segments = np.flatnonzero(shown & ~v.whole)
    if not len(joint):
        whole, segments = np.append(whole, segments), segments[:0]
    yield from _cell_parts(v, whole, stamp, known)
    yield _joint_cells(v, joint, stamp)
    yield from _cell_parts(v, segments, stamp, known)


def _cell_parts(
    v: Verdicts, places: Ints, stamp: Stamp, known: CellsOf | None
) -> Iterator[pa.Table]:
    """The cells of some rows, in their order, some hundred thousand at a time."""
    sizes = [0 if s.comparison is None else s.comparison.rebinning.size for s in v.subjects]
    for some in blocks(np.array(sizes, dtype=np.int64)[v.of[places]], CELLS_AT_ONCE):
        yield _cells(v, places[some], stamp, known)


def _cells(v: Verdicts, places: Ints, stamp: Stamp, known: CellsOf | None) -> pa.Table:
    rows = v.rows(places)
    cells = known(places) if known else OccupiedCells.of(rows, v.rules)
    columns, row = dict(cells.columns), np.repeat(np.arange(len(places)), cells.sizes)
    at = columns.pop("at")
    of = rows.of[row]
    used, place = np.unique(of, return_inverse=True)
    kinds = [_with_names(rows.comparisons[i].rebinning) for i in used.tolist()]
    first = np.cumsum([0, *map(len, kinds)])[:-1]
    cell = pa.array(first[place] + at)
    names = pa.array([s.name for s in v.subjects], pa.string())
    segments = pa.array(v.segment[places], pa.string())
    described = {name: column.take(cell) for name, column in described_cells(kinds).items()}
    unseen = _unseen(v, places)
    if unseen:
        labels = np.array(described["label"].to_pylist(), dtype=object)
        never = pc.equal(described["cell_kind"], CellKind.NEVER_SEEN.value).to_numpy(False)
        for number, texts in unseen.items():
            labels[never & (row == number)] = texts
        described["label"] = pa.array(labels, pa.string())
    own = {"segment": segments.take(pa.array(row)), "feature": names.take(pa.array(of))}
    return stamp.table(own | described | columns, len(row), DRIFT_CELLS)


def _with_names(rebinning: Rebinning) -> Cells:
    """The scored cells; bins and tails of times, whole numbers and decimals have a name.

    Bounds of times are numbers, and the upper one of whole numbers is the first of the next bin.
    """
    cells, support = rebinning.cells, rebinning.support
    if not isinstance(support, NumericSupport) or not support.integral:
        return cells
    ranges = (CellKind.BIN, CellKind.UNDERFLOW, CellKind.OVERFLOW)
    labels = [stored_cell_name(c, support) if c.kind in ranges else c.label for c in cells]
    return replace(cells, labels=np.array(labels, dtype=object))


def _unseen(v: Verdicts, places: Ints) -> dict[int, str]:
    """The values that the reference never had, as text, by the place of their row."""
    texts = {}
    for place, i in enumerate(places.tolist()):
        new = v.subjects[v.of[i]].unseen if v.segment[i] is None else NO_NEW_VALUES
        if new.named:
            rows = max(1, int(v.sizes["n_current"][place]))
            first = [f"{name!r} {percent(n / rows)}" for name, n in new.named[:MOST_NAMED]]
            alone = [repr(name) for name, _ in new.named] if new.distinct == 1 else first
            texts[place] = some_of(alone, new.distinct)
    return texts


def _joint_cells(v: Verdicts, places: Ints, stamp: Stamp) -> pa.Table:
    """The cells of joint features: one row per feature alone and per pair."""
    subjects = [v.subjects[i] for i in v.of[places].tolist()]
    rows = [(s.name, i, c) for s in subjects if s.joint for i, c in enumerate(s.joint.cells)]
    cells = [c for _, _, c in rows]
    columns: dict[str, Any] = {
        "feature": pa.array([name for name, _, _ in rows], pa.string()),
        "cell": pa.array([i for _, i, _ in rows], pa.int32()),
        "cell_kind": pa.array([c.kind for c in cells], pa.string()),
    }
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
    return stamp.table(columns, len(rows), DRIFT_CELLS)


def number_column(values: Floats) -> pa.Array:
    """A column of numbers; null for NaN."""
    return pa.array(values, mask=np.isnan(values))


def described_cells(cells: Sequence[Cells]) -> dict[str, pa.Array]:
    """The columns that say what cells are, of one feature after the other."""
    codes, lower, upper, labels = (
        np.concatenate([np.empty(0, kind), *(getattr(c, name) for c in cells)])
        for name, kind in (
            ("codes", np.int8),
            ("lower", np.float64),
            ("upper", np.float64),
            ("labels", np.object_),
        )
    )
    return {
        "cell_kind": pa.array([kind.value for kind in KINDS]).take(pa.array(codes)),
        "lower": pa.array(lower, from_pandas=True),
        "upper": pa.array(upper, from_pandas=True),
        "label": pa.array(labels, pa.string(), from_pandas=True),
    }
