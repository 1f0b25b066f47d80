"""Iceberg tables without JARs: manifests are read by the package ``pyiceberg``, files by the tasks.

Columns are found in the files by their field ids, so that renamed and added ones are what the table
says. Position deletes are honoured; what is not (equality deletes, deletion vectors, defaults of
added columns) is left to Spark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kldrift.errors import ConfigError, DatasetError
from kldrift.scan.files import File, pack
from kldrift.scan.filesystem import locate
from kldrift.scan.predicate import Unsupported
from kldrift.scan.table import Snapshot

OPTIONS: Final = frozenset({"snapshot-id"})
"""What is read of ``options``."""
CATALOG: Final = "iceberg://"
METADATA: Final = re.compile(r"v?(\d+)(-.*)?(\.gz)?\.metadata\.json(\.gz)?")


def open_iceberg(
    path: str, options: Mapping[str, str], filesystem: Mapping[str, str]
) -> Snapshot | Unsupported:
    """Read the metadata and manifests of an Iceberg table.

    Args:
        path: the table's folder, one of its ``metadata.json`` files, or
            ``iceberg://CATALOG/NAMESPACE.TABLE`` for a catalog of pyiceberg's own configuration.
        options: ``snapshot-id``; by default the current snapshot is read.
        filesystem: how to open the store of its files, as the configuration has it.

    Returns:
        The table's files; or why Arrow cannot read them.

    Raises:
        DatasetError: there is no such table or snapshot, or its metadata is damaged.
        ConfigError: the snapshot is no number.
    """
    try:
        from pyiceberg.exceptions import NoSuchTableError  # noqa: PLC0415 - an extra
    except ImportError:
        text = "Iceberg tables are read with pyiceberg: pip install 'kldrift[iceberg]'"
        return Unsupported(text)
    wanted = _snapshot_id(options)
    try:
        table = _load(path)
        return _snapshot(table, wanted, filesystem)
    except (NoSuchTableError, FileNotFoundError) as cause:
        text = f"no Iceberg table at {path!r}; check the path in the configuration"
        raise DatasetError(text) from cause
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as cause:
        first = str(cause).split("\n", 1)[0]
        if "equality deletes" in first:
            return Unsupported("the Iceberg table has equality deletes")
        raise DatasetError(f"cannot read the Iceberg table {path!r}: {first}") from cause


def _snapshot_id(options: Mapping[str, str]) -> int | None:
    for name, value in options.items():
        if name.lower() in OPTIONS:
            if not value.isdecimal():
                raise ConfigError(f"options.{name}: expected a snapshot's number, got {value!r}")
            return int(value)
    return None


def _load(path: str) -> Any:
    if path.startswith(CATALOG):
        from pyiceberg.catalog import load_catalog  # noqa: PLC0415 - an extra

        catalog, _, name = path.removeprefix(CATALOG).partition("/")
        return load_catalog(catalog).load_table(name)
    from pyiceberg.table import StaticTable  # noqa: PLC0415 - an extra

    local = "://" not in path and not path.endswith(".json")
    return StaticTable.from_metadata(_newest(Path(path)) if local else path)


def _newest(folder: Path) -> str:
    """The newest metadata of a table's folder: its hint, else the highest number."""
    found: dict[int, list[Path]] = {}
    for file in (folder / "metadata").glob("*.metadata.json*"):
        if named := METADATA.fullmatch(file.name):
            found.setdefault(int(named[1]), []).append(file)
    if not found:
        raise FileNotFoundError(folder)
    hint = folder / "metadata" / "version-hint.text"
    text = hint.read_text().strip() if hint.is_file() else ""
    newest = found.get(int(text) if text.isdecimal() else max(found), [])
    if len(newest) != 1:
        raise ValueError("which metadata is the newest is not certain; name a metadata.json file")
    return str(newest[0])


def _snapshot(
    table: Any, wanted: int | None, filesystem: Mapping[str, str]
) -> Snapshot | Unsupported:
    from pyiceberg.io.pyarrow import schema_to_pyarrow  # noqa: PLC0415 - an extra
    from pyiceberg.manifest import DataFileContent, FileFormat  # noqa: PLC0415

    if wanted is not None and table.snapshot_by_id(wanted) is None:
        raise ValueError(f"there is no snapshot {wanted}")
    scan = table.scan(snapshot_id=wanted)
    declared = scan.projection()
    defaults = [f.name for f in declared.fields if f.initial_default is not None]
    if defaults:
        return Unsupported(f"the column {defaults[0]!r} of the Iceberg table has a default")
    schema = schema_to_pyarrow(declared, include_field_ids=False)
    schema = pa.schema([pa.field(f.name, _plain(f.type)) for f in schema])
    structs = [f.name for f in schema if pa.types.is_struct(f.type)]
    if structs and len(table.metadata.schemas) > 1:
        return Unsupported(f"the schema changed, and {structs[0]!r} is a struct")
    files = []
    deletes: dict[str, pa.Table] = {}
    for task in scan.plan_files():
        if task.file.file_format != FileFormat.PARQUET:
            return Unsupported(f"the Iceberg table has files of {task.file.file_format}")
        for delete in task.delete_files:
            if delete.content != DataFileContent.POSITION_DELETES:
                return Unsupported("the Iceberg table has equality deletes")
            if delete.file_format != FileFormat.PARQUET:
                return Unsupported("the Iceberg table has deletion vectors")
            if delete.file_path not in deletes:
                deletes[delete.file_path] = _positions(delete.file_path, filesystem)
        found = [deletes[delete.file_path] for delete in task.delete_files]
        files.append(_file(task.file, found, filesystem))
    current = table.metadata.current_snapshot_id if wanted is None else wanted
    what = f"Iceberg table, snapshot {current}"
    ids = {field.name: field.field_id for field in declared.fields}
    files.sort(key=lambda f: f.path)
    return Snapshot(what, tuple(files), schema, pa.schema([]), ids=ids)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type as Spark has it: Arrow's large text is text."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _plain(f.type)) for f in kind])
    return pa.string() if pa.types.is_large_string(kind) else kind


def _place(path: str, filesystem: Mapping[str, str]) -> File:
    if path.startswith("file:"):
        path = path.removeprefix("file://").removeprefix("file:")
    if "://" not in path:
        return File(path, None, ())
    store, inside = locate(path, filesystem)
    return File(inside, store, ())


def _positions(path: str, filesystem: Mapping[str, str]) -> pa.Table:
    with _place(path, filesystem).open() as parquet:
        return parquet.read(["file_path", "pos"])


def _file(file: Any, deletes: list[pa.Table], filesystem: Mapping[str, str]) -> File:
    place = _place(file.file_path, filesystem)
    if not deletes:
        return place
    marked: npt.NDArray[np.bool_] = np.zeros(file.record_count, np.bool_)
    for table in deletes:
        mine = table.filter(pc.field("file_path") == file.file_path)
        marked[mine["pos"].to_numpy()] = True
    return File(place.path, place.store, (), None, pack(marked))
