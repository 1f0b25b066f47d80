"""The words of Data Docs about a threshold, legible without style sheets and icons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from kldrift.profiles.number_text import grouped, percent
from kldrift.reporting.row_words import reason_parts

LEVEL: Final = "$metric% must not be above $threshold% with q below $alpha% ($severity%)"
"""One level of a feature; ``%`` is its number."""
LEARNED_LEVEL: Final = "$metric% must not be above $threshold% ($severity%)"
"""The level that is learnt from the windows before, whose p-value has a limit of its own."""


def subject_template(*, with_segment: bool) -> str:
    """What an expectation is about, its parameters written as ``$name``."""
    return "$feature in segment $segment:" if with_segment else "$feature:"


def expected_template(*, with_segment: bool) -> str:
    """The sentence about one expectation."""
    subject = subject_template(with_segment=with_segment)
    return f"{subject} $metric must not be above $threshold with q below $alpha"


def status(*, success: bool, raised: bool, severity: str, details: Mapping[str, Any]) -> str:
    """One word for the row: ok, the severity that failed, unscored, or error.

    Examples:
        >>> status(success=False, raised=False, severity="warning", details={})
        'warning'
    """
    if raised:
        return "error"
    if success:
        return "ok"
    return "unscored" if details.get("outcome") == "unscored" else severity


SIGNS: Final = {
    "critical": "✖",
    "error": "✖",
    "failed": "✖",
    "warning": "▲",
    "unscored": "?",
    "ok": "✔",
    "passed": "✔",
}


def marked(word: str, text: Callable[..., Any]) -> Any:
    """A status with a sign and a class of its own, for it must not be told by colour alone."""
    styling = {"params": {"word": {"classes": ["kl", f"kl-{word}"]}}}
    return text("$word", {"word": f"{SIGNS[word]} {word}"}, styling=styling)


def observed(details: Mapping[str, Any]) -> list[str]:
    """The observed value, line by line: what happened, the verdict and both sides.

    Examples:
        >>> sides = {"n_reference": 1000, "n_current": 90}
        >>> observed({"because": "kl 0.2 is above 0.1", "reason": "shifted up"} | sides)
        ['shifted up', 'kl 0.2 is above 0.1', 'rows 1,000 -> 90']
    """
    because, reason = str(details.get("because", "--")), str(details.get("reason") or "")
    what, rest = ("", "") if reason in because else reason_parts(reason)
    sides = [
        _side("rows", details, "n", "{:,d}".format),
        _side("nulls", details, "missing_share", percent),
        _side("mean", details, "mean", lambda mean: grouped(mean, 4)),
    ]
    if details.get("kl_expected") is not None:
        sides.append(f"without drift kl would be about {grouped(details['kl_expected'], 2)}")
    return [line for line in (what, rest, because, "; ".join(filter(None, sides))) if line]


def _side(what: str, details: Mapping[str, Any], column: str, words: Callable[[Any], str]) -> str:
    sides = [details.get(f"{column}_{side}") for side in ("reference", "current")]
    if sides == [None, None]:
        return ""
    return f"{what} " + " -> ".join("none" if x is None else words(x) for x in sides)
