"""An Arrow table in memory as a dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from kldrift.features.feature import Feature, Skipped
from kldrift.sources.program import Program, RowBatch


@dataclass(frozen=True, eq=False)
class TableSource:
    """An Arrow table."""

    table: pa.Table
    derived: pa.Schema = field(default_factory=lambda: pa.schema([]))
    foreign: tuple[Skipped, ...] = ()
    access_path: str = "in memory"

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self.table.schema

    @property
    def rows(self) -> int | None:
        """Number of rows."""
        return int(self.table.num_rows)

    def size(self, features: Sequence[Feature]) -> int | None:
        """Bytes of the columns in memory."""
        return sum(int(self.table.column(f.path[0]).nbytes) for f in features)

    def batches(self, program: Program) -> Iterator[RowBatch]:
        """The rows, batch by batch."""
        for start in range(0, self.table.num_rows, program.batch_rows):
            part = self.table.slice(start, program.batch_rows)
            yield RowBatch(_columns(part, program.keys), _sets(part, program))


def _sets(part: pa.Table, program: Program) -> Iterator[tuple[int, list[pa.Array]]]:
    for number, features in program.sets.items():
        yield number, _columns(part, features)


def _columns(part: pa.Table, features: Sequence[Feature]) -> list[pa.Array]:
    return [_joined([f.of(c) for c in part.column(f.path[0]).chunks]) for f in features]


def _joined(chunks: list[pa.Array]) -> pa.Array:
    """The chunks of one column as one array, without a copy where there is only one."""
    if len(chunks) == 1:
        return chunks[0]
    if pa.types.is_dictionary(chunks[0].type):
        # The numbers of their dictionaries may be too small for all of their values.
        chunks = [chunk.dictionary_decode() for chunk in chunks]
    return pa.concat_arrays(chunks)
