"""The files that were added to a Delta table between two versions, from its log.

A file that was written again without other rows (by compaction) says so in the log, and is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyarrow import fs as pafs

from kldrift.errors import DatasetError, OnlyAsWholeError
from kldrift.sources.lakehouse.delta_files import file_uri, located


def added_since(table: Any, path: str, first: int, filesystem: Mapping[str, str]) -> dict[str, int]:
    """The files that some versions of a table added, and the version of each.

    ``first`` is the first of the versions, and ``table`` is at the last.

    Raises:
        OnlyAsWholeError: rows were deleted or written again, or the log of a version is gone.
        DatasetError: it is another table.
    """
    if first > table.version() + 1:
        raise DatasetError(
            f"the Delta table {path!r} is at version {table.version()}, and version {first - 1} "
            "was read before: it is another table; run with --refresh-reference to read all of it"
        )
    added: dict[str, int] = {}
    for version in range(first, table.version() + 1):
        for action in _actions(table, path, version, filesystem):
            gone, new = action.get("remove"), action.get("add")
            if gone is not None and gone.get("dataChange", True):
                raise OnlyAsWholeError(
                    f"version {version} of the Delta table {path!r} deleted rows or wrote "
                    "them again"
                )
            if new is not None and new.get("dataChange", True):
                added[located(file_uri(table.table_uri, new["path"]), filesystem)[1]] = version
    return added


def _actions(
    table: Any, path: str, version: int, filesystem: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    log = f"{table.table_uri.rstrip('/')}/_delta_log/{version:020}.json"
    remote, place = located(log, filesystem)
    opened = pafs.LocalFileSystem() if remote is None else remote.open()
    try:
        with opened.open_input_stream(place) as file:
            lines = file.read().decode().splitlines()
    except FileNotFoundError as cause:
        raise OnlyAsWholeError(
            f"the log of version {version} of the Delta table {path!r} is gone"
        ) from cause
    return (json.loads(line) for line in lines if line.strip())
