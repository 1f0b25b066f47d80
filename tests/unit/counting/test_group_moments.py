"""Moments of batches add up to the same bits whether or not each batch has rows of all groups."""

from __future__ import annotations

import numpy as np
import pytest

from kldrift.counting.group_moments import GroupMoments
from kldrift.profiles.moments import Moments

GROUPS = 3


def of_batches(batches: int) -> list[Moments]:
    rng = np.random.default_rng(7)
    values = rng.lognormal(0, 9, (batches, 50 * GROUPS))
    return [Moments.of_parts(v, np.full(GROUPS, 50), 1.0) for v in values]


@pytest.mark.parametrize("batches", range(8))
def test_batches_of_all_groups_add_up_as_those_of_some_do(batches):
    moments = GroupMoments(1.0)
    moments.meet(GROUPS)
    for batch in of_batches(batches):
        moments.add(np.arange(GROUPS), batch)
    some = Moments.joined([*of_batches(batches), Moments.none(0, 1.0)])
    places = np.tile(np.arange(GROUPS), batches)
    assert moments.total() == some.added_up(places, GROUPS)
