"""Sketching batch after batch gives what sorting all rows gives, whatever the batches."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import by_sorting, cut, floats, integers, parts, proposed, quick, shuffled, texts
from test_sketch import FEW, counted, same

from kldrift.binning.choose import Binning, Proposal
from kldrift.binning.freeze import freeze
from kldrift.binning.numeric_sketch import NOMINATION, Sketch
from kldrift.binning.sketcher import sketcher
from kldrift.counting import counter as counting
from kldrift.features import keys as key_type
from kldrift.features.keys import KeyType, label

ROWS = 6_000
LIMIT = 64


def fed(batches: list[pa.Array], key_type: KeyType, limit: int) -> Sketch:
    """What an accumulator has seen of some batches."""
    accumulator = sketcher(key_type, limit)
    for batch in batches:
        accumulator.add(batch)
    return accumulator.sketch()


def kinds(rng: np.random.Generator, rows: int = ROWS) -> dict[str, np.ndarray]:
    """Numbers of all kinds that features are made of."""
    normal, some = rng.standard_normal(rows), rng.random(rows)
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1.8e308 / 2, -1.7e308])
    numbers = {
        "normal": normal,
        "lognormal": np.exp(normal),
        "uniform": some,
        "mixed signs of all sizes": normal * 10.0 ** rng.integers(-300, 300, rows),
        "denormals": np.round(normal * 1_000) * 5e-324,
        "zero-inflated": np.where(some < 0.4, 0.0, np.exp(normal)),
        "zeros of both signs": np.where(some < 0.4, -0.0, np.where(some < 0.8, 0.0, normal)),
        "zeros and large numbers": np.where(some < 0.4, 0.0, 1.7e9 + normal),
        "heavy among others": np.where(some < 0.02, 1.0 + 2**-40, 1.0 + normal * 2**-30),
        "few doubles": rng.integers(0, 30, rows) / 7,
        "many doubles": rng.integers(0, 3_000, rows) / 7,
        "odd": np.where(some < 0.3, rng.choice(odd, rows), normal),
        "no number": rng.choice(odd[:3], rows),
        "constant double": np.full(rows, 0.1),
        "rising": np.arange(rows) * 1.5,
    }
    wide = rng.integers(-(2**63), 2**63, rows)
    integers = {
        "few integers": rng.integers(-20, 20, rows),
        "many integers": rng.integers(-3_000, 3_000, rows),
        "integers of all sizes": wide >> rng.integers(0, 60, rows),
        "the ends": rng.choice([-(2**63), -(2**63) + 1, -1, 0, 1, 2**63 - 2, 2**63 - 1], rows),
        "integers that doubles confuse": 2**53 + rng.integers(-50, 50, rows),
        "ids": np.arange(rows) + 10**6,
        "ids at random": wide,
        "constant": np.full(rows, 7),
        "half integers": np.where(some < 0.5, 1_000, wide),
    }
    return numbers | integers


KINDS = tuple(kinds(np.random.default_rng(0), 2))


def column_of(kind: str, seed: int, rows: int = ROWS) -> tuple[pa.Array, KeyType]:
    rng = np.random.default_rng(seed)
    values = kinds(rng, rows)[kind]
    nulls = rng.random(rows) < rng.choice([0, 0.1])
    key_type = KeyType.INTEGER if values.dtype == np.int64 else KeyType.FLOAT
    return pa.array(values, mask=nulls), key_type


# -------------------------------------------------------------------------------------- numbers


@quick
@given(st.data(), floats | integers)
def test_batches_of_any_rows_add_up_to_the_sketch_of_all_rows_in_order(data, sample):
    pieces = data.draw(parts(sample.column))
    found = fed(pieces, sample.key_type, FEW)
    same(found, by_sorting(sample.column, sample.key_type, FEW))


@st.composite
def batches(draw: st.DrawFn, column: pa.Array) -> list[pa.Array]:
    """A column in batches of any sizes, in its own order or any other."""
    cuts = sorted(draw(st.lists(st.integers(0, len(column)), max_size=9)))
    return cut(column.take(pa.array(shuffled(draw, len(column)))), cuts)


def frequent(column: pa.Array) -> set[float]:
    """The finite values that fill 2/512 of the rows."""
    finite = [v for v in column.to_pylist() if v is not None and abs(v) < np.inf]
    return {v for v, rows in Counter(finite).items() if rows * NOMINATION >= 2 * len(finite)}


kind = pytest.mark.parametrize("kind", KINDS)
seeds = st.integers(0, 999)
few = settings(max_examples=5, deadline=None)


@kind
@few
@given(st.data(), seeds, st.sampled_from([64, 1_000]))
def test_a_feature_of_any_kind_is_sketched_as_if_its_rows_were_in_order(kind, data, seed, limit):
    column, key_type = column_of(kind, seed)
    whole = by_sorting(column, key_type, limit)
    pieces = data.draw(batches(column))
    found = fed(pieces, key_type, limit)
    same(found, whole)
    assert frequent(column) <= set(found.heavy.tolist())
    two = [fed(some, key_type, limit) for some in (pieces[::2], pieces[1::2])]
    same(reduce(add, two), whole)


@kind
@few
@given(st.data(), seeds)
def test_a_feature_of_any_kind_gets_the_support_that_its_rows_in_order_give(kind, data, seed):
    column, key_type = column_of(kind, seed)
    for binning in (Binning(8), Binning(128)):
        ordered, found = (
            settle_on(column, key_type, proposed(sketch, binning))
            for sketch in (
                by_sorting(column, key_type, 256),
                fed(data.draw(batches(column)), key_type, 256),
            )
        )
        assert found.support == ordered.support
        assert found.skip == ordered.skip


def settle_on(column: pa.Array, key_type: KeyType, proposal: Proposal) -> Proposal:
    counts, _ = counting.Counter(proposal.support, key_type).count(column)
    return replace(proposal, support=freeze(proposal, counts).support)


@kind
def test_a_sketch_can_be_asked_for_at_any_time(kind):
    column, key_type = column_of(kind, 1)
    accumulator = sketcher(key_type, 64)
    for end in (700, 2_000, ROWS):
        start = {700: 0, 2_000: 700, ROWS: 2_000}[end]
        accumulator.add(column.slice(start, end - start))
        same(accumulator.sketch(), by_sorting(column.slice(0, end), key_type, 64))


MOVING = {
    "normal": lambda rng, _: rng.standard_normal(50_000),
    "rising": lambda _, i: np.arange(50_000.0) + 50_000 * i,
    "a few new ones in each": lambda rng, _: np.where(
        rng.random(50_000) < 0.97, rng.integers(0, 4_000, 50_000) / 7, 600 * rng.random(50_000)
    ),
}


@pytest.mark.parametrize("moving", MOVING)
def test_numbers_after_the_first_batches_are_counted_without_sorting(monkeypatch, moving):
    rng = np.random.default_rng(0)
    batches = [pa.array(MOVING[moving](rng, i)) for i in range(22)]
    accumulator = sketcher(KeyType.FLOAT, 6_000)
    for batch in batches[:12]:
        accumulator.add(batch)
    ordered = []
    sort = np.sort

    def counting_sort(keys, kind=None):
        ordered.append(0 if kind == "stable" else len(keys))  # that merges cells
        return sort(keys, kind=kind)

    monkeypatch.setattr(np, "sort", counting_sort)
    for batch in batches[12:]:
        accumulator.add(batch)
    assert sum(ordered) < 0.02 * 10 * 50_000


@pytest.mark.parametrize("rows", [10, 1_000_000])
def test_a_batch_is_let_go(rows):
    accumulator = sketcher(KeyType.FLOAT)
    before = pa.total_allocated_bytes()
    batch = pa.array(np.ones(1_000_000, dtype=np.int64)).cast(pa.float64())
    accumulator.add(batch.slice(0, rows))
    del batch
    assert pa.total_allocated_bytes() - before < 1_000_000


def test_memory_is_bounded_by_cells_not_by_rows():
    rng = np.random.default_rng(0)
    accumulator = sketcher(KeyType.FLOAT, 2_048)
    for i in range(20):
        accumulator.add(pa.array(rng.standard_normal(50_000) * 10.0**i))
    assert len(pickle.dumps(accumulator)) < 2_048 * 128


# ----------------------------------------------------------------------------------------- text


@quick
@given(st.data(), texts, st.booleans())
def test_texts_with_or_without_dictionaries_add_up_to_what_all_rows_hold(data, sample, coded):
    pieces = data.draw(parts(sample.column))
    if coded:
        pieces = [p.dictionary_encode() for p in pieces]
    found = fed(pieces, KeyType.TEXT, 1_000)
    names = [n for n in label(sample.column).to_pylist() if n is not None]
    assert found.exact
    assert counted(found) == Counter(names)
    assert (found.rows, found.null) == (len(names), sample.column.null_count)


@quick
@given(st.data(), st.lists(st.sampled_from("abcdef") | st.just("a"), max_size=80), st.booleans())
def test_many_texts_are_kept_by_weight_in_any_batches(data, values, coded):
    column = pa.array(values, pa.string())
    pieces, limit = data.draw(parts(column)), 3
    if coded:
        pieces = [p.dictionary_encode() for p in pieces]
    found, true = fed(pieces, KeyType.TEXT, limit), Counter(values)
    kept = counted(found)
    assert len(kept) <= limit
    assert found.exact == (len(true) <= limit)
    assert found.deducted <= len(values) / (limit + 1)
    for name, rows in true.items():
        assert kept.get(name, 0) <= rows <= kept.get(name, 0) + found.deducted


def test_batches_that_share_a_dictionary_are_counted_by_code(monkeypatch):
    values = pa.array([None, "a", "b", "unused"])
    codes = [[0, 1, 1, None], [2, 2, 1, None]]
    column = [pa.DictionaryArray.from_arrays(pa.array(c, pa.int8()), values) for c in codes]
    labelled = []
    monkeypatch.setattr(key_type, "label", lambda names: labelled.append(1) or label(names))
    found = fed([*column, *column], KeyType.TEXT, 10)
    assert counted(found) == {"a": 6, "b": 4}
    assert (found.rows, found.null) == (10, 6)
    assert len(labelled) == 1


def test_memory_is_bounded_by_names_not_by_dictionaries():
    accumulator = sketcher(KeyType.TEXT, 100)
    for i in range(50):
        names = [f"name {j}" for j in range(90 * i, 90 * i + 90)]
        accumulator.add(pa.array(names).dictionary_encode())
        assert len(pickle.dumps(accumulator)) < 20_000
    accumulator.add(pa.array(np.arange(10_000)).cast(pa.string()).dictionary_encode())
    assert len(pickle.dumps(accumulator)) < 20_000


def test_equal_codes_of_different_dictionaries_are_different_values():
    columns = [pa.array([a, a, "c", a]).dictionary_encode() for a in ("a", "b", "a")]
    assert counted(fed(columns, KeyType.TEXT, 10)) == {"a": 6, "b": 3, "c": 3}


def test_floats_that_are_categories_keep_nan_apart_in_a_dictionary_too():
    column = pa.array([0.0, -0.0, 1.0, np.nan, None]).dictionary_encode()
    found = fed([column, column], KeyType.TEXT, 10)
    assert counted(found) == {"0": 4, "1": 2}
    assert (found.rows, found.nan, found.null) == (6, 2, 2)
