"""Small files that are read in this process give what a table in its memory gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldrift.binning.choose import Binning
from kldrift.config import Dataset, Features
from kldrift.counting.row_groups import SegmentList
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.programs import CountProgram
from kldrift.features.group_columns import as_read
from kldrift.features.plan import plan_features
from kldrift.sources.open import open_files
from kldrift.sources.parquet.source import FEW_BYTES, FEW_VALUES, ArrowSource
from kldrift.sources.table import TableSource

RNG = np.random.default_rng(2)
ROWS = 4_000
TABLE = pa.table(
    {
        "x": pa.array(RNG.normal(size=ROWS), mask=RNG.random(ROWS) < 0.1),
        "k": RNG.poisson(3, ROWS),
        "name": RNG.choice(["a", "b", "c"], ROWS),
    }
)


@pytest.fixture
def files(tmp_path) -> ArrowSource:
    """The table as two files of several row groups."""
    for start in (0, 2500):
        part = TABLE.slice(start, 2500 if start == 0 else ROWS)
        pq.write_table(part, tmp_path / f"{start}.parquet", row_group_size=700)
    source = open_files(Dataset(path=(str(tmp_path),)), "reference")
    assert isinstance(source, ArrowSource)
    return source


def test_files_and_a_table_give_the_same_supports_and_counts(files):
    features = plan_features(TABLE.schema, Features()).features
    lists = (SegmentList((as_read("name", TABLE.schema),), ("a", "c")),)
    near, memory = (MemoryEngine(s, s) for s in (files.brought_near(), TableSource(TABLE)))
    proposals = [e.propose(features, Binning(20, 100, 10), lists) for e in (near, memory)]
    assert [p.support for p in proposals[0]] == [p.support for p in proposals[1]]
    supports = tuple(p.support for p in proposals[0][: len(features)])
    program = CountProgram(features, supports, lists=lists)
    counted, expected = (e.count(program).profiles for e in (near, memory))
    for one, other in zip(counted, expected, strict=True):
        assert one.keys == other.keys
        np.testing.assert_array_equal(one.counts, other.counts)


def test_only_files_whose_few_rows_are_known_are_small(files):
    footers = files.footers
    assert files.small
    assert not replace(files, footers=replace(footers, sizes=None)).small
    assert not replace(files, footers=replace(footers, sizes={"x": FEW_BYTES + 1})).small
    piece = replace(footers.pieces[0], rows=FEW_VALUES)
    assert not replace(files, footers=replace(footers, pieces=(piece,))).small


def test_how_files_are_read_is_said(files):
    assert files.access_path == "Parquet files, read with Arrow in the tasks"
    assert files.brought_near().access_path == "Parquet files, read with Arrow in this process"
