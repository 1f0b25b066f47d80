"""What a row of the scores says in words: its score, its limit, its alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kldrift.reporting.figures import figure, instant_name, likelihood
from kldrift.scoring.metrics import LEARNED

MAY_BE_CHANCE: Final = 0.01
"""Share of false alarms."""


def score_words(row: Mapping[str, Any]) -> str:
    """The score of a row and the limit that it is held to.

    Examples:
        >>> limits = {"threshold_warning": 0.1, "threshold_critical": 0.25}
        >>> score_words({"kl": 0.42, "severity": "critical"} | limits)
        'kl 0.42, critical above 0.25'
        >>> score_words({"kl": 0.01, "severity": "ok"} | limits)
        'kl 0.01, warning above 0.1'
        >>> score_words({"kl": 0.3, "severity": "warning"} | limits)
        'kl 0.3, warning above 0.1, not surely above critical 0.25'
        >>> learning = {"kl": 0.9, "severity": "warning", "threshold_kind": "learning"}
        >>> score_words(learning | {"q_critical": 1e-9} | limits)
        'kl 0.9, warning above 0.1, critical only once it has learnt, above 0.25'
        >>> score_words({"kl": 0.2, "severity": "ok", "q_value": 0.6} | limits)
        'kl 0.2, warning above 0.1, but q 0.6: it may be chance'
        >>> learned = {"metric": "kl_learned", "kl_learned": 0.065, "history_windows": 72}
        >>> limits = {"threshold_warning": None, "threshold_critical": 0.027}
        >>> score_words({"kl": 0.04, "severity": "critical"} | learned | limits)
        'kl 0.065 from the 72 windows before it, critical above 0.027'
    """
    metric = str(row.get("metric") or "kl")
    score = row.get(metric)
    if score is None:
        return ""
    level, limit = limit_of(row)
    size = f"{metric} {figure(score)}"
    if is_learned(row):
        size = f"kl {figure(score)} from the {row['history_windows']:.0f} windows before it"
    text = size + (f", {level} above {figure(limit)}" if level else "")
    critical = row["threshold_critical"]
    if row["severity"] == "warning" and critical is not None and score > critical:
        q = row.get("q_critical") if row.get("threshold_kind") == "learning" else None
        surely = q is not None and q < MAY_BE_CHANCE
        above = "critical only once it has learnt, above" if surely else "not surely above critical"
        text += f", {above} {figure(critical)}"
    exceeded = row["severity"] == "ok" and limit is not None and score > limit
    if exceeded and (row.get("q_value") or 0.0) >= MAY_BE_CHANCE:
        text += f", but q {likelihood(row['q_value'])}: it may be chance"
    return text


def surety_words(row: Mapping[str, Any]) -> str:
    """How sure the verdict on a row is; empty where that is not known.

    Examples:
        >>> surety_words({"severity": "warning", "q_value": 0.004})
        'q 0.004'
        >>> surety_words({"severity": "critical", "q_value": 1e-9, "q_critical": 0.009})
        'q 0.009'
    """
    critical = row["severity"] == "critical" and row.get("q_critical") is not None
    name, value = "q", row["q_critical" if critical else "q_value"]
    if is_learned(row):
        name, value = "p", row["p_learned"]
    return "" if value is None else f"{name} {likelihood(value)}"


def is_learned(row: Mapping[str, Any]) -> bool:
    """Whether the limit that is learnt from the windows before is the one that a row is held to."""
    return row.get("metric") == LEARNED


def happened(reason: str) -> str:
    """What a reason says first, and what explains it.

    Examples:
        >>> happened("shifted up by 9 standard deviations; explained by a factor of 1,000; q 0.01")
        'shifted up by 9 standard deviations, explained by a factor of 1,000'
    """
    first, *others = reason.split("; ", 2)
    return ", ".join([first, *(more for more in others[:1] if more.startswith("explained by "))])


def reason_parts(reason: str) -> tuple[str, str]:
    """What happened and what explains it; and what speaks for it.

    Examples:
        >>> reason_parts("shifted up; explained by adding 3; js 0.1 is above critical 0.02")
        ('shifted up, explained by adding 3', 'js 0.1 is above critical 0.02')
    """
    what = happened(reason)
    return what, reason[len(what) :].removeprefix("; ")


def alert_words(row: Mapping[str, Any], zone: str = "UTC", muted: str = "") -> str:
    """The alert of a row, if there is one, and the first critical window that it is about.

    Examples:
        >>> row = {"alert": "muted", "alert_since": "2020-04-01T00:00:00+00:00"}
        >>> alert_words(row, muted="by ana until 2020-05-01: new terminals")
        'alert muted by ana until 2020-05-01: new terminals, critical since 1 Apr 2020'
        >>> alert_words({"alert": "none"}), alert_words({})
        ('', '')
    """
    state, since = row.get("alert"), row.get("alert_since")
    if state in (None, "none"):
        return ""
    by = f" {muted}" if muted and state == "muted" else ""
    return f"alert {state}{by}" + (f", critical since {instant_name(since, zone)}" if since else "")


def limit_of(row: Mapping[str, Any]) -> tuple[str, float | None]:
    """The level that a row was held to, and its limit; empty for none."""
    levels = ["warning", "critical"]
    if row["severity"] == "critical":
        levels.reverse()
    known = ((level, row[f"threshold_{level}"]) for level in levels)
    return next(((level, limit) for level, limit in known if limit is not None), ("", None))
