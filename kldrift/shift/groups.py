"""Assigns the rows of a batch to windows and segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.counting.group_names import written
from kldrift.features.keys import Tally, label, plain
from kldrift.tables import Window

Ints = NDArray[np.int64]
Group = tuple[int, str | None]
"""Start of a window in microseconds since 1970, or a sentinel; and a segment, None for all rows."""

NO_WINDOWS: Final = -(2**63)
UNTIMED: Final = NO_WINDOWS + 1
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MONDAY: Final = 4 * 86_400_000_000
"""The first Monday of 1970, at which weeks begin; microseconds."""
MICROSECOND: Final = timedelta(microseconds=1)
# Times of which Python can name both ends of the window.
FIRST: Final = (datetime(2, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
LAST: Final = (datetime(9900, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND


def window_starts(column: pa.Array, length: timedelta) -> Ints:
    """The start of each row's window, in microseconds since 1970, UTC.

    Windows of whole weeks begin on Mondays, all others are counted from 1970-01-01T00:00Z.

    Args:
        column: timestamps or dates; without a time zone they are taken as UTC.
        length: of a window.

    Returns:
        Shape ``(n,)``; ``UNTIMED`` for a null and for a year that no calendar has.

    Examples:
        >>> column = pa.array([datetime(2020, 4, 1, 13), None], pa.timestamp("us"))
        >>> starts = window_starts(column, timedelta(days=1))
        >>> window_of(int(starts[0]), timedelta(days=1)).key, int(starts[1]) == UNTIMED
        ('20200401T000000Z_20200402T000000Z', True)
    """
    column = plain(column)
    if pa.types.is_null(column.type):
        return np.full(len(column), UNTIMED, dtype=np.int64)
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    zone = getattr(column.type, "tz", None)
    column = column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
    times = column.fill_null(UNTIMED).to_numpy(zero_copy_only=False)
    step = length // MICROSECOND
    origin = MONDAY if length % timedelta(weeks=1) == timedelta(0) else 0
    known = (times >= FIRST) & (times < LAST)
    shifted = np.where(known, times, 0) - origin
    return np.where(known, shifted - shifted % step + origin, UNTIMED)


def window_of(start: int, length: timedelta) -> Window:
    """The window that begins at so many microseconds since 1970."""
    begin = EPOCH + timedelta(microseconds=start)
    return Window(begin, begin + length)


def groups_of(windows: Ints, columns: Sequence[tuple[str, pa.Array]]) -> tuple[list[Group], Ints]:
    """The groups of a batch and the group of each row.

    Args:
        windows: the start of each row's window, shape ``(n,)``.
        columns: name and values of the columns of a segment; none for all rows.

    Returns:
        The groups that have rows, and the index of each row's group, shape ``(n,)``.

    Examples:
        >>> groups, rows = groups_of(np.zeros(3, int), [("sex", pa.array(["F", None, "F"]))])
        >>> [segment for _, segment in groups], rows.tolist()
        (['sex=null', 'sex=F'], [1, 0, 1])
    """
    starts, codes = np.unique(windows, return_inverse=True)
    found: list[Group] = [(start, None) for start in starts.tolist()]
    for name, column in columns:
        tally = Tally(column)
        values = len(tally.names) + 2  # NaN, null, then the names
        used, codes = np.unique(codes * values + tally.codes + 2, return_inverse=True)
        before, value = np.divmod(used, values)
        named = tally.names.take(pa.array(np.maximum(value - 2, 0))) if len(tally.names) else None
        texts = ["" for _ in used] if named is None else map(str, named.to_pylist())
        wrote = [
            written(t) if v >= 2 else ("NaN", "null")[v] for v, t in zip(value, texts, strict=True)
        ]
        found = [
            (found[i][0], ", ".join(filter(None, [found[i][1], f"{written(name)}={text}"])))
            for i, text in zip(before.tolist(), wrote, strict=True)
        ]
    return found, codes.astype(np.int64)


def texts(column: pa.Array) -> pa.Array:
    """Keys as text; long ones are shortened to their beginning, their size and a hash."""
    column = plain(column)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else label(column)
