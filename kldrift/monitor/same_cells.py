"""Stored windows on the cells of one reference, whichever reference they were counted on.

A reference is another one as soon as one feature more is compared or one fewer. The cells of all
others are what they were, and so are the windows that were counted on them.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.tables.read import stored_profile_rows, stored_supports
from kldrift.tables.read_profiles import read_profiles
from kldrift.tables.store import Store
from kldrift.tables.supports import JointSupport, Supports
from kldrift.tables.window import Window


class SameCells:
    """Reads what was counted of windows on cells that a reference has."""

    def __init__(self, store: Store, monitor: str, supports: Supports) -> None:
        self._store, self._monitor, self._supports = store, monitor, supports
        self._others: dict[str, Supports] = {}

    def profiles(
        self, window: Window, rows: pa.Table | None = None
    ) -> tuple[dict[str, Profile], dict[str, JointProfile]]:
        """The profiles of features and joint groups of a window, by name.

        Those on other cells are left out, and segments where their lists are others. ``rows`` are
        those of ``profiles``, where they were read before.

        Raises:
            OutputError: a file cannot be read.
            ValueError: it is not there or damaged, or has rows of several references.
        """
        if rows is None:
            rows = stored_profile_rows(self._store, self._monitor, window)
        ids = rows["reference_id"].unique().to_pylist()
        if len(ids) > 1:
            raise ValueError(f"profiles of {len(ids)} references")
        if ids in ([], [self._supports.reference_id]):  # none where no feature was counted
            return read_profiles(rows, self._supports)
        if ids[0] not in self._others:
            other = stored_supports(self._store, self._monitor, ids[0])
            self._others[ids[0]] = other
        other = self._others[ids[0]]
        return read_profiles(self._shared(rows, other), other)

    def _shared(self, rows: pa.Table, other: Supports) -> pa.Table:
        """The rows of another reference that are on cells of this one."""
        own, theirs = self._supports.by_feature(), other.by_feature()
        joint = {g.name: g for g in self._supports.joint}
        names = [name for name, support in theirs.items() if own.get(name) == support]
        names += [g.name for g in other.joint if _form(joint.get(g.name)) == _form(g)]
        shared = rows.filter(pc.is_in(rows["feature"], pa.array(names, pa.string())))
        if [s.names for s in self._supports.segments] != [s.names for s in other.segments]:
            shared = shared.filter(shared["segment_list"].is_null())
        return shared


def _form(group: JointSupport | None) -> tuple[tuple[float, ...], bool] | None:
    """What the sums of a joint group depend on; how its features are read may have changed."""
    return None if group is None else (group.pivots, group.diagonal)
