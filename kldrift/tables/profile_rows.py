"""The rows of ``profiles`` from profiles, column by column from flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from kldrift.arrays import Bools, Floats, Ints
from kldrift.counting.new_values import NewValues
from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.group_keys import ALL, GroupKeys
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.moments import FIELDS
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import NumericSupport, pivot_of
from kldrift.tables.lists import batches, list_column, list_column_of
from kldrift.tables.schema import PROFILES
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import JOINT_KIND

Names = Sequence[Sequence[str]]
"""The names of the segments of each list, by place."""

MOMENT_COLUMNS: Final = {name: "moment_rows" if name == "rows" else name for name in FIELDS}
"""The column that holds each array of ``Moments``."""
JOINT_COLUMNS: Final = ("joint_sum1", "joint_cross", "joint_sum3", "joint_sum4")
"""The columns that hold the sums of ``CoMoments``."""
WRITTEN_AT_ONCE: Final = 2**22
"""Cells of groups that are looked at together: bounds the memory beside the profiles."""


def profile_rows(
    profiles: Mapping[str, Profile],
    joint: Mapping[str, JointProfile],
    names: Names,
    dataset: str,
    stamp: Stamp,
    unseen: Mapping[str, NewValues] | None = None,
) -> Iterator[pa.Table]:
    """``profiles`` of one dataset, part by part: one row per feature and group, then joint groups.

    ``unseen`` are, by feature, values of the whole that the reference never had, with their rows.
    """
    for part in batches(profiles.items(), lambda item: item[1].counts.size, WRITTEN_AT_ONCE):
        rows, keys = _of_features(dict(part)), [profile.keys for _, profile in part]
        if unseen:
            rows |= _new_values([name for name, _ in part], keys, unseen)
        yield _completed(rows, keys, names, dataset, stamp)
    rows = _of_joint(joint)
    keys = [p.keys.take(np.repeat(np.arange(len(p.keys)), _widths(p))) for p in joint.values()]
    yield _completed(rows, keys, names, dataset, stamp)


def _of_features(profiles: Mapping[str, Profile]) -> dict[str, Any]:
    known = list(profiles.values())
    groups = np.array([len(p) for p in known])
    width = np.repeat([p.support.size for p in known], groups)
    counts = np.concatenate([p.counts.ravel() for p in known])
    occupied = np.flatnonzero(counts)
    rows = counts[occupied]
    ends = np.cumsum(width)
    behind = np.searchsorted(occupied, ends)  # the end of each row's cells among the occupied ones
    sizes = np.diff(behind, prepend=0)
    cells = occupied - np.repeat(ends - width, sizes)
    numeric = np.array([isinstance(p.support, NumericSupport) for p in known])
    kinds = np.where(numeric, "numeric", "categorical").tolist()
    total = np.concatenate([[0], np.cumsum(rows)])
    return {
        "feature": _repeated(list(profiles), groups),
        "kind": _repeated(kinds, groups),
        "n": np.diff(total[behind], prepend=0),
        "cells": list_column(pa.array(cells.astype(np.int32)), sizes),
        "rows": list_column(pa.array(rows), sizes),
        **_moments(known, np.repeat(numeric, groups)),
    }


def _new_values(
    names: Sequence[str], keys: Sequence[GroupKeys], unseen: Mapping[str, NewValues]
) -> dict[str, pa.Array]:
    whole = [
        unseen.get(name) if list_ == ALL else None
        for name, of_feature in zip(names, keys, strict=True)
        for list_ in of_feature.list.tolist()
    ]
    known = [new.known if new else None for new in whole]
    columns = ("new_values", pa.string()), ("new_rows", pa.int64())
    lists = {
        column: pa.array(
            [new and ([pair[i] for pair in new.named] or None) for new in whole], pa.list_(kind)
        )
        for i, (column, kind) in enumerate(columns)
    }
    return lists | {
        "new_distinct": pa.array([new and (new.distinct or None) for new in whole], pa.int64()),
        "frequent_value": pa.array([one and one[0] for one in known], pa.string()),
        "frequent_rows": pa.array([one and one[1] for one in known], pa.int64()),
    }


def _moments(profiles: Sequence[Profile], numeric: Bools) -> dict[str, pa.Array]:
    arrays = [
        [np.zeros(len(p))] * len(FIELDS)
        if p.moments is None
        else p.moments.about(pivot_of(p.support)).arrays
        for p in profiles
    ]
    of_field = {
        name: np.concatenate(parts)
        for name, parts in zip(FIELDS, zip(*arrays, strict=True), strict=True)
    }
    columns = {}
    for name, values in of_field.items():
        known = numeric & np.isfinite(of_field[name.removesuffix("_low")])
        kind = PROFILES.field(MOMENT_COLUMNS[name]).type
        columns[MOMENT_COLUMNS[name]] = pa.array(values, mask=~known).cast(kind)
    return columns


def _of_joint(joint: Mapping[str, JointProfile]) -> dict[str, Any]:
    """One row per joint group, group of rows and width; without one where no width is known."""
    rows = [row for profile in joint.values() for row in _joint_rows(profile)]
    sizes = np.array([len(p.keys) * _widths(p) for p in joint.values()], dtype=np.int64)
    sums = [(None,) * len(JOINT_COLUMNS) if m is None else _sums(m) for _, m in rows]
    columns: dict[str, Any] = {
        "feature": _repeated(list(joint), sizes),
        "kind": pa.repeat(JOINT_KIND, len(rows)),
        "n": pa.array([n for n, _ in rows], pa.int64()),
        "moment_rows": pa.array([m and int(m.rows) for _, m in rows], pa.int64()),
        "width": pa.array([m and len(m.pivot) for _, m in rows], pa.int32()),
    }
    for i, name in enumerate(JOINT_COLUMNS):
        columns[name] = list_column_of([s[i] for s in sums], pa.float64())
    return columns


def _joint_rows(profile: JointProfile) -> Iterator[tuple[int, CoMoments | None]]:
    for group, n in enumerate(profile.rows.tolist()):
        for moments in profile.moments.values():
            yield n, moments[group]
        if not profile.moments:
            yield n, None


def _widths(profile: JointProfile) -> int:
    return max(1, len(profile.moments))


def _sums(moments: CoMoments) -> tuple[Floats, ...]:
    return tuple(values.ravel() for values in moments.arrays[1:])


def _completed(
    rows: dict[str, Any], keys: Sequence[GroupKeys], names: Names, dataset: str, stamp: Stamp
) -> pa.Table:
    """A table of rows whose groups are known; the columns that are not there are null."""
    n = len(rows["feature"])
    list_, place = (
        np.concatenate([getattr(k, field) for k in keys] or [np.zeros(0, dtype=np.int64)])
        for field in ("list", "segment")
    )
    whole = list_ == ALL
    first = np.cumsum([1, *map(len, names)])  # the place of each list's names in the flat array
    named = np.where(place < 0, 0, first[np.where(whole, 0, list_)] + place)
    flat = pa.array([None, *(name for of_list in names for name in of_list)], pa.string())
    of_groups = {
        "dataset": pa.repeat(dataset, n),
        "segment_list": pa.array(list_.astype(np.int16), mask=whole),
        "segment_place": pa.array(place.astype(np.int32), mask=whole),
        "segment": flat.take(pa.array(np.where(whole, 0, named))),
    }
    return stamp.table(of_groups | rows, n, PROFILES)


def _repeated(values: Sequence[str], sizes: Ints) -> pa.Array:
    index = np.repeat(np.arange(len(values)), sizes)
    return pa.array(values, pa.string()).take(pa.array(index))
