"""Alarms: the budget of pages, when a drift is an alert, and what is muted until when."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, field_validator

from kldrift.config.problems import shown_value
from kldrift.config.time import Duration
from kldrift.config.values import Number, Text, as_iso_text, filled, wrong
from kldrift.counting.lengths import duration

MOST_WINDOWS: Final = 31
_AFTER: Final = re.compile(r"([1-9][0-9]?) of ([1-9][0-9]?)")


def _after(text: str) -> str:
    match = _AFTER.fullmatch(text)
    if match is None or not int(match[1]) <= int(match[2]) <= MOST_WINDOWS:
        raise wrong(
            f"expected such as 2 of 3, of {MOST_WINDOWS} windows at most, got {shown_value(text)}"
        )
    return text


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise wrong(f"expected a day such as 2020-05-01, got {shown_value(text)}") from None
    return text


Day = Annotated[Text, BeforeValidator(as_iso_text), AfterValidator(_day)]


@dataclass(frozen=True)
class Budget:
    """How many pages are allowed by chance, over all features and segments."""

    pages: Number = field(default=1.0, metadata={"gt": 0.0})
    """So many pages. Example: `2`"""
    days: Number = field(default=90.0, metadata={"gt": 0.0})
    """In so many days. Example: `30`"""


@dataclass(frozen=True)
class Mute:
    """Features that raise no alert until a day: they are scored and stored as usual."""

    feature: Text
    """The feature, or a pattern: `"*"` are all. Example: `tip_amount`"""
    until: Day
    """The first day that is not muted, by the clock of `time.zone`. Example: `2020-05-01`"""
    owner: Text
    """Who said so. Example: `ana`"""
    why: Text
    """The reason. Example: `new terminals`"""
    segment: Text | None = None
    """Only this segment of it. Example: `payment_type=2`"""
    since: Annotated[Day | None, Field(validation_alias=AliasChoices("from", "since"))] = field(
        default=None, metadata={"key": "from"}
    )
    """The first day that is muted, where it is in the future, such as a holiday.
    Example: `2020-12-24`"""

    def holds_on(self, day: date) -> bool:
        """Whether a day is muted."""
        return (
            date.fromisoformat(self.since or "0001-01-01") <= day < date.fromisoformat(self.until)
        )


@dataclass(frozen=True)
class Alarms:
    """When somebody is called: exit codes and Great Expectations follow alerts, not scores."""

    budget: Budget = field(default_factory=Budget)
    """How many pages are allowed by chance. Example: `{pages: 1, days: 90}`"""
    history: Duration = "90d"
    """How far back limits are learnt from; 42 windows at least. Example: `60d`"""
    after: Annotated[Text, AfterValidator(_after)] = "1 of 1"
    """In how many of how many windows a row must be critical before it is an alert; it ends after
    as many that are not. Example: `2 of 3`"""
    grace: Duration | None = None
    """How long rows that are critical because of values which the reference never had are pending
    before they are an alert; by default they are one at once. Example: `7d`"""
    mute: tuple[Mute, ...] = ()
    """What calls nobody for some time.
    Example: `[{feature: tip_amount, until: 2020-05-01, owner: ana, why: new terminals}]`"""

    _sections = field_validator("budget", mode="before")(filled)

    @property
    def windows(self) -> tuple[int, int]:
        """How many critical windows, of how many, make an alert."""
        number, of = self.after.split(" of ")
        return int(number), int(of)

    @property
    def span(self) -> timedelta:
        """How far back limits are learnt from."""
        return duration(self.history)

    @property
    def grace_span(self) -> timedelta:
        """How long new values are pending."""
        return timedelta(0) if self.grace is None else duration(self.grace)
