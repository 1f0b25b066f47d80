"""Many groups are counted together, each as it would be alone, and cost few calls."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pytest

from kldrift.counting import group_table
from kldrift.counting.counter import Counter
from kldrift.counting.profile_builder import ProfileBuilder
from kldrift.counting.row_groups import SegmentList
from kldrift.counting.window_groups import WindowGrouper
from kldrift.features.group_columns import as_read
from kldrift.features.keys import KeyType
from kldrift.profiles.group_keys import ALL
from kldrift.profiles.moments import Moments
from kldrift.profiles.support import CategoricalSupport, NumericSupport

RNG = np.random.default_rng(8)
ROWS = 30_000
FLOATS = RNG.lognormal(2, 2, ROWS)
FLOATS[::97], FLOATS[1::197], FLOATS[2::499], FLOATS[3::999] = np.nan, np.inf, -np.inf, 1e9
EDGES = np.quantile(RNG.lognormal(2, 2, 999), np.linspace(0, 1, 60))
CODES = RNG.integers(-9, 90, ROWS)
COLUMNS = {
    "floats": (FLOATS, NumericSupport(EDGES, pivot=7.389), KeyType.FLOAT),
    "close whole numbers": (
        CODES,
        NumericSupport(np.arange(0, 80, 3), pivot=40.0),
        KeyType.INTEGER,
    ),
    "codes about a fraction": (
        CODES,
        NumericSupport(np.array([5, 50]), pivot=0.5),
        KeyType.INTEGER,
    ),
    "whole numbers far apart": (
        RNG.integers(-(2**40), 2**40, ROWS),
        NumericSupport(np.arange(-9, 9) * 2**35, pivot=2.0**30),
        KeyType.INTEGER,
    ),
    "numbers that are no doubles": (
        RNG.integers(2**60, 2**62, ROWS),
        NumericSupport(np.arange(9) * 2**59 + 2**60, pivot=2.0**61),
        KeyType.INTEGER,
    ),
    "flags": (RNG.random(ROWS) < 0.2, NumericSupport(np.array([0, 1, 2])), KeyType.INTEGER),
    "texts": ([f"w{i}" for i in CODES], CategoricalSupport(("w3", "w5", "w7")), KeyType.TEXT),
}
SEGMENTS = pa.array([f"g{i}" for i in RNG.integers(0, 4, ROWS)])
LISTS = (SegmentList((as_read("g", pa.schema([("g", pa.string())])),), ("g=g0", "g=g1", "g=g2")),)


def column_of(name, *, nulls):
    values, support, key_type = COLUMNS[name]
    return pa.array(values, mask=RNG.random(ROWS) < nulls), support, key_type


def windows_of(windows, *, in_order=True):
    starts = np.arange(ROWS) * windows // ROWS
    return starts if in_order else RNG.permutation(starts)


def counted(column, support, key_type, windows, lists=LISTS, batches=3):
    """What some batches add up to: for windows alone, then for segments in them."""
    grouper = WindowGrouper(lists, known=True)
    builder = ProfileBuilder(support, key_type, 0, lists=1 + len(lists), windows=True)
    for batch in np.array_split(np.arange(ROWS), batches):
        rows = pa.array(batch)
        of_list = [SEGMENTS.take(rows)] if lists else []
        builder.add(column.take(rows), grouper.group(windows[batch], of_list))
    return list(builder.counted(grouper))


@pytest.mark.parametrize("nulls", [0.0, 0.3, 0.999, 1.0], ids=["none", "some", "most", "all"])
@pytest.mark.parametrize("in_order", [True, False], ids=["in order", "shuffled"])
@pytest.mark.parametrize("codes", [0, group_table.CODES, 10**9], ids=["codes", "both", "cells"])
@pytest.mark.parametrize("name", COLUMNS)
def test_each_window_has_the_bits_of_its_rows_alone(name, codes, in_order, nulls, monkeypatch):
    monkeypatch.setattr(group_table, "CODES", codes)
    column, support, key_type = column_of(name, nulls=nulls)
    windows = windows_of(7, in_order=in_order)
    batches = 1 if nulls == 0.999 else 3  # a value alone keeps digits that it loses among others
    for found in (
        counted(column, support, key_type, windows, batches=batches)[0],
        *counted(column, support, key_type, windows, lists=(), batches=batches),
    ):
        assert found.keys.window.tolist() == list(range(7))
        assert set(found.keys.list.tolist()) == {ALL}
        for window in range(7):
            mine = column.filter(pa.array(windows == window))
            counts, sums = Counter(support, key_type).count(mine)
            np.testing.assert_array_equal(found.counts[window], counts)
            if found.moments is not None:
                one = Moments.stacked([sums], support.pivot).summary()
                its = found.moments.take([window]).summary()
                for field in ("rows", "mean", "m2", "minimum", "maximum"):
                    expected = getattr(one, field)
                    np.testing.assert_array_equal(getattr(its, field), expected, err_msg=field)


@pytest.mark.parametrize("name", COLUMNS)
def test_segments_add_up_to_their_window(name):
    whole, parts = counted(*column_of(name, nulls=0.1), windows_of(5, in_order=False))
    assert len(parts.keys) == 20
    for i, window in enumerate(whole.keys.window.tolist()):
        mine = parts.keys.window == window
        np.testing.assert_array_equal(parts.counts[mine].sum(0), whole.counts[i])
        if whole.moments is not None:
            assert parts.moments.rows[mine].sum() == whole.moments.rows[i]
            assert parts.moments.minimum[mine].min() == whole.moments.minimum[i]


def calls(column, support, key_type, windows):
    """Calls of functions while the rows of one batch are counted."""
    groups = WindowGrouper(LISTS, known=True).group(windows, [SEGMENTS])
    made = 0

    def noted(_, event, __):
        nonlocal made
        made += event in ("call", "c_call")

    builder = ProfileBuilder(support, key_type, 0, lists=2, windows=True)
    sys.setprofile(noted)
    try:
        builder.add(column, groups)
    finally:
        sys.setprofile(None)
    return made


@pytest.mark.parametrize("in_order", [True, False], ids=["in order", "shuffled"])
@pytest.mark.parametrize("name", COLUMNS)
def test_more_windows_take_no_more_calls(name, in_order):
    column = column_of(name, nulls=0.1)
    few, many = (windows_of(n, in_order=in_order) for n in (5, 100))
    calls(*column, few)
    assert calls(*column, many) < 3 * calls(*column, few)  # of 20 times as many
