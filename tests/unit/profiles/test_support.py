"""The cells of a feature: what they hold, what they are called, which are the same."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import INT64, LARGEST, quick

from kldrift.errors import SupportMismatchError
from kldrift.profiles.cells import Cell, CellKind
from kldrift.profiles.numeric_support import LOWEST
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Unit, require_same, step

FLOAT_FLOW = (CellKind.POSITIVE_INFINITY, CellKind.NAN, CellKind.NULL)


def ints(*edges: int, **how: object) -> NumericSupport:
    return NumericSupport(np.array(edges, dtype=np.int64), **how)


def doubles(*edges: float) -> NumericSupport:
    return NumericSupport(np.array(edges, dtype=np.float64))


def edges_of(numbers: st.SearchStrategy, kind: type) -> st.SearchStrategy[NumericSupport]:
    distinct = st.lists(numbers, max_size=8, unique_by=lambda x: x + 0)
    return distinct.map(lambda xs: NumericSupport(np.array(sorted(xs), dtype=kind)))


supports = edges_of(st.integers(*INT64), np.int64) | edges_of(
    st.floats(allow_nan=False, allow_infinity=False), np.float64
)


@quick
@given(supports)
def test_every_support_has_a_kind_and_a_cell_for_each_count(support):
    assert len(support.kinds) == len(support.cells) == support.size
    assert len(support.positions) == len(support.points) == support.intervals
    assert [cell.kind for cell in support.cells] == list(support.kinds)
    assert support.kinds.count(CellKind.NULL) == 1
    assert support.kinds[-1] is CellKind.NULL


@quick
@given(supports)
def test_cells_lie_at_finite_positions_that_never_decrease(support):
    positions = support.positions if support.integral else support.positions[1:-1]
    assert np.isfinite(positions).all()
    assert (np.diff(positions) >= 0).all()


@quick
@given(supports)
def test_a_support_survives_the_way_to_an_executor(support):
    back = pickle.loads(pickle.dumps(support))
    assert back == support
    assert hash(back) == hash(support)
    assert back.cells == support.cells


def test_floats_have_cells_for_tails_and_for_everything_that_is_no_finite_number():
    assert doubles(0.0, 1.0).kinds == (
        CellKind.NEGATIVE_INFINITY,
        CellKind.UNDERFLOW,
        CellKind.BIN,
        CellKind.OVERFLOW,
        *FLOAT_FLOW,
    )


def test_integers_are_never_infinite_or_nan():
    assert ints(0, 5).kinds == (
        CellKind.UNDERFLOW,
        CellKind.BIN,
        CellKind.OVERFLOW,
        CellKind.NULL,
    )


@pytest.mark.parametrize(
    ("support", "kinds"),
    [
        pytest.param(ints(), (CellKind.OTHER, CellKind.NULL), id="integers"),
        pytest.param(
            doubles(),
            (CellKind.NEGATIVE_INFINITY, CellKind.OTHER, *FLOAT_FLOW),
            id="floats",
        ),
    ],
)
def test_without_edges_every_number_is_another_value(support, kinds):
    assert support.kinds == kinds


def test_an_interval_that_holds_one_key_is_a_value():
    support = ints(3, 4, 9)
    assert support.kinds[1:3] == (CellKind.VALUE, CellKind.BIN)
    assert support.cells[1] == Cell(CellKind.VALUE, 3.0, 3.0, "3")
    assert support.cells[2] == Cell(CellKind.BIN, 4.0, 9.0)


@pytest.mark.parametrize(
    "support",
    [ints(INT64[0], INT64[0] + 1, INT64[1]), doubles(LOWEST, np.nextafter(LOWEST, 0), LARGEST)],
    ids=["integers", "floats"],
)
def test_the_smallest_and_largest_key_of_a_type_are_values_and_no_tails(support):
    labels = [cell.label for cell in support.cells if cell.kind is CellKind.VALUE]
    smallest, largest = INT64 if support.integral else (LOWEST, LARGEST)
    assert labels == [str(smallest), str(largest)]


def test_a_bin_right_behind_a_value_shows_that_value_and_not_its_neighbour():
    support = doubles(0.0, *step(np.array([0.0])), 1.0)
    behind = next(cell for cell in support.cells if cell.kind is CellKind.BIN)
    assert (behind.lower, behind.upper) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("support", "key", "text"),
    [
        pytest.param(ints(2**53 + 1), 2**53 + 1, "9007199254740993", id="beyond doubles"),
        pytest.param(ints(1, scale=100), -1, "-0.01", id="decimal"),
        pytest.param(ints(1, scale=100), 1230, "12.30", id="decimal with a zero"),
        pytest.param(ints(1, scale=10**8), 1, "0.00000001", id="small decimal"),
        pytest.param(ints(1, scale=10**6, unit=Unit.SECONDS), 0, "1970-01-01T00:00:00", id="time"),
        pytest.param(
            ints(1, scale=10**6, unit=Unit.SECONDS), 1, "1970-01-01T00:00:00.000001", id="instant"
        ),
        pytest.param(ints(1, unit=Unit.DAYS), 59, "1970-03-01", id="date"),
        pytest.param(ints(1, unit=Unit.BOOLEAN), 1, "true", id="boolean"),
        pytest.param(doubles(1.0), 0.1, "0.1", id="float"),
        pytest.param(doubles(1.0), -3.0, "-3", id="whole float"),
    ],
)
def test_a_key_is_written_exactly_as_a_reader_would(support, key, text):
    assert support.text(key) == text


def test_bounds_and_positions_are_in_the_unit_of_the_feature():
    support = ints(100, 300, scale=100)
    assert support.cells[1] == Cell(CellKind.BIN, 1.0, 3.0)
    assert support.positions.tolist() == [1.0, 2.0, 3.0]


def test_open_tails_lie_at_the_nearest_edge_and_infinities_nowhere():
    positions = doubles(1.0, 3.0).positions
    assert positions[1:-1].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(positions[[0, -1]]).all()


def test_the_next_key_is_the_next_larger_one_the_type_holds():
    assert step(np.array([0, INT64[1]])).tolist() == [1, INT64[1]]
    assert step(np.array([0.0, LARGEST])).tolist() == [5e-324, np.inf]


@pytest.mark.parametrize(
    "other",
    [ints(0, 2), ints(0, 1, scale=10), ints(0, 1, unit=Unit.DAYS), doubles(0, 1)],
    ids=["edges", "scale", "unit", "type"],
)
def test_supports_differ_in_edges_scale_unit_or_type(other):
    assert other != ints(0, 1)
    with pytest.raises(SupportMismatchError, match="profile the current dataset with the support"):
        require_same(ints(0, 1), other)


def test_negative_zero_is_the_zero_that_it_equals():
    assert doubles(-0.0, 1.0) == doubles(0.0, 1.0)
    assert hash(doubles(-0.0, 1.0)) == hash(doubles(0.0, 1.0))
    assert doubles(-0.0).cells[1].upper.hex() == (0.0).hex()


def test_an_error_about_two_supports_names_the_edges_of_both():
    message = r"cannot put 2 edges over \[0, 120\] and 3 edges over \[0, 0.5\] on one support"
    with pytest.raises(SupportMismatchError, match=message):
        require_same(ints(0, 120), doubles(0.0, 0.25, 0.5))
    with pytest.raises(SupportMismatchError, match="no edges and 2 categories"):
        require_same(doubles(), CategoricalSupport(("a", "b")))


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (np.array([1, 1]), "increasing numbers"),
        (np.array([2.0, 1.0]), "increasing numbers"),
        (np.array([0.0, np.nan]), "increasing numbers"),
        (np.array([[0, 1]]), "increasing numbers"),
        (np.array([0, 1], dtype=np.int32), "int64 or float64, got int32"),
    ],
    ids=["equal", "decreasing", "nan", "table", "type"],
)
def test_edges_that_are_no_increasing_numbers_are_refused(edges, message):
    with pytest.raises(ValueError, match=message):
        NumericSupport(edges)


def test_edges_are_a_copy_that_nobody_can_change():
    mine = np.array([1, 2])
    support = NumericSupport(mine)
    mine[0] = 0
    assert support.edges.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        support.edges[0] = 5


def test_a_category_that_is_called_null_is_not_a_null():
    support = CategoricalSupport(("null", "NaN"), floats=True)
    assert support.kinds == (
        CellKind.CATEGORY,
        CellKind.CATEGORY,
        CellKind.OTHER,
        CellKind.NAN,
        CellKind.NULL,
    )
    assert [cell.label for cell in support.cells] == ["null", "NaN", None, None, None]
    assert support.size == len(support.kinds)


def test_only_categories_that_were_floats_have_a_cell_for_nan():
    assert CategoricalSupport(("a",)).kinds == (CellKind.CATEGORY, CellKind.OTHER, CellKind.NULL)


def test_categories_must_be_distinct():
    with pytest.raises(ValueError, match="categories must be distinct"):
        CategoricalSupport(("a", "a"))
