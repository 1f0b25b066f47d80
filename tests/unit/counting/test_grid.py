"""The grid says the same as a search among the edges, for every number that there is."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import quick

from kldrift.counting import grid
from kldrift.counting.counter import FEW, Counter
from kldrift.counting.grid import Grid
from kldrift.features.keys import KeyType
from kldrift.profiles.power_sums import added
from kldrift.profiles.support import NumericSupport, step

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)


def searched(edges, values):
    return np.bincount(np.searchsorted(edges, values, "right"), minlength=len(edges) + 1)


def beside(edges):
    """Each edge and its neighbours: where a mistake would show."""
    if edges.dtype == np.float64:
        with np.errstate(over="ignore"):
            near = [edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)]
        found = np.concatenate(near)
        return found[np.isfinite(found)]
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    return np.concatenate(
        [edges, np.maximum(edges, least + 1) - 1, np.minimum(edges, most - 1) + 1]
    )


def assert_searched(edges, values, between=None):
    """The grid's counts and cells are those of a search."""
    found = Grid(edges)
    assert found.count(values, between).tolist() == searched(edges, values).tolist()
    cells = found.cells(values, between)
    assert cells.dtype == np.int64
    assert cells.tolist() == np.searchsorted(edges, values, "right").tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=60), st.lists(FINITE, max_size=60))
def test_any_doubles_fall_where_a_search_puts_them(edges, values):
    edges = np.unique(np.array(edges) + 0.0)
    assert_searched(edges, np.concatenate([values, beside(edges), [-0.0]]))


@settings(max_examples=300, deadline=None)
@given(st.lists(WHOLE, min_size=1, max_size=60), st.lists(WHOLE, max_size=60))
def test_any_integers_fall_where_a_search_puts_them(edges, values):
    edges = np.unique(np.array(edges, dtype=np.int64))
    assert_searched(edges, np.concatenate([np.array(values, dtype=np.int64), beside(edges)]))


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from([FINITE, st.floats(-9, 9), st.integers(-9, 9).map(float), WHOLE]))
def test_numbers_with_cells_of_their_own_fall_there_in_chunks_of_any_size(data, kind):
    dtype = np.int64 if kind is WHOLE else np.float64
    own = np.array(data.draw(st.lists(kind, min_size=1, max_size=9)), dtype) + dtype(0)
    edges = np.unique(np.concatenate([own, step(own)]))
    edges = edges[np.isfinite(edges)]
    others = np.array(data.draw(st.lists(kind, max_size=9)), dtype)
    values = np.concatenate([own.repeat(5), others, beside(edges)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "CHUNK", data.draw(st.integers(1, 40)))
        assert_searched(edges, values)
        assert_searched(edges, values[:0])


@quick
@given(st.lists(FINITE, min_size=1, max_size=9), st.lists(FINITE, min_size=1, max_size=60))
def test_ends_that_are_known_change_nothing(edges, values):
    for dtype in (np.float64, np.int64):
        x = np.clip(values, -1e18, 1e18).astype(dtype)
        cuts = np.unique(np.clip(edges, -1e18, 1e18).astype(dtype) + dtype(0))
        assert_searched(cuts, x, (x.min().item(), x.max().item()))


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "far from zero": lambda rng, n: 1e9 + rng.normal(size=n),
    "too far to tell apart": lambda rng, n: 1e17 + rng.normal(size=n) * 100,
    "many magnitudes": lambda rng, n: rng.lognormal(0, 5, n),
    "negative, many magnitudes": lambda rng, n: -rng.lognormal(0, 5, n),
    "both signs, many magnitudes": lambda rng, n: np.sinh(rng.normal(0, 20, n)),
    "denormals": lambda rng, n: rng.random(n) * 1e-310,
    "huge": lambda rng, n: rng.uniform(-1, 1, n) * 1.7e308,
    "few values": lambda rng, n: rng.integers(0, 5, n) / 3,
    "whole doubles": lambda rng, n: rng.integers(-9, 99, n) * 1.0,
    "half zeros": lambda rng, n: rng.normal(size=n) * rng.integers(0, 2, n),
    "small integers": lambda rng, n: rng.integers(-50, 50, n),
    "large integers": lambda rng, n: rng.integers(-(2**62), 2**62, n),
    "skewed integers": lambda rng, n: np.floor(rng.lognormal(0, 4, n)).astype(np.int64),
    "skewed large integers": lambda rng, n: np.floor(rng.lognormal(25, 3, n)).astype(np.int64),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_quantiles_of_any_shape_cut_it_exactly(shape):
    rng = np.random.default_rng(3)
    values = SHAPES[shape](rng, 20_000)
    quantiles = np.quantile(values, np.linspace(0, 1, 128), method="lower")
    assert_searched(np.unique(np.concatenate([quantiles, beside(quantiles)])), values)
    assert_searched(np.unique(quantiles), values)
    inner = np.unique(quantiles)[3:-3]  # many values lie outside of the edges
    assert_searched(inner if len(inner) else np.unique(quantiles), values)


@pytest.mark.parametrize("shape", ["normal", "many magnitudes", "both signs, many magnitudes"])
def test_more_edges_than_slots_are_searched(shape):
    rng = np.random.default_rng(3)
    values = SHAPES[shape](rng, 50_000)
    assert_searched(np.unique(values[:40_000] + 0.0), values)


@pytest.mark.parametrize("whole", [True, False])
def test_many_and_few_numbers_are_counted_alike(whole):
    rng = np.random.default_rng(4)
    rows = 4 * FEW
    values = rng.lognormal(3, 2, rows)
    if whole:
        column = pa.array(np.floor(values).astype(np.int64), mask=rng.random(rows) < 0.1)
        edges = np.unique(np.floor(rng.lognormal(3, 2, 99)).astype(np.int64))
    else:
        values[::10] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], len(values[::10]))
        column = pa.array(values, mask=rng.random(rows) < 0.1)
        edges = np.unique(rng.lognormal(3, 2, 99))
    counter = Counter(NumericSupport(edges), KeyType.INTEGER if whole else KeyType.FLOAT)
    parts = [counter.count(column.slice(start, FEW // 2)) for start in range(0, rows, FEW // 2)]
    counts = sum(c for c, _ in parts)
    sums = reduce(added, [sums for _, sums in parts])
    whole_counts, whole_sums = counter.count(column)
    assert whole_counts.tolist() == counts.tolist()
    assert whole_counts.sum() == rows
    assert whole_sums == pytest.approx(sums, rel=1e-15, abs=1e-9)


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"too far to tell apart"}))
def test_few_numbers_are_compared_with_edges_whatever_their_shape(shape):
    rng = np.random.default_rng(5)
    values = SHAPES[shape](rng, 50_000)
    edges = np.unique(np.quantile(values, np.linspace(0.005, 0.995, 127), method="lower"))
    if len(edges) < 127:  # a value that fills more than a bin has a cell of its own
        edges = np.unique(np.concatenate([edges, step(edges)]))
    chunks = list(Grid(edges)._chunks(values, None))
    assert sum(len(odd) for _, _, odd in chunks) < 0.15 * len(values)
    assert Grid(edges)._most <= 4
