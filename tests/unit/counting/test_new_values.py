"""New values by name: the same whatever the partitioning, frequent ones never lost."""

from __future__ import annotations

import pickle
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest

from kldrift.counting.new_values import NewNames, NewValues

LIMIT = 1024


def named(rows, limit=LIMIT):
    names, counts = np.unique(np.asarray(rows), return_counts=True)
    return NewNames.empty(limit).with_names(pa.array(names, pa.string()), counts)


def parted(rows, parts, rng, limit=LIMIT):
    """What several tasks note of rows in any order, sent to one that adds it up."""
    shares = np.array_split(rng.permutation(rows), parts)
    sent = [pickle.loads(pickle.dumps(named(share, limit))) for share in shares]
    return reduce(add, [sent[i] for i in rng.permutation(parts)], NewNames.empty(limit))


def rows_of(sizes):
    return np.repeat([f"n{i}" for i in range(len(sizes))], sizes)


SIZES = {
    "few": [5, 4, 3, 2, 1],
    "as many as are kept": [3] * LIMIT,
    "all as frequent": [10] * 5000,
    "one frequent among rare ones": [3000, *[1] * 8000],
    "zipf": (3000 / np.arange(1, 4001)).astype(int) + 1,
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_new_values_are_the_same_whatever_the_partitioning_and_the_order(sizes):
    rng, rows = np.random.default_rng(0), rows_of(sizes)
    found = {repr(NewValues.of(parted(rows, n, rng).most())) for n in (1, 2, 7, 40)}
    assert len(found) == 1


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_most_frequent_are_named_with_their_rows_and_all_are_counted(sizes):
    rng = np.random.default_rng(1)
    sum_ = parted(rows_of(sizes), 5, rng)
    assert len(sum_) <= LIMIT
    found = NewValues.of(sum_.most())
    assert found.distinct == pytest.approx(len(sizes), rel=0.15 if len(sizes) > LIMIT else 0)
    assert found.named
    true = {f"n{i}": size for i, size in enumerate(sizes)}
    for name, rows in found.named:
        assert rows == pytest.approx(true[name], rel=0.05)
    frequent = {name for name, size in true.items() if size >= 0.01 * sum(sizes)}
    assert frequent <= {name for name, _ in found.named}


def test_a_reference_whose_names_are_sampled_has_more_new_values_than_could_be_told():
    half = NewNames.empty(LIMIT, 0.5).with_names(pa.array(["a", "b"]), np.array([1, 1]))
    assert NewValues.of(half.most()).distinct == 4
