"""Cells that are picked from tables, and put back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.statistics.picked_cells import PickedCells


@quick
@given(st.integers(1, 300), st.integers(0, 9), st.integers(0, 2**32), st.floats(0, 1))
def test_a_sum_of_picked_cells_is_to_the_bit_that_of_a_table_with_zeros(k, tables, seed, share):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((tables, k)) < share, rng.standard_normal((tables, k)), 0.0)
    picked = PickedCells.of(values != 0)
    np.testing.assert_array_equal(picked.summed(picked.each(values)), values.sum(-1))
    np.testing.assert_array_equal(picked.placed(picked.each(values)), values)


def test_some_of_the_cells_keep_their_tables():
    rows = np.array([[5, 0, 7], [0, 2, 0]])
    large = PickedCells.of(rows > 0).only(np.array([True, False, True]))
    assert large.each(rows).tolist() == [5, 2]
    assert large.every(rows.sum(-1)).tolist() == [12, 2]
