"""The time window that a set of rows is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True)
class Window:
    """A span of time, start inclusive and end exclusive; without bounds where data has no time.

    An ``--as-of`` run has an end and no start.

    Examples:
        >>> april = Window(datetime(2020, 4, 1, tzinfo=UTC), datetime(2020, 5, 1, tzinfo=UTC))
        >>> april.key
        '20200401T000000Z_20200501T000000Z'
        >>> Window(None, datetime(2020, 4, 1, tzinfo=UTC)).key
        '20200401T000000Z'
        >>> Window().key
        'all'
    """

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is None:
                continue
            if moment.tzinfo is None:
                raise ValueError(f"window {name} needs a time zone, got {moment.isoformat()!r}")
            object.__setattr__(self, name, moment.astimezone(UTC))
        if self.start is None:
            return
        if self.end is None:
            raise ValueError(f"a window that starts must end, got start {self.start.isoformat()!r}")
        if self.start >= self.end:
            raise ValueError(
                f"a window must end after it starts, got {self.start.isoformat()!r} "
                f"to {self.end.isoformat()!r}"
            )

    @classmethod
    def of_key(cls, key: str) -> Self:
        """The window that a file's name states.

        Examples:
            >>> Window.of_key("20200401T000000Z_20200501T000000Z").key
            '20200401T000000Z_20200501T000000Z'
        """
        ends = [] if key == "all" else [datetime.fromisoformat(text) for text in key.split("_")]
        return cls(*ends) if len(ends) == len(("start", "end")) else cls(None, *ends)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """Where it begins and ends, of a window that has both."""
        assert self.start is not None
        assert self.end is not None
        return self.start, self.end

    @property
    def key(self) -> str:
        """The window as part of a file name; two windows have one key only if they are equal.

        Both ends stand in it, so that a day and its first hour do not replace each other.
        """
        ends = [_stamp(moment) for moment in (self.start, self.end) if moment is not None]
        return "_".join(ends) or "all"


def _stamp(moment: datetime) -> str:
    fraction = f".{moment.microsecond:06d}" if moment.microsecond else ""
    # strftime does not pad years before 1000 on Linux.
    return f"{moment.year:04d}{moment:%m%dT%H%M%S}{fraction}Z"
