"""Keys of groups: a group is the rows of a window, of a segment, of both, or all rows.

Every row belongs to one window and, for each list of segments, to one segment or to none, which is
the segment REST. So the groups of one list add up to the whole, window by window.

See docs/decisions/one-group-axis.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from kldrift.arrays import Bools, Ints, OfRows

NO_WINDOW: Final = -(2**63)
"""The window of data that is not cut into windows."""
UNTIMED: Final = NO_WINDOW + 1
"""The window of rows without a time, where all others have one."""
ALL: Final = -1
"""The list whose one segment holds all rows."""
REST: Final = -1
"""The rows that lie in no segment of a list."""


def begins(columns: Sequence[NDArray[Any]]) -> Bools:
    """Which rows differ from the row before them in any of some columns; the first one does.

    Examples:
        >>> begins([np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])]).tolist()
        [True, False, True, True]
    """
    new = np.ones(len(columns[0]), dtype=np.bool_)
    new[1:] = np.any([values[1:] != values[:-1] for values in columns], axis=0)
    return new


@dataclass(frozen=True, eq=False)
class GroupKeys(OfRows):
    """The keys of groups, in increasing order and each once.

    Attributes:
        window: start of each group's window, in microseconds since 1970, or ``NO_WINDOW``; int64,
            shape ``(n,)``, as the others.
        list: the place of its list of segments in the configuration, or ``ALL``; int16.
        segment: the place of its segment among those of the list, or ``REST``; int32.
    """

    window: Ints
    list: NDArray[np.int16]
    segment: NDArray[np.int32]

    def __post_init__(self) -> None:
        for field, kind in zip(fields(self), (np.int64, np.int16, np.int32), strict=True):
            values = np.asarray(getattr(self, field.name), dtype=kind)
            values.flags.writeable = False
            object.__setattr__(self, field.name, values)

    @classmethod
    def none(cls) -> Self:
        """No groups."""
        return cls(*np.empty((3, 0), dtype=np.int64))

    @classmethod
    def of_list(cls, number: int, segments: int) -> Self:
        """The segments of one list, without windows; REST first."""
        places = np.arange(-1, segments)
        windows = np.full(segments + 1, NO_WINDOW)
        return cls(windows, np.full(segments + 1, number, np.int16), places.astype(np.int32))

    def __len__(self) -> int:
        return len(self.window)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, GroupKeys)
            and len(self) == len(other)
            and all(np.array_equal(a, b) for a, b in zip(self.arrays, other.arrays, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Windows, lists and segments."""
        return self.window, self.list, self.segment

    @cached_property
    def is_rest(self) -> Bools:
        """Which groups hold the rows that lie in no segment of their list."""
        return np.asarray((self.list != ALL) & (self.segment == REST))

    @cached_property
    def windowless(self) -> GroupKeys:
        """The keys that these groups have in data without windows."""
        return GroupKeys(np.full(len(self), NO_WINDOW), self.list, self.segment)

    def of(self, number: int) -> Ints:
        """The indices of the groups of one list."""
        return np.flatnonzero(self.list == number)

    def union(self, other: Self) -> tuple[Self, Ints, Ints]:
        """The union of both, and the indices in it of the groups of the first and of the second."""
        if self == other:
            places = np.arange(len(self))
            return self, places, places
        both = [np.concatenate(pair) for pair in zip(self.arrays, other.arrays, strict=True)]
        order = np.lexsort(both[::-1])
        both = [values[order] for values in both]
        new = begins(both)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.cumsum(new) - 1
        keys = type(self)(*(values[new] for values in both))
        return keys, place[: len(self)], place[len(self) :]

    def find(self, other: Self) -> Ints:
        """The index of each group of other keys; -1 where it is missing here."""
        keys, mine, theirs = self.union(other)
        place = np.full(len(keys), -1)
        place[mine] = np.arange(len(self))
        return np.asarray(place[theirs])

    def packed(self) -> bytes:
        """Serialise to bytes."""
        return b"".join(values.tobytes() for values in self.arrays)

    @classmethod
    def unpacked(cls, payload: bytes) -> Self:
        """Deserialise from bytes."""
        n, rest = divmod(len(payload), 14)
        if rest:
            raise ValueError(f"keys of groups take 14 bytes each, got {len(payload)} bytes")
        return cls(
            np.frombuffer(payload, np.int64, n),
            np.frombuffer(payload, np.int16, n, 8 * n),
            np.frombuffer(payload, np.int32, n, 10 * n),
        )


WHOLE: Final = GroupKeys(*np.array([[NO_WINDOW], [ALL], [0]]))
"""One group: all rows, without windows."""
