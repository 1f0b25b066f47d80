"""Numbers, times and texts as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from kldrift.features.names import ROWS_FEATURE
from kldrift.profiles.number_text import grouped, length_of_time, percent
from kldrift.scoring.metrics import LEARNED
from kldrift.scoring.reasons import certainty
from kldrift.tables.window import Window

NOTHING: Final = "-"
SIGN: Final = "…"
INVISIBLE: Final = "\ufffd"
LONGEST_NAME: Final = 120
"""Letters; names differ where they end, too, and are shortened inside, sentences at their end."""


def shown(value: object, most: int = 80) -> str:
    """Return text from data for a reader: shortened, invisible characters shown as a sign.

    Control characters and those that turn the direction of writing are invisible.

    Examples:
        >>> shown("a" + chr(0) + "x" * 9, most=6)
        'a\ufffdxx…x'
    """
    text, end = str(value), most // 4 if most <= LONGEST_NAME else 0
    if len(text) > most:
        text = text[: most - 1 - end] + SIGN + text[len(text) - end :]
    return visible(text)


def feature_words(name: object, most: int = 80) -> str:
    """Return the name of a feature for a reader; that of the number of rows in words.

    Examples:
        >>> feature_words(":rows"), feature_words("amount")
        ('number of rows', 'amount')
    """
    return "number of rows" if name == ROWS_FEATURE else shown(name, most)


def metric_words(name: str) -> str:
    """Return the name of a metric for a reader.

    Examples:
        >>> metric_words("kl_learned"), metric_words("js")
        ('learnt kl', 'js')
    """
    return "learnt kl" if name == LEARNED else name


def visible(text: str) -> str:
    """Return text with a sign in place of each invisible character."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else INVISIBLE for sign in text)


def figure(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash for none.

    Examples:
        >>> figure(0.123456), figure(None), figure(74400.0), figure(1.42e12)
        ('0.123', '-', '74,400', '1.42e+12')
    """
    if value is None:
        return NOTHING
    return grouped(value, digits)


def signed(value: float) -> str:
    """Write a number with its sign.

    Examples:
        >>> signed(0.0), signed(-6.873), signed(16311.2)
        ('+0', '-6.87', '+16,311')
    """
    return f"{'+' if value >= 0 else '-'}{grouped(abs(value))}"


def likelihood(q_value: float | None) -> str:
    """Write a q-value, or a dash for none."""
    return NOTHING if q_value is None else certainty(q_value)


def count_text(value: float | None) -> str:
    """Write a number of rows, or a dash for none."""
    return NOTHING if value is None else f"{int(value):,}"


def many(number: int, noun: str) -> str:
    """Write a count with its noun.

    Examples:
        >>> many(1, "window"), many(1200, "row")
        ('1 window', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def in_a_row(windows: int, drifted: int) -> str:
    """Write for how many consecutive windows something has held.

    Examples:
        >>> in_a_row(1, 1), in_a_row(3, 3), in_a_row(20, 19)
        ('for one window so far', '3 windows in a row', 'in 19 of 20 windows')
    """
    if drifted < windows:
        return f"in {drifted:,} of {windows:,} windows"
    return f"{windows:,} windows in a row" if windows > 1 else "for one window so far"


def share(part: float | None, rows: float | None) -> str:
    """Write a share of rows, or a dash for none."""
    return percent(part / rows) if rows and part is not None else NOTHING


def duration_text(seconds: float) -> str:
    """Write how long something took.

    Examples:
        >>> duration_text(0.42), duration_text(42), duration_text(754), duration_text(8000)
        ('0.4 s', '42 s', '12 min 34 s', '2 h 13 min')
    """
    if seconds < 10:
        return length_of_time(round(float(seconds), 1))
    step = 60 if seconds >= 3600 else 1
    return length_of_time(round(seconds) // step * step)


def time_of(value: Any) -> Any:
    """A time of a row, which is a datetime or its text; None for none."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def moment(value: datetime | str, zone: str = "UTC") -> str:
    """Write a time in a zone, to the minute.

    Examples:
        >>> moment("2020-04-01T00:00:00+00:00", "America/New_York")
        '31 Mar 2020 20:00'
    """
    local = time_of(value).astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y %H:%M}"


def instant_name(value: datetime | str, zone: str = "UTC") -> str:
    """Write a time in a zone; midnight as its day.

    Examples:
        >>> instant_name("2020-04-01T00:00:00+00:00"), instant_name("2020-04-01T06:30:00+00:00")
        ('1 Apr 2020', '1 Apr 2020 06:30')
    """
    when = time_of(value)
    return (
        _day(when.astimezone(ZoneInfo(zone)).date())
        if _begins_day(when, zone)
        else moment(when, zone)
    )


def window_name(window: Window, zone: str = "UTC", *, weekday: bool = True) -> str:
    """Write a window as people call it: a day, a month, or its ends.

    Examples:
        >>> window_name(Window.of_key("20200401T000000Z_20200402T000000Z"))
        'Wed 1 Apr 2020'
        >>> window_name(Window.of_key("20200401T000000Z_20200501T000000Z"))
        'April 2020'
        >>> window_name(Window.of_key("20200401T130000Z_20200401T140000Z"))
        '1 Apr 2020 13:00 to 14:00'
        >>> window_name(Window())
        'the whole dataset'
    """
    if window.end is None:
        return "the whole dataset"
    if window.start is None:
        return f"as of {moment(window.end, zone)}"
    first, last = (t.astimezone(ZoneInfo(zone)) for t in (window.start, window.end))
    if _begins_day(window.start, zone) and _begins_day(window.end, zone):
        return _days(first.date(), last.date(), weekday=weekday)
    end = f"{last:%H:%M}" if first.date() == last.date() else moment(last, zone)
    return f"{moment(first, zone)} to {end}"


def begin_name(window: Window, zone: str = "UTC") -> str:
    """Write when a window begins; a month by its name.

    Examples:
        >>> begin_name(Window.of_key("20200401T130000Z_20200401T140000Z"))
        '1 Apr 2020 13:00'
        >>> begin_name(Window.of_key("20200401T000000Z_20200408T000000Z"))
        '1 Apr 2020'
    """
    name = window_name(window, zone, weekday=False)
    return name if name.startswith("as of") else name.partition(" to ")[0]


def _begins_day(when: datetime, zone: str) -> bool:
    """Whether a day begins at a moment: at midnight, or later where the clock leaves that out."""
    before = (when - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    return before.date() < when.astimezone(ZoneInfo(zone)).date()


def _days(first: date, end: date, *, weekday: bool) -> str:
    last = end - timedelta(days=1)
    if first == last:
        return f"{first:%a} {_day(first)}" if weekday else _day(first)
    if first.day == 1 and end.day == 1 and (last.year, last.month) == (first.year, first.month):
        return f"{first:%B %Y}"
    return f"{_day(first)} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def window_of_row(row: Mapping[str, Any]) -> Window:
    """The window of a row of a table, whose times are datetimes or their text."""
    return Window(*(time_of(row.get(name)) for name in ("window_start", "window_end")))
