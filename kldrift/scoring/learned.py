"""Severities by limits that are learnt, beside those of fixed thresholds."""

from __future__ import annotations

from typing import Final

import numpy as np

from kldrift.scoring.comparison import Ints
from kldrift.scoring.metrics import LEARNED
from kldrift.scoring.status import Bools, Texts
from kldrift.scoring.threshold import RANK, Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.learned_limits import FEWEST_WINDOWS

KINDS_OF_THRESHOLDS: Final = ("fixed", "learning", "learned")
WARNING_RATE: Final = 10.0
"""How many times as often quiet windows warn as they are critical."""


def threshold_kinds(verdicts: Verdicts) -> Ints:
    """What judges each row, as a place in ``KINDS_OF_THRESHOLDS``."""
    asked = np.array([s.learned for s in verdicts.subjects], dtype=np.bool_)[verdicts.of]
    if not asked.any():
        return np.zeros(len(verdicts), dtype=np.int64)
    asked = asked & verdicts.scored
    ready = verdicts.scores["history_windows"] >= FEWEST_WINDOWS
    return np.where(asked, np.where(ready, 2, 1), 0)


def unusual(verdicts: Verdicts) -> Bools:
    """The rows that are further from their history than its windows are."""
    learned = threshold_kinds(verdicts) == 2
    if learned.any():
        learned = learned & (verdicts.scores["p_learned"] < verdicts.scores["p_limit"])
    return np.asarray(learned)


def of_new_values(verdicts: Verdicts) -> Bools:
    """The rows that moved mostly because of values that the reference never had."""
    new, moved = (verdicts.scores[m] for m in ("never_seen_current", "total_variation"))
    return np.asarray((new > 0) & (new >= moved / 2))


def beside_history(verdicts: Verdicts, deciding: Texts) -> tuple[Ints, Texts]:
    """The severities of all rows, and what decided them, once their history is looked at.

    Fixed thresholds say that a change is large, and stay: against windows that moved with it a
    slow drift is never unusual. While a row is learning it is at most a warning.

    Args:
        verdicts: with the severities of fixed thresholds.
        deciding: the metric that decided each.
    """
    kinds, severity = threshold_kinds(verdicts), verdicts.severity
    if not kinds.any():
        return severity, deciding
    deciding = deciding.copy()
    critical, warning = RANK[Severity.CRITICAL], RANK[Severity.WARNING]
    severity = np.where(kinds == 1, np.minimum(severity, warning), severity)
    p_value, limit = verdicts.scores["p_learned"], verdicts.scores["p_limit"]
    found = np.select([unusual(verdicts), p_value < WARNING_RATE * limit], [critical, warning], 0)
    higher = (kinds == 2) & (found > severity)
    deciding[higher] = LEARNED
    return np.where(higher, found, severity), deciding
