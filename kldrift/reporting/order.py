"""The one order of results: the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.reporting.figures import many
from kldrift.scoring.threshold import WORST_FIRST
from kldrift.tables.values import codes, floats_of, is_in, rows_where, taken

if TYPE_CHECKING:
    import pandas as pd

    Scores = TypeVar("Scores", bound=pd.DataFrame | pa.Table)
    """Rows of ``drift_scores``: a frame, or a table, for which no pandas is imported."""

SEVERITY_NAMES: Final = tuple(str(severity) for severity in WORST_FIRST)
STATED: Final = "critical, warning, unscored, ok; then by the score over its smallest limit"
"""The order in words."""
WORST_COLUMNS: Final = [
    "feature",
    "segment",
    "severity",
    "metric",
    "score",
    "threshold_warning",
    "threshold_critical",
    "kl",
    "kl_expected",
    "q_value",
    "q_critical",
    "n_reference",
    "n_current",
    "missing_reference",
    "missing_current",
    "status",
    "reason",
]


def as_table(scores: pd.DataFrame | pa.Table, names: Sequence[str]) -> pa.Table:
    """Some columns, those that are there, as Arrow's."""
    if isinstance(scores, pa.Table):
        return scores.select([n for n in dict.fromkeys(names) if n in scores.column_names])
    frame = scores[[n for n in dict.fromkeys(names) if n in scores]]
    return pa.Table.from_pandas(frame, preserve_index=False)


def counted(scores: pd.DataFrame | pa.Table) -> dict[str, int]:
    """Rows of each severity, the worst first."""
    counts = Counter(as_table(scores, ["severity"])["severity"].to_pylist())
    return {severity: counts[severity] for severity in SEVERITY_NAMES}


def beside_severities(scores: pd.DataFrame | pa.Table) -> str:
    """What alerts say that severities do not: all is muted, or open still; empty for neither."""
    table = as_table(scores, ["severity", "alert", "feature"])
    if "alert" not in table.column_names:
        return ""
    alerts = rows_where(table, is_in(table["severity"], {"critical"}))["alert"].to_pylist()
    if alerts:
        return "all that is critical is muted" if set(alerts) == {"muted"} else ""
    raised = {*rows_where(table, is_in(table["alert"], {"raised"}))["feature"].to_pylist()}
    return f"an alert of {many(len(raised), 'feature')} is open still" if raised else ""


def worst_first(scores: Scores) -> Scores:
    """The rows of ``drift_scores``, the worst first."""
    table = as_table(scores, ["severity", "threshold_warning", "threshold_critical"])
    return _at(scores, np.lexsort((-_times_over(scores, table), ranks(table["severity"]))))


def worst_rows(scores: Scores, most: int) -> Scores:
    """The worst features, each over all rows or in the segment in which it is worse."""
    worst: Any = leading(worst_first(scores))[:most]
    return cast("Scores", with_score(worst))


def with_score(rows: Scores) -> Scores:
    """What a reader asks for of some rows: ``score`` is that of the metric that decided."""
    chosen: Any = rows
    score = _deciding(chosen)
    if isinstance(chosen, pa.Table):
        # To make an array of numbers pyarrow would load pandas.
        numbers = pa.Array.from_buffers(pa.float64(), len(score), [None, pa.py_buffer(score)])
        return cast("Scores", chosen.append_column("score", numbers).select(WORST_COLUMNS))
    return cast("Scores", chosen.assign(score=score)[WORST_COLUMNS])


def leading(ordered: Scores) -> Scores:
    """One row for each feature, from rows that are in order: its worst severity.

    That of all rows, if no segment is worse: one that could not be scored, as it has hardly any
    rows, is not.
    """
    table = as_table(ordered, ["severity", "segment", "feature"])
    part = codes(table["segment"])[0] >= 0
    features, _ = codes(table["feature"])
    rank = ranks(table["severity"])
    rank[part & is_in(table["severity"], {"unscored"})] = len(SEVERITY_NAMES)
    order = np.lexsort((part, rank))
    _, first = np.unique(features[order], return_index=True)
    return _at(ordered, np.sort(order[first]))


def ranks(severities: pa.ChunkedArray) -> NDArray[np.int64]:
    """The place of each severity in `SEVERITY_NAMES`; what is none of them comes last."""
    places, names = codes(severities)
    by_name = {severity: at for at, severity in enumerate(SEVERITY_NAMES)}
    return np.array([by_name.get(n, len(by_name)) for n in (*names, None)])[places]


def _deciding(scores: pd.DataFrame | pa.Table) -> NDArray[np.float64]:
    """The score of the metric that decided each row, or of ``kl`` where there is no limit."""
    table = as_table(scores, ["kl", "metric"])
    score = floats_of(table["kl"])
    if "metric" in table.column_names:
        places, names = codes(table["metric"])
        metrics = as_table(scores, names)
        for at, name in enumerate(names):
            if name in metrics.column_names:
                score = np.where(places == at, floats_of(metrics[name]), score)
    return score


def _times_over(scores: pd.DataFrame | pa.Table, table: pa.Table) -> NDArray[np.float64]:
    """How many times its smallest limit the score of a row is; the score itself without one."""
    warning, critical = (floats_of(table[f"threshold_{s}"]) for s in ("warning", "critical"))
    limit = np.where(np.isnan(warning), critical, warning)
    return _deciding(scores) / np.where(limit > 0, limit, 1.0)


def _at(scores: Scores, places: NDArray[np.integer[Any]]) -> Scores:
    chosen: Any = scores
    if isinstance(scores, pa.Table):
        chosen = taken(scores, places)
    else:
        chosen = scores.iloc[places].reset_index(drop=True)
    return cast("Scores", chosen)
