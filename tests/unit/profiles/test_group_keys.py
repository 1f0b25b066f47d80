"""Keys of groups: their union, and their way through bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import group_keys, quick

from kldrift.profiles.group_keys import ALL, NO_WINDOW, REST, WHOLE, GroupKeys


def listed(keys):
    return list(zip(*(values.tolist() for values in keys.arrays), strict=True))


@quick
@given(group_keys, group_keys)
def test_a_union_has_each_group_of_both_once_and_in_order(one, other):
    union, mine, theirs = one.union(other)
    assert listed(union) == sorted({*listed(one), *listed(other)})
    assert listed(union.take(mine)) == listed(one)
    assert listed(union.take(theirs)) == listed(other)


@quick
@given(group_keys, group_keys)
def test_groups_are_found_where_they_are_and_nowhere_else(one, other):
    places = one.find(other).tolist()
    known = listed(one)
    assert places == [known.index(key) if key in known else -1 for key in listed(other)]


@quick
@given(group_keys)
def test_keys_survive_bytes(keys):
    assert GroupKeys.unpacked(keys.packed()) == keys


def test_bytes_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="14 bytes each, got 15"):
        GroupKeys.unpacked(bytes(15))


def test_the_rest_of_a_list_is_a_group_of_its_own_and_the_whole_is_none():
    keys, _, _ = WHOLE.union(GroupKeys.of_list(0, 2))
    assert listed(keys) == [
        (NO_WINDOW, ALL, 0),
        (NO_WINDOW, 0, REST),
        (NO_WINDOW, 0, 0),
        (NO_WINDOW, 0, 1),
    ]
    assert keys.is_rest.tolist() == [False, True, False, False]
    assert keys.of(0).tolist() == [1, 2, 3]


def test_nobody_can_change_keys():
    mine = np.array([1])
    keys = GroupKeys(mine, np.array([0]), np.array([0]))
    with pytest.raises(ValueError, match="read-only"):
        keys.window[0] = 2


@given(st.integers(0, 5))
@quick
def test_no_groups_are_the_neutral_element(segments):
    keys = GroupKeys.of_list(3, segments)
    assert keys.union(GroupKeys.none())[0] == keys


def test_keys_without_windows_are_made_once():
    keys = GroupKeys(np.array([5, 5]), np.array([ALL, 0]), np.array([0, 3]))
    assert keys.windowless is keys.windowless
    assert keys.windowless == GroupKeys(np.full(2, NO_WINDOW), keys.list, keys.segment)
