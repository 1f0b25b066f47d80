"""What reaches a program: every set with every row once, its columns and the keys row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldrift.counting.row_groups import SegmentList
from kldrift.execution.programs import CountProgram, SketchProgram
from kldrift.features.group_columns import as_read
from kldrift.profiles.support import NumericSupport
from kldrift.sources.parquet.byte_ranges import ranges_of
from kldrift.sources.parquet.footer_summary import read_footers
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.reader import read_together
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.program import run
from kldrift.sources.table import TableSource

ROWS, WIDTH = 1_000, 10
TABLE = pa.table({f"x{i}": pa.array(range(i, ROWS + i), pa.int64()) for i in range(WIDTH)})
X = [as_read(name, TABLE.schema) for name in TABLE.column_names]
SETS = {i: (x,) for i, x in enumerate(X[:9])} | {20: (X[2], X[0]), 21: (X[8], X[1]), 22: (X[3],)}


@dataclass(frozen=True)
class Kept:
    """Keeps every column of each set, and those of the keys beside them."""

    sets: dict
    keys: tuple = ()
    batch_rows: int = 300
    most: int = 10**9

    def only(self, numbers):
        return replace(self, sets={n: self.sets[n] for n in numbers})

    def start(self):
        return Keeper(self.most)


class Keeper:
    def __init__(self, most):
        self.most = most
        self.rows = []

    @property
    def full(self):
        return len(self.rows) >= self.most

    def add(self, batch):
        for number, columns in batch.sets:
            values = [column.to_pylist() for column in (*batch.keys, *columns)]
            self.rows += [(number, list(row)) for row in zip(*values, strict=True)]

    def results(self):
        numbers, rows = zip(*self.rows, strict=True) if self.rows else ((), ())
        yield pa.record_batch([numbers, pa.array(rows, pa.list_(pa.int64()))], ["set", "row"])


def in_memory(_, program):
    chunks = pa.concat_tables([TABLE.slice(0, 7), TABLE.slice(7, 500), TABLE.slice(507)])
    return TableSource(chunks).batches(program)


def in_files(tmp_path, program):
    footers = footers_of(tmp_path, 250)
    reader = replace(ArrowSource(footers).reader(program), block_columns=4)
    return reader.batches(footers.pieces)


def in_ranges(tmp_path, program):
    """Files cut into ranges so short that most hold the begin of no row group."""
    footers = footers_of(tmp_path, 50)
    files = dict.fromkeys(piece.file for piece in footers.pieces)
    sizes = {file: Path(file.path).stat().st_size for file in files}
    ranges = [p for file in files for p in ranges_of(file, sizes[file], None)]
    assert len(ranges) > 2 * len(footers.pieces)
    reader = ArrowSource(replace(footers, pieces=tuple(ranges))).reader(program)
    for piece in ranges:  # as if each were a task's
        yield from reader.batches([piece])


def footers_of(tmp_path, row_group_size):
    for i, start in enumerate((0, 600)):
        path = tmp_path / f"{i}.parquet"
        pq.write_table(TABLE.slice(start, 600), path, row_group_size=row_group_size)
    return read_footers(list_files([str(tmp_path)]))


@pytest.mark.parametrize("keys", [(), (X[9],), (X[0], X[9])], ids=["no key", "one", "two"])
@pytest.mark.parametrize("batches", [in_memory, in_files, in_ranges])
def test_every_set_comes_with_every_row_once_beside_its_keys(tmp_path, batches, keys, monkeypatch):
    monkeypatch.setattr("kldrift.sources.parquet.byte_ranges.RANGE", 300)
    program = Kept(SETS, keys)
    found = pa.Table.from_batches(run(program, batches(tmp_path, program))).to_pydict()
    rows = {number: [] for number in SETS}
    for number, row in zip(found["set"], found["row"], strict=True):
        rows[number].append(row)
    for number, columns in SETS.items():
        names = [f.name for f in (*keys, *columns)]
        expected = zip(*(TABLE[name].to_pylist() for name in names), strict=True)
        assert rows[number] == [list(row) for row in expected], number


def test_a_set_is_read_in_the_block_that_has_its_columns():
    assert read_together(SETS, 4) == [[0, 1, 2, 3, 20, 22], [4, 5, 6, 7], [8, 21]]
    assert read_together({0: tuple(X)}, 4) == [[0]]
    assert read_together({}, 4) == []


def test_a_full_accumulator_gives_its_results_and_a_new_one_goes_on():
    program = Kept({5: (X[0],)}, most=500)
    parts = list(run(program, TableSource(TABLE).batches(program)))
    assert [part.num_rows for part in parts] == [600, 400]
    assert [row for part in parts for (row,) in part["row"].to_pylist()] == TABLE["x0"].to_pylist()


def test_dictionaries_whose_numbers_are_too_small_for_all_values_are_joined():
    codes = pa.dictionary(pa.int8(), pa.string())
    days = [[f"{day} {i}" for i in range(100)] for day in ("monday", "tuesday")]
    column = pa.chunked_array([pa.array(day).dictionary_encode().cast(codes) for day in days])
    table = pa.table({"c": column})
    program = Kept({0: (as_read("c", table.schema),)})
    (batch,) = TableSource(table).batches(program)
    ((_, (found,)),) = batch.sets
    assert found.to_pylist() == days[0] + days[1]


def rows_of(program):
    (found,) = run(program, TableSource(TABLE).batches(program))
    rows = {}
    for row in found.to_pylist():
        rows.setdefault(row["feature"], []).append(row)
    return rows


def test_a_part_of_a_program_finds_the_same_under_the_same_numbers():
    lists = (SegmentList((X[9],), ("x9=10", "x9=11")), SegmentList((X[0],), ("x0=1",)))
    support = NumericSupport((0.0, 500.0, 2_000.0))
    whole = CountProgram(tuple(X[:3]), (support,) * 3, (), lists)
    everything = rows_of(whole)
    assert {n: len(rows) for n, rows in everything.items()} == {0: 3, 1: 3, 2: 3}
    some = rows_of(whole.only({0, 2}))
    assert list(some) == [0, 2]
    assert some == {number: everything[number] for number in some}


def test_a_part_of_the_sketches_is_as_fine_as_all_of_them():
    lists = (SegmentList((X[9],)), SegmentList((X[0], X[1])))
    whole = SketchProgram(tuple(X[:3]), 64, lists)
    everything = rows_of(whole)
    some = rows_of(whole.only({1, 4}))
    assert (list(everything), list(some)) == ([0, 1, 2, 3, 4], [1, 4])
    assert some == {number: everything[number] for number in some}
