"""The one order of results: the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

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
    "kl",
    "metric",
    "threshold_warning",
    "threshold_critical",
    "kl_expected",
    "q_value",
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


def all_muted(scores: pd.DataFrame | pa.Table) -> bool:
    """Whether something is critical, and nobody is called about any of it."""
    table = as_table(scores, ["severity", "alert"])
    if "alert" not in table.column_names:
        return False
    alerts = rows_where(table, is_in(table["severity"], {"critical"}))["alert"].to_pylist()
    return set(alerts) == {"muted"}


def worst_first(scores: Scores) -> Scores:
    """The rows of ``drift_scores``, the worst first."""
    names = ["severity", "kl", "metric", "threshold_warning", "threshold_critical"]
    table = as_table(scores, names)
    metrics = as_table(scores, _metrics(table))
    return _at(scores, np.lexsort((-_times_over(table, metrics), ranks(table["severity"]))))


def leading(ordered: Scores) -> Scores:
    """One row for each feature, from rows that are in order: its worst severity.

    That of all rows, if no segment is worse.
    """
    table = as_table(ordered, ["severity", "segment", "feature"])
    segments, _ = codes(table["segment"])
    features, _ = codes(table["feature"])
    order = np.lexsort((segments >= 0, ranks(table["severity"])))
    _, first = np.unique(features[order], return_index=True)
    return _at(ordered, np.sort(order[first]))


def ranks(severities: pa.ChunkedArray) -> NDArray[np.int64]:
    """The place of each severity in `SEVERITY_NAMES`; what is none of them comes last."""
    places, names = codes(severities)
    by_name = {severity: at for at, severity in enumerate(SEVERITY_NAMES)}
    return np.array([by_name.get(n, len(by_name)) for n in (*names, None)])[places]


def _metrics(table: pa.Table) -> list[str]:
    """The scores that rows are held to a limit by."""
    return ["kl"] if "metric" not in table.column_names else ["kl", *codes(table["metric"])[1]]


def _times_over(table: pa.Table, metrics: pa.Table) -> NDArray[np.float64]:
    """How many times its smallest limit the score of a row is; the score itself without one."""
    score = floats_of(table["kl"])
    if "metric" in table.column_names:
        places, names = codes(table["metric"])
        for at, name in enumerate(names):
            if name in metrics.column_names:
                score = np.where(places == at, floats_of(metrics[name]), score)
    warning, critical = (floats_of(table[f"threshold_{s}"]) for s in ("warning", "critical"))
    limit = np.where(np.isnan(warning), critical, warning)
    return score / np.where(limit > 0, limit, 1.0)


def _at(scores: Scores, places: NDArray[np.integer[Any]]) -> Scores:
    chosen: Any = scores
    if isinstance(scores, pa.Table):
        chosen = taken(scores, places)
    else:
        chosen = scores.iloc[places].reset_index(drop=True)
    return cast("Scores", chosen)
