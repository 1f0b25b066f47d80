"""Severities by limits that are learnt, beside those of fixed thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from kldrift.arrays import Bools, Floats, Ints, Texts
from kldrift.scoring.evidence import OWN_TEST, Held
from kldrift.scoring.metrics import LEARNED
from kldrift.scoring.threshold import RANK, Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.learned_limits import FEWEST_WINDOWS

KINDS_OF_THRESHOLDS: Final = ("fixed", "learning", "learned")
BEYOND_DOUBT: Final = 1e-12
"""The p-value of a difference that leaves only its size to be asked for."""
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


def surely_far(size: Floats, limit: Floats, p_value: Floats) -> Bools:
    """Where an estimate is above its limit and the difference is significant."""
    return np.asarray((p_value < BEYOND_DOUBT) & (size > limit))


def far_from_reference(verdicts: Verdicts, held: Iterable[Held]) -> Texts:
    """The metric whose estimate is above its limit, of rows that surely are another distribution.

    That is less than to be sure that the limit is exceeded. But a slow drift takes its history
    along, and would be ok until it is sure. Metrics that have a test of their own are left to it.

    Returns:
        None where there is none; of several, the first that is asked for.
    """
    metrics = np.full(len(verdicts), None, dtype=object)
    for part in held:
        for metric, limit in list(part.limits.items())[::-1]:
            if metric in OWN_TEST:
                continue
            size = part.scores[metric]
            if metric == "kl":
                size = np.fmin(size, verdicts.scores["kl_unbiased"][part.rows])
            far = surely_far(size, limit.smallest, verdicts.scores["p_value"][part.rows])
            metrics[part.rows[far]] = metric
    return metrics


def beside_history(verdicts: Verdicts, deciding: Texts, held: Iterable[Held]) -> tuple[Ints, Texts]:
    """The severities of all rows, and what decided them, once learnt limits are added.

    Fixed thresholds say that a change is large, and stay: against windows that moved with it a
    slow drift is never unusual. While a row is learning it is at most a warning, and once it has
    learnt it is one where it has gone further from the reference than a limit allows by all that
    can be estimated (:func:`far_from_reference`).
    """
    kinds, severity = threshold_kinds(verdicts), verdicts.severity
    if not kinds.any():
        return severity, deciding
    deciding = deciding.copy()
    critical, warning = RANK[Severity.CRITICAL], RANK[Severity.WARNING]
    severity = np.where(kinds == 1, np.minimum(severity, warning), severity)
    far = far_from_reference(verdicts, held)
    moved = (kinds == 2) & (severity < warning) & np.array([m is not None for m in far.tolist()])
    severity, deciding = np.where(moved, warning, severity), np.where(moved, far, deciding)
    p_value, limit = verdicts.scores["p_learned"], verdicts.scores["p_limit"]
    learned = np.select([unusual(verdicts), p_value < WARNING_RATE * limit], [critical, warning], 0)
    higher = (kinds == 2) & (learned > severity)
    deciding[higher] = LEARNED
    return np.where(higher, learned, severity), deciding
