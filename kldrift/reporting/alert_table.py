"""The alerts of a monitor: what was wrong from when to when, and who muted it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kldrift.errors import first_names
from kldrift.reporting.blocks import Table
from kldrift.reporting.figures import (
    NOTHING,
    count_text,
    feature_words,
    figure,
    instant_name,
    likelihood,
    shown,
    time_of,
)

MOST: Final = 30
NAMED: Final = 4


def alert_table(alerts: Sequence[Mapping[str, Any]], zone: str, *, segments: bool) -> Table | None:
    """The alerts as a table, those that are open first, then the latest; None without any.

    Where the monitor has no ``segments``, each is about all rows.
    """
    if not alerts:
        return None
    latest = sorted(alerts, key=lambda a: str(a["opened"]), reverse=True)
    latest.sort(key=lambda a: a["closed"] is not None)
    whole = "all rows" + " or several segments" * segments
    lines = [
        (
            first_names(alert["features"], NAMED, feature_words),
            whole if alert["segment"] is None else shown(alert["segment"]),
            _state(alert, zone),
            _muted(alert),
            instant_name(alert["since"], zone),
            count_text(alert["windows"]),
            figure(alert["peak"]),
            likelihood(alert["p_value"]),
        )
        for alert in latest[:MOST]
    ]
    more = len(latest) - len(lines)
    rest = f"and {more:,} more, in the table alerts" * (more > 0)
    head = (
        "what",
        "where",
        "state",
        "muted",
        "critical since",
        "windows",
        "largest kl, nats",
        "smallest p",
    )
    return Table(f"Alerts ({zone})", head, lines, 4, rest)


def _state(alert: Mapping[str, Any], zone: str) -> str:
    opened = instant_name(alert["opened"], zone)
    if alert["closed"] is None:
        return f"open since {opened}"
    closed = instant_name(alert["closed"], zone)
    if alert["windows"] == 1 and alert["since"] == alert["opened"]:
        return f"one window only, {opened}; back to normal {closed}"
    return f"{opened}, closed {closed}"


def who_muted(alerts: Sequence[Mapping[str, Any]], start: datetime | None) -> dict[str, str]:
    """By feature, who muted its alert in a window, until when and why."""
    mine = [
        alert
        for alert in alerts
        if alert["muted_by"] is not None
        and start is not None
        and time_of(alert["opened"]) <= start
        and (alert["closed"] is None or start < time_of(alert["closed"]))
    ]
    return {str(name): _muted(alert) for alert in mine for name in alert["features"]}


def _muted(alert: Mapping[str, Any]) -> str:
    if alert["muted_by"] is None:
        return NOTHING
    return shown(f"by {alert['muted_by']} until {alert['muted_until']}: {alert['why']}", 160)
