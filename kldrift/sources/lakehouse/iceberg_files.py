"""The data files of an Iceberg table, as its manifests list them."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.arrays import Bools
from kldrift.sources.filesystem import RemoteFilesystem, locate
from kldrift.sources.lakehouse.snapshot import ListedFile
from kldrift.sources.parquet.bounds import ALL_NULL, UNKNOWN, Bounds, bounds_of_value
from kldrift.sources.parquet.files import File, pack_deleted
from kldrift.sources.predicates.translate import Unsupported
from kldrift.sources.predicates.units import EPOCH

ORDERED: Final = frozenset({"int", "long", "date", "timestamp", "timestamptz"})
"""The types that are looked at, beside decimals."""
NOT_NULL: Final = Bounds(nulls=False)
MICROSECOND: Final = dt.timedelta(microseconds=1)
LENGTHS: Final = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1)}


def listed_files(
    scan: Any, specs: Mapping[int, Any], filesystem: Mapping[str, str], fields: Sequence[Any]
) -> tuple[ListedFile, ...] | Unsupported:
    """The data files of a snapshot, with bounds of ``fields``; or why Arrow cannot read them."""
    from pyiceberg.manifest import DataFileContent, FileFormat  # noqa: PLC0415 - an extra

    types = {field.field_id: field for field in scan.projection().fields}
    entries = []
    deletes: dict[str, pa.Table] = {}
    remotes: dict[RemoteFilesystem | None, RemoteFilesystem | None] = {}  # one object for all files
    for task in scan.plan_files():
        file = task.file
        if file.file_format != FileFormat.PARQUET:
            return Unsupported(f"the Iceberg table has files of {file.file_format}")
        for delete in task.delete_files:
            if delete.content != DataFileContent.POSITION_DELETES:
                return Unsupported("the Iceberg table has equality deletes")
            if delete.file_format != FileFormat.PARQUET:
                return Unsupported("the Iceberg table has deletion vectors")
            if delete.file_path not in deletes:
                deletes[delete.file_path] = _positions(delete.file_path, filesystem)
        mine = [deletes[delete.file_path] for delete in task.delete_files]
        rows = int(file.record_count)
        gone = _deleted(file.file_path, rows, mine) if mine else None
        remote, path = place_of(file.file_path, filesystem)
        deleted = b"" if gone is None else pack_deleted(gone)
        left = rows if gone is None else rows - int(gone.sum())
        constants = constants_of(file, specs, types)
        place = File(path, remotes.setdefault(remote, remote), constants, deleted, rows)
        offsets = tuple(file.split_offsets or ())
        bounds = {field.name: _bounds(file, field, specs) for field in fields}
        entries.append(ListedFile(place, int(file.file_size_in_bytes), left, offsets, bounds))
    return tuple(sorted(entries, key=lambda e: e.file.path))


def constants_of(
    file: Any, specs: Mapping[int, Any], columns: Mapping[int, Any]
) -> tuple[tuple[str, Any], ...]:
    """The columns that are one value throughout a file, which may leave them out."""
    spec = specs.get(file.spec_id)
    parts = zip(spec.fields if spec else (), file.partition, strict=True)
    return tuple(
        (columns[part.source_id].name, value_of(columns[part.source_id].field_type, value))
        for part, value in parts
        if str(part.transform) == "identity" and part.source_id in columns
    )


def _bounds(file: Any, field: Any, specs: Mapping[int, Any]) -> Bounds:
    bounds = bounds_of_metrics(file, field)
    spec = specs.get(file.spec_id)
    for part, value in zip(spec.fields if spec else (), file.partition, strict=True):
        if part.source_id == field.field_id:
            bounds &= bounds_of_partition(part.transform, field.field_type, value)
    return bounds


def place_of(path: str, filesystem: Mapping[str, str]) -> tuple[RemoteFilesystem | None, str]:
    """The filesystem of a file that a manifest lists, None for the local one, and its path."""
    if path.startswith("file:"):
        path = path.removeprefix("file://").removeprefix("file:")
    # Tasks may have another working directory.
    return locate(path, filesystem) if "://" in path else (None, str(Path(path).absolute()))


def _positions(path: str, filesystem: Mapping[str, str]) -> pa.Table:
    remote, inside = place_of(path, filesystem)
    with File(inside, remote, ()).open() as parquet:
        return parquet.read(["file_path", "pos"])


def _deleted(path: str, rows: int, deletes: Sequence[pa.Table]) -> Bools:
    """Which rows of a file are deleted, shape ``(rows,)``."""
    marked: Bools = np.zeros(rows, np.bool_)
    for table in deletes:
        mine = table.filter(pc.field("file_path") == path)
        marked[mine["pos"].to_numpy()] = True
    return marked


def bounds_of_metrics(file: Any, field: Any) -> Bounds:
    """The bounds of a column in a file, from the statistics of its manifest.

    Only those of whole numbers, decimals, dates and times, which are exact there.
    """
    from pyiceberg.conversions import from_bytes  # noqa: PLC0415 - an extra

    number, rows = field.field_id, file.record_count
    nulls = (file.null_value_counts or {}).get(number)
    low = high = None
    if _ordered(field.field_type):
        encoded = [(side or {}).get(number) for side in (file.lower_bounds, file.upper_bounds)]
        try:
            low, high = (
                None if b is None else value_of(field.field_type, from_bytes(field.field_type, b))
                for b in encoded
            )
        except (struct.error, OverflowError, ValueError):  # written when the type was another
            low = high = None
    return Bounds(low, high, nulls != 0, nulls is None or nulls < rows)


def bounds_of_partition(transform: Any, kind: Any, value: Any) -> Bounds:
    """The bounds of a column in a file, from the value of a partition made of it."""
    name = str(transform)
    if name == "void":  # null whatever the column holds
        return UNKNOWN
    if value is None:
        return ALL_NULL
    try:
        if name == "identity":
            return bounds_of_value(value_of(kind, value)) & NOT_NULL
        if _ordered(kind):
            low, high = _span(name, kind, value)
            return Bounds(low, high, nulls=False)
    except (OverflowError, ValueError):  # a time that Python does not have
        pass
    return NOT_NULL


def _ordered(kind: Any) -> bool:
    return str(kind) in ORDERED or str(kind).startswith("decimal")


def value_of(kind: Any, value: Any) -> Any:
    """A value as Python has it; pyiceberg counts days and microseconds."""
    if str(kind) == "date" and isinstance(value, int):
        return EPOCH.date() + dt.timedelta(days=value)
    if str(kind) in ("timestamp", "timestamptz") and isinstance(value, int):
        return EPOCH + dt.timedelta(microseconds=value)
    return value


def _span(name: str, kind: Any, value: Any) -> tuple[Any, Any]:
    """The least and the greatest value of a column that a transform makes this value of."""
    if name.startswith("truncate["):
        width = int(name[len("truncate[") : -1])
        if isinstance(value, Decimal):
            unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
            return value, value + (width - 1) * unit
        return (value, value + width - 1) if isinstance(value, int) else (None, None)
    if name not in ("year", "month", "day", "hour") or not isinstance(value, int):
        return None, None
    # Some writers rounded times before 1970 towards it, so that the unit before may be in it too.
    low, high = _begins(name, value - (value <= 0)), _begins(name, value + 1) - MICROSECOND
    return (low.date(), high.date()) if str(kind) == "date" else (low, high)


def _begins(name: str, value: int) -> dt.datetime:
    """When a unit of time begins, counted from 1970."""
    if name in LENGTHS:
        return EPOCH + value * LENGTHS[name]
    year, month = divmod(value, 12) if name == "month" else (value, 0)
    return dt.datetime(1970 + year, 1 + month, 1)
