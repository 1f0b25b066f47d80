"""The one order of results: the worst first."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kldrift.scoring.threshold import WORST_FIRST

SEVERITIES: Final = tuple(str(severity) for severity in WORST_FIRST)
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


def counted(scores: pd.DataFrame) -> dict[str, int]:
    """Rows of each severity, the worst first."""
    found = scores["severity"].value_counts()
    return {severity: int(found.get(severity, 0)) for severity in SEVERITIES}


def times_over(scores: pd.DataFrame) -> pd.Series:
    """How many times its smallest limit the score of a row is; the score itself without one."""
    score = pd.to_numeric(scores["kl"])
    if "metric" in scores:
        for metric in set(scores["metric"].dropna()) & set(scores.columns):
            score = score.where(scores["metric"] != metric, pd.to_numeric(scores[metric]))
    limit = pd.to_numeric(scores["threshold_warning"]).fillna(
        pd.to_numeric(scores["threshold_critical"])
    )
    return score / limit.where(limit > 0, 1.0)


def worst_first(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``drift_scores``, the worst first."""
    scores = scores.reset_index(drop=True)
    rank = scores["severity"].map({name: i for i, name in enumerate(SEVERITIES)})
    order = pd.DataFrame({"rank": rank, "times": -times_over(scores)})
    order = order.sort_values(["rank", "times"], kind="stable")
    return scores.loc[order.index].reset_index(drop=True)


def leading(ordered: pd.DataFrame) -> pd.DataFrame:
    """One row for each feature, from rows that are in order: its worst severity.

    That of all rows, if no segment is worse.
    """
    rank = ordered["severity"].map({name: i for i, name in enumerate(SEVERITIES)})
    keys = pd.DataFrame(
        {"rank": rank, "part": ordered["segment"].notna(), "place": np.arange(len(ordered))}
    ).sort_values(["rank", "part", "place"])
    first = ordered.loc[keys.index].drop_duplicates("feature").index
    return ordered.loc[sorted(first)].reset_index(drop=True)
