"""The kernels that every row goes through, against an oracle that looks at one row at a time."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Sample, numeric, parts, proposed, quick, samples, sketch_batch, texts

from kldrift.binning.choose import Binning
from kldrift.counting import counter as counting
from kldrift.counting.counter import Counter
from kldrift.counting.profile_builder import ProfileBuilder
from kldrift.counting.row_groups import RowGroups
from kldrift.features.keys import KeyType, label
from kldrift.profiles.group_keys import GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import NO_VALUES, added
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Support, pivot_of


def support_for(sample: Sample, stored: int = 8) -> Support:
    sketch = sketch_batch(sample.column, sample.key_type, 16)
    binning = Binning(stored_bins=stored, max_categories=3)
    return proposed(sketch, binning, scale=sample.scale).support


def cell_of(support: Support, value: object, sample: Sample, reference: Sample) -> int:
    """The cell of a value, found by trying one cell after the other."""
    if value is None:
        return support.size - 1
    if isinstance(support, CategoricalSupport):
        name = label(pa.array([value])).to_pylist()[0]
        names = list(support.categories)
        if name in names or support.known is None:
            return names.index(name) if name in names else len(names)
        known = [n for n in label(reference.column).to_pylist() if n is not None]
        return len(names) + (known.count(name) < 2)
    key = sample.key(value)
    if math.isnan(key):
        return support.size - 2
    bounds = [-math.inf, *support.edges.tolist(), math.inf]
    for i in range(support.intervals - 1):
        if bounds[i] <= key < bounds[i + 1]:
            return i
    return support.intervals - 1


@quick
@given(samples, samples)
def test_every_row_is_counted_in_the_cell_that_it_belongs_to(reference, current):
    for sample in (reference, current):
        if (sample.key_type, sample.scale) != (reference.key_type, reference.scale):
            continue
        support = support_for(reference)
        counts, _ = Counter(support, sample.key_type).count(sample.column)
        expected = [0] * support.size
        for value in sample.values:
            expected[cell_of(support, value, sample, reference)] += 1
        assert counts.tolist() == expected
        assert counts.sum() == len(sample.column)


@quick
@given(st.data(), samples)
def test_counts_and_moments_of_parts_add_up_to_those_of_the_whole(data, sample):
    counter = Counter(support_for(sample), sample.key_type)
    whole, moments = counter.count(sample.column)
    pieces = [counter.count(piece) for piece in data.draw(parts(sample.column))]
    np.testing.assert_array_equal(sum(counts for counts, _ in pieces), whole)
    assert ends(reduce(added, [sums for _, sums in pieces], NO_VALUES)) == ends(moments)


def by_group(counter, column, numbers, groups):
    """Counts of each group, and its moments."""
    builder = ProfileBuilder(counter.support, counter.key_type, 0, lists=1)
    builder.add(column, [RowGroups(numbers, groups)])
    whole, sums = counter.count(column)
    found_whole = builder.whole()
    np.testing.assert_array_equal(found_whole[0], whole)
    assert ends(found_whole[1]) == ends(sums)
    (found,) = builder.counted(Numbered(groups))
    counts = np.zeros((groups, counter.support.size), dtype=np.int64)
    counts[found.keys.segment] = found.counts
    moments = Moments.none(groups, pivot_of(counter.support))
    if found.moments is not None:
        moments = found.moments.added_up(found.keys.segment.astype(np.int64), groups)
    return counts, moments


class Numbered:
    """Groups whose segments are their numbers."""

    def __init__(self, groups):
        self.keys = lambda _, n: GroupKeys.of_list(0, groups).take(slice(1, n + 1))


def ends(sums):
    """What does not depend on how values are summed."""
    return sums.rows, sums.minimum, sums.maximum


@quick
@given(st.data(), samples)
def test_counts_per_group_are_the_counts_of_each_group(data, sample):
    n = len(sample.column)
    groups = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), np.int64)
    counter = Counter(support_for(sample), sample.key_type)
    counts, moments = by_group(counter, sample.column, groups, 5)
    summary = moments.summary()
    for group in range(5):
        rows = sample.column.filter(pa.array(groups == group))
        alone, sums = counter.count(rows)
        np.testing.assert_array_equal(counts[group], alone)
        its = Moments.stacked([sums], moments.pivot).summary()
        assert summary.rows[group] == its.rows[0]
        assert (summary.minimum[group], summary.maximum[group]) == (its.minimum[0], its.maximum[0])
        if np.isfinite(its.m2[0]) and np.isfinite(summary.m2[group]):
            width = its.maximum[0] - its.minimum[0]
            assert summary.mean[group] == pytest.approx(its.mean[0], rel=1e-12, abs=1e-12 * width)
            assert summary.m2[group] == pytest.approx(its.m2[0], rel=1e-9, abs=1e-12 * width**2)


def test_a_group_far_from_the_others_keeps_the_digits_of_its_spread():
    rng = np.random.default_rng(0)
    near, far = rng.normal(0, 1, 1_000), rng.normal(1e9, 1, 1_000)
    counter = Counter(NumericSupport(np.array([0.0, 1.0])), KeyType.FLOAT)
    groups = np.repeat([0, 1], 1_000)
    _, moments = by_group(counter, pa.array(np.concatenate([near, far])), groups, 3)
    summary = moments.summary()
    for i, x in enumerate((near, far)):
        assert summary.mean[i] == pytest.approx(x.mean(), rel=1e-14)
        assert summary.std[i] == pytest.approx(x.std(), rel=1e-12)
    assert summary.rows[2] == 0


@quick
@given(numeric)
def test_moments_are_those_of_the_finite_values(sample):
    support = support_for(sample)
    _, sums = Counter(support, sample.key_type).count(sample.column)
    moments = Moments.stacked([sums], support.pivot).summary()
    keys = [sample.key(v) for v in sample.values if v is not None and math.isfinite(v)]
    assert moments.rows[0] == len(keys)
    if keys:
        mean = sum(Fraction(k) for k in keys) / len(keys)
        largest = max(abs(k) for k in keys)
        if largest < 1e140:
            near = max(Fraction(largest) / 10**14, Fraction(5e-324))  # a mean is a double, too
            assert abs(Fraction(moments.mean[0]) - mean) <= near
            exact = float(sum((Fraction(k) - mean) ** 2 for k in keys))
            assert moments.m2[0] == pytest.approx(exact, rel=1e-9, abs=1e-14 * largest**2)
        assert (moments.minimum[0], moments.maximum[0]) == (float(min(keys)), float(max(keys)))


@quick
@given(st.data(), numeric)
def test_many_rows_are_counted_as_few_are(data, sample):
    counter = Counter(support_for(sample), sample.key_type)
    order = data.draw(st.lists(st.integers(0, max(0, len(sample.column) - 1)), max_size=40))
    rows = np.resize(np.array(order if len(sample.column) else [], dtype=np.int64), 99)
    column = sample.column.take(pa.array(rows)) if len(sample.column) else sample.column
    counts, moments = counter.count(column)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "FEW", 1)
        patch.setattr(counting, "exact_about", lambda _: False)
        by_grid, same = counter.count(column)
    assert counts.tolist() == by_grid.tolist()
    assert ends(moments) == ends(same)
    for one, other in ((moments.sum1, same.sum1), (moments.sum2, same.sum2)):
        assert one == pytest.approx(other, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize("remembered", [0, 2**20], ids=["each new", "remembered"])
@quick
@given(batches=st.lists(texts, min_size=1, max_size=5))
def test_each_batch_is_counted_by_its_own_dictionary(remembered, batches):
    counter = Counter(CategoricalSupport(("a", "b", "null")), KeyType.TEXT, remembered)
    for sample in [b for batch in batches for b in (batch, batch)]:
        column = sample.column.dictionary_encode()
        values = ["" if v is None else v for v in sample.values]
        expected = [values.count(name) for name in ("a", "b", "null")]
        nulls = sample.values.count(None)
        expected += [len(values) - nulls - sum(expected), nulls]
        assert counter.count(column)[0].tolist() == expected


@quick
@given(st.lists(st.none() | st.booleans(), max_size=40), st.sampled_from([0.0, 1.0, 0.5]))
def test_flags_are_counted_as_the_integers_that_they_are(values, pivot):
    counter = Counter(NumericSupport(np.array([0, 1, 2]), pivot=pivot), KeyType.INTEGER)
    flags = pa.array(values, pa.bool_())
    counts, moments = counter.count(flags)
    same, its = counter.count(flags.cast(pa.int64()))
    assert counts.tolist() == same.tolist()
    assert counts.tolist() == [0, values.count(False), values.count(True), 0, values.count(None)]
    assert moments == its


@quick
@given(texts)
def test_categories_have_no_moments(sample):
    assert Counter(support_for(sample), sample.key_type).count(sample.column)[1] == NO_VALUES


def test_integers_beyond_the_doubles_are_not_confused():
    big = 2**53
    support = NumericSupport(np.array([big, big + 1, big + 2]))
    column = pa.array([big, big + 1, big + 1, big - 1, big + 2])
    counts, _ = Counter(support, KeyType.INTEGER).count(column)
    assert counts.tolist() == [1, 1, 2, 1, 0]


def test_zeros_of_both_signs_fall_into_one_cell_and_null_nan_and_infinities_into_their_own():
    support = NumericSupport(np.array([0.0, 5e-324]))
    column = pa.array([0.0, -0.0, None, np.nan, np.inf, -np.inf, -5e-324, 5e-324])
    for counts in (
        Counter(support, KeyType.FLOAT).count(column)[0],
        by_group(Counter(support, KeyType.FLOAT), column, np.zeros(8, np.int64), 1)[0][0],
    ):
        named = zip(support.kinds, counts.tolist(), strict=True)
        assert [(kind.value, n) for kind, n in named] == [
            ("negative_infinity", 1),
            ("underflow", 1),
            ("value", 2),
            ("overflow", 1),
            ("positive_infinity", 1),
            ("nan", 1),
            ("null", 1),
        ]


@pytest.mark.parametrize("encode", [False, True], ids=["plain", "dictionary"])
def test_null_the_empty_text_and_the_text_null_are_three_things(encode):
    column = pa.array([None, "", "null", "", "NaN", "x"])
    column = column.dictionary_encode() if encode else column
    counts, _ = Counter(CategoricalSupport(("", "null")), KeyType.TEXT).count(column)
    assert counts.tolist() == [2, 1, 2, 1]


@pytest.mark.parametrize(
    ("support", "key_type", "values", "counts"),
    [
        (NumericSupport(np.array([5, 6])), KeyType.INTEGER, [5, None], [0, 1, 0, 2]),
        (CategoricalSupport(("a",)), KeyType.TEXT, ["a", None], [1, 0, 2]),
        (CategoricalSupport(()), KeyType.PRESENCE, ["a", None], [1, 2]),
    ],
    ids=["numbers", "text", "presence"],
)
def test_nulls_that_hide_in_a_dictionary_are_nulls(support, key_type, values, counts):
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(values))
    counter = Counter(support, key_type)
    assert counter.count(column)[0].tolist() == counts
    assert by_group(counter, column, np.zeros(3, np.int64), 1)[0][0].tolist() == counts
    assert sketch_batch(column, key_type).null == 2


def test_where_only_presence_counts_a_row_is_there_or_null():
    for floats, expected in ((False, [2, 1]), (True, [2, 0, 1])):
        counter = Counter(CategoricalSupport((), floats), KeyType.PRESENCE)
        assert counter.count(pa.array([b"a", None, b""]))[0].tolist() == expected


def test_nan_of_a_float_category_has_a_cell_of_its_own():
    counter = Counter(CategoricalSupport(("1.5", "nan"), floats=True), KeyType.TEXT)
    counts, _ = counter.count(pa.array([1.5, np.nan, None, 2.0]))
    assert counts.tolist() == [1, 0, 1, 1, 1]


@pytest.mark.parametrize("kind", [pa.float64(), pa.int64(), pa.string(), pa.null()], ids=str)
def test_no_rows_and_only_nulls_are_counted_too(kind):
    key_type = {pa.float64(): KeyType.FLOAT, pa.int64(): KeyType.INTEGER}.get(kind, KeyType.TEXT)
    for rows in (0, 3):
        column = pa.nulls(rows, kind)
        support = proposed(sketch_batch(column, key_type), Binning()).support
        counter = Counter(support, key_type)
        assert counter.count(column)[0].tolist()[-1] == counter.count(column)[0].sum() == rows
        groups = np.zeros(rows, dtype=np.int64)
        assert by_group(counter, column, groups, 2)[0].sum() == rows
