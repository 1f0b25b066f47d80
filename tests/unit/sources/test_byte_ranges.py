"""Row groups by ranges of bytes: wherever a file is cut, each row group is read exactly once."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kldrift.sources.parquet.byte_ranges import LEAST_RANGE, RANGE, ranges_of, starts_of
from kldrift.sources.parquet.files import File, Piece

FILE = File("f.parquet", None, ())
BYTES = st.integers(0, 20 * RANGE)


@given(
    size=BYTES,
    rows=st.none() | st.integers(0, 10**9),
    offsets=st.lists(st.integers(-5, 21 * RANGE), max_size=40),
    starts=st.lists(BYTES | st.integers(0, 2**50), max_size=60),
)
def test_any_cuts_read_each_row_group_exactly_once(size, rows, offsets, starts):
    pieces = ranges_of(FILE, size, rows, offsets)
    edges = [piece.start for piece in pieces]
    starts = [*starts, *edges, *(edge + 1 for edge in edges), *(e - 1 for e in edges if e)]
    read = Counter(group for piece in pieces for group in piece.row_groups(starts))
    assert read == Counter(range(len(starts)))
    assert sum(piece.size for piece in pieces) == size
    if rows is None:
        assert {piece.rows for piece in pieces} == {None}
    else:
        assert sum(piece.rows or 0 for piece in pieces) == rows
        assert min(piece.rows or 0 for piece in pieces) >= 0


@given(cuts=st.sets(st.integers(1, 20)), starts=st.lists(st.integers(0, 25)))
def test_any_ranges_that_follow_each_other_read_each_row_group_exactly_once(cuts, starts):
    edges = [0, *sorted(cuts), None]
    pieces = [Piece(FILE, None, None, 0, a, b) for a, b in pairwise(edges)]
    read = Counter(group for piece in pieces for group in piece.row_groups(starts))
    assert read == Counter(range(len(starts)))


@given(sizes=st.lists(st.integers(1, 40 * 2**20), min_size=1, max_size=60))
def test_ranges_of_known_row_groups_begin_with_one_and_are_no_crumbs(sizes):
    offsets = [4 + sum(sizes[:i]) for i in range(len(sizes))]
    end = offsets[-1] + sizes[-1]
    pieces = ranges_of(FILE, end, None, offsets)
    assert all(p.start in offsets for p in pieces[1:])
    assert all(p.size >= LEAST_RANGE for p in pieces) or len(pieces) == 1
    assert max(p.size for p in pieces) < 2 * LEAST_RANGE + 2 * max(sizes)


def test_a_file_whose_row_groups_are_not_known_is_cut_evenly():
    pieces = ranges_of(FILE, 10 * RANGE, 1000)
    assert [p.size for p in pieces] == [RANGE] * 10
    assert [p.rows for p in pieces] == [100] * 10
    assert pieces[-1].end is None


@pytest.mark.parametrize("cut", [0, 1, 3])
def test_row_groups_begin_where_the_footer_says(tmp_path: Path, cut: int):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"n": list(range(100)), "s": ["a"] * 100}), path, row_group_size=25)
    metadata = pq.read_metadata(path)
    starts = starts_of(metadata)
    assert starts == sorted(set(starts))
    assert starts[-1] < path.stat().st_size
    offsets = [metadata.row_group(i).column(0).dictionary_page_offset for i in range(4)]
    left = Piece(FILE, None, None, 0, 0, offsets[cut])
    right = Piece(FILE, None, None, 0, offsets[cut], None)
    assert left.row_groups(starts) == list(range(cut))
    assert right.row_groups(starts) == list(range(cut, 4))


def test_a_file_without_columns_is_read_once(tmp_path: Path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"n": [1, 2]}).select([]), path)
    starts = starts_of(pq.read_metadata(path))
    read = [g for p in ranges_of(FILE, 3 * RANGE, 2) for g in p.row_groups(starts)]
    assert read == list(range(pq.read_metadata(path).num_row_groups))
