"""Hypothesis strategies that the tests of the core share: columns of all kinds, their parts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st
from profile_sample import folded

from kldrift.binning.choose import Binning, Proposal, choose
from kldrift.binning.freeze import freeze
from kldrift.binning.numeric_sketch import LIMIT, NumericSketch, Sketch
from kldrift.binning.sketcher import sketcher
from kldrift.counting.counter import Counter
from kldrift.features.feature import feature_named
from kldrift.features.keys import KeyType, number_keys
from kldrift.profiles.group_keys import NO_WINDOW, GroupKeys

quick = settings(max_examples=60, deadline=None)
slow = settings(max_examples=15, deadline=None)

INT64 = (-(2**63), 2**63 - 1)
LARGEST = float(np.finfo(np.float64).max)
ODD_FLOATS = (0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, -5e-324, LARGEST, -LARGEST, 1e9, 0.1)
ODD_INTS = (0, 1, -1, 2**53, 2**53 + 1, -(2**53) - 1, *INT64)
SMALL = Binning(stored_bins=8, max_categories=5)
ODD_TEXTS = ("", " ", "null", "None", "NaN", "é", "e\u0301", "a\nb", "x" * 300, "x" * 299 + "y")


@dataclass(frozen=True)
class Sample:
    """A column, the values in it as Python sees them, and how it is read."""

    column: pa.Array
    key_type: KeyType
    scale: int = 1

    @property
    def values(self) -> list[Any]:
        """One per row; None for null."""
        return self.column.to_pylist()

    def key(self, value: Any) -> float:
        """The exact number that a value is counted by."""
        return int(value.scaleb(len(str(self.scale)) - 1)) if self.scale > 1 else value


floats = st.lists(
    st.none() | st.sampled_from(ODD_FLOATS) | st.integers(-3, 3).map(float) | st.floats(),
    max_size=60,
).map(lambda values: Sample(pa.array(values, pa.float64()), KeyType.FLOAT))

integers = st.lists(
    st.none() | st.sampled_from(ODD_INTS) | st.integers(-3, 3) | st.integers(*INT64),
    max_size=60,
).map(lambda values: Sample(pa.array(values, pa.int64()), KeyType.INTEGER))

decimals = st.lists(
    st.none() | st.integers(-(10**18) + 1, 10**18 - 1) | st.integers(-200, 200), max_size=60
).map(
    lambda keys: Sample(
        pa.array(
            [None if key is None else Decimal(key).scaleb(-2) for key in keys],
            pa.decimal128(18, 2),
        ),
        KeyType.INTEGER,
        100,
    )
)

texts = st.lists(
    st.none() | st.sampled_from(ODD_TEXTS) | st.sampled_from("abc") | st.text(max_size=4),
    max_size=60,
).map(lambda values: Sample(pa.array(values, pa.string()), KeyType.TEXT))

numeric = floats | integers | decimals
samples = numeric | texts


@st.composite
def parts(draw: st.DrawFn, column: pa.Array) -> list[pa.Array]:
    """The rows of a column in another order, in parts of any sizes; some may be empty."""
    rows = len(column)
    order = draw(st.permutations(range(rows))) if rows < 100 else shuffled(draw, rows)
    cuts = sorted(draw(st.lists(st.integers(0, rows), max_size=12)))
    return cut(column.take(pa.array(order, pa.int64())), cuts)


def shuffled(draw: st.DrawFn, rows: int) -> list[int]:
    """A permutation, sorted or at random: what comes in order is the hard case."""
    seed = draw(st.integers(0, 1000))
    return (
        list(range(rows)) if seed == 0 else np.random.default_rng(seed).permutation(rows).tolist()
    )


def cut(column: pa.Array, cuts: list[int]) -> list[pa.Array]:
    """A column cut at the given rows."""
    bounds = [0, *cuts, len(column)]
    return [column.slice(a, b - a) for a, b in itertools.pairwise(bounds)]


@st.composite
def trees(draw: st.DrawFn, leaves: list[Any]) -> Any:
    """The sum of some values, added up in any order and any grouping."""
    todo = list(leaves)
    while len(todo) > 1:
        right = todo.pop(draw(st.integers(0, len(todo) - 1)))
        left = todo.pop(draw(st.integers(0, len(todo) - 1)))
        todo.append(left + right)
    return todo[0]


def by_sorting(column: pa.Array, key_type: KeyType, limit: int, level: int = 0) -> NumericSketch:
    """The sketch of a column of numbers, told from all of them in order."""
    keys = number_keys(column, key_type)
    return NumericSketch.of(np.sort(keys), len(column) - len(keys), limit, level)


def sketch_batch(column: pa.Array, key_type: KeyType, limit: int = LIMIT) -> Sketch:
    """Sketch one batch of a feature."""
    one = sketcher(key_type, limit)
    one.add(column)
    return one.sketch()


def proposed(sketch: Sketch, binning: Binning, **how: object) -> Proposal:
    """The proposal for a feature of which nothing but that is known."""
    return choose(sketch, replace(feature_named("x", "numeric"), **how), binning)


def settled(
    pieces: list[pa.Array],
    key_type: KeyType,
    binning: Binning = SMALL,
    limit: int = 2_048,
    **how: object,
) -> tuple[Proposal, np.ndarray]:
    """What two passes over the parts of a reference give: the proposal with its support frozen."""
    sketch = reduce(add, [sketch_batch(piece, key_type, limit) for piece in pieces])
    proposal = proposed(sketch, binning, **how)
    counter = Counter(proposal.support, key_type)
    counts = sum(counter.count(piece)[0] for piece in pieces)
    found = freeze(proposal, counts)
    return replace(proposal, support=found.support), folded(found, counts)


group_keys = st.lists(
    st.tuples(st.sampled_from([NO_WINDOW, 0, 7]), st.integers(-1, 1), st.integers(-1, 2)),
    min_size=1,
    max_size=6,
    unique=True,
).map(lambda keys: GroupKeys(*np.array(sorted(keys)).T))
"""Keys of some groups."""
