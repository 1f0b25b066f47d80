"""Compares the events that were planted in the demo data with the pages that came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kldrift.demo.events import DECOYS, FIRST_DAY, PLANTED, Decoy, Planted
from kldrift.reporting.figures import feature_words

if TYPE_CHECKING:
    import pandas as pd

COLUMN_HEADINGS: Final = ("what happens", "days", "shows in", "paged on", "late by", "verdict")
FOUND, MISSED, QUIET, NOT_SCORED, FALSE = "found", "missed", "quiet", "not scored", "FALSE PAGE"
MANY: Final = 5
"""Features that are counted instead of named."""
Pages = Mapping[str, Sequence[int]]
"""By feature, the days on which somebody was called."""


@dataclass(frozen=True)
class EventOutcome:
    """An event, and whether the monitor reacted to it as it should.

    Attributes:
        event: what was planted, or what only looks like drift.
        days: from when to when; empty if it is not about days.
        features: the features that must notice it, or must stay quiet.
        paged: the day of the first page about it; None for none.
        delay: how many days after it began.
        verdict: ``found`` or ``missed`` for what is planted; ``quiet``, ``not scored`` or
            ``FALSE PAGE`` for what is not.
    """

    event: str
    days: str
    features: tuple[str, ...]
    paged: int | None
    delay: int | None
    verdict: str


def pages(scores: pd.DataFrame) -> dict[str, list[int]]:
    """The days on which an alert was raised that was not raised the day before."""
    raised = scores[scores["alert"] == "raised"]
    days_of: dict[str, set[int]] = {}
    for feature, start in zip(raised["feature"], raised["window_start"], strict=True):
        days_of.setdefault(feature, set()).add((start.date() - FIRST_DAY).days + 1)
    return {feature: sorted(d for d in on if d - 1 not in on) for feature, on in days_of.items()}


def planted_against_found(scores: pd.DataFrame) -> list[EventOutcome]:
    """Compare the pages of the demo with the planted events.

    Returns:
        The planted events, the decoys, and last all features that neither names.
    """
    called = pages(scores)
    scored = set(scores["feature"][scores["severity"] != "unscored"])
    outcomes = [_planted(event, called) for event in PLANTED]
    outcomes += [_quiet(e.what, _days(e), e.features, called, scored) for e in DECOYS]
    named = {feature for event in DECOYS for feature in event.features}
    named |= {event.shows_in for event in PLANTED}
    rest = tuple(sorted(set(scores["feature"]) - named))
    return [*outcomes, _quiet("nothing at all", "", rest, called, scored)]


def false_pages(scores: pd.DataFrame) -> int:
    """How many pages came that no planted event explains."""
    known = [(e.shows_in, day) for e in PLANTED for day in range(e.day_from, e.day_to + 1)]
    called = [(feature, day) for feature, on in pages(scores).items() for day in on]
    return len(set(called) - set(known))


def as_it_should_be(outcomes: Iterable[EventOutcome], wrong_pages: int) -> bool:
    """Whether every event was found and there was no false page."""
    return not wrong_pages and all(o.verdict in (FOUND, QUIET) for o in outcomes)


def outcome_line(outcomes: Sequence[EventOutcome], wrong_pages: int) -> str:
    """The outcome in one sentence.

    Examples:
        >>> outcome_line([EventOutcome("a leap", "30-39", ("x",), 32, 2, "found")], 0)
        'found: 1 of 1 incidents, 0 on their first day, the last 2 days late; false pages: 0'
    """
    planted = [o for o in outcomes if o.verdict in (FOUND, MISSED)]
    delays = [o.delay for o in planted if o.delay is not None]
    text = f"found: {len(delays)} of {len(planted)} incidents"
    if delays:
        last = max(delays)
        text += f", {delays.count(0)} on their first day"
        text += f", the last {last} days late" if last else ""
    return f"{text}; false pages: {wrong_pages}"


def to_text(outcomes: Iterable[EventOutcome]) -> str:
    """Format outcomes as a plain table.

    Examples:
        >>> print(to_text([EventOutcome("a leap", "30-39", ("x",), 32, 2, "found")]))
        what happens  days   shows in  paged on  late by  verdict
        a leap        30-39  x         day 32    2 days   found
    """
    rows: list[Sequence[str]] = [COLUMN_HEADINGS]
    for o in outcomes:
        paged = "-" if o.paged is None else f"day {o.paged}"
        late = "-" if o.delay is None else f"{o.delay} days"
        shown = (
            ", ".join(map(feature_words, o.features))
            if len(o.features) < MANY
            else f"{len(o.features)} others"
        )
        rows.append((o.event, o.days, shown, paged, late, o.verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)


def _days(event: Planted | Decoy) -> str:
    if event.day_from == event.day_to:
        return str(event.day_from)
    return f"{event.day_from}-{event.day_to}"


def _planted(event: Planted, called: Pages) -> EventOutcome:
    days = range(event.day_from, event.day_to + 1)
    paged = next((day for day in called.get(event.shows_in, ()) if day in days), None)
    delay = None if paged is None else paged - event.day_from
    verdict = MISSED if paged is None else FOUND
    return EventOutcome(event.what, _days(event), (event.shows_in,), paged, delay, verdict)


def _quiet(
    what: str, days: str, features: tuple[str, ...], called: Pages, scored: set[str]
) -> EventOutcome:
    paged = tuple(feature for feature in features if called.get(feature))
    if paged:
        first = min(called[feature][0] for feature in paged)
        return EventOutcome(what, days, paged, first, None, FALSE)
    verdict = QUIET if scored.issuperset(features) else NOT_SCORED
    return EventOutcome(what, days, features, None, None, verdict)
