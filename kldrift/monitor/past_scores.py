"""Reads from stored rows what later windows need: severities, alerts, how far rows went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.features.names import ROWS_FEATURE
from kldrift.monitor.alert_log import Logged
from kldrift.scoring.alerts import OPEN, Alert, Key, Seen, State
from kldrift.scoring.threshold import Severity
from kldrift.statistics.alarm_budget import excess
from kldrift.tables.window import Window


def start_of(window: Window) -> datetime:
    """Where a window of time begins."""
    return window.bounds[0]


def excess_of(rows: pa.Table) -> float:
    """How far the farthest quiet row of a stored window was."""
    p_values, limits = (rows[name].to_numpy() for name in ("p_learned", "p_limit"))
    alert = pc.is_in(rows["alert"], pa.array([a.value for a in OPEN]))
    return excess(p_values, limits, alert.to_numpy())


def notable(rows: pa.Table) -> pa.Table:
    """The rows of a stored window that later ones depend on."""
    severe = pc.is_in(rows["severity"], pa.array(["critical", "unscored"]))
    severe = pc.or_(severe, pc.equal(rows["feature"], ROWS_FEATURE))
    alert = pc.is_in(rows["alert"], pa.array([a.value for a in Alert if a is not Alert.NONE]))
    far = pc.fill_null(pc.less(rows["p_learned"], rows["p_limit"]), False)
    return rows.filter(pc.or_(pc.or_(severe, alert), far))


def far_rows(rows: pa.Table) -> pa.Table:
    """The rows that were further from their history than its windows."""
    return rows.filter(pc.less(rows["p_learned"], rows["p_limit"]))


def row_keys(rows: pa.Table) -> list[Key]:
    """The feature and segment of each row."""
    return list(zip(rows["feature"].to_pylist(), rows["segment"].to_pylist(), strict=True))


def seen_in(start: datetime, rows: pa.Table) -> Seen:
    """The rows of a stored window that are critical or neither critical nor quiet, see `Seen`."""
    critical, unscored, warnings = (
        rows.filter(pc.equal(rows["severity"], severity.value))
        for severity in (Severity.CRITICAL, Severity.UNSCORED, Severity.WARNING)
    )
    within = pc.greater_equal(critical["p_learned"], critical["p_limit"])
    usual = critical.filter(pc.and_(within, pc.equal(critical["metric"], "kl")))
    found, none = set(row_keys(critical)), set(row_keys(unscored))
    return Seen(start, found, none, of_rows(row_keys(warnings)), set(row_keys(usual)))


def of_rows(keys: Iterable[Key]) -> set[Key]:
    """Those of the number of rows: one that is less unusual is not back to what is usual."""
    return {key for key in keys if key[0] == ROWS_FEATURE}


def states_of(rows: pa.Table) -> Mapping[Key, State]:
    """The alerts of a stored window."""
    alerted = rows.filter(
        pc.and_kleene(rows["alert"].is_valid(), pc.not_equal(rows["alert"], "none"))
    )
    states = zip(alerted["alert"].to_pylist(), alerted["alert_since"].to_pylist(), strict=True)
    return {
        k: State(Alert(a), since) for k, (a, since) in zip(row_keys(alerted), states, strict=True)
    }


def log_until(
    log: Sequence[Logged], rows: Mapping[Window, pa.Table], before: datetime
) -> tuple[Logged, ...]:
    """The alerts as they were before a window, from what was written after it and later ones."""
    known = []
    for one in log:
        if one.opened >= before:
            continue
        if one.closed is None or one.closed >= before:
            known.append(_reopened(one, rows))
        else:
            known.append(one)
    return tuple(known)


def _reopened(one: Logged, rows: Mapping[Window, pa.Table]) -> Logged:
    """Rebuild an open alert: its windows and extremes since it was raised."""
    state = Alert.RAISED if one.is_page else Alert.MUTED
    parts = []
    for window, scores in rows.items():
        if start_of(window) >= one.opened:
            mine = pc.is_in(scores["feature"], pa.array(one.features))
            parts.append(scores.filter(pc.and_(mine, pc.equal(scores["alert"], state.value))))
    if not parts or one.opened < start_of(next(iter(rows))):  # it began before what was read
        return replace(one, closed=None)
    everything = pa.concat_tables(parts)
    segments = everything["segment"].unique().to_pylist()
    return replace(
        one,
        closed=None,
        windows=sum("critical" in p["severity"].to_pylist() for p in parts),
        peak=pc.max(everything["kl"]).as_py(),
        p_value=pc.min(far_rows(everything)["p_learned"]).as_py(),
        segment=segments[0] if len(segments) == 1 else None,
    )
