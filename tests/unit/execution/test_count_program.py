"""What a task counts travels as bytes, whole or in parts, and adds up to what was counted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import group_keys, quick

from kldrift.config import Features
from kldrift.counting.row_groups import SegmentList
from kldrift.execution.programs import CountProgram
from kldrift.execution.wire import COUNTS, Packed, counted_rows, packed, packed_whole, unpacked
from kldrift.features.group_columns import as_read
from kldrift.features.plan import plan_features
from kldrift.profiles.counted import Counted, merged
from kldrift.profiles.group_keys import NO_WINDOW, WHOLE, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import power_sums
from kldrift.profiles.support import CategoricalSupport, NumericSupport
from kldrift.sources.program import run
from kldrift.sources.table import TableSource

RNG = np.random.default_rng(5)
ROWS = 3_000
TABLE = pa.table(
    {
        "x": RNG.lognormal(size=ROWS),
        "n": RNG.integers(0, 9, ROWS),
        "t": pa.array(RNG.choice(["a", "b", "c"], ROWS)),
        "g": pa.array([f"g{i}" for i in RNG.integers(0, 40, ROWS)]),
    }
)
SUPPORTS = (
    NumericSupport(np.array([0.5, 1.0, 2.0]), pivot=1.0),
    NumericSupport(np.array([2, 5]), pivot=4.0),
    CategoricalSupport(("a", "b")),
)
LISTS = (SegmentList((as_read("g", TABLE.schema),), tuple(f"g=g{i}" for i in range(30))),)


def program(most_bytes: int = 2**30, *, lists=LISTS) -> CountProgram:
    plan = {f.name: f for f in plan_features(TABLE.schema, Features()).features}
    made = CountProgram(tuple(plan[n] for n in "xnt"), SUPPORTS, lists=lists, most_bytes=most_bytes)
    made.batch_rows = 256
    return made


def batches_of(table: pa.Table, made: CountProgram):
    return TableSource(table).batches(made)


def results(table: pa.Table, made: CountProgram) -> list[pa.RecordBatch]:
    return list(run(made, batches_of(table, made)))


def profiles(found: list[pa.RecordBatch]):
    frame = pa.Table.from_batches(found, COUNTS).to_pandas()
    total = merged(counted_rows(frame))
    return [total[i].profile(support) for i, support in enumerate(SUPPORTS)]


@pytest.mark.parametrize("most_bytes", [0, 2_000, 2**30], ids=["each set", "some", "at the end"])
def test_parts_that_leave_a_task_early_add_up_to_the_same_profiles(most_bytes):
    found = results(TABLE, program(most_bytes))
    whole = results(TABLE, program())
    assert (len(found) > 1) == (most_bytes < 2**30)
    assert len(whole) == 1
    for one, other in zip(profiles(found), profiles(whole), strict=True):
        assert one.keys == other.keys
        np.testing.assert_array_equal(one.counts, other.counts)
        if one.moments is not None:
            for a, b in zip(one.moments.arrays, other.moments.arrays, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-15, atol=1e-12)


def test_what_an_accumulator_says_is_what_leaves_it():
    made = program(2_000)
    counts = made.start()
    for batch in batches_of(TABLE, made):
        counts.add(batch)
    said = counts.profiles()
    sent = profiles(list(counts.results()))
    assert said == sent
    assert [int(p.rows[p.keys.of(0)].sum()) for p in said] == [ROWS] * 3


def test_rows_of_no_segment_are_a_group_and_each_list_adds_up_to_the_whole():
    for profile in profiles(results(TABLE, program())):
        whole, by_list = profile.of_list(-1), profile.of_list(0)
        assert by_list.keys.segment.tolist() == list(range(-1, 30))
        np.testing.assert_array_equal(by_list.counts.sum(0), whole.counts[0])


def test_without_segments_a_feature_takes_one_row_and_its_bits_are_those_of_the_whole_beside_them():
    (alone,) = results(TABLE, program(lists=()))
    assert alone.num_rows == 3
    assert alone.column("groups").null_count == 3
    beside = [p.of_list(-1) for p in profiles(results(TABLE, program()))]
    for one, other in zip(profiles([alone]), beside, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)


def test_some_sets_of_a_program_keep_their_numbers():
    made = program().only({1})
    (found,) = results(TABLE, made)
    assert set(found.column("feature").to_pylist()) == {1}


@quick
@given(group_keys, st.data())
def test_counts_survive_bytes(keys, data):
    n = len(keys)
    most = data.draw(st.sampled_from((1, 2**8 - 1, 2**16, 2**40, 2**63 - 1)))
    counts = np.array(data.draw(st.lists(st.integers(0, most), min_size=3 * n, max_size=3 * n)))
    values = np.array(data.draw(st.lists(st.floats(-9, 9), min_size=n, max_size=n)))
    moments = data.draw(st.none() | st.just(Moments.of_parts(values, np.ones(n, np.int64))))
    sent = Counted(keys, counts.reshape(n, 3).astype(np.int64), moments)
    found = unpacked(packed(sent))
    assert found.keys == keys
    np.testing.assert_array_equal(found.counts, sent.counts)
    assert found.moments == moments


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("most", [2**8, 2**24, 2**40])
def test_counts_that_arrived_are_narrow_and_what_they_add_up_to_is_not_copied(parts, most):
    support = CategoricalSupport(("a",))
    keys = GroupKeys(*np.array([[NO_WINDOW, NO_WINDOW], [0, 0], [0, 1]]))
    counts = np.arange(2 * support.size).reshape(2, -1) * most
    found = unpacked(packed(Counted(keys, counts, None)))
    assert 1 << 8 * found.counts.itemsize <= most**2
    total = merged([(0, found)] * parts)[0]
    assert np.shares_memory(total.profile(support).counts, total.counts)
    np.testing.assert_array_equal(found.profile(support).counts, counts)
    np.testing.assert_array_equal(total.counts, parts * counts)


def test_the_whole_is_packed_as_a_group_of_its_own_would_be():
    values = np.array([1.5, 2.5])
    counts, sums = np.array([1, 1, 0]), power_sums(values)
    assert packed_whole(counts, sums) == packed(
        Counted(WHOLE, counts[None], Moments.stacked([sums]))
    )
    assert packed_whole(counts, None) == Packed(None, counts.tobytes(), None)
