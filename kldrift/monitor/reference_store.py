"""Finds and stores references, so that no later run needs to read them again.

The tables hold what the reference decided and its profiles. They are used when nothing that could
change a number has changed: the reference's files, what is asked of them, and the code. A file that
is missing, damaged or of another version costs a scan and nothing else.

See docs/decisions/one-store.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from kldrift.errors import DatasetError, OutputError
from kldrift.monitor.groups import FrozenList
from kldrift.monitor.plan import Plan
from kldrift.monitor.stages import Reference
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.tables.layout import reference_id_of
from kldrift.tables.profile_rows import profile_rows
from kldrift.tables.read import stored_key, stored_profiles, stored_supports
from kldrift.tables.stamp import Stamp
from kldrift.tables.store import Store, open_store
from kldrift.tables.supports import (
    OF_NOTHING,
    FeatureSupport,
    JointSupport,
    Origin,
    SegmentsSupport,
    Supports,
    supports_table,
)
from kldrift.tables.window import Window
from kldrift.tables.write import write_reference

_SPELLED: Final = re.compile(
    r"type='(?!float'|double'|halffloat'|decimal)[^']*'|family='(?:text|row)'"
)
"""What may differ in how columns are read without another key for any value: 32 or 64 bits."""


@dataclass(frozen=True, eq=False)
class StoredReference:
    """A reference that was read before.

    Attributes:
        complete: whether the tables hold just this, and nothing more.
        lacking: features that the plan asks for and it does not have, where it is made of windows:
            they come to be while those of all others go on.
        others: features that the plan does not ask for, where it is made of windows.
    """

    reference: Reference
    origin: Origin
    complete: bool
    lacking: tuple[str, ...] = ()
    others: tuple[FeatureSupport, ...] = ()

    @property
    def rank(self) -> tuple[int, bool, datetime]:
        """A sort key: references with all features first, then complete ones, then the newest."""
        return -len(self.lacking), self.complete, self.origin.read_at

    def __str__(self) -> str:
        return f"as read by run {self.origin.run_id} on {self.origin.read_at:%Y-%m-%d %H:%M} UTC"


def find(plan: Plan, key: str | None) -> StoredReference | None:
    """The stored reference of a plan; None if there is none that can be used."""
    if key is None:
        return None
    config = plan.config
    store = open_store(config.output.path)
    best: StoredReference | None = None
    for name in store.names("supports"):
        reference_id = reference_id_of(config.monitor, name)
        if reference_id is None:
            continue
        # Damage shows as any error: a column that is gone, a number beyond its type, no memory.
        with suppress(Exception):
            one = _stored(plan, key, store, reference_id)
            if one is None or (config.reference.is_history and not one.reference.rows):
                continue  # cells that were chosen while no window had rows are for no value
            if best is None or one.rank > best.rank:
                best = one
        if best is not None and best.complete and not config.reference.is_history:
            break
    return best


def reference_from(
    supports: Supports,
    profiles: Mapping[str, Profile],
    joint: Mapping[str, JointProfile],
    rebinnings: Mapping[str, Rebinning],
    frozen_id: str = "",
) -> Reference:
    """The reference that stored rows hold."""
    return Reference(
        profiles,
        rebinnings,
        supports.skipped,
        joint,
        {f.name: f.joint_pivot for f in supports.features},
        supports.origin.rows,
        tuple(FrozenList(s.names) for s in supports.segments),
        frozen_id,
        notes=supports.notes,
    )


def _stored(plan: Plan, key: str, store: Store, reference_id: str) -> StoredReference | None:
    """The reference stored under an id, if it is that of a plan."""
    if stored_key(store, plan.config.monitor, reference_id) != key:
        return None
    supports, whole = _whole(store, plan.config.monitor, reference_id)
    lacking = _lacking(plan, supports)
    if lacking and not plan.config.reference.is_history:
        return None
    others: tuple[FeatureSupport, ...] = ()
    if plan.config.reference.is_history:
        asked = {p.feature.name for p in plan.pairs}
        others = tuple(f for f in supports.features if f.name not in asked)
    reference = _asked_for(plan, supports, whole, lacking, others)
    if reference is None:
        return None
    complete = reference.reference_id == reference_id and not lacking
    return StoredReference(reference, supports.origin, complete, lacking, others)


def _whole(store: Store, monitor: str, reference_id: str) -> tuple[Supports, Reference]:
    """The supports and profiles stored under an id."""
    supports = stored_supports(store, monitor, reference_id)
    profiles, joint = stored_profiles(store, monitor, supports)
    if profiles.keys() != supports.by_feature().keys():
        raise ValueError("profiles: not those of the features that the reference has")
    if joint.keys() != {j.name for j in supports.joint}:
        raise ValueError("profiles: not those of the joint groups that the reference has")
    rebinnings = {f.name: f.rebinning for f in supports.features if f.rebinning is not None}
    whole = reference_from(supports, profiles, joint, rebinnings)
    if not whole.reference_id == supports.reference_id == reference_id:
        raise ValueError("the stored reference is not what was written")
    return supports, whole


def _last_read(store: Store, monitor: str) -> tuple[str, Origin] | None:
    """The reference of a monitor that was read last: its id and origin; None if there is none."""
    ids = [i for name in store.names("supports") if (i := reference_id_of(monitor, name))]
    read = {i: stored_supports(store, monitor, i).origin for i in ids}
    read = {i: origin for i, origin in read.items() if origin != OF_NOTHING}
    return max(read.items(), key=lambda one: (one[1].read_at, one[0])) if read else None


def changed(plan: Plan, reference_id: str) -> str:
    """A note where windows before were compared with another reference than that of an id."""
    config, last = plan.config, None
    with suppress(OutputError, ValueError):  # damaged: nothing is known of it
        last = _last_read(open_store(config.output.path), config.monitor)
    if last is None or last[0] == reference_id or config.reference.is_history:
        return ""
    return (
        f"the reference is not what it was on {last[1].read_at:%Y-%m-%d %H:%M} UTC, in its rows or "
        "in what is asked of them: it was read again; what was scored before keeps its scores"
    )


def newest(plan: Plan) -> Reference:
    """The reference of a monitor that was read last, for rows that are counted on it.

    Both sides of the plan are the rows to count.
    """
    monitor, path = plan.config.monitor, plan.config.output.path
    store = open_store(path)
    try:
        last = _last_read(store, monitor)
        if last is None:
            raise OutputError(f"{path}: no reference of {monitor!r} yet; kldrift run reads it")
        supports, reference = _whole(store, monitor, last[0])
    except ValueError as error:
        raise OutputError(f"{path}: {error}; run with --refresh-reference") from error
    planned = [j for j in plan.joint if j.problem is None]
    of_joint = {j.name: repr(j.columns("reference", reference.pivots)) for j in planned}
    for what, mine, there in (
        (
            "feature",
            {p.feature.name: repr(p.reference) for p in plan.compared},
            {f.name: f.made_from for f in supports.features},
        ),
        ("joint group", of_joint, {j.name: j.made_from for j in supports.joint}),
        (
            "list of segments",
            {str(i): repr(s.reference) for i, s in enumerate(plan.segments)},
            {str(i): s.made_from for i, s in enumerate(supports.segments)},
        ),
    ):
        for name in sorted({*mine, *there}):
            if _SPELLED.sub("", mine.get(name, "")) != _SPELLED.sub("", there.get(name, "")):
                why = "is of another type than in the reference"
                if name not in there:
                    why = "is not in the reference; exclude it, or run with --refresh-reference"
                elif name not in mine:
                    why = "is in the reference and not in these rows"
                raise DatasetError(f"{what} {name!r} {why}")
    return reference


def _lacking(plan: Plan, supports: Supports) -> tuple[str, ...]:
    """The features of a plan that a reference does not have, or that were read in another way."""
    made_from = {f.name: f.made_from for f in supports.features}
    wanted = {p.feature.name: repr(p.reference) for p in plan.compared}
    return tuple(name for name, how in wanted.items() if made_from.get(name) != how)


def _asked_for(
    plan: Plan,
    supports: Supports,
    whole: Reference,
    lacking: Collection[str],
    others: Sequence[FeatureSupport],
) -> Reference | None:
    """The part of a stored reference that a plan asks for; None if it asks for more.

    It may do without what is ``lacking``; ``others`` are kept beside what it asks for.
    """
    wanted = {p.feature.name: repr(p.reference) for p in plan.compared}
    wanted = {name: how for name, how in wanted.items() if name not in lacking}
    made_from = {f.name: f.made_from for f in supports.features}
    # What the current dataset lacks today is kept: it is the same reference, with one history.
    gone = {p.feature.name: repr(p.reference) for p in plan.pairs if p.current is None}
    wanted |= {name: how for name, how in gone.items() if made_from.get(name) == how}
    wanted |= {f.name: f.made_from for f in others}
    if not wanted:
        return None
    planned = [j for j in plan.joint if j.problem is None]
    joint_from = {j.name: j.made_from for j in supports.joint}
    for joint in planned:
        if joint_from.get(joint.name) != repr(joint.columns("reference", whole.pivots)):
            return None
    if [s.made_from for s in supports.segments] != [repr(s.reference) for s in plan.segments]:
        return None
    if wanted.keys() == made_from.keys() and len(planned) == len(whole.joint):
        return whole  # whose id is known: a digest takes a third of the time of reading
    return replace(
        whole,
        profiles={n: whole.profiles[n] for n in wanted if n in whole.profiles},
        rebinnings={n: whole.rebinnings[n] for n in wanted if n in whole.rebinnings},
        skipped={n: whole.skipped[n] for n in wanted if n in whole.skipped},
        notes={n: whole.notes[n] for n in wanted if n in whole.notes},
        joint={j.name: whole.joint[j.name] for j in planned},
        pivots={n: whole.pivots[n] for n in wanted},
    )


def save(
    plan: Plan, reference: Reference, origin: Origin, others: Sequence[FeatureSupport] = ()
) -> None:
    """Store a reference of a plan, over what stood there under its id."""
    config = plan.config
    reference_id = reference.reference_id
    stamp = Stamp(origin.run_id, config.monitor, Window(), reference_id, config.config_hash)
    names = [known.names for known in reference.segments]
    tables = {
        "supports": supports_table(_supports(plan, reference, origin, others), config.monitor),
        "profiles": profile_rows(reference.profiles, reference.joint, names, "reference", stamp),
    }
    write_reference(config.output.path, config.monitor, reference_id, tables)


def _supports(
    plan: Plan, reference: Reference, origin: Origin, others: Sequence[FeatureSupport]
) -> Supports:
    known = {f.name for f in others}  # pairs of what is gone do not say how it was read
    return Supports(
        reference.reference_id,
        origin,
        (
            *(
                FeatureSupport(
                    name,
                    p.feature.kind,
                    repr(p.reference),
                    reference.pivots[name],
                    reference.rebinnings.get(name),
                    reference.skipped.get(name, ""),
                    reference.notes.get(name, ""),
                )
                for p in plan.pairs
                for name in (p.feature.name,)
                if p.reference is not None and name in reference.pivots and name not in known
            ),
            *others,
        ),
        tuple(
            JointSupport(j.name, repr(columns), columns.pivots, columns.diagonal)
            for j in plan.joint
            if j.name in reference.joint
            for columns in (j.columns("reference", reference.pivots),)
        ),
        tuple(
            SegmentsSupport(repr(s.reference), known.names)
            for s, known in zip(plan.segments, reference.segments, strict=True)
        ),
    )
