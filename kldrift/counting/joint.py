"""Groups of features that are looked at together, and one batch of such a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldrift.features.keys import numbers, plain
from kldrift.features.plan import Feature
from kldrift.profiles.comoments import CoMoments

Floats = NDArray[np.float64]

MOST_WIDTHS: Final = 8
"""Lengths of vectors that a task keeps apart; rows of further ones are left out."""
LARGEST_FULL: Final = 256
"""Longest vector whose full covariance is kept: 65,536 numbers a task."""


@dataclass(frozen=True)
class Group:
    """Numeric features that are looked at together, or the elements of one vector column.

    Attributes:
        name: as in the tables.
        features: the features; a vector column is one.
        pivots: what moments are taken about, per feature; one for all elements of a vector.
        diagonal: whether dependence is left out.
        vector: whether the one feature is a column of vectors.
    """

    name: str
    features: tuple[Feature, ...]
    pivots: tuple[float, ...]
    diagonal: bool
    vector: bool = False

    def pivot(self, width: int) -> Floats:
        """What the rows of ``width`` values are taken about, shape ``(width,)``."""
        return np.full(width, self.pivots[0]) if self.vector else np.array(self.pivots)


@dataclass(frozen=True, eq=False)
class GroupCounts:
    """Rows of a group, and the moments of its complete rows by their width.

    Attributes:
        rows: all rows, incomplete ones included.
        moments: by number of values in a row; always the same for features of a group, the length
            for vectors.
    """

    rows: int
    moments: dict[int, CoMoments]

    def __add__(self, other: GroupCounts) -> GroupCounts:
        merged = dict(self.moments)
        for width, moments in other.moments.items():
            if width in merged:
                merged[width] = merged[width] + moments
            elif len(merged) < MOST_WIDTHS:
                merged[width] = moments
        return GroupCounts(self.rows + other.rows, merged)


NO_ROWS: Final = GroupCounts(0, {})


def count_group(group: Group, columns: list[pa.Array]) -> GroupCounts:
    """Count one batch of a group; rows with a null, a NaN or an infinity are left out."""
    if group.vector:
        return _vectors(group, plain(columns[0]))
    width = len(group.features)
    table = np.empty((len(columns[0]), width))
    for i, (feature, column) in enumerate(zip(group.features, columns, strict=True)):
        table[:, i] = _aligned(feature, column)
    return GroupCounts(len(table), {width: _moments(group, table)})


def _moments(group: Group, table: Floats) -> CoMoments:
    complete = np.isfinite(table).all(1)
    pivot = group.pivot(table.shape[1])
    rows = table if complete.all() else table[complete]
    return CoMoments.of(rows, pivot, diagonal=group.diagonal)


def _aligned(feature: Feature, column: pa.Array) -> Floats:
    """The values of a feature row by row, in its unit; NaN for null."""
    column = plain(column)
    keys = numbers(column, feature.reading) / feature.scale
    if len(keys) == len(column):
        return keys
    out = np.full(len(column), np.nan)
    if len(keys):
        out[column.is_valid().to_numpy(zero_copy_only=False)] = keys
    return out


def _vectors(group: Group, column: pa.Array) -> GroupCounts:
    if pa.types.is_null(column.type):
        return GroupCounts(len(column), {})
    lists = column.drop_null()
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    flat = lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)  # null becomes NaN
    starts = np.cumsum(lengths) - lengths
    widths, rows = np.unique(lengths[lengths > 0], return_counts=True)
    found = {}
    for width in widths[np.argsort(-rows, kind="stable")][:MOST_WIDTHS].tolist():
        diagonal = group.diagonal or width > LARGEST_FULL
        of_width = starts[lengths == width]
        table = flat[of_width[:, None] + np.arange(width)]
        complete = table[np.isfinite(table).all(1)]
        found[width] = CoMoments.of(complete, group.pivot(width), diagonal=diagonal)
    return GroupCounts(len(column), found)
