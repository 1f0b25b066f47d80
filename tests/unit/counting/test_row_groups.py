"""Groups of rows are numbered as a task meets them, and found again under their keys."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift.counting.profile_builder import ProfileBuilder
from kldrift.counting.row_groups import RowGrouper, SegmentList, key_columns
from kldrift.features.group_columns import as_read
from kldrift.features.keys import KeyType
from kldrift.profiles.group_keys import REST
from kldrift.profiles.support import NumericSupport

SCHEMA = pa.schema([("a", pa.string()), ("b", pa.int64())])
A, B = (as_read(name, SCHEMA) for name in SCHEMA.names)
SUPPORT = NumericSupport(np.array([0, 1, 2]))
LISTS = (SegmentList((A,), ("a=y", "a=x")), SegmentList((A, B), ("a=x, b=1", "a=y, b=null")))

rows = st.lists(
    st.tuples(st.sampled_from(["x", "y", "z", None]), st.sampled_from([1, None])), max_size=12
)


def columns(batch):
    return [pa.array([a for a, _ in batch], pa.string()), pa.array([b for _, b in batch])]


def segment_of(row):
    """The place of a row's segment in each list."""
    a, b = row
    one = {"y": 0, "x": 1}.get(a, REST)
    return one, {("x", 1): 0, ("y", None): 1}.get((a, b), REST)


def test_the_columns_of_all_lists_come_once():
    assert key_columns(LISTS) == (A, B)


@quick
@given(st.lists(rows, min_size=1, max_size=4))
def test_each_row_of_each_batch_has_the_key_of_its_segment(batches):
    grouper = RowGrouper(LISTS)
    for batch in batches:
        found = grouper.group(columns(batch))
        for k, groups in enumerate(found):
            segments = grouper.keys(k, groups.groups).segment
            assert [segments[n] for n in groups.numbers] == [segment_of(r)[k] for r in batch]
            assert sorted(groups.ordered.tolist()) == list(range(len(batch)))
            assert (np.diff(groups.numbers[groups.ordered]) >= 0).all()
            assert groups.sizes.sum() == len(batch)


@quick
@given(st.lists(rows, min_size=1, max_size=4))
def test_a_table_holds_the_groups_that_were_met_and_the_lists_add_up_to_the_whole(batches):
    grouper = RowGrouper(LISTS)
    builder = ProfileBuilder(SUPPORT, KeyType.INTEGER, 0, lists=2)
    for batch in batches:
        builder.add(pa.array([1] * len(batch), pa.int64()), grouper.group(columns(batch)))
    every = [row for batch in batches for row in batch]
    for k, counted in enumerate(builder.counted(grouper)):
        met = {segment_of(row)[k] for row in every}
        assert counted.keys.segment.tolist() == sorted(met)
        assert (counted.keys.list == k).all()
        assert counted.counts.sum() == builder.whole()[0].sum() == len(every)
        assert counted.moments.rows.sum() == builder.whole()[1].rows
