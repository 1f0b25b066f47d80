"""References that are made of earlier windows: sums of profiles that the tables have.

Profiles of one support add up, so the reference of a window is a sum of stored rows: nothing is
read twice, and leaving a window out is not adding it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
import pyarrow as pa

from kldrift.config import Dataset, Time
from kldrift.config.marked_days import in_days
from kldrift.counting.lengths import before
from kldrift.counting.windows import microseconds_of
from kldrift.errors import OutputError
from kldrift.monitor.past_scores import start_of
from kldrift.monitor.same_cells import SameCells
from kldrift.monitor.seasons import season_of
from kldrift.monitor.stages import Findings, Reference
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.counted import Counted, merged
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.joint_profile import JointProfile, joint_of_one_group
from kldrift.profiles.profile import Profile, of_no_window
from kldrift.profiles.support import Support
from kldrift.scoring.alerts import LASTING, Key
from kldrift.scoring.status import NO_WINDOW
from kldrift.tables.read import critical_keys, stored_scores, stored_supports
from kldrift.tables.store import open_store
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

BEYOND: Final = [
    CODES[kind]
    for kind in (CellKind.UNDERFLOW, CellKind.OVERFLOW, CellKind.OTHER, CellKind.NEVER_SEEN)
]
CRITICAL_BEFORE: Final = (
    "critical in every earlier window that it would be compared with, so that none of them is its "
    "reference; if this is usual now, run with --refresh-reference"
)
SEGMENT_CRITICAL: Final = (
    "no rows in the reference, of which the windows are left out in which the segment was critical"
)
AGED: Final = 0.1
"""By so much the share of rows beyond the cells may grow before these are too old to tell much."""


@dataclass(frozen=True, eq=False)
class PastWindow:
    """One window that was counted.

    What is usual is not learnt from features that were ``raised`` in it, over all rows (None) or in
    a segment.
    """

    profiles: Mapping[str, Profile]
    joint: Mapping[str, JointProfile]
    raised: frozenset[Key] = frozenset()

    @classmethod
    def stored(
        cls,
        profiles: Mapping[str, Profile],
        joint: Mapping[str, JointProfile],
        raised: frozenset[Key] = frozenset(),
    ) -> Self:
        """A window from profiles as the tables have them, under the keys of windows."""
        return cls(
            {name: of_no_window(p) for name, p in profiles.items()},
            {name: p.under(p.keys.windowless) for name, p in joint.items()},
            raised,
        )

    @cached_property
    def drifted(self) -> dict[str, set[str]]:
        """The segments in which features had drifted, by feature."""
        segments: dict[str, set[str]] = {}
        for feature, segment in self.raised:
            if segment is not None:
                segments.setdefault(feature, set()).add(segment)
        return segments

    def profile(self, feature: str) -> Profile | None:
        """The profile of a feature; None where it is not counted, or had drifted over all rows."""
        return None if (feature, None) in self.raised else self.profiles.get(feature)

    def usual(self, feature: str, lists: Sequence[Sequence[str]]) -> Profile | None:
        """The profile without the segments in which the feature had drifted, given their names."""
        profile, segments = self.profile(feature), self.drifted.get(feature, set())
        if profile is None or not segments or not lists:
            return profile
        left_out = np.zeros(len(profile.keys), dtype=np.bool_)
        for number, names in enumerate(lists):
            places = [i for i, name in enumerate(names) if name in segments]
            left_out |= (profile.keys.list == number) & np.isin(profile.keys.segment, places)
        return profile.take(np.flatnonzero(~left_out))


class History:
    """The windows of a monitor that were counted on one support.

    What the tables have is read when a reference needs it: years of windows are not.
    """

    def __init__(
        self,
        known: Mapping[Window, PastWindow] | None = None,
        stored: Iterable[Window] = (),
        read: Callable[[Window], PastWindow | None] = lambda _: None,
    ) -> None:
        """Hold some windows, and read others on demand.

        ``read`` gives None for one that is damaged, or on the cells of another reference.
        """
        self._known, self._read = dict(known or {}), read
        self._stored: dict[Window, PastWindow | None] = dict.fromkeys(stored)

    def add(self, window: Window, past: PastWindow) -> None:
        """Add a window, in place of what was known of it."""
        self._known[window] = past
        self._stored.pop(window, None)

    def reference(self, base: Reference, rule: Dataset, time: Time, window: Window) -> Reference:
        """What a window, on the cells of ``base``, is compared with: only with earlier ones."""
        past = self._past(rule, time, window)
        supports = {name: p.support for name, p in base.profiles.items()}
        profiles = sum_of(past, supports)
        thinned = {name for one in past for name in one.drifted}
        lists = [known.names for known in base.segments]
        thinned_sums = sum_of(
            past, {name: s for name, s in supports.items() if name in thinned}, lists
        )
        joint = {name: sum_of_joint(past, name) for name in base.joint}
        rows = max((int(p.of_list(ALL).rows.sum()) for p in profiles.values()), default=0)
        aged = aged_cells(base.profiles, profiles)
        known = {name for one in past for name in one.profiles}
        usual = {name for one in past for name in one.profiles if one.profile(name) is not None}
        gaps = dict.fromkeys(thinned_sums, SEGMENT_CRITICAL)
        gaps |= dict.fromkeys(known - usual, CRITICAL_BEFORE)
        if past:
            gaps |= dict.fromkeys(base.profiles.keys() - known, NO_WINDOW)
        return replace(
            base,
            profiles=profiles | thinned_sums,
            of_splits={name: profiles[name] for name in thinned_sums},
            joint=joint,
            rows=rows,
            frozen_id=base.reference_id,
            of_windows=True,
            aged=aged,
            gaps=gaps,
        )

    def _past(self, rule: Dataset, time: Time, window: Window) -> list[PastWindow]:
        """The windows that a rule selects; earlier ones are dropped from memory."""
        while True:
            chosen = chosen_windows(rule, time, [*self._known, *self._stored], window)
            asked = [w for w in chosen if w in self._stored and self._stored[w] is None]
            self._stored |= {w: self._read(w) for w in asked}
            lost = [w for w in asked if self._stored[w] is None]
            if not lost:
                break
            for one in lost:
                del self._stored[one]
        for one in self._stored:
            if chosen and start_of(one) < start_of(chosen[0]):
                self._stored[one] = None
        known = {**self._stored, **self._known}
        return with_levels([past for w in chosen if (past := known[w]) is not None])


def with_levels(past: Sequence[PastWindow]) -> list[PastWindow]:
    """The windows, in which is usual again what was critical in most of them.

    Else a level that stays would never be learnt, and its alert stay open for good.
    """
    times = Counter(key for one in past for key in one.raised)
    most = max(len(past) / 2, LASTING - 1)
    usual = {key for key, windows in times.items() if windows > most}
    return [replace(one, raised=one.raised - usual) if usual else one for one in past]


def aged_cells(frozen: Mapping[str, Profile], profiles: Mapping[str, Profile]) -> dict[str, float]:
    """The features of which many more rows lie beyond the cells than when these were chosen."""
    if not frozen:
        return {}
    sides = [frozen, {name: profiles[name] for name in frozen}]
    sizes = np.array([p.support.size for p in frozen.values()], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    beyond = np.isin(np.concatenate([p.support.codes for p in frozen.values()]), BEYOND)
    shares = []
    for side in sides:
        counts = np.concatenate([p.of_list(ALL).counts.sum(0) for p in side.values()])
        rows = np.maximum(np.add.reduceat(counts, starts), 1)
        shares.append(np.add.reduceat(counts * beyond, starts) / rows)
    grown = shares[1] - shares[0]
    return {name: float(more) for name, more in zip(frozen, grown, strict=True) if more > AGED}


def chosen_windows(
    rule: Dataset, time: Time, known: Iterable[Window], window: Window
) -> list[Window]:
    """The windows that a rule selects as the reference of a window, in time order."""
    start = start_of(window)
    earlier = sorted((w for w in known if w.start and w.bounds[1] <= start), key=start_of)
    earlier = [
        w for w in earlier if not any(in_days(*w.bounds, days, time.zone) for days in rule.exclude)
    ]
    if rule.previous is not None:
        return earlier[-rule.previous :]
    assert rule.trailing is not None
    first = before(start, rule.trailing, time.zone)
    same = [rule.same] if rule.same else []
    alike = season_of(window, time, same)
    return [w for w in earlier if start_of(w) >= first and season_of(w, time, same) == alike]


def sum_of(
    past: Sequence[PastWindow],
    supports: Mapping[str, Support],
    lists: Sequence[Sequence[str]] = (),
) -> dict[str, Profile]:
    """The sum of windows, feature by feature; those in which it had drifted are left out.

    With the names of segments by list, those in which a segment had are left out of its sum.
    """
    parts = (
        (i, Counted(profile.keys, profile.counts, profile.moments))
        for i, name in enumerate(supports)
        for p in past
        if (profile := p.usual(name, lists)) is not None
    )
    sums = merged(parts)
    return {
        name: sums[i].profile(support) if i in sums else Profile.empty(support)
        for i, (name, support) in enumerate(supports.items())
    }


def sum_of_joint(past: Sequence[PastWindow], name: str) -> JointProfile:
    """The sum of windows of a joint group, without those in which it had drifted."""
    parts = [p.joint[name] for p in past if name in p.joint and (name, None) not in p.raised]
    return sum(parts, joint_of_one_group(0, {}))


def stored_history(path: str, monitor: str, reference_id: str) -> History:
    """The windows that the tables have on the cells of a reference."""
    store = open_store(path)
    counted = SameCells(store, monitor, stored_supports(store, monitor, reference_id))

    def read(window: Window) -> PastWindow | None:
        with suppress(ValueError, OutputError):  # damaged
            profiles, joint = counted.profiles(window)
            if not profiles:  # on other cells
                return None
            raised = critical_keys(stored_scores(store, monitor, window))
            return PastWindow.stored(profiles, joint, raised)
        return None

    return History(stored=stored_windows(store, monitor), read=read)


def past_window(findings: Findings, scores: pa.Table) -> PastWindow:
    """A window as it becomes history, once it is judged."""
    names = [p.feature.name for p in findings.pairs]
    return PastWindow(
        dict(zip(names, findings.current, strict=True)),
        {joint.name: current for joint, _, current in findings.joint},
        critical_keys(scores),
    )


def of_window(profile: Profile, window: Window) -> Profile:
    """The groups of one window, under keys without windows."""
    places = np.flatnonzero(profile.keys.window == microseconds_of(start_of(window)))
    if not len(places):
        return Profile.empty(profile.support)
    return profile.take(places, profile.keys.take(places).windowless)
