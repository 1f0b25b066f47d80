"""What counts look like on their way from a task: one row of bytes and sums per feature.

Groups of features take one row or more, which stand behind those of the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.counting.joint import Group, GroupCounts
from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.moments import Moments

COUNTS: Final = pa.schema(
    [
        ("feature", pa.int32()),
        ("counts", pa.binary()),
        ("moment_rows", pa.int64()),
        ("sum1", pa.float64()),
        ("sum1_low", pa.float64()),
        ("sum2", pa.float64()),
        ("sum2_low", pa.float64()),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("sums", pa.binary()),
    ]
)
COUNTS_DDL: Final = (
    "feature int, counts binary, "
    "moment_rows bigint, sum1 double, sum1_low double, sum2 double, sum2_low double, "
    "minimum double, maximum double, sums binary"
)


@dataclass(frozen=True)
class Numbering:
    """The numbers under which counts travel: of features, then joints, then features by segment.

    Attributes:
        features: number of features.
        groups: number of groups of features.
        lists: number of lists of segments.
    """

    features: int
    groups: int
    lists: int = 0

    @property
    def first_list(self) -> int:
        """The number of the first feature by the first list."""
        return self.features + self.groups

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.first_list + self.features * self.lists

    def by_list(self, feature: int, which: int) -> int:
        """The number of a feature by one of the lists."""
        return self.first_list + feature * self.lists + which

    def feature_of(self, number: int) -> tuple[int, int]:
        """The feature and the list behind such a number."""
        return divmod(number - self.first_list, self.lists)


def moment_columns(moments: Moments) -> tuple[int, float, float, float, float, float, float]:
    """Moments as they travel; the pivot is known from the support."""
    m = moments
    return m.rows, m.sum1, m.sum1_low, m.sum2, m.sum2_low, m.minimum, m.maximum


def packed_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row of ``COUNTS`` whose arrays are bytes: Spark takes those as they are."""
    feature, counts, *moments, sums = row
    packed = None if sums is None else np.asarray(sums, dtype=np.float64).tobytes()
    return feature, np.asarray(counts, dtype=np.int64).tobytes(), *moments, packed


def counts_of(row: Any) -> NDArray[np.int64]:
    """The counts of a packed row."""
    return np.frombuffer(row["counts"], dtype=np.int64)


def group_rows(found: GroupCounts) -> list[tuple[Any, ...]]:
    """A group's counts as they travel: ``(counts, moments of no feature, sums)``.

    The first row holds the number of rows; each further one a width, and its complete rows.
    """
    none = (None,) * 7
    out: list[tuple[Any, ...]] = [([found.rows], *none, None)]
    for width, m in found.moments.items():
        sums = np.concatenate([m.sum1, m.cross.ravel(), m.sum3, m.sum4])
        out.append(([width, m.rows], *none, sums))
    return out


def group_from_packed(group: Group, row: Any) -> GroupCounts:
    """One packed row of a group again."""
    sums = row["sums"]
    return group_from_row(
        group, counts_of(row), None if sums is None else np.frombuffer(sums, dtype=np.float64)
    )


def group_from_row(group: Group, counts: Any, sums: Any) -> GroupCounts:
    """One row of :func:`group_rows` again."""
    if len(counts) == 1:
        return GroupCounts(int(counts[0]), {})
    k = int(counts[0])
    values = np.asarray(sums, dtype=np.float64)
    sum1, cross, sum3, sum4 = np.split(values, [k, len(values) - 2 * k, len(values) - k])
    if len(cross) != k or (k == 1 and not group.diagonal):
        cross = cross.reshape(k, k)
    return GroupCounts(0, {k: CoMoments(int(counts[1]), group.pivot(k), sum1, cross, sum3, sum4)})
