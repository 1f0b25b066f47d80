"""Row counts over a support: a commutative monoid that nobody can change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick, trees

from kldrift.errors import SupportMismatchError
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport, NumericSupport

SUPPORT = NumericSupport(np.array([0, 10, 20]))


def of(numbers: list[int]) -> Profile:
    counts = np.bincount(np.searchsorted(SUPPORT.edges, numbers, "right"), minlength=SUPPORT.size)
    return Profile(SUPPORT, counts, Moments.of(np.array(numbers, dtype=np.float64)))


lists = st.lists(st.integers(-5, 25), max_size=20)


@quick
@given(st.data(), st.lists(lists, min_size=1, max_size=5))
def test_profiles_of_parts_add_up_to_the_profile_of_the_whole(data, parts):
    whole = of([x for part in parts for x in part])
    total = data.draw(trees([of(part) for part in parts]))
    np.testing.assert_array_equal(total.counts, whole.counts)
    assert total.rows == whole.rows == sum(map(len, parts))
    assert total.moments.mean == pytest.approx(whole.moments.mean, abs=1e-12, nan_ok=True)


@quick
@given(lists, lists)
def test_profiles_add_up_in_either_order_and_zero_changes_nothing(x, y):
    np.testing.assert_array_equal((of(x) + of(y)).counts, (of(y) + of(x)).counts)
    assert of(x) + Profile.zero(SUPPORT) == Profile.zero(SUPPORT) + of(x) == of(x)


def test_profiles_on_different_supports_are_not_added():
    with pytest.raises(SupportMismatchError, match=r"3 edges .* and 1 categories"):
        of([1]) + Profile.zero(CategoricalSupport(("a",)))


def test_counts_are_a_copy_that_nobody_can_change():
    mine = np.array([1, 2, 3, 4, 5])
    profile = Profile(SUPPORT, mine)
    mine[0] = 9
    assert profile.counts.tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="read-only"):
        profile.counts[0] = 9


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.array([1, 2]), r"shape \(5,\), got \(2,\)"),
        (np.array([1, 2, -3, 4, 5]), "not be negative, got -3 in .*lower=10.0, upper=20.0"),
        (np.array([0.5, 1, 1, 1, 1]), "counts must be integers, got float64"),
    ],
    ids=["shape", "negative", "fractions"],
)
def test_what_are_no_row_counts_of_the_cells_is_refused(counts, message):
    with pytest.raises(ValueError, match=message):
        Profile(SUPPORT, counts)


def test_profiles_are_equal_where_cells_counts_and_moments_are():
    assert of([1, 12]) == of([12, 1])
    assert of([1, 12]) != of([1, 2])
    assert of([1, 12]) != of([2, 12])  # the moments differ
    assert Profile.zero(SUPPORT) != Profile.zero(NumericSupport(np.array([0, 10, 21])))
    assert of([]) != SUPPORT
