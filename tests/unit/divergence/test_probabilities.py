"""From counts to probabilities: zeros are dealt with once, and mass is one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.divergence.probabilities import probabilities

tables = st.lists(st.integers(0, 10**12) | st.integers(0, 3), min_size=1, max_size=30)
pseudocounts = st.sampled_from([0.0, 0.5, 1.0, 3.25])


@quick
@given(tables, pseudocounts)
def test_probabilities_are_counts_plus_pseudocounts_as_shares(counts, pseudocount):
    found = probabilities(np.array(counts), pseudocount=pseudocount)
    most = Fraction(sum(counts), 2 * len(counts)) if any(counts) else Fraction(pseudocount)
    smoothed = [Fraction(n) + min(Fraction(pseudocount), most) for n in counts]
    if not any(smoothed):
        assert not found.any()
        return
    exact = [float(s / sum(smoothed)) for s in smoothed]
    assert found.tolist() == pytest.approx(exact, rel=1e-15)
    assert found.sum() == pytest.approx(1, abs=1e-15)


@quick
@given(st.data(), tables, pseudocounts)
def test_cells_without_a_row_on_either_side_take_no_part(data, counts, pseudocount):
    k = len(counts)
    other = np.array(data.draw(st.lists(st.integers(0, 2), min_size=k, max_size=k)))
    mine = np.array(counts) * np.array(data.draw(st.lists(st.booleans(), min_size=k, max_size=k)))
    occupied = (mine + other) > 0
    found = probabilities(mine, occupied, pseudocount=pseudocount)
    assert not found[~occupied].any()
    alone = probabilities(mine[occupied], pseudocount=pseudocount)
    assert found[occupied].tolist() == pytest.approx(alone.tolist(), rel=1e-15)


def test_every_occupied_cell_has_mass_with_a_pseudocount_and_none_without():
    counts = np.array([4, 0])
    assert probabilities(counts).tolist() == [0.9, 0.1]
    assert probabilities(counts, pseudocount=0).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("pseudocount", [0, 1])
def test_a_whole_pseudocount_is_as_good_as_a_fraction(pseudocount):
    counts, occupied = np.array([3, 1, 0]), np.array([True, True, False])
    found = probabilities(counts, occupied, pseudocount=pseudocount)
    assert (
        found.tolist() == probabilities(counts, occupied, pseudocount=float(pseudocount)).tolist()
    )


def test_what_is_added_never_outweighs_the_rows():
    counts = np.zeros(1_000, dtype=np.int64)
    counts[7] = 30
    found = probabilities(counts)
    assert found[7] == pytest.approx(2 / 3, abs=0.001)
    assert found.min() > 0


def test_each_row_of_a_table_is_a_distribution():
    counts = np.array([[[1, 3], [0, 0]], [[2, 2], [5, 0]]])
    found = probabilities(counts, pseudocount=0)
    assert found.tolist() == [[[0.25, 0.75], [0, 0]], [[0.5, 0.5], [1, 0]]]


@pytest.mark.parametrize(
    ("counts", "pseudocount", "message"),
    [
        (np.array([0.5, 0.5]), 0.5, "counts must be integers, got float64"),
        (np.array([1, -1]), 0.5, "must not be negative"),
        (np.array([1, 1]), -1, "must not be negative, got pseudocount=-1"),
    ],
    ids=["probabilities", "negative rows", "negative pseudocount"],
)
def test_what_are_no_counts_is_refused(counts, pseudocount, message):
    with pytest.raises(ValueError, match=message):
        probabilities(counts, pseudocount=pseudocount)
