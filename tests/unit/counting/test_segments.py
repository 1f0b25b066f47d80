"""Segments: names that tell all apart, numbers per row, and which of them are kept."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_sample import folded
from strategies import ODD_TEXTS, cut, quick

from kldrift.binning.choose import Binning, choose_segments
from kldrift.binning.freeze import freeze
from kldrift.counting.group_names import (
    all_written,
    numbers_of,
    segments_of,
    sketch_segments,
    written,
)

hard = st.text(max_size=6) | st.sampled_from(
    [
        *ODD_TEXTS,
        "a, b",
        "a=b",
        '"',
        "\\",
        "\x1cx",
        "x\x7f",
        "x\u3000",
        "\u3000x",
        "a\u00a0b",
        "日本",
    ]
)
columns = st.tuples(
    st.lists(st.none() | hard, min_size=1, max_size=30),
    st.lists(st.none() | st.sampled_from([0.0, -0.0, float("nan"), 1.5, 2e30]), min_size=30),
    st.lists(st.none() | st.integers(-3, 3), min_size=30),
)


@quick
@given(st.lists(hard, max_size=20))
def test_arrow_writes_what_python_writes(texts):
    assert all_written(pa.array(texts, pa.string())).to_pylist() == [written(t) for t in texts]


@quick
@given(st.lists(hard, min_size=2, max_size=20))
def test_no_two_names_are_written_alike(texts):
    assert len({written(t) for t in texts} | {"null", "NaN"}) == len(set(texts)) + 2


def named(sample):
    """A batch of three columns, one of which is a dictionary."""
    texts, floats, integers = sample
    n = len(texts)
    return [
        ("the text", pa.array(texts, pa.string()).dictionary_encode()),
        ("x=y", pa.array(floats[:n], pa.float64())),
        ("i", pa.array(integers[:n], pa.int32())),
    ]


def spelled(value):
    """How a value is written, by one value at a time."""
    if value is None:
        return "null"
    if isinstance(value, float):
        return "NaN" if np.isnan(value) else written(f"{value + 0.0:.15g}")
    return written(value) if isinstance(value, str) and len(value) < 100 else None


@quick
@given(columns)
def test_a_row_has_the_name_of_its_values(sample):
    batch = named(sample)
    names, places = segments_of(batch)
    got = [names[i].as_py() for i in places]
    assert len(got) == len(sample[0])
    for row, name in enumerate(got):
        values = [spelled(column[row].as_py()) for _, column in batch[:2]]
        integer = batch[2][1][row].as_py()
        if None not in values:
            number = "null" if integer is None else integer
            assert name == f'the text={values[0]}, "x=y"={values[1]}, i={number}'


@quick
@given(st.data(), columns)
def test_numbers_and_sketches_do_not_depend_on_batches_and_dictionaries(data, sample):
    batch = named(sample)
    n = len(sample[0])
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    pieces = [
        [(name, part) for (name, _), part in zip(batch, row, strict=True)]
        for row in zip(*(cut(column, cuts) for _, column in batch), strict=True)
    ]
    whole = sketch_segments(batch)
    merged = reduce(add, [sketch_segments(piece) for piece in pieces])
    rows = [
        dict(zip(s.values.to_pylist(), s.counts.tolist(), strict=True)) for s in (whole, merged)
    ]
    assert rows[0] == rows[1]
    assert sum(rows[0].values()) == whole.rows == n
    known = pa.array(sorted(rows[0])[: len(rows[0]) // 2 + 1], pa.string())
    numbers = numbers_of(batch, known)
    np.testing.assert_array_equal(np.concatenate([numbers_of(p, known) for p in pieces]), numbers)
    for i, name in enumerate(known.to_pylist()):
        assert (numbers == i).sum() == rows[0][name]


def test_times_are_written_alike_however_they_were_stored():
    stored = pa.array([0, 3_600_000], pa.timestamp("ms", tz="UTC"))
    read = stored.cast(pa.timestamp("us", tz="America/New_York"))
    names = [segments_of([("t", column)])[0].to_pylist() for column in (stored, read)]
    assert names[0] == names[1]
    assert names[0][0].startswith("t=1970-01-01 00:00:00")


def frozen(values, most):
    """The segments that a reference of these values keeps, and the rows of no segment."""
    batch = [("v", pa.array(values))]
    proposal = choose_segments(sketch_segments(batch), Binning(max_segments=most))
    names = proposal.support.categories
    numbers = numbers_of(batch, pa.array(names, pa.string()))
    counts = np.append(np.bincount(numbers, minlength=len(names) + 1), 0)
    settled = freeze(proposal, counts)
    return settled.support.categories, folded(settled, counts)


def test_the_most_frequent_segments_are_kept_and_the_rest_is_counted():
    values = np.repeat([3, 1, 2, 9], [50, 70, 50, 19])
    assert frozen(values, 4)[0] == ("v=1", "v=2", "v=3", "v=9")
    names, counts = frozen(values, 2)
    assert names == ("v=1", "v=2")
    assert counts.tolist() == [70, 50, 69, 0]
    # Of too many, those with fewer than 20 rows are chance.
    assert frozen(values, 3)[0] == ("v=1", "v=2", "v=3")


def test_frequent_segments_are_found_among_more_than_a_sketch_holds():
    rng = np.random.default_rng(0)
    values = np.concatenate([np.arange(40_000), np.repeat([-1, -2, -3], [900, 800, 30])])
    names, counts = frozen(rng.permutation(values), 2)
    assert names == ("v=-1", "v=-2")
    assert counts.tolist() == [900, 800, 40_030, 0]


@pytest.mark.parametrize("rows", [0, 1], ids=["no rows", "one row"])
def test_few_rows_have_segments_too(rows):
    names, counts = frozen(pa.array(["a"] * rows, pa.string()), 5)
    assert (list(names), counts.sum()) == (["v=a"] * rows, rows)
