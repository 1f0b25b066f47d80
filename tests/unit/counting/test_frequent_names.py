"""Frequent names among many: the same whatever the partitioning, none of a share is lost."""

from __future__ import annotations

import pickle
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest

from kldrift.counting import frequent_names
from kldrift.counting.frequent_names import FrequentNames, FrequentNamesCounter, NamesOf
from kldrift.counting.row_groups import RowGroups
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


@pytest.mark.parametrize("window", WINDOWS.tolist())
def test_names_of_one_window_are_counted_as_those_of_several_are(window):
    sizes = np.array(SIZES["zipf"])
    names = pa.array([f"n{i}" for i in range(len(sizes))], pa.string())
    known = NamesOf(np.arange(len(sizes)), names, text_hashes(names))
    alone = FrequentNames.of_window(known, sizes, window)
    every = np.arange(len(sizes)), sizes, np.array([window]), np.zeros(len(sizes), np.int64)
    among = FrequentNames.of(known, *every)
    assert alone.names.equals(among.names)
    for one, other in zip(alone.__dict__.items(), among.__dict__.items(), strict=True):
        if one[0] != "names":
            np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("at_once", [2**20, 500, 1])
def test_rows_of_mixed_windows_are_counted_as_one_by_one(at_once, monkeypatch):
    monkeypatch.setattr(frequent_names, "AT_ONCE", at_once)
    rng, names = np.random.default_rng(1), pa.array([f"n{i}" for i in range(60)], pa.string())
    known = NamesOf(np.arange(0, 120, 2), names, text_hashes(names))
    starts, counter = np.array([86_400, -7, 0, 9]), FrequentNamesCounter()
    expected = FrequentNames.none()
    for _ in range(5):
        codes, numbers = rng.integers(-1, 125, 900), rng.integers(0, 3, 900)
        counter.add_rows(known, codes, RowGroups(numbers, 4), starts)
        for number in range(3):
            mine = codes[(numbers == number) & (codes % 2 == 0) & (codes >= 0) & (codes < 120)]
            rows = np.bincount(mine // 2, minlength=60)
            expected += FrequentNames.of_window(known, rows, int(starts[number]))
    found = counter.total()
    np.testing.assert_array_equal(found.table, expected.table)
    np.testing.assert_array_equal(found.windows, expected.windows)
    assert found.most() == expected.most()
