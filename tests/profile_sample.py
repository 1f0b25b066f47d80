"""Profiles as the tests of the core make them: of one group, and added up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kldrift.binning.freeze import Frozen
from kldrift.profiles.group_keys import WHOLE
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport, Support, pivot_of


def one_group(
    support: Support, counts: NDArray[np.int64], moments: Moments | None = None
) -> Profile:
    """The profile of all rows, without windows."""
    if moments is None and not isinstance(support, CategoricalSupport):
        moments = Moments.none(1, pivot_of(support))
    return Profile(support, WHOLE, np.asarray(counts).reshape(1, -1), moments)


def total(profiles: Sequence[Profile]) -> Profile:
    """The sum of profiles on one support, one at least."""
    first, *others = profiles
    return sum(others, first)


def folded(frozen: Frozen, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts on the cells of a proposal as counts on those of the frozen support."""
    out = np.zeros(frozen.support.size, dtype=np.int64)
    np.add.at(out, frozen.target, counts)
    return out
