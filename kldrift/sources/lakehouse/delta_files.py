"""The data files of a Delta table, as its log lists them.

The statistics of a log are text: it cuts times to milliseconds, and some writers send decimals
through doubles. Their bounds are widened by as much.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import repeat
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from kldrift.arrays import Bools
from kldrift.errors import DatasetError
from kldrift.sources.filesystem import RemoteFilesystem, locate
from kldrift.sources.lakehouse.snapshot import ListedFile
from kldrift.sources.parquet.bounds import UNKNOWN, Bounds, exact
from kldrift.sources.parquet.files import File, pack_deleted
from kldrift.sources.predicates.units import counts_units

MILLISECOND: Final = dt.timedelta(milliseconds=1)
WIDE: Final = Context(prec=60)
DOUBLE: Final = Decimal("1e-15")
"""How far a double may be from a decimal, relative to it; more than twice as far as it is."""


def listed_files(
    table: Any, path: str, filesystem: Mapping[str, str], columns: Mapping[str, str]
) -> tuple[ListedFile, ...]:
    """The data files of a version, with bounds of some columns by what the files call them."""
    actions = pa.table(table.get_add_actions())
    n = actions.num_rows
    written, sizes = (actions[name].to_pylist() for name in ("path", "size_bytes"))
    records = _column(actions, "num_records") or [None] * n
    partitions = _column(actions, "partition") or [None] * n
    bounds = _bounds(actions, records, columns)
    features = table.protocol().reader_features or ()
    deleted = _deleted(table) if "deletionVectors" in features else {}
    uris = [file_uri(table.table_uri, w) for w in written]
    unseen = deleted.keys() - set(uris)
    if unseen:  # never count rows that are deleted
        raise DatasetError(f"the Delta table {path!r} deletes rows of {min(unseen)!r}, not listed")
    remotes: dict[RemoteFilesystem | None, RemoteFilesystem | None] = {}  # one object for all files
    entries = []
    for i, (uri, known) in enumerate(zip(uris, bounds, strict=True)):
        gone = deleted.get(uri)
        rows = records[i]
        remote, place = located(uri, filesystem)
        partition = tuple((partitions[i] or {}).items())
        bits = b"" if gone is None else pack_deleted(gone)
        file = File(place, remotes.setdefault(remote, remote), partition, bits, rows)
        left = rows if rows is None or gone is None else rows - int(gone[:rows].sum())
        entries.append(ListedFile(file, sizes[i], left, (), known))
    return tuple(sorted(entries, key=lambda e: e.file.path))


def file_uri(table_uri: str, written: str) -> str:
    """The URI of a file, from the path that the log has of it."""
    root = table_uri.rstrip("/")
    if "://" in written or written.startswith("file:"):
        return written
    if not written.startswith("/"):
        return f"{root}/{written}"
    # A path that begins with a slash is one of the table's filesystem.
    store = root[: root.find("/", root.find("://") + 3)] if "://" in root else ""
    return f"{store}{written}"


def _column(actions: pa.Table, name: str) -> list[Any] | None:
    return actions[name].to_pylist() if name in actions.column_names else None


def located(uri: str, filesystem: Mapping[str, str]) -> tuple[RemoteFilesystem | None, str]:
    """The filesystem of a URI in a log, None for the local one, and the path in it."""
    path = unquote(uri)
    if uri.startswith("file:"):
        return None, path.removeprefix("file://").removeprefix("file:")
    return locate(path, filesystem)


def _deleted(table: Any) -> dict[str, Bools]:
    """Which rows are deleted, by the file's URI."""
    deleted = {}
    for batch in pa.RecordBatchReader.from_stream(table.deletion_vectors()):
        for uri, kept in zip(batch["filepath"].to_pylist(), batch["selection_vector"], strict=True):
            deleted[uri] = ~kept.values.to_numpy(zero_copy_only=False).astype(np.bool_)
    return deleted


def _bounds(
    actions: pa.Table, records: Iterable[int | None], columns: Mapping[str, str]
) -> list[dict[str, Bounds]]:
    """The bounds of some columns from the log's statistics, by file."""
    by_column = {}
    for name, inside in columns.items():
        nulls, low, high = (
            list(_statistic(actions, s, inside)) for s in ("null_count", "min", "max")
        )
        by_column[name] = [_bound(*facts) for facts in zip(records, nulls, low, high, strict=True)]
    return [{name: facts[i] for name, facts in by_column.items()} for i in range(actions.num_rows)]


def _statistic(actions: pa.Table, kind: str, name: str) -> Iterator[Any]:
    """One statistic of a column, by file; None where there is none."""
    if kind not in actions.column_names:
        yield from repeat(None, actions.num_rows)
        return
    for struct in actions[kind].chunks:
        place = struct.type.get_field_index(name)
        if place < 0 or (kind != "null_count" and not counts_units(struct.type.field(place).type)):
            yield from repeat(None, len(struct))
            continue
        values = struct.flatten()[place]  # null also where a file has no statistics at all
        try:
            yield from values.to_pylist()
        except (ValueError, OverflowError):  # a day that Python does not have
            yield from repeat(None, len(struct))


def _bound(rows: int | None, nulls: Any, low: Any, high: Any) -> Bounds:
    if rows is None or isinstance(nulls, dict):
        return UNKNOWN
    return Bounds(_beyond(low, -1), _beyond(high, 1), nulls != 0, nulls is None or nulls < rows)


def _beyond(value: Any, sign: int) -> Any:
    """A statistic of the log, which may be rounded, widened so that it is a bound."""
    value = exact(value)
    if isinstance(value, dt.datetime):
        try:
            return value + sign * MILLISECOND
        except OverflowError:  # a time that Python does not have
            return None
    if isinstance(value, Decimal):
        unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
        away = WIDE.add(WIDE.multiply(abs(value), DOUBLE), unit)
        rounding = ROUND_CEILING if sign > 0 else ROUND_FLOOR
        return WIDE.add(value, sign * away).quantize(unit, rounding, WIDE)
    return value
