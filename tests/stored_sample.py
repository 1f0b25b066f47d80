"""What a reference decided and its profiles, with everything that a table could lose."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from kldrift.profiles.comoments import CoMoments
from kldrift.profiles.group_keys import WHOLE, GroupKeys
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Support, Unit
from kldrift.tables.stamp import Stamp
from kldrift.tables.supports import (
    FeatureSupport,
    JointSupport,
    Origin,
    SegmentsSupport,
    Supports,
)
from kldrift.tables.window import Window

REFERENCE_ID = "0123456789abcdef"
STAMP = Stamp("run-1", "daily", Window(), REFERENCE_ID, "cafe")
NAMES = (("sex=F", "sex=M"), ('a="x, y", b=null',))
LARGE = 2**53
SUPPORTS: dict[str, Support] = {
    "floats": NumericSupport(np.array([-1e308, -0.1, 0.0, 0.1, np.nextafter(0.1, 1)]), pivot=0.05),
    "no edges": NumericSupport(np.array([], dtype=np.float64)),
    "integers": NumericSupport(np.array([LARGE, LARGE + 1, LARGE + 3, 2**63 - 1]), pivot=9e15),
    "money": NumericSupport(np.array([99, 1999, 10**17 + 1]), 100, pivot=1999.0),
    "times": NumericSupport(np.array([0, 10**15]), 1_000_000, Unit.SECONDS, 1e14),
    "texts": CategoricalSupport(("a", "", "null", "é", "x" * 300)),
    "codes": CategoricalSupport(("1.5", "nan"), floats=True),
    "nothing": CategoricalSupport(()),
}


def keys() -> GroupKeys:
    """The whole, REST and two segments of one list, REST and one segment of another."""
    lists = [GroupKeys.of_list(k, len(names)) for k, names in enumerate(NAMES)]
    out = WHOLE
    for one in lists:
        out = out.union(one)[0]
    return out


def profile(support: Support, rng: np.random.Generator, groups: GroupKeys) -> Profile:
    """A profile of odd sums, with a group without rows."""
    counts = rng.integers(0, 3, (len(groups), support.size)) * rng.integers(0, 10**6)
    counts[-1] = 0
    if isinstance(support, CategoricalSupport):
        return Profile(support, groups, counts)
    spreads = 10.0 ** rng.integers(-9, 9, len(groups) - 1)
    values = [support.pivot + rng.normal(size=5) * spread for spread in spreads]
    sizes = np.array([5] * (len(groups) - 1) + [0])
    moments = Moments.of_parts(np.concatenate([*values, []]), sizes, support.pivot)
    return Profile(support, groups, counts, moments)


def profiles(seed: int = 0, groups: GroupKeys | None = None) -> dict[str, Profile]:
    """Of every support."""
    rng = np.random.default_rng(seed)
    groups = keys() if groups is None else groups
    return {name: profile(support, rng, groups) for name, support in SUPPORTS.items()}


def joint_profiles(seed: int = 0) -> dict[str, JointProfile]:
    """A full covariance, vectors of two lengths, vectors of one value, and no complete row."""
    rng = np.random.default_rng(seed)

    def moments(width: int, pivot: float, *, diagonal: bool) -> CoMoments:
        values = rng.normal(size=(7, width))
        return CoMoments.of(values, np.full(width, pivot), diagonal=diagonal)[None]

    def of(*known: CoMoments) -> JointProfile:
        return JointProfile(WHOLE, np.array([11]), {len(m.pivot): m for m in known})

    return {
        "pair": of(moments(2, 0.1, diagonal=False)),
        "embedding": of(moments(3, 0.0, diagonal=True), moments(1, 0.0, diagonal=True)),
        "single": of(moments(1, 0.0, diagonal=False)),
        "never": of(),
    }


def supports(reference: dict[str, Profile]) -> Supports:
    """What a reference of these profiles decided."""
    features = [
        FeatureSupport(
            name,
            "categorical" if p.moments is None else "numeric",
            f"Feature({name!r})",
            0.1,
            merge_for_scoring(p.support, p.counts[0], 3),
        )
        for name, p in reference.items()
    ]
    features.append(FeatureSupport("id", "numeric", "Feature('id')", 1 / 3, None, "near-unique"))
    return Supports(
        REFERENCE_ID,
        Origin("key", 12_345, "run-1", datetime(2020, 4, 1, 6, tzinfo=UTC)),
        tuple(features),
        (
            JointSupport("pair", "2 features", (0.1, 0.1), diagonal=False),
            JointSupport("embedding", "vectors", (0.0,), diagonal=True),
            JointSupport("single", "vectors", (0.0,), diagonal=False),
            JointSupport("never", "vectors", (0.0,), diagonal=False),
        ),
        tuple(SegmentsSupport(f"list {k}", names) for k, names in enumerate(NAMES)),
    )
