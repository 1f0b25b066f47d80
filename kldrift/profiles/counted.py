"""Profiles without their supports, which are large and not needed for adding counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kldrift.arrays import Ints
from kldrift.profiles.group_keys import GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import Support, pivot_of


class Counted(NamedTuple):
    """A profile without its support.

    Counts are as narrow as they travelled before they are added up; moments are about a pivot that
    is known elsewhere.
    """

    keys: GroupKeys
    counts: Ints
    moments: Moments | None

    def profile(self, support: Support) -> Profile:
        """Attach a support: the full profile."""
        moments = None if self.moments is None else self.moments.with_pivot(pivot_of(support))
        return Profile(support, self.keys, self.counts, moments)


def merged(parts: Iterable[tuple[int, Counted]]) -> dict[int, Counted]:
    """Sum the parts of each feature.

    Moments of all features are added at once: most have one group, and an addition of arrays of
    one element costs what one of a thousand costs.
    """
    by_feature: dict[int, list[Counted]] = {}
    for feature, part in parts:
        by_feature.setdefault(feature, []).append(part)
    keys: dict[int, GroupKeys] = {}
    places: dict[int, list[Ints]] = {}
    for feature, own in by_feature.items():
        keys[feature], places[feature] = _union([part.keys for part in own])
    moments = _added_moments(by_feature, keys, places)
    out = {}
    for feature, own in by_feature.items():
        counts: Ints = np.zeros((len(keys[feature]), own[0].counts.shape[1]), dtype=np.int64)
        for part, at in zip(own, places[feature], strict=True):
            counts[_run(at)] += part.counts  # a part has each of its groups once
        counts.flags.writeable = False  # a profile of them is no copy
        out[feature] = Counted(keys[feature], counts, moments.get(feature))
    return out


def _run(places: Ints) -> Ints | slice:
    """Consecutive indices as a slice, so that indexing gives a view and no copy."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _union(several: Sequence[GroupKeys]) -> tuple[GroupKeys, list[Ints]]:
    """The union of the groups of several parts, and the indices of each part's groups in it."""
    first = several[0]
    if all(keys is first for keys in several):
        return first, [np.arange(len(first))] * len(several)
    whole = first
    for keys in several[1:]:
        whole, _, _ = whole.union(keys)
    return whole, [whole.find(keys) for keys in several]


def _added_moments(
    by_feature: Mapping[int, Sequence[Counted]],
    keys: Mapping[int, GroupKeys],
    places: Mapping[int, Sequence[Ints]],
) -> dict[int, Moments]:
    """The moments of each numeric feature, by group."""
    parts: list[Moments] = []
    at: list[Ints] = []
    begins: dict[int, int] = {}
    groups = 0
    for feature, own in by_feature.items():
        if own[0].moments is None:
            continue
        begins[feature] = groups
        for part, place in zip(own, places[feature], strict=True):
            assert part.moments is not None
            parts.append(part.moments)
            at.append(place + groups)
        groups += len(keys[feature])
    if not parts:
        return {}
    total = Moments.joined(parts).added_up(np.concatenate(at), groups)
    return {f: total.take(slice(b, b + len(keys[f]))) for f, b in begins.items()}
