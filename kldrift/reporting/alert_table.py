"""The alerts of a monitor: what was wrong from when to when, and who muted it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kldrift.errors import first_names
from kldrift.reporting.blocks import Table
from kldrift.reporting.figures import NOTHING, count_text, figure, instant_name, likelihood, shown

MOST: Final = 30
NAMED: Final = 4


def alert_table(alerts: Sequence[Mapping[str, Any]], zone: str) -> Table | None:
    """The alerts as a table, those that are open first, then the latest; None without any.

    Args:
        alerts: rows of ``alerts``.
        zone: of the times.
    """
    if not alerts:
        return None
    latest = sorted(alerts, key=lambda a: str(a["opened"]), reverse=True)
    latest.sort(key=lambda a: a["closed"] is not None)
    lines = [
        (
            first_names(alert["features"], NAMED, shown),
            "all rows or several segments" if alert["segment"] is None else shown(alert["segment"]),
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


def _muted(alert: Mapping[str, Any]) -> str:
    if alert["muted_by"] is None:
        return NOTHING
    return shown(f"by {alert['muted_by']} until {alert['muted_until']}: {alert['why']}", 160)
