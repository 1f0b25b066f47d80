"""How a table's columns are found in its files: by name, by another name or by field id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

FIELD_ID: Final = b"PARQUET:field_id"


@dataclass(frozen=True)
class ColumnMapping:
    """How the columns of a table are found in its files.

    Attributes:
        columns: the table's columns, but for those of partitions.
        names: what files call them, if not by their names.
        ids: their Parquet field ids, if files are read by these.
    """

    columns: tuple[str, ...]
    names: Mapping[str, str] | None = None
    ids: Mapping[str, int] | None = None

    def inside(self, file: pa.Schema) -> dict[str, str]:
        """The table's columns that a file has, and what it calls them."""
        if self.ids is not None:
            by_id = {field_id(field): field.name for field in file}
            return {n: by_id[self.ids[n]] for n in self.columns if self.ids[n] in by_id}
        names, there = self.names or {}, frozenset(file.names)
        return {n: names.get(n, n) for n in self.columns if names.get(n, n) in there}

    def lacks_ids(self, file: pa.Schema) -> bool:
        """Whether a file's columns should have field ids and have none."""
        return self.ids is not None and all(field_id(field) < 0 for field in file)


def field_id(field: pa.Field) -> int:
    """The Parquet field id of a file's column; -1 if it has none."""
    return int((field.metadata or {}).get(FIELD_ID, b"-1"))
