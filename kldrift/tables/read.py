"""Files to rows, for the parts of kldrift that look back; others read Parquet as it is."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.errors import OutputError
from kldrift.tables.layout import is_ours
from kldrift.tables.prepare import check_marker
from kldrift.tables.schema import TABLES
from kldrift.tables.store import first_line, open_store


def read_table(path: str, name: str) -> pa.Table:
    """Read all rows of one table, file by file in the order of their names.

    Args:
        path: the output folder, as in `prepare_output`.
        name: a table's name.

    Returns:
        A table of exactly the schema; empty where nothing has been written yet.

    Raises:
        OutputError: a file cannot be read, or a newer kldrift wrote the tables.
        ValueError: there is no table of this name.
    """
    if name not in TABLES:
        raise ValueError(f"no table {name!r}; the tables are {', '.join(TABLES)}")
    schema = TABLES[name]
    store = open_store(path)
    check_marker(store)
    parts = [schema.empty_table()]
    for file in store.names(name):
        data = store.read(f"{name}/{file}") if is_ours(name, file) else None
        if data is None:  # not ours, or deleted since it was listed
            continue
        try:
            parts.append(pq.read_table(pa.BufferReader(data)).cast(schema))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise OutputError(
                f"{store.location(f'{name}/{file}')}: not a table of this kldrift: "
                f"{first_line(error)}; delete it and run its window again"
            ) from error
    return pa.concat_tables(parts)
