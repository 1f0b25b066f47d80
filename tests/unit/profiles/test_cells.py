"""Cells as columns say what the definition of each single cell says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import INT64, LARGEST, quick, samples, settled

from kldrift.binning.choose import Binning
from kldrift.profiles.cells import Cell, CellKind, Cells
from kldrift.profiles.numeric_support import LOWEST
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Support, Unit, step

doubles = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [LOWEST, LARGEST, float(step(np.array([LOWEST]))[0]), 0.0, 5e-324, 1e300]
)
whole = st.integers(*INT64) | st.sampled_from(INT64) | st.integers(-3, 3)
numeric = st.one_of(
    st.builds(
        lambda keys, values, scale: NumericSupport(edges(keys, values, np.int64), scale),
        st.lists(whole, max_size=6),
        st.lists(whole, max_size=4),
        st.sampled_from([1, 10, 10**18]),
    ),
    st.builds(
        lambda keys, values: NumericSupport(edges(keys, values, np.float64)),
        st.lists(doubles, max_size=6),
        st.lists(doubles, max_size=4),
    ),
    st.builds(
        lambda keys, values, unit: NumericSupport(edges(keys, values, np.int64), 1, unit),
        st.lists(st.integers(-(10**6), 10**6), max_size=4),
        st.lists(st.integers(-(10**6), 10**6), max_size=4),
        st.sampled_from([Unit.DAYS, Unit.SECONDS, Unit.BOOLEAN]),
    ),
)
categorical = st.builds(
    CategoricalSupport, st.lists(st.text(), max_size=6, unique=True).map(tuple), st.booleans()
)


def edges(keys: list, values: list, kind: type) -> np.ndarray:
    """Increasing edges; each of the values has a cell of its own."""
    alone = np.array(values, dtype=kind)
    return np.unique(np.concatenate([np.array(keys, dtype=kind), alone, step(alone)]))


def kind_of(support: Support, i: int) -> CellKind:  # noqa: PLR0911 - one line per kind
    """The kind of one cell, by definition."""
    if isinstance(support, CategoricalSupport):
        names = len(support.categories)
        never = [CellKind.NEVER_SEEN] * (support.known is not None)
        flow = [CellKind.OTHER, *never, *[CellKind.NAN] * support.floats, CellKind.NULL]
        return CellKind.CATEGORY if i < names else flow[i - names]
    if i >= support.intervals:
        return CellKind.NULL if i == support.size - 1 else CellKind.NAN
    low, high = [None, *support.edges.tolist(), None][i : i + 2]
    if not support.integral and None in (low, high):
        return CellKind.NEGATIVE_INFINITY if low is None else CellKind.POSITIVE_INFINITY
    if low is not None and holds_one(low, high, support.edges.dtype):
        return CellKind.VALUE
    first, last = (None, None) if support.integral else (LOWEST, np.inf)
    if (low, high) == (first, last):
        return CellKind.OTHER
    if low == first:
        return CellKind.UNDERFLOW
    return CellKind.OVERFLOW if high == last else CellKind.BIN


def holds_one(low: float, high: float | None, kind: np.dtype) -> bool:
    """Whether an interval holds its lower end alone."""
    return low == INT64[1] if high is None else high == step(np.array([low], kind))[0]


def amount(support: NumericSupport, key: float) -> float:
    """A key in the unit of the feature."""
    return float(key) / support.scale if support.scale != 1 else float(key)


def cell_of(support: Support, i: int) -> Cell:
    """One cell, by definition."""
    kind = kind_of(support, i)
    if kind is CellKind.CATEGORY:
        return Cell(kind, label=support.categories[i])
    if kind is CellKind.VALUE:
        key = support.edges[i - 1].item()
        return Cell(kind, amount(support, key), amount(support, key), support.text(key))
    lower = upper = None
    if kind in (CellKind.BIN, CellKind.OVERFLOW):
        behind = not support.integral and kind_of(support, i - 1) is CellKind.VALUE
        lower = amount(support, support.edges[i - 1 - behind])
    if kind in (CellKind.BIN, CellKind.UNDERFLOW):
        upper = amount(support, support.edges[i])
    return Cell(kind, lower, upper)


@quick
@given(numeric | categorical)
def test_columns_hold_what_each_cell_is(support):
    expected = [cell_of(support, i) for i in range(support.size)]
    assert list(support.cells) == expected
    assert [support.cells[i] for i in range(support.size)] == expected
    assert list(support.kinds) == [cell.kind for cell in expected]


@quick
@given(samples, st.integers(2, 30))
def test_a_merged_cell_reaches_from_its_first_stored_cell_to_behind_its_last(sample, bins):
    found, counts = settled([sample.column], sample.key_type, Binning(128), 8)
    support = found.support
    scored = merge_for_scoring(support, counts, bins)
    for cell, first, end in zip(
        scored.cells, scored.starts, [*scored.starts[1:], support.size], strict=True
    ):
        if end - first == 1:
            assert cell == cell_of(support, first)
            continue
        last = cell_of(support, end - 1)
        upper = last.upper
        if support.integral and last.kind is CellKind.VALUE and end - 1 < len(support.edges):
            upper = amount(support, support.edges[end - 1])
        assert cell == Cell(CellKind.BIN, cell_of(support, first).lower, upper)


def test_some_cells_are_taken_by_place_or_by_mask():
    cells = CategoricalSupport(("a", "b")).cells
    mask = np.array([False, True, False, True])
    assert cells.take(np.array([1, 3])) == cells.take(mask) == (cells[1], cells[3])


def test_cells_are_equal_to_equal_cells_only():
    cells = CategoricalSupport(("a", "b")).cells
    assert cells == CategoricalSupport(("a", "b")).cells == tuple(cells)
    assert cells != CategoricalSupport(("b", "a")).cells
    assert cells != list(cells)
    with pytest.raises(TypeError, match="unhashable"):
        hash(cells)


def test_a_negative_place_counts_from_the_end():
    cells = CategoricalSupport(("a",)).cells
    assert cells[-1] == Cell(CellKind.NULL)
    assert cells[-2:] == (Cell(CellKind.OTHER), Cell(CellKind.NULL))
    assert isinstance(cells, Cells)
