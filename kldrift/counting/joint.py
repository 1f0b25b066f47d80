"""Counts batches of joint features: rows and moments of a multivariate Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from kldrift.arrays import Floats
from kldrift.features.feature import Feature
from kldrift.features.keys import KeyType, decoded, number_keys
from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.joint_profile import MOST_WIDTHS, JointProfile, joint_of_one_group

LARGEST_FULL: Final = 256
"""Longest vector whose full covariance is kept: 65,536 numbers a task."""


@dataclass(frozen=True)
class JointColumns:
    """The columns of joint features: numeric features, or one column of vectors.

    ``pivots`` are what moments are taken about, per feature; one for all elements of a vector.
    """

    name: str
    features: tuple[Feature, ...]
    pivots: tuple[float, ...]
    diagonal: bool
    vector: bool = False

    def pivot(self, width: int) -> Floats:
        """The pivot of rows of ``width`` values, shape ``(width,)``."""
        return np.full(width, self.pivots[0]) if self.vector else np.array(self.pivots)


def count_joint(joint: JointColumns, columns: list[pa.Array]) -> JointProfile:
    """Count one batch; rows with a null, a NaN or an infinity are left out."""
    if joint.vector:
        return _vectors(joint, decoded(columns[0]))
    width = len(joint.features)
    table = np.empty((len(columns[0]), width))
    for i, (feature, column) in enumerate(zip(joint.features, columns, strict=True)):
        table[:, i] = _aligned(feature, column)
    return joint_of_one_group(len(table), {width: _moments(joint, table)})


def _moments(joint: JointColumns, table: Floats) -> CoMoments:
    complete = np.isfinite(table).all(1)
    pivot = joint.pivot(table.shape[1])
    rows = table if complete.all() else table[complete]
    return CoMoments.of(rows, pivot, diagonal=joint.diagonal)


def _aligned(feature: Feature, column: pa.Array) -> Floats:
    """The values of a feature row by row, in its unit; NaN for null."""
    column = decoded(column)
    unsigned = feature.key_type is KeyType.UNSIGNED
    keys = number_keys(column, KeyType.FLOAT if unsigned else feature.key_type) / feature.scale
    if len(keys) == len(column):
        return keys
    out = np.full(len(column), np.nan)
    if len(keys):
        out[column.is_valid().to_numpy(zero_copy_only=False)] = keys
    return out


def _vectors(joint: JointColumns, column: pa.Array) -> JointProfile:
    if pa.types.is_null(column.type):
        return joint_of_one_group(len(column), {})
    lists = column.drop_null()
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    flat = lists.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)  # null becomes NaN
    starts = np.cumsum(lengths) - lengths
    widths, rows = np.unique(lengths[lengths > 0], return_counts=True)
    by_width = {}
    for width in widths[np.argsort(-rows, kind="stable")][:MOST_WIDTHS].tolist():
        diagonal = joint.diagonal or width > LARGEST_FULL
        of_width = starts[lengths == width]
        table = flat[of_width[:, None] + np.arange(width)]
        complete = table[np.isfinite(table).all(1)]
        by_width[width] = CoMoments.of(complete, joint.pivot(width), diagonal=diagonal)
    return joint_of_one_group(len(column), by_width)
