"""The part of a reason that says how large a change is, and why it is no more severe."""

from __future__ import annotations

import numpy as np

from kldrift.arrays import Texts
from kldrift.profiles.number_text import grouped
from kldrift.scoring.learned import KINDS_OF_THRESHOLDS, threshold_kinds
from kldrift.scoring.metrics import LEARNED, LEARNED_SCORES
from kldrift.scoring.reasons import above, beyond_history, certainty
from kldrift.scoring.threshold import RANK, SEVERITIES, Severity
from kldrift.scoring.verdict import Verdicts
from kldrift.statistics.learned_limits import FEWEST_WINDOWS


def size_sentences(verdicts: Verdicts, places: list[int], deciding: Texts) -> list[str]:
    """What was exceeded, by how much and how surely, of some rows with a warning or worse."""
    kinds = threshold_kinds(verdicts)
    texts = []
    for i in places:
        kind = KINDS_OF_THRESHOLDS[kinds[i]]
        parts = _exceeded(verdicts, i, deciding[i]), _no_worse(verdicts, i, deciding[i], kind)
        texts.append("; ".join(filter(None, parts)))
    return texts


def _exceeded(verdicts: Verdicts, i: int, metric: str) -> str:
    scores, severity = verdicts.scores, SEVERITIES[verdicts.severity[i]]
    if metric == LEARNED:
        return beyond_history(*(scores[name][i] for name in LEARNED_SCORES[:4]))
    limit = verdicts.subjects[verdicts.of[i]].thresholds[metric]
    low, high = scores["kl_low"][i], scores["kl_high"][i]
    interval = (low, high) if metric == "kl" and not np.isnan(low) else None
    q = verdicts.q_values
    q_value = (q.critical if severity is Severity.CRITICAL else q.smallest)[i]
    text = above(metric, _judged(verdicts, i, metric), severity, limit, q_value, interval)
    joint = verdicts.subjects[verdicts.of[i]].joint
    if joint is not None and joint.heavy:
        text += f", without {grouped(joint.unjudged)} nats that may be chance"
    if q_value < verdicts.rules.alpha:
        return text
    p_value = certainty(scores["p_value"][i])
    return f"{text}: not surely above it, but surely another distribution (p {p_value})"


def _judged(verdicts: Verdicts, i: int, metric: str) -> float:
    """A score without the part of joint features that may be chance."""
    joint = verdicts.subjects[verdicts.of[i]].joint
    return float(verdicts.scores[metric][i]) - (joint.unjudged if joint is not None else 0.0)


def _no_worse(verdicts: Verdicts, i: int, metric: str, kind: str) -> str:
    """Why a row is no more than a warning although a critical limit is exceeded; mostly empty."""
    if verdicts.severity[i] != RANK[Severity.WARNING] or metric == LEARNED:
        return ""
    limits = verdicts.subjects[verdicts.of[i]].applicable
    over = [
        name
        for name in dict.fromkeys((metric, *limits))
        if (critical := limits[name].critical) is not None and _judged(verdicts, i, name) > critical
    ]
    if not over:
        return ""
    name, q_value = over[0], verdicts.q_values.critical[i]
    why = f"not surely so (q {certainty(q_value)})"
    learns = q_value < verdicts.rules.alpha and kind == "learning"
    if learns:
        windows = np.nan_to_num(verdicts.scores["history_windows"][i])
        why = f"no more than a warning while it learns ({windows:.0f} of {FEWEST_WINDOWS} windows)"
    if name == metric and limits[name].warning is None:  # which was said to be exceeded
        return why if learns else ""
    size = "" if name == metric else f"{name} {verdicts.scores[name][i]:.3g} is "
    return f"{size}also above critical {limits[name].critical:g}, but {why}"
