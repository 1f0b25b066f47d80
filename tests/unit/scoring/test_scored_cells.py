"""Merging stored cells for scoring: about as many as asked for, of equal mass, in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import quick, samples, settled, slow

import kldrift
from kldrift.binning.choose import Binning
from kldrift.features.keys import KeyType
from kldrift.profiles.cells import Cell, CellKind
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import CategoricalSupport, NumericSupport


def numeric(counts: list[int], edges: list[int]) -> tuple[NumericSupport, np.ndarray]:
    support = NumericSupport(np.array(edges, dtype=np.int64))
    return support, np.array([0, *counts, 0, 0])


@slow
@given(st.integers(0, 999), st.integers(2, 40))
@example(seed=0, bins=2)
def test_stored_bins_are_merged_to_about_as_many_of_equal_mass_as_asked_for(seed, bins):
    values = np.random.default_rng(seed).lognormal(0, 1, 20_000)
    found, counts = settled([pa.array(values)], KeyType.FLOAT, Binning(128), 100_000)
    scored = merge_for_scoring(found.support, counts, bins)
    rows = scored.fold(counts)
    numbers = [n for cell, n in zip(scored.cells, rows, strict=True) if cell.kind is CellKind.BIN]
    assert len(numbers) in (bins, bins - 1)
    assert max(numbers) <= 20_000 / bins + 2 * 20_000 / 128


@quick
@given(samples, st.integers(2, 30))
def test_merging_loses_no_row_and_keeps_the_order(sample, bins):
    found, counts = settled([sample.column], sample.key_type, Binning(128), 8)
    scored = merge_for_scoring(found.support, counts, bins)
    assert scored.fold(counts).sum() == len(sample.column)
    assert len(scored.cells) == len(scored.starts) == scored.target.max() + 1
    assert (np.diff(scored.target) >= 0).all()
    flow = [c for c in scored.cells if c.kind not in (CellKind.BIN, CellKind.VALUE)]
    kept = [c for c in found.support.cells if c.kind not in (CellKind.BIN, CellKind.VALUE)]
    assert flow == kept


def test_a_value_heavier_than_a_scored_cell_stays_alone_and_lighter_ones_are_merged():
    support, counts = numeric([10, 50, 10, 10, 20], [0, 10, 11, 20, 21, 30])
    scored = merge_for_scoring(support, counts, 3)
    kinds = [(cell.kind, int(n)) for cell, n in zip(scored.cells, scored.fold(counts), strict=True)]
    assert (CellKind.VALUE, 50) in kinds
    assert kinds.count((CellKind.VALUE, 10)) == 0
    assert scored.cells[0].kind is CellKind.UNDERFLOW
    assert scored.cells[-2:] == (Cell(CellKind.OVERFLOW, 30.0), Cell(CellKind.NULL))


def test_values_of_a_few_valued_feature_are_never_merged():
    column = pa.array([1, 2, 3, 4, 5, 6, 7] * 10)
    found, counts = settled([column], KeyType.INTEGER, Binning(8))
    scored = merge_for_scoring(found.support, counts, 2)
    assert scored.cells == found.support.cells


def test_a_merged_bin_of_integers_ends_behind_its_last_value():
    support, counts = numeric([5, 5, 5, 5], [0, 10, 11, 20, 30])
    scored = merge_for_scoring(support, counts, 2)
    assert scored.cells[1:3] == (Cell(CellKind.BIN, 0.0, 11.0), Cell(CellKind.BIN, 11.0, 30.0))


def test_a_merged_bin_of_floats_ends_at_its_last_value():
    edges = np.array([0.0, 10.0, np.nextafter(10.0, 11), 20.0, 30.0])
    support = NumericSupport(edges)
    scored = merge_for_scoring(support, np.array([0, 0, 5, 5, 5, 5, 0, 0, 0, 0]), 2)
    assert scored.cells[2:4] == (Cell(CellKind.BIN, 0.0, 10.0), Cell(CellKind.BIN, 10.0, 30.0))


def test_categories_are_scored_as_they_are():
    support = CategoricalSupport(("a", "b"))
    assert merge_for_scoring(support, np.array([1, 2, 0, 0]), 2).cells == support.cells


def test_counts_of_many_groups_are_merged_at_once():
    support, counts = numeric([5, 5, 5, 5], [0, 10, 11, 20, 30])
    scored = merge_for_scoring(support, counts, 2)
    both = scored.fold(np.stack([counts, 2 * counts]))
    assert both.tolist() == [[0, 10, 10, 0, 0], [0, 20, 20, 0, 0]]


@pytest.mark.parametrize(("rows", "most"), [(100, 5), (320, 8), (5_000, 20)])
def test_the_smaller_side_decides_how_many_cells_are_scored(rows, most):
    rng = np.random.default_rng(0)
    many, few = (pd.DataFrame({"x": rng.normal(size=n)}) for n in (20_000, rows))
    for sides in ((many, few), (few, many)):
        cells = kldrift.compare(*sides).cells["cell_kind"]
        assert (cells == "bin").sum() <= most + 2  # the outermost 0.1 % stay apart


def test_a_value_that_many_rows_of_a_small_side_have_keeps_its_cell():
    rng = np.random.default_rng(0)
    many, few = (np.where(rng.random(n) < 0.12, -999.0, rng.normal(size=n)) for n in (20_000, 250))
    cells = kldrift.compare(pd.DataFrame({"x": many}), pd.DataFrame({"x": few})).cells
    assert cells[cells["cell_kind"] == "value"]["label"].tolist() == ["-999"]


def test_fewer_cells_are_those_of_more_cells_merged():
    support, counts = numeric([100] * 22, list(range(21)))
    many = merge_for_scoring(support, counts, 20)
    few = many.for_rows(300, counts)
    assert few.size < many.size
    assert few.fold(counts).sum() == counts.sum()
    assert set(few.starts) <= set(many.starts)
