"""Tumbling windows of time: which one a row lies in, when it ends, which one a schedule is due for.

Windows follow the clock on the wall of their time zone, so that a day has 23 or 25 hours where the
clock is changed. A window is known by its first instant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Bools, Ints
from kldrift.counting.distinct import distinct, heads_of
from kldrift.counting.lengths import length
from kldrift.features.keys import decoded
from kldrift.profiles.group_keys import UNTIMED

_EPOCH: Final = datetime(1970, 1, 1)
_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR
_LENGTHS: Final = {"m": _HOUR // 60, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
"""Of units, in microseconds on the wall."""
_UNITS: Final = {"s": 1_000_000, "ms": 1000}
"""Of times, in microseconds."""
_MONDAY: Final = 4 * _DAY
"""The first Monday of 1970, at which weeks begin; microseconds."""
# Times of which Python can name both ends of the window, in every zone.
_FIRST: Final = (datetime(2, 1, 1) - _EPOCH) // timedelta(microseconds=1)
_LAST: Final = (datetime(9000, 1, 1) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Windows:
    """Consecutive windows of one length, without gaps.

    Months, days, hours and minutes are counted from 1970-01-01, weeks from its first Monday; so
    hours that divide a day begin at midnight.

    Attributes:
        number: how many units long a window is.
        unit: ``m`` (minutes), ``h``, ``d``, ``w`` or ``mo``.
        zone: the time zone of its beginnings; times without a zone are taken to be in it.
    """

    number: int
    unit: str
    zone: str = "UTC"

    @classmethod
    def of(cls, text: str, zone: str = "UTC") -> Self:
        """The windows of a length that is written as ``15m``, ``2w``, ``1mo`` or ``month``.

        Raises:
            ValueError: it is no such length.
        """
        return cls(*length(text), zone)

    def settles(self, part: str) -> bool:
        """Whether a window fixes a part of its time column, as a day fixes its weekday."""
        days = {"hour": 1, "weekday": 7, "month": 365}.get(part)
        if self.unit == "mo":
            return part == "whole" or (days or 0) > 31 * self.number
        length = self.number * _LENGTHS[self.unit]
        return part == "whole" or (days or 0) * _DAY > length

    def starts(self, column: pa.Array) -> Ints:
        """The first instant of each row's window, in microseconds since 1970, UTC.

        Returns:
            Shape ``(n,)``; ``UNTIMED`` for a null and for a year that no calendar has.

        Examples:
            >>> column = pa.array([datetime(1970, 1, 2, 13), None], pa.timestamp("us"))
            >>> starts = Windows(1, "d").starts(column)
            >>> int(starts[0]), int(starts[1]) == UNTIMED
            (86400000000, True)
        """
        wall, known = self._wall(column)
        if known is not None and not known.any():
            return np.full(len(wall), UNTIMED, dtype=np.int64)
        if self.unit == "mo" or self.zone != "UTC":
            step = _DAY if self.unit == "mo" else math.gcd(self.number * _LENGTHS[self.unit], _DAY)
            begin = _by_step(wall, step, lambda times: self._instants(self._floor(times)))
        else:
            begin = self._floor(wall)
        return begin if known is None else np.where(known, begin, UNTIMED)

    def _instants(self, begin: Ints) -> Ints:
        """The instants of beginnings of windows."""
        if self.zone == "UTC":
            return begin
        heads = heads_of(begin)  # rows come in order
        used, places = distinct(begin[heads])
        instants = np.array([_instant(b, self.zone) for b in used.tolist()], dtype=np.int64)
        return np.repeat(instants[places], np.diff(heads, append=len(begin)))

    def _wall(self, column: pa.Array) -> tuple[Ints, Bools | None]:
        """Wall-clock times in microseconds since 1970, and which are known; None for all."""
        column = decoded(column)
        if pa.types.is_null(column.type):
            return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("ms"))
        zoned = getattr(column.type, "tz", None) is not None
        known = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
        times = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))
        unit = _UNITS.get(column.type.unit, 1)
        if column.type.unit == "ns":
            times = times // 1000
        first, last = _FIRST // unit, _LAST // unit
        if len(times) and not first <= int(times.min()) <= int(times.max()) < last:
            inside = (times >= first) & (times < last)
            known = inside if known is None else known & inside
        if known is not None:  # the others may not stretch the days that are looked up
            times = np.where(known, times, times[known.argmax()] if known.any() else 0)
        if unit > 1:
            times = times * unit
        if zoned and self.zone != "UTC":
            times = self._on_wall(times)
        return times, known

    def _on_wall(self, instants: Ints) -> Ints:
        """The wall-clock times of instants."""
        wall = _by_step(instants, _DAY, self._ahead)
        there = np.flatnonzero(wall == UNTIMED)
        wall += instants
        wall[there] = _local(instants[there], self.zone)
        return wall

    def _ahead(self, days: Ints) -> Ints:
        """The UTC offset on each day from its first instant; ``UNTIMED`` where it changes then."""
        begin, end = (_local(at, self.zone) - at for at in (days, days + _DAY))
        return np.where(begin == end, begin, UNTIMED)

    def _floor(self, wall: Ints) -> Ints:
        """The window starts of wall-clock times."""
        if self.unit == "mo":
            months = wall.astype("M8[us]").astype("M8[M]").astype(np.int64)
            months -= months % self.number
            return months.astype("M8[M]").astype("M8[us]").astype(np.int64)
        length = self.number * _LENGTHS[self.unit]
        origin = _MONDAY if length % (7 * _DAY) == 0 else 0
        # To divide and multiply takes a tenth of the time of a remainder.
        return np.asarray((wall - origin) // length * length + origin)

    def start(self, moment: datetime) -> datetime:
        """The first instant of the window that a moment lies in."""
        return self._moved(moment, 0)

    def end(self, start: datetime) -> datetime:
        """The first instant after the window that begins at a moment."""
        return self._moved(start, 1)

    def _moved(self, moment: datetime, steps: int) -> datetime:
        """The first instant of the window a number of steps after that of a moment."""
        zone = ZoneInfo(self.zone)
        wall = (moment.astimezone(zone).replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)
        begin = self._floor(np.array([wall], dtype=np.int64))
        if self.unit == "mo":
            months = begin.astype("M8[us]").astype("M8[M]") + steps * self.number
            begin = months.astype("M8[us]").astype(np.int64)
        else:
            begin = begin + steps * self.number * _LENGTHS[self.unit]
        return at_instant(_instant(int(begin[0]), self.zone))

    def between(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """The first instants of the windows that begin from ``first`` on and before ``last``."""
        start = self.start(first)
        if start < first:
            start = self.end(start)
        while start < last:
            yield start
            start = self.end(start)

    def due(self, moment: datetime, lateness: timedelta = timedelta(0)) -> datetime:
        """The first instant of the last window that is complete at a moment."""
        start = self.start(moment - lateness)
        return self.start(start - timedelta(microseconds=1))  # an hour before may be none

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"


def _by_step(times: Ints, step: int, of_steps: Callable[[Ints], Ints]) -> Ints:
    """Map time steps through a function that is called once for each distinct step."""
    steps = times // step
    first, last = (int(steps.min()), int(steps.max())) if len(steps) else (0, 0)
    if last - first >= len(times):
        return of_steps(steps * step)
    steps -= first
    return of_steps(np.arange(first, last + 1) * step)[steps]


def _local(instants: Ints, zone: str) -> Ints:
    """The wall-clock times of instants, one by one; both in microseconds since 1970."""
    column = pc.local_timestamp(pa.array(instants).cast(pa.timestamp("us", tz=zone)))
    return np.asarray(column.cast(pa.int64()))


@lru_cache(maxsize=100_000)
def _instant(wall: int, zone: str) -> int:
    """The instant of a wall-clock time, both in microseconds since 1970."""
    if zone == "UTC":
        return wall
    local = (_EPOCH + timedelta(microseconds=wall)).replace(tzinfo=ZoneInfo(zone))
    return (local.astimezone(UTC) - _EPOCH.replace(tzinfo=UTC)) // timedelta(microseconds=1)


def at_instant(microseconds: int) -> datetime:
    """The UTC moment a number of microseconds after 1970."""
    return _EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=microseconds)


def microseconds_of(moment: datetime) -> int:
    """Microseconds since 1970 of a moment."""
    return (moment - _EPOCH.replace(tzinfo=UTC)) // timedelta(microseconds=1)
