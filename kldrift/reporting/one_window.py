"""Drift that is over, and drift of a single window, such as a holiday, with earlier cases."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from kldrift.reporting.figures import feature_words, many, window_name
from kldrift.reporting.past import Past

NAMED: Final = 3
ALIKE: Final = 0.5
"""Share of the features that are critical now which an earlier window must have had."""


def one_window_words(past: Past, zone: str) -> str:
    """What the last windows say of drift that is over, or lasts for one window; empty for none.

    Of a window after which all of its features are back to normal; or of earlier windows in which
    many of the features were critical that are critical now, and only there.
    """
    critical = list(past.critical)
    if len(critical) < 3:
        return ""
    *_, before, last, newest = critical
    if last and all(past.worst(name)[-1] == "ok" for name in last):
        when = window_name(past.windows[-2], zone)
        if not last & before:
            return f"One window only: {_names(last)} critical on {when}, and back to normal now."
        return f"Over: {_names(last)} critical until {when}, and back to normal now."
    if not newest or newest & last:
        return ""
    alone = [
        i
        for i in range(1, len(critical) - 2)
        if len(newest & critical[i]) >= ALIKE * max(len(newest), len(critical[i]))
        and not critical[i] & (critical[i - 1] | critical[i + 1])
    ]
    if not alone:
        return ""
    times = "" if len(alone) == 1 else f", the latest of {len(alone)} such windows"
    return (
        f"New in this window, and seen before: {len(newest & critical[alone[-1]])} of "
        f"{many(len(newest), 'critical feature')} had it on "
        f"{window_name(past.windows[alone[-1]], zone)} too{times}, for one window."
    )


def _names(features: Collection[str]) -> str:
    """Features by name, with their verb."""
    first = [feature_words(name, 40) for name in sorted(features)[:NAMED]]
    more = len(features) - len(first)
    verb = "was" if len(features) == 1 else "were"
    return f"{', '.join(first)}{f' and {more:,} more' if more else ''} {verb}"
