"""A larger number never falls into an earlier slot, whatever the numbers and the map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kldrift.counting.slot_maps import SLOTS, ExponentSlotMap, IntegerSlotMap, LinearSlotMap, best

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)
UNITS = st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 1e9, 1e300])


def slots(slot_map, values):
    room = np.empty(len(values), dtype=np.int64)
    return slot_map.slots(values, values[0].item(), values[-1].item(), room)


def assert_in_order(slot_map, values):
    """Of increasing numbers, alone and together with others."""
    found = slots(slot_map, values)
    assert (np.diff(found) >= 0).all()
    assert found[0] >= 0
    assert found[-1] < SLOTS
    if slot_map.exact:
        assert (np.diff(found[(found > 0) & (found < SLOTS - 1)]) > 0).all()
    for i in range(len(values)):
        assert slots(slot_map, values[i : i + 1])[0] == found[i]


@settings(max_examples=200, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=9), st.lists(FINITE, min_size=1, max_size=30), UNITS)
def test_doubles_keep_their_order(edges, values, unit):
    cuts = np.unique(np.array(edges) + 0.0)
    values = np.unique(np.concatenate([values, cuts]))
    for slot_map in (LinearSlotMap.over(cuts), ExponentSlotMap(cuts, unit), best(cuts)):
        if slot_map is not None:
            assert_in_order(slot_map, values)


@settings(max_examples=200, deadline=None)
@given(st.integers(-99, 99), UNITS)
def test_neighbouring_doubles_keep_their_order(steps, unit):
    cuts = np.array([1.0, np.nextafter(1.0, 2.0)])
    values = np.unique(np.concatenate([cuts, 1 + np.arange(9) * steps * 2.0**-52]))
    for slot_map in (LinearSlotMap.over(cuts), ExponentSlotMap(cuts, unit), best(cuts)):
        assert_in_order(slot_map, values)


@settings(max_examples=200, deadline=None)
@given(st.lists(WHOLE, min_size=1, max_size=9), st.lists(WHOLE, min_size=1, max_size=30), UNITS)
def test_integers_keep_their_order(edges, values, unit):
    cuts = np.unique(np.array(edges, dtype=np.int64))
    values = np.unique(np.concatenate([np.array(values, dtype=np.int64), cuts]))
    for slot_map in (IntegerSlotMap(cuts), ExponentSlotMap(cuts, unit), best(cuts)):
        assert_in_order(slot_map, values)


@pytest.mark.parametrize("low", [-1.0, 0.0])
@pytest.mark.parametrize("unit", [0.0, 1.0])
def test_zeros_of_both_signs_share_a_slot(unit, low):
    for slot_map in (
        LinearSlotMap.over(np.array([low, 1.0])),
        ExponentSlotMap(np.array([low, 1.0]), unit),
    ):
        values = np.array([low, -0.0, 0.0, 1.0])
        assert slots(slot_map, values)[1] == slots(slot_map, values)[2]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-99, 99), min_size=1, max_size=9), st.integers(-(2**40), 2**40))
def test_where_slots_are_exact_each_number_has_its_own(edges, origin):
    cuts = np.unique(np.array(edges, dtype=np.int64)) + origin
    slot_map = best(cuts)
    assert slot_map.exact
    near = np.arange(cuts[0] - 1, cuts[-1] + 2)
    assert (np.diff(slots(slot_map, near)) == 1).all()
