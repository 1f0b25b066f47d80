"""What a pass over the reference keeps: the same for any order of the rows and any parts."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    ODD_TEXTS,
    Sample,
    by_sorting,
    floats,
    integers,
    parts,
    quick,
    sketch_batch,
    slow,
    texts,
    trees,
)

from kldrift.binning.distinct_count import HASHES, smallest_hashes
from kldrift.binning.numeric_sketch import LIMIT, NOMINATION, NumericSketch, order_key
from kldrift.binning.text_sketch import TextSketch
from kldrift.features.keys import KeyType, label
from kldrift.profiles.support import step
from kldrift.statistics.hashing import scatter

FEW = 8


def same(a: NumericSketch, b: NumericSketch) -> None:
    """All but the nominations, which name different values that are too light."""
    for name in ("prefixes", "counts", "lows", "highs"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert (a.limit, a.level, a.null, a.flow) == (b.limit, b.level, b.null, b.flow)
    assert (a.hashes is None) == (b.hashes is None)
    if a.hashes is not None:
        np.testing.assert_array_equal(a.hashes, b.hashes)


def of(values: object, limit: int = FEW, kind: type = np.float64) -> NumericSketch:
    return NumericSketch.of(np.sort(np.array(values, dtype=kind)), 0, limit)


def empty(key_type: KeyType, limit: int = FEW) -> NumericSketch:
    kind = np.int64 if key_type is KeyType.INTEGER else np.float64
    return NumericSketch.empty(np.dtype(kind), limit)


# ------------------------------------------------------------------------------- laws of numbers


@quick
@given(st.data(), floats | integers)
def test_the_sketch_of_any_parts_in_any_order_adds_up_to_the_sketch_of_the_whole(data, sample):
    whole = sketch_batch(sample.column, sample.key_type, FEW)
    pieces = data.draw(parts(sample.column))
    sketches = [sketch_batch(piece, sample.key_type, FEW) for piece in pieces]
    same(data.draw(trees(sketches)), whole)


@quick
@given(floats | integers)
def test_the_sketch_of_no_rows_changes_nothing(sample):
    sketch = sketch_batch(sample.column, sample.key_type, FEW)
    same(empty(sample.key_type) + sketch, sketch)
    same(sketch + empty(sample.key_type), sketch)


@quick
@given(st.data(), floats | integers, st.integers(0, 64))
def test_a_resolution_given_in_advance_saves_work_and_changes_nothing(data, sample, level):
    whole = sketch_batch(sample.column, sample.key_type, FEW)
    early = min(level, whole.level)
    pieces = data.draw(parts(sample.column))
    same(reduce(add, [by_sorting(p, sample.key_type, FEW, early) for p in pieces]), whole)


@quick
@given(floats | integers, st.integers(0, 63))
def test_a_sketch_made_coarser_is_that_of_the_rows_at_that_resolution(sample, level):
    sketch = by_sorting(sample.column, sample.key_type, 100)
    same(sketch.coarsened(level), by_sorting(sample.column, sample.key_type, 100, level))


@quick
@given(floats | integers)
def test_every_row_is_counted_once(sample):
    sketch = sketch_batch(sample.column, sample.key_type, FEW)
    assert sketch.rows + sketch.null + sum(sketch.flow) == len(sample.column)
    values = [v for v in sample.values if v is not None]
    assert sketch.null == len(sample.values) - len(values)
    assert sketch.flow == (
        sum(v != v for v in values),  # noqa: PLR0124 - NaN alone differs from itself
        values.count(-np.inf),
        values.count(np.inf),
    )


@quick
@given(floats | integers)
def test_each_cell_knows_its_rows_and_its_smallest_and_largest_key(sample):
    sketch = sketch_batch(sample.column, sample.key_type, FEW)
    values = [v for v in sample.values if v is not None and abs(v) < np.inf]
    for low, high, count in zip(sketch.lows, sketch.highs, sketch.counts, strict=True):
        inside = [v for v in values if low <= v <= high]
        assert (len(inside), min(inside), max(inside)) == (count, low, high)
        assert sketch.level or low == high


@quick
@given(st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 30), min_size=1, max_size=80))
def test_the_resolution_is_the_finest_that_fits(values):
    sketch = of(values, FEW, np.int64)
    assert len(sketch.counts) <= FEW
    if sketch.level:
        keys = np.unique(order_key(np.array(values).astype(np.float64)))
        finer = sketch.level - 1
        cells = len(np.unique(keys >> finer)) if finer else len(set(values))
        assert cells > FEW


def test_neighbouring_doubles_need_the_first_level_only():
    assert of(1 + np.arange(2 * FEW) * 2.0**-52).level == 1


# ---------------------------------------------------------------------------------- nominations


@slow
@given(st.data(), st.integers(0, 10_000))
def test_a_value_that_fills_its_share_is_nominated_however_the_rows_are_cut(data, seed):
    rng = np.random.default_rng(seed)
    heavy = np.repeat([0.25, 0.5], [10, 40])
    values = np.concatenate([rng.random(1_100), heavy])  # 0.9 % and 3.5 % of the rows
    pieces = data.draw(parts(pa.array(values)))
    small = [p.slice(i, 40) for p in pieces for i in range(0, len(p), 40)]
    for way in (pieces, small):
        sketch = reduce(add, [sketch_batch(p, KeyType.FLOAT, FEW) for p in way])
        assert {0.25, 0.5} <= set(sketch.heavy.tolist())


def test_nominations_stay_few_also_for_rows_that_come_in_order():
    values = np.repeat(np.arange(20_000.0), 20)
    batches = np.split(values, 400)
    sketch = reduce(add, [NumericSketch.of(batch, 0, 4_096) for batch in batches])
    assert len(sketch.heavy) < NOMINATION


# --------------------------------------------------------------------------- keys and estimates


@quick
@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_keys_of_doubles_are_in_the_order_of_the_doubles(a, b):
    first, second = order_key(np.array([a, b])).tolist()
    assert (first < second, first == second) == (a < b, a == b)


@quick
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_neighbouring_doubles_have_neighbouring_keys(value):
    first, second = order_key(np.array([value, *step(np.array([value]))])).tolist()
    skipped = value == -5e-324  # the key of -0.0, which is counted as 0.0
    assert second == first + 1 + skipped


def test_different_integers_have_different_hashes_that_fill_the_range():
    hashes = scatter(np.arange(-50_000, 50_000))
    assert len(np.unique(hashes)) == 100_000
    assert np.abs(np.histogram(hashes / 2.0**64, 10, (0, 1))[0] - 10_000).max() < 500


@pytest.mark.parametrize("rows", [1, 7, 3_000])
def test_the_smallest_hashes_are_the_same_in_any_batches(rows):
    values = np.random.default_rng(rows).integers(0, 9_000, 30_000)
    smallest = np.unique(scatter(np.unique(values)))[:HASHES]
    # The last one comes last: it lies between the two largest that were kept until then.
    last = scatter(values) == smallest[-1]
    values = np.concatenate([values[~last], values[last]])
    known = smallest_hashes(values[:-rows])
    np.testing.assert_array_equal(smallest_hashes(values[-rows:], known), smallest)


@pytest.mark.parametrize("distinct", [100, HASHES - 1, 20_000, 300_000])
def test_the_number_of_distinct_integers_is_estimated(distinct):
    values = np.repeat(np.arange(distinct) * 1_000_003, 2)
    sketch = reduce(add, [of(v, 64, np.int64) for v in np.array_split(values, 7)])
    assert sketch.level > 0
    assert sketch.distinct == pytest.approx(distinct, rel=0.1 if distinct >= HASHES else 0)


def test_the_number_of_distinct_values_is_exact_while_each_has_its_cell():
    assert of([1, 1, 2, 5], kind=np.int64).distinct == 3
    assert np.isnan(of(np.arange(100.0)).distinct)  # nobody asks for floats


# ----------------------------------------------------------------------------------------- text


def counted(sketch: TextSketch) -> dict[str, int]:
    return dict(zip(sketch.values.to_pylist(), sketch.counts.tolist(), strict=True))


@quick
@given(st.data(), texts)
def test_few_texts_are_counted_exactly_in_any_parts_and_any_order(data, sample):
    names = label(sample.column).to_pylist()
    pieces = [sketch_batch(p, KeyType.TEXT) for p in data.draw(parts(sample.column))]
    sketch = data.draw(trees([*pieces, TextSketch.empty(LIMIT)]))
    assert sketch.exact
    assert counted(sketch) == Counter(n for n in names if n is not None)
    assert (sketch.rows, sketch.null, sketch.nan) == (
        len(names) - names.count(None),
        names.count(None),
        0,
    )


@quick
@given(st.data(), st.lists(st.sampled_from("abcdef") | st.just("a"), max_size=80))
def test_many_texts_are_kept_by_weight_within_the_bounds_of_misra_and_gries(data, values):
    pieces, limit = data.draw(parts(pa.array(values, pa.string()))), 3
    leaves = [sketch_batch(piece, KeyType.TEXT, limit) for piece in pieces]
    sketch, true = data.draw(trees(leaves)), Counter(values)
    estimates = counted(sketch)
    assert len(estimates) <= limit
    assert sketch.exact == (len(true) <= limit)
    assert sketch.rows == len(values)
    assert sketch.deducted <= len(values) / (limit + 1)
    for name, rows in true.items():
        assert estimates.get(name, 0) <= rows <= estimates.get(name, 0) + sketch.deducted


def test_odd_texts_are_what_they_are():
    column = pa.array([*ODD_TEXTS, None, "null"])
    sketch = sketch_batch(column, KeyType.TEXT)
    assert len(sketch.values) == len(ODD_TEXTS)
    assert counted(sketch)["null"] == 2
    assert (sketch.rows, sketch.null) == (len(ODD_TEXTS) + 1, 1)


def test_floats_that_are_categories_have_one_zero_and_keep_nan_apart():
    column = pa.array([0.0, -0.0, 1.0, np.nan, -np.nan, None])
    sketch = sketch_batch(column, KeyType.TEXT)
    assert counted(sketch) == {"0": 2, "1": 1}
    assert (sketch.nan, sketch.null) == (2, 1)


def test_texts_of_a_dictionary_that_no_row_has_are_no_values():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0, 2]), pa.array(["a", "b", None]))
    sketch = sketch_batch(column, KeyType.TEXT)
    assert counted(sketch) == {"a": 2}
    assert sketch.null == 1


def test_where_only_presence_counts_no_value_is_kept():
    sample = Sample(pa.array([b"a", None, b"b"]), KeyType.PRESENCE)
    sketch = sketch_batch(sample.column, sample.key_type)
    assert (len(sketch.values), sketch.rows, sketch.null) == (0, 2, 1)


def test_the_share_of_nominated_values_is_what_the_docstring_says():
    rows = 512 * 40
    ordered = np.sort(np.concatenate([np.full(2 * 40, 0.5), np.linspace(1, 2, rows - 80)]))
    assert NumericSketch.of(ordered, 0).heavy.tolist() == [0.5]
    assert NOMINATION == 512
