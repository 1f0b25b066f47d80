"""Frequent names among many: the same whatever the partitioning, none of a share is lost."""

from __future__ import annotations

import pickle
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest

from kldrift.counting.frequent_names import FrequentNames, NamesOf
from kldrift.statistics.hashing import text_hashes

WINDOWS = np.array([-7, 0, 86_400])


def counted(rows):
    """The frequent names of some rows: pairs of the place of a window and a number."""
    pairs, sizes = np.unique(rows, axis=0, return_counts=True)
    names = pa.array([f"n{i}" for i in pairs[:, 1].tolist()], pa.string())
    of = NamesOf(pairs[:, 1], names, text_hashes(names))
    return FrequentNames.of(of, np.arange(len(pairs)), sizes, WINDOWS, pairs[:, 0])


def parted(rows, parts, rng):
    """What several tasks count of rows in any order, sent to one that adds it up."""
    shares = np.array_split(rng.permutation(rows), parts)
    sent = [pickle.loads(pickle.dumps(counted(share))) for share in shares]
    return reduce(add, [sent[i] for i in rng.permutation(parts)], FrequentNames.none())


def rows_of(sizes, window=0):
    return np.column_stack([np.full(sum(sizes), window), np.repeat(np.arange(len(sizes)), sizes)])


SIZES = {
    "one frequent among rare ones": [400, *[1] * 9000],
    "two about as frequent": [*[2] * 5000, 300, 301],
    "zipf": (3000 / np.arange(1, 2001)).astype(int) + 1,
    "few": [3, 1],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_the_most_frequent_name_is_the_same_whatever_the_partitioning_and_the_order(sizes):
    rng, other = np.random.default_rng(0), rows_of([1] * 2000, window=2)
    rows = np.concatenate([rows_of(sizes), other])
    found = [parted(rows, n, rng).most() for n in (1, 2, 7, 40)]
    assert {repr(one) for one in found} == {repr(found[0])}
    assert {*found[0]} == {WINDOWS[0]}  # no name of the other one is frequent
    (name, count) = found[0][WINDOWS[0]]
    assert name == f"n{int(np.argmax(sizes))}"
    assert count == pytest.approx(max(sizes), rel=0.02)


def test_what_is_kept_is_small_however_many_names_there_are():
    sum_ = parted(rows_of([1] * 100_000), 20, np.random.default_rng(1))
    assert len(sum_.names) == 0
    assert len(pickle.dumps(sum_)) < 150_000


def test_what_leaves_a_task_is_small_and_adds_up_as_before():
    found = counted(rows_of([200, 40, 10]))
    sent = pickle.dumps(found)
    assert len(sent) < 20_000  # of counts below 256, a byte each
    assert len(pickle.dumps(FrequentNames.none())) < 2_000
    back, none = (pickle.loads(pickle.dumps(one)) for one in (found, FrequentNames.none()))
    assert back.table.dtype == np.int64
    for added in (back + none, none + back, none + none + back):
        assert added.most() == found.most() != {}
        assert np.array_equal(added.table, found.table)
