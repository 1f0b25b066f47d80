"""The window of each row: from times to the starts of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.features.keys import decoded
from kldrift.profiles.group_keys import UNTIMED

Ints = NDArray[np.int64]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MONDAY: Final = 4 * 86_400_000_000
"""The first Monday of 1970, at which weeks begin; microseconds."""
# Times of which Python can name both ends of the window.
_FIRST: Final = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST: Final = (datetime(9900, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


def window_starts(column: pa.Array, length: timedelta) -> Ints:
    """The start of each row's window, in microseconds since 1970, UTC.

    Windows of whole weeks begin on Mondays, all others are counted from 1970-01-01T00:00Z.

    Args:
        column: timestamps or dates; without a time zone they are taken as UTC.
        length: of a window.

    Returns:
        Shape ``(n,)``; ``UNTIMED`` for a null and for a year that no calendar has.

    Examples:
        >>> column = pa.array([datetime(1970, 1, 2, 13), None], pa.timestamp("us"))
        >>> starts = window_starts(column, timedelta(days=1))
        >>> int(starts[0]), int(starts[1]) == UNTIMED
        (86400000000, True)
    """
    column = decoded(column)
    if pa.types.is_null(column.type):
        return np.full(len(column), UNTIMED, dtype=np.int64)
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("ms"))
    zone = getattr(column.type, "tz", None)
    column = column.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
    times = column.fill_null(UNTIMED).to_numpy(zero_copy_only=False)
    step = length // _MICROSECOND
    origin = _MONDAY if length % timedelta(weeks=1) == timedelta(0) else 0
    known = (times >= _FIRST) & (times < _LAST)
    shifted = np.where(known, times, 0) - origin
    return np.where(known, shifted - shifted % step + origin, UNTIMED)
