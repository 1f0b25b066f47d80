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
        retyped: whether values get the types that a table's log states.
    """

    columns: tuple[str, ...]
    names: Mapping[str, str] | None = None
    ids: Mapping[str, int] | None = None
    retyped: bool = True

    def inside(self, file: pa.Schema) -> dict[str, str]:
        """The table's columns that a file has, and what it calls them.

        A name that the file has in another case only is that column, as in Spark.
        """
        if self.ids is not None:
            by_id = {field_id(field): field.name for field in file}
            return {n: by_id[self.ids[n]] for n in self.columns if self.ids[n] in by_id}
        called = {n: n for n in file.names}
        lower = {n.lower(): n for n in file.names if n not in self.columns}
        names = self.names or {}
        mapped = {
            n: called.get(names.get(n, n), lower.get(names.get(n, n).lower())) for n in self.columns
        }
        return {n: inside for n, inside in mapped.items() if inside is not None}

    def lacks_ids(self, file: pa.Schema) -> bool:
        """Whether a file's columns should have field ids and have none."""
        return self.ids is not None and all(field_id(field) < 0 for field in file)


def field_id(field: pa.Field) -> int:
    """The Parquet field id of a file's column; -1 if it has none."""
    return int((field.metadata or {}).get(FIELD_ID, b"-1"))
