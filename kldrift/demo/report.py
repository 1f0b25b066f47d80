"""Compares the events that were planted in the demo data with those that were flagged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kldrift.demo.events import DECOYS, GROUP, PLANTED, Decoy, Planted

if TYPE_CHECKING:
    import pandas as pd

NOT_SCORED: Final = "not scored"
SEVERITIES: Final = (NOT_SCORED, "ok", "warning", "critical")
FLAGGED: Final = {"warning", "critical"}
HEADINGS: Final = ("event", "days", "feature", "caught by", "severity", "kl", "verdict")


@dataclass(frozen=True)
class EventOutcome:
    """An event, and whether the monitor reacted to it as it should.

    Attributes:
        event: what was planted, or what only looks like drift.
        days: from when to when; empty if it is not about days.
        features: the features that it shows in.
        expected: ``kl``, ``joint``, or ``nothing`` for what must stay quiet.
        severity: the worst of the features' severities.
        kl: the greatest of the features' scores; None if none was scored.
        verdict: ``caught``, ``missed``, ``quiet``, ``not scored`` or ``FALSE ALARM``.
    """

    event: str
    days: str
    features: tuple[str, ...]
    expected: str
    severity: str
    kl: float | None
    verdict: str


def planted_against_flagged(scores: pd.DataFrame) -> list[EventOutcome]:
    """Compare the scores of a demo run with the planted events.

    Args:
        scores: the run's ``drift_scores``.

    Returns:
        The planted events, the decoys, and last all features that neither names.
    """
    rows = scores[["feature", "severity", "kl"]].itertuples(index=False, name=None)
    by_feature = {feature: (severity, kl) for feature, severity, kl in rows}
    outcomes = [_outcome(by_feature, e.what, _days(e), e.features, e.caught_by) for e in PLANTED]
    outcomes += [_outcome(by_feature, e.what, _days(e), e.features, "nothing") for e in DECOYS]
    named = {feature for event in (*PLANTED, *DECOYS) for feature in event.features}
    rest = tuple(sorted(by_feature.keys() - named - {GROUP}))
    return [*outcomes, _outcome(by_feature, "nothing at all", "", rest, "nothing")]


def as_it_should_be(outcomes: Iterable[EventOutcome]) -> bool:
    """Whether nothing was missed and there was no false alarm."""
    return all(o.verdict in ("caught", "quiet") for o in outcomes)


def to_text(outcomes: Iterable[EventOutcome]) -> str:
    """Format outcomes as a plain table.

    Examples:
        >>> print(to_text([EventOutcome("a leap", "3-9", ("x",), "kl", "critical", 0.5, "caught")]))
        event   days  feature  caught by  severity  kl     verdict
        a leap  3-9   x        kl         critical  0.500  caught
    """
    rows: list[Sequence[str]] = [HEADINGS]
    for o in outcomes:
        kl = "" if o.kl is None else f"{o.kl:.3f}"
        features = ", ".join(o.features)
        rows.append((o.event, o.days, features, o.expected, o.severity, kl, o.verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _days(event: Planted | Decoy) -> str:
    if event.day_from == event.day_to:
        return str(event.day_from)
    return f"{event.day_from}-{event.day_to}"


def _outcome(
    scores: Mapping[str, tuple[str, float | None]],
    event: str,
    days: str,
    features: tuple[str, ...],
    expected: str,
) -> EventOutcome:
    found = {f: scores.get(f, (NOT_SCORED, None)) for f in features}
    severities = [s if s in SEVERITIES else NOT_SCORED for s, _ in found.values()]
    severity = max(severities, key=SEVERITIES.index, default="ok")
    if expected == "kl":
        verdict = "caught" if severity in FLAGGED else "missed"
    elif severity in FLAGGED:
        verdict = "FALSE ALARM"
        features = tuple(f for f in features if found[f][0] in FLAGGED)
    elif expected == "joint":
        # Each alone is quiet, as it should be: together they must not be.
        severity, kl = scores.get(GROUP, (NOT_SCORED, None))
        verdict = "caught" if severity in FLAGGED else "missed"
        return EventOutcome(event, days, features, expected, severity, kl, verdict)
    else:
        verdict = NOT_SCORED if NOT_SCORED in severities else "quiet"
    numbers = [kl for _, kl in found.values() if kl is not None and not math.isnan(kl)]
    return EventOutcome(
        event, days, features, expected, severity, max(numbers, default=None), verdict
    )
