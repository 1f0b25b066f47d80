"""Profiles from the rows of ``profiles``, exactly as they were written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldrift.arrays import Bools, Ints
from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.group_keys import ALL, NO_WINDOW, REST, GroupKeys, begins
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport, pivot_of
from kldrift.tables.conform import conform
from kldrift.tables.lists import FlatLists, blocks
from kldrift.tables.profile_rows import JOINT_COLUMNS, MOMENT_COLUMNS
from kldrift.tables.supports import JOINT_KIND, JointSupport, Supports

MOST_CELLS: Final = 2**16
"""Counts that are looked at together, about."""
BEYOND: Final[Mapping[str, float]] = {
    "sum1": np.inf,
    "sum2": np.inf,
    "minimum": np.inf,
    "maximum": -np.inf,
}
"""What a null in a numeric feature's row stands for, where it is not 0."""


def read_profiles(
    table: pa.Table, supports: Supports
) -> tuple[dict[str, Profile], dict[str, JointProfile]]:
    """The profiles of features and of joint groups, by name, in the order of their first rows."""
    table = conform("profiles", table)
    others = set(table["reference_id"].unique().to_pylist()) - {supports.reference_id}
    if others:
        raise ValueError(f"profiles of reference {supports.reference_id} and of {others}")
    joint = pc.equal(table["kind"], JOINT_KIND)
    # Mostly there are none, and to filter copies the cells of all features.
    alone = table.filter(pc.invert(joint)) if pc.any(joint).as_py() else table
    return _features(alone, supports), _joint(table.filter(joint), supports)


def _features(table: pa.Table, supports: Supports) -> dict[str, Profile]:
    names, code, keys, table = _sorted(table, supports)
    support_of = supports.by_feature()
    unknown = [name for name in names if name not in support_of]
    if unknown:
        raise ValueError(f"a profile of {unknown[0]!r}, which has no support")
    _once(code, keys)
    groups = np.bincount(code, minlength=len(names))
    sizes = np.array([support_of[name].size for name in names], dtype=np.int64)
    counts = _counts(table, np.repeat(sizes, groups))
    numeric = np.array(
        [not isinstance(support_of[name], CategoricalSupport) for name in names], dtype=np.bool_
    )
    moments = _moment_arrays(table, np.repeat(numeric, groups))
    profiles: dict[str, Profile] = {}
    start, cell = 0, 0
    shared = _shared(keys, groups)
    for name, n, size in zip(names, groups.tolist(), sizes.tolist(), strict=True):
        end, behind = start + n, cell + n * size
        own = keys.take(slice(start, end)) if shared is None else shared
        support = support_of[name]
        of_feature = None
        if not isinstance(support, CategoricalSupport):
            of_feature = Moments(pivot_of(support), *(values[start:end] for values in moments))
        block = counts[cell:behind].reshape(n, size)
        profiles[name] = Profile(support, own, block, of_feature)
        start, cell = end, behind
    return profiles


def _sorted(table: pa.Table, supports: Supports) -> tuple[list[str], Ints, GroupKeys, pa.Table]:
    """Rows in the order of their features' first rows, and of the keys of their groups.

    Returns:
        The names of the features, the place of each row's among them, its key, and the rows.
    """
    column = table["feature"].combine_chunks().dictionary_encode()
    code = column.indices.to_numpy().astype(np.int64)
    keys = _keys(table, supports)
    order = np.lexsort((keys.segment, keys.list, keys.window, code))
    names = column.dictionary.to_pylist()
    if np.array_equal(order, np.arange(len(order))):  # as they are written: their lists stay there
        return names, code, keys, table
    return names, code[order], keys.take(order), table.take(pa.array(order))


def _keys(table: pa.Table, supports: Supports) -> GroupKeys:
    lists, places = table["segment_list"], table["segment_place"]
    if not lists.is_null().equals(places.is_null()):
        raise ValueError("profiles: a list of segments without a segment, or a segment without one")
    number = lists.fill_null(ALL).to_numpy()
    place = places.fill_null(0).to_numpy()
    segments = np.array([len(s.names) for s in supports.segments] + [1])  # the last is that of ALL
    if ((number < ALL) | (number >= len(segments) - 1)).any():
        raise ValueError("profiles: a list of segments that the reference does not have")
    if ((place < REST) | (place >= segments[number])).any():
        raise ValueError("profiles: a segment that the reference does not have")
    start = table["window_start"].cast(pa.int64()).fill_null(NO_WINDOW).to_numpy()
    return GroupKeys(start, number, place)


def _shared(keys: GroupKeys, groups: Ints) -> GroupKeys | None:
    """The keys of every feature, if all have the same; they are then one object."""
    if not len(groups) or (groups != groups[0]).any():
        return None
    tables = [values.reshape(len(groups), -1) for values in keys.arrays]
    same = all(bool((table == table[0]).all()) for table in tables)
    return keys.take(slice(0, int(groups[0]))) if same else None


def _once(code: Ints, keys: GroupKeys) -> None:
    if not begins((code, *keys.arrays)).all():
        raise ValueError("profiles: duplicate group of a feature")


def _counts(table: pa.Table, width: Ints) -> Ints:
    """Rows per cell, group by group; shape ``(sum of widths,)``."""
    cells, rows = FlatLists.of(table["cells"]), FlatLists.of(table["rows"])
    if not np.array_equal(cells.ends, rows.ends):
        raise ValueError("profiles: a row has more cells than counts, or fewer")
    n, starts = table["n"].to_numpy(), cells.starts
    out = np.zeros(int(width.sum()), dtype=np.int64)
    first = np.cumsum(width) - width
    # Some rows at a time: what is used again does not have to be got from the system.
    for some in blocks(cells.ends - starts, MOST_CELLS):
        begin, ends = int(starts[some.start]), cells.ends[some]
        at, counted = (
            side.values[begin : int(ends[-1])].astype(np.int64, copy=False)
            for side in (cells, rows)
        )
        sizes = ends - starts[some]
        if ((at < 0) | (at >= np.repeat(width[some], sizes))).any() or (counted <= 0).any():
            raise ValueError("profiles: a cell that the support does not have, or without rows")
        place = at + np.repeat(first[some], sizes)
        if (np.diff(place) <= 0).any():
            raise ValueError("profiles: the cells of a row do not increase")
        total = np.concatenate([[0], np.cumsum(counted)])
        if not np.array_equal(np.diff(total[ends - begin], prepend=0), n[some]):
            raise ValueError("profiles: the counts of a row do not add up to n")
        out[place] = counted
    out.flags.writeable = False  # profiles of them are no copies
    return out


def _moment_arrays(table: pa.Table, numeric: Bools) -> list[NDArray[Any]]:
    """The fields of ``Moments`` of all rows."""
    arrays: list[NDArray[Any]] = []
    null = {}
    for name, column in MOMENT_COLUMNS.items():
        values = table[column]
        null[name] = values.is_null().to_numpy()[numeric]
        nothing = 0 if name == "rows" else BEYOND.get(name, 0.0)
        arrays.append(values.fill_null(nothing).to_numpy())
    empty = arrays[0][numeric] == 0
    pairs = (("sum1", "sum1_low"), ("sum2", "sum2_low"), ("minimum", "maximum"))
    halves = any((null[a] != null[b]).any() for a, b in pairs)
    if halves or null["rows"].any() or (null["minimum"] != empty).any():
        raise ValueError("profiles: a sum is missing")
    if ((arrays[0] < 0) | (arrays[0] > table["n"].to_numpy())).any():
        raise ValueError("profiles: moments of more rows than there are")
    return arrays


def _joint(table: pa.Table, supports: Supports) -> dict[str, JointProfile]:
    known = {g.name: g for g in supports.joint}
    names, code, keys, table = _sorted(table, supports)
    sums = [FlatLists.of(table[name]).parts() for name in JOINT_COLUMNS]
    n, rows = table["n"].to_numpy(), table["moment_rows"].to_pylist()
    widths = table["width"].to_pylist()
    profiles = {}
    for i, name in enumerate(names):
        if name not in known:
            raise ValueError(f"a profile of the joint group {name!r}, which has no row in supports")
        of_width: dict[int | None, list[int]] = {}
        for place in np.flatnonzero(code == i).tolist():
            of_width.setdefault(widths[place], []).append(place)
        first, *others = (np.array(places) for places in of_width.values())
        _once(code[first], keys.take(first))
        if any(keys.take(places) != keys.take(first) for places in others):
            raise ValueError(f"profiles: {name!r} has other groups for another width")
        moments = {}
        for width, places in of_width.items():
            parts = [[s[p] for p in places] for s in sums]
            complete = [rows[p] for p in places]
            if any(
                x is not None and not 0 <= x <= n[p] for x, p in zip(complete, places, strict=True)
            ):
                raise ValueError(f"profiles: {name!r} has more complete rows than there are")
            if width is not None:
                moments[width] = _comoments(known[name], width, complete, parts)
            elif any(x is not None for of_row in (complete, *parts) for x in of_row):
                raise ValueError(f"profiles: {name!r} has sums and no width")
        profiles[name] = JointProfile(keys.take(first), n[first], moments)
    return profiles


def _comoments(
    group: JointSupport, width: int, rows: list[Any], parts: list[list[Any]]
) -> CoMoments:
    """The moments of complete rows of one width, from their sums group by group."""
    if None in rows or any(part is None for of_sum in parts for part in of_sum):
        raise ValueError(f"profiles: {group.name!r} has a width and no sums")
    pivots = group.pivots
    if len(pivots) not in (1, width):
        raise ValueError(f"profiles: {group.name!r} has {len(pivots)} pivots for {width} values")
    full = (width**2,) if width > 1 or not group.diagonal else ()
    wanted = ((width,), (width, *full), (width,), (width,))
    if any(len(x) not in w for of_sum, w in zip(parts, wanted, strict=True) for x in of_sum):
        raise ValueError(f"profiles: {group.name!r} has other than {width} sums")
    sum1, cross, sum3, sum4 = (np.stack(of_sum) for of_sum in parts)
    if cross.shape[1] != width or (width == 1 and not group.diagonal):
        cross = cross.reshape(-1, width, width)
    pivot = np.full(width, pivots[0]) if len(pivots) == 1 else np.array(pivots)
    return CoMoments(np.array(rows, dtype=np.int64), pivot, sum1, cross, sum3, sum4)
