"""The time column and the length of windows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, model_validator

from kldrift.config.instant import instant
from kldrift.config.problems import shown_value
from kldrift.config.values import Text, as_iso_text, refuse, wrong
from kldrift.counting.lengths import DURATION, LENGTH, duration
from kldrift.errors import ConfigError

if TYPE_CHECKING:
    from kldrift.counting.windows import Windows


def _window(length: str) -> str:
    if not LENGTH.fullmatch(length):
        text = "expected minutes, hours, days, weeks or months, such as 15m, 1h, 1d or 1mo, got"
        raise wrong(f"{text} {shown_value(length)}")
    return length


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        text = "expected a time zone such as America/New_York, got"
        raise wrong(f"{text} {shown_value(name)}") from None
    return name


def _duration(length: str) -> str:
    if not DURATION.fullmatch(length):
        raise wrong(f"expected a duration such as 30m, 2h or 90d, got {shown_value(length)}")
    return length


Duration = Annotated[Text, AfterValidator(_duration)]
"""A number of minutes, hours, days or weeks, such as ``2h``."""


def _first_and_last(text: str) -> str:
    try:
        first, last = day_range(text)
    except ValueError:
        raise wrong(
            "expected a day such as 2019-12-24, or two with a slash between, "
            f"got {shown_value(text)}"
        ) from None
    if first > last:
        raise wrong(f"expected days in their order, got {shown_value(text)}")
    return text


def _is_moment(text: str) -> str:
    try:
        instant(text)
    except ConfigError as error:
        raise wrong(str(error)) from None
    return text


Moment = Annotated[Text, BeforeValidator(as_iso_text), AfterValidator(_is_moment)]
"""A moment in ISO 8601, such as ``2019-01-01`` or ``2019-01-01T06:00:00+01:00``."""
Days = Annotated[Text, BeforeValidator(as_iso_text), AfterValidator(_first_and_last)]
"""A day, or the first and the last of some."""


def day_range(text: str) -> tuple[date, date]:
    """The first and the last day of ``2019-12-24/2019-12-27``.

    Raises:
        ValueError: it is no such text.
    """
    first, _, last = text.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


@dataclass(frozen=True)
class Time:
    """The time column and the length of windows."""

    column: Text
    """A timestamp or date; without a time zone it is in `zone`. Example: `judged_at`"""
    window: Annotated[Text, AfterValidator(_window)]
    """Minutes, hours, days, weeks or months, such as 15m, 1h, 1d, 1w or 1mo; minutes go with the
    zone UTC. Example: `1d`"""
    zone: Annotated[Text, AfterValidator(_zone)] = "UTC"
    """The time zone in which windows begin, by whose clock the `hour` and `weekday` of an instant
    are told. Example: `America/New_York`"""
    lateness: Duration = "0h"
    """How long after its end rows of a window may still come: so long it is not complete.
    Example: `2h`"""

    @model_validator(mode="after")
    def _minutes(self) -> Time:
        if re.fullmatch(r"\d+m", self.window) and self.zone != "UTC":
            text = "expected UTC beside windows of minutes, which begin at the same instants in it"
            refuse([(("zone",), f"{text}; got {shown_value(self.zone)}")])
        return self

    @property
    def windows(self) -> Windows:
        """The windows."""
        from kldrift.counting.windows import Windows  # noqa: PLC0415 - imports NumPy

        return Windows.of(self.window, self.zone)

    @property
    def late(self) -> timedelta:
        """How long after its end rows of a window may still come."""
        return duration(self.lateness)
