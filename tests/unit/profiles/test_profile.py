"""Profiles are a monoid over groups, and a bulk addition is the same addition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_sample import one_group, total
from strategies import group_keys, quick, trees

from kldrift.errors import SupportMismatchError
from kldrift.profiles.counted import Counted, merged
from kldrift.profiles.group_keys import ALL, NO_WINDOW, REST, WHOLE, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile, aligned
from kldrift.profiles.support import CategoricalSupport, NumericSupport

SUPPORT = NumericSupport(np.array([0, 10, 20]))
TEXT = CategoricalSupport(("a", "b"))


def cells(numbers):
    return np.bincount(np.searchsorted(SUPPORT.edges, numbers, "right"), minlength=SUPPORT.size)


def of(numbers: list[int]) -> Profile:
    return one_group(SUPPORT, cells(numbers), Moments.of(np.array(numbers, dtype=np.float64)))


def grouped(keys: GroupKeys, numbers: list[int]) -> Profile:
    """Numbers dealt to groups, one after the other."""
    parts = [numbers[i :: len(keys)] for i in range(len(keys))]
    counts = np.array([cells(part) for part in parts], dtype=np.int64).reshape(-1, SUPPORT.size)
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    values = np.array([x for part in parts for x in part], dtype=np.int64)
    return Profile(SUPPORT, keys, counts, Moments.of_parts(values, sizes))


lists = st.lists(st.integers(-5, 25), max_size=20)
profiles = st.builds(grouped, group_keys, lists)


@quick
@given(st.data(), st.lists(lists, min_size=1, max_size=5))
def test_profiles_of_parts_add_up_to_the_profile_of_the_whole(data, parts):
    whole = of([x for part in parts for x in part])
    assert data.draw(trees([of(part) for part in parts])) == whole
    assert whole.rows.tolist() == [sum(map(len, parts))]


@quick
@given(st.data(), st.lists(profiles, min_size=1, max_size=5))
def test_profiles_of_groups_add_up_in_any_order(data, parts):
    assert data.draw(trees(parts)) == total(parts)


@quick
@given(profiles, profiles)
def test_each_group_of_a_sum_is_the_sum_of_that_group(one, other):
    both = one + other
    for i in range(len(both)):
        key = both.keys.take([i])
        mine = [p.take([int(at[0])]) for p in (one, other) if (at := p.keys.find(key))[0] >= 0]
        assert both.take([i]) == total(mine)


@quick
@given(profiles)
def test_zero_changes_nothing(profile):
    assert profile + Profile.zero(SUPPORT) == Profile.zero(SUPPORT) + profile == profile


@quick
@given(st.lists(st.tuples(st.integers(0, 2), profiles), min_size=1, max_size=6))
def test_adding_many_features_at_once_is_adding_each(parts):
    found = merged((i, Counted(p.keys, p.counts, p.moments)) for i, p in parts)
    for feature in {i for i, _ in parts}:
        expected = total([p for i, p in parts if i == feature])
        assert found[feature].profile(SUPPORT) == expected


def test_features_without_moments_are_added_beside_those_with_them():
    one = one_group(TEXT, np.array([1, 2, 0, 0]))
    parts = [(0, one), (1, of([1, 12])), (0, one), (1, of([13]))]
    found = merged((i, Counted(p.keys, p.counts, p.moments)) for i, p in parts)
    assert found[0].profile(TEXT) == one + one
    assert found[1].profile(SUPPORT) == of([1, 12, 13])


def test_profiles_of_equal_cells_about_other_pivots_are_added():
    numbers = [1, 12, 13]
    other = NumericSupport(SUPPORT.edges, pivot=12.0)
    far = Profile(other, WHOLE, cells(numbers)[None], Moments.of(np.array(numbers), 12.0))
    for both in (of([2]) + far, far + of([2])):
        summary = both.moments.summary()
        assert summary.mean.tolist() == [7.0]
        assert summary.m2.tolist() == [122.0]


def test_profiles_on_different_supports_are_not_added():
    with pytest.raises(SupportMismatchError, match=r"3 edges .* and 1 categories"):
        of([1]) + Profile.zero(CategoricalSupport(("a",)))


def test_counts_are_a_copy_that_nobody_can_change():
    mine = np.array([1, 2, 3, 4, 5])
    profile = one_group(SUPPORT, mine)
    mine[0] = 9
    assert profile.counts.tolist() == [[1, 2, 3, 4, 5]]
    with pytest.raises(ValueError, match="read-only"):
        profile.counts[0, 0] = 9


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.array([1, 2]), r"shape \(1, 5\), got \(1, 2\)"),
        (np.array([1, 2, -3, 4, 5]), "not be negative, got -3 in .*lower=10.0, upper=20.0"),
        (np.array([0.5, 1, 1, 1, 1]), "counts must be integers, got float64"),
    ],
    ids=["shape", "negative", "fractions"],
)
def test_what_are_no_row_counts_of_the_cells_is_refused(counts, message):
    with pytest.raises(ValueError, match=message):
        one_group(SUPPORT, counts)


def test_numbers_have_moments_for_every_group_and_categories_have_none():
    counts = np.zeros((1, SUPPORT.size), np.int64)
    with pytest.raises(ValueError, match="numbers have moments"):
        Profile(SUPPORT, WHOLE, counts)
    with pytest.raises(ValueError, match="1 groups need as many moments: 2"):
        Profile(SUPPORT, WHOLE, counts, Moments.none(2))
    with pytest.raises(ValueError, match="categories have none"):
        Profile(TEXT, WHOLE, np.zeros((1, TEXT.size), np.int64), Moments.none(1))


def test_profiles_are_equal_where_cells_groups_counts_and_moments_are():
    assert of([1, 12]) == of([12, 1])
    assert of([1, 12]) != of([1, 2])
    assert of([1, 12]) != of([2, 12])  # the moments differ
    other = of([1, 12]).take([0], GroupKeys.of_list(0, 0))
    assert of([1, 12]) != other
    assert Profile.zero(SUPPORT) != Profile.zero(NumericSupport(np.array([0, 10, 21])))
    assert of([]) != SUPPORT


def test_the_same_rows_on_merged_cells_and_under_other_keys():
    keys = GroupKeys.of_list(0, 3)
    profile = grouped(keys, list(range(-4, 24)))
    larger = NumericSupport(np.array([0, 20]))
    assert profile.on(larger, np.array([0, 1, 1, 2, 3])).counts.tolist() == [
        [1, 5, 1, 0],
        [1, 5, 1, 0],
        [1, 5, 1, 0],
        [1, 5, 1, 0],
    ]
    # Segments 0 and 2 are left out: their rows are those of no segment.
    places = np.array([REST, REST, 0, REST])
    under = profile.under(GroupKeys(keys.window, keys.list, places))
    assert under.keys == GroupKeys.of_list(0, 1)
    rest = total([profile.take([i], WHOLE) for i in (0, 1, 3)])
    assert under.take([0], WHOLE) == rest
    assert under.take([1], WHOLE) == profile.take([2], WHOLE)


def test_both_sides_get_the_groups_of_both_without_the_rest():
    segments = GroupKeys.of_list(0, 2)
    current, reference = grouped(segments.take([0, 1]), [1, 2]), grouped(segments.take([2]), [3])
    now, before = aligned(current, reference)
    assert now.keys == before.keys == segments.take([1, 2])
    assert (now.rows.tolist(), before.rows.tolist()) == ([1, 0], [0, 1])
    same = aligned(of([1]), of([2]))
    assert [p.keys.list.tolist() for p in same] == [[ALL], [ALL]]
    assert same[0].keys.window.tolist() == [NO_WINDOW]
