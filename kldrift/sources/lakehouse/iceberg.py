"""Iceberg tables without JARs: manifests are read by the package ``pyiceberg``, files by the tasks.

Columns are found in the files by their field ids, so that renamed and added ones are what the table
says. Position deletes are honoured; what is not (equality deletes, deletion vectors, defaults of
added columns) is left to Spark.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs as pafs

from kldrift.errors import ConfigError, DatasetError, NoSuchFileError, OnlyAsWholeError
from kldrift.sources.filesystem import locate
from kldrift.sources.lakehouse.iceberg_files import listed_files, place_of
from kldrift.sources.lakehouse.snapshot import ListedFile, Snapshot, chosen, number_option
from kldrift.sources.parquet.column_mapping import ColumnMapping
from kldrift.sources.predicates.translate import Unsupported

WHAT: Final = {
    "snapshot-id": "a snapshot's number",
    "as-of-timestamp": "milliseconds since 1970-01-01 UTC",
}
SINCE: Final = "start-snapshot-id"
"""The snapshot after which added files are read, as Iceberg's own readers call it."""
OPTIONS: Final = frozenset({*WHAT, SINCE})
"""What is read of ``options``."""
ABSENT: Final = "Iceberg tables are read with pyiceberg: pip install 'kldrift[iceberg]'"
CATALOG: Final = "iceberg://"
NAME_MAPPING: Final = "schema.name-mapping.default"
"""A property of tables that took in files that have no field ids."""
HINT: Final = "version-hint.text"
STORE_OPTIONS: Final = {
    "anonymous": "s3.anonymous",
    "connect_timeout": "s3.connect-timeout",
    "endpoint_override": "s3.endpoint",
    "force_virtual_addressing": "s3.force-virtual-addressing",
    "region": "s3.region",
    "request_timeout": "s3.request-timeout",
    "role_arn": "s3.role-arn",
    "session_name": "s3.role-session-name",
}
METADATA: Final = re.compile(r"v?(\d+)(-.*)?(\.gz)?\.metadata\.json(\.gz)?")


def open_iceberg(
    path: str,
    options: Mapping[str, str],
    filesystem: Mapping[str, str],
    asked: Collection[str] = (),
) -> Snapshot | Unsupported:
    """Read the metadata and manifests of an Iceberg table; or tell why Arrow cannot read its files.

    ``path`` is the table's folder, one of its ``metadata.json`` files, or
    ``iceberg://CATALOG/NAMESPACE.TABLE`` for a catalog of pyiceberg's own configuration.
    ``options`` may name the snapshot: ``snapshot-id``, or ``as-of-timestamp`` in milliseconds. The
    bounds of the columns in ``asked`` are wanted, without regard to case.

    Raises:
        DatasetError: there is no such table or snapshot, or its metadata is damaged.
        ConfigError: the snapshot or the time is no number.
    """
    if not _installed():
        return Unsupported(ABSENT)
    which, since = _wanted(options), chosen(options, {SINCE})
    try:
        with _errors_named(path):
            table = _load(path, filesystem)
            whole = _snapshot(table, _snapshot_id(table, which), filesystem, asked)
            if since is None or isinstance(whole, Unsupported):
                return whole
            first = number_option(*since, WHAT["snapshot-id"])
            added = added_since(table, path, first, filesystem)
            return whole.of_files(added, partial(_entries_at, table, path, filesystem))
    except DatasetError as error:
        if "equality deletes" in str(error):
            return Unsupported("the Iceberg table has equality deletes")
        raise


def iceberg_schema(
    path: str, options: Mapping[str, str], filesystem: Mapping[str, str]
) -> pa.Schema | Unsupported:
    """The columns of an Iceberg table, without its manifests; errors as of `open_iceberg`."""
    if not _installed():
        return Unsupported(ABSENT)
    which = _wanted(options)
    with _errors_named(path):
        table = _load(path, filesystem)
        return _schema(table.scan(snapshot_id=_snapshot_id(table, which)).projection())


def _installed() -> bool:
    try:
        import pyiceberg.exceptions  # noqa: F401, PLC0415 - an extra
    except ImportError:
        return False
    return True


@contextmanager
def _errors_named(path: str) -> Iterator[None]:
    """Tell what goes wrong with a table in the words of this package."""
    from pyiceberg.exceptions import NoSuchTableError, ValidationError  # noqa: PLC0415 - an extra

    try:
        yield
    except ConfigError:
        raise
    except (NoSuchTableError, FileNotFoundError) as cause:
        text = f"no Iceberg table at {path!r}; check path and format in the configuration"
        raise NoSuchFileError(text) from cause
    except ValidationError as cause:
        why = " ".join(str(cause).split())
        if "manifest-list" in why:
            why = "a snapshot has no manifest list, as in the first tables of format version 1; "
            why += "write the table again, or read its folder as format: parquet"
        raise DatasetError(f"cannot read the Iceberg table {path!r}: {why}") from cause
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as cause:
        first = str(cause).split("\n", 1)[0]
        raise DatasetError(f"cannot read the Iceberg table {path!r}: {first}") from cause


def _wanted(options: Mapping[str, str]) -> tuple[str, int] | None:
    which = chosen(options, WHAT)
    return which and (which[0].lower(), number_option(*which, WHAT[which[0].lower()]))


def _entries_at(
    table: Any, path: str, filesystem: Mapping[str, str], snapshot: int
) -> tuple[ListedFile, ...]:
    entries = listed_files(table.scan(snapshot_id=snapshot), table.specs(), filesystem, ())
    if isinstance(entries, Unsupported):
        raise DatasetError(f"the Iceberg table {path!r}: {entries.reason}")
    return entries


def _snapshot_id(table: Any, wanted: tuple[str, int] | None) -> int | None:
    """The snapshot that is wanted; None for the current one."""
    if wanted is None:
        return None
    name, value = wanted
    if name == "snapshot-id":
        if table.snapshot_by_id(value) is None:
            raise ValueError(f"there is no snapshot {value}")
        return value
    snapshot = table.snapshot_as_of_timestamp(value)
    if snapshot is None:
        raise ValueError(f"there is no snapshot as of {value}")
    return int(snapshot.snapshot_id)


def _load(path: str, filesystem: Mapping[str, str]) -> Any:
    told = _storage(filesystem)
    if path.startswith(CATALOG):
        from pyiceberg.catalog import load_catalog  # noqa: PLC0415 - an extra

        catalog, _, name = path.removeprefix(CATALOG).partition("/")
        with closing(load_catalog(catalog, **told)) as opened:
            return opened.load_table(name)
    from pyiceberg.table import StaticTable  # noqa: PLC0415 - an extra

    file = path if path.endswith(".json") else _newest(path.rstrip("/"), filesystem)
    return StaticTable.from_metadata(file, told)


def _storage(filesystem: Mapping[str, str]) -> dict[str, str]:
    """The options of a filesystem under pyiceberg's names, from pyarrow's names."""
    told = {STORE_OPTIONS[n]: value for n, value in filesystem.items() if n in STORE_OPTIONS}
    endpoint = told.get("s3.endpoint", "")
    if endpoint and "://" not in endpoint:
        told["s3.endpoint"] = f"{filesystem.get('scheme', 'https')}://{endpoint}"
    return told


def _newest(folder: str, filesystem: Mapping[str, str]) -> str:
    """The newest metadata of a table's folder: its hint, else the highest number."""
    if "://" in folder:
        remote, root = locate(folder, filesystem)
        opened = remote.open()
    else:
        opened, root = pafs.LocalFileSystem(), folder
    selector = pafs.FileSelector(f"{root}/metadata", allow_not_found=True)
    names = [info.base_name for info in opened.get_file_info(selector) if info.is_file]
    by_number: dict[int, list[str]] = {}
    for name in names:
        if named := METADATA.fullmatch(name):
            by_number.setdefault(int(named[1]), []).append(name)
    if not by_number:
        raise FileNotFoundError(folder)
    text = ""
    if HINT in names:
        with opened.open_input_stream(f"{root}/metadata/{HINT}") as file:
            text = file.read().decode().strip()
    newest = by_number.get(int(text) if text.isdecimal() else max(by_number), [])
    if len(newest) != 1:
        raise ValueError("which metadata is the newest is not certain; name a metadata.json file")
    return f"{folder}/metadata/{newest[0]}"


def _snapshot(
    table: Any, wanted: int | None, filesystem: Mapping[str, str], asked: Collection[str]
) -> Snapshot | Unsupported:
    scan = table.scan(snapshot_id=wanted)
    declared = scan.projection()
    defaults = [f.name for f in declared.fields if f.initial_default is not None]
    if defaults:
        return Unsupported(f"the column {defaults[0]!r} of the Iceberg table has a default")
    schema = _schema(declared)
    structs = [f.name for f in schema if pa.types.is_struct(f.type)]
    if structs and len(table.metadata.schemas) > 1:
        return Unsupported(f"the schema changed, and {structs[0]!r} is a struct")
    lower = {name.lower() for name in asked}
    fields = [field for field in declared.fields if field.name.lower() in lower]
    entries = listed_files(scan, table.specs(), filesystem, fields)
    if isinstance(entries, Unsupported):
        return entries
    current = table.metadata.current_snapshot_id if wanted is None else wanted
    what = f"Iceberg table, snapshot {current}"
    ids = {field.name: field.field_id for field in declared.fields}
    mapped = NAME_MAPPING in table.properties
    mapping = ColumnMapping(tuple(schema.names), ids=ids)
    return Snapshot(what, entries, schema, pa.schema([]), mapping, mapped)


def _schema(declared: Any) -> pa.Schema:
    """The columns of a table, as Spark has them."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow  # noqa: PLC0415 - an extra

    schema = schema_to_pyarrow(declared, include_field_ids=False)
    return pa.schema([pa.field(f.name, _plain(f.type)) for f in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without Arrow's large variants, as Spark has it."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _plain(f.type)) for f in kind])
    return pa.string() if pa.types.is_large_string(kind) else kind


def added_since(table: Any, path: str, since: int, filesystem: Mapping[str, str]) -> dict[str, int]:
    """The files that the snapshots after one added, and the snapshot of each.

    A snapshot that only wrote files again, by compaction, says so and is left out.

    Raises:
        OnlyAsWholeError: rows were deleted or written again, or the snapshot is no ancestor.
    """
    from pyiceberg.manifest import ManifestEntryStatus  # noqa: PLC0415 - an extra

    added: dict[str, int] = {}
    snapshot = table.current_snapshot()
    while snapshot is not None and snapshot.snapshot_id != since:
        number = snapshot.snapshot_id
        operation = "" if snapshot.summary is None else str(snapshot.summary.operation.value)
        if operation not in ("append", "replace"):
            raise OnlyAsWholeError(
                f"snapshot {number} of the Iceberg table {path!r} deleted rows or wrote them again"
            )
        for manifest in snapshot.manifests(table.io) if operation == "append" else ():
            if manifest.added_snapshot_id == number:
                for entry in manifest.fetch_manifest_entry(table.io):
                    if entry.status == ManifestEntryStatus.ADDED:
                        added[place_of(entry.data_file.file_path, filesystem)[1]] = number
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else table.snapshot_by_id(parent)
    if snapshot is None and since:
        raise OnlyAsWholeError(
            f"snapshot {since} of the Iceberg table {path!r}, which was read before, is gone"
        )
    return added
