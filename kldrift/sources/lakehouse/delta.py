"""Delta tables without JARs: the log is read by the package ``deltalake``, the files by the tasks.

The log gives the files of one version, the typed values of partitions, and deletion vectors; the
version is settled when the run is planned, so both passes over a reference read the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs as pafs

from kldrift.errors import DatasetError, NoSuchFileError, OnlyAsWholeError, first_line
from kldrift.sources.lakehouse.delta_files import file_uri, listed_files, located
from kldrift.sources.lakehouse.snapshot import (
    ListedFile,
    Snapshot,
    chosen,
    number_option,
    time_option,
)
from kldrift.sources.parquet.column_mapping import ColumnMapping
from kldrift.sources.parquet.footer_summary import SPARK_NOTES
from kldrift.sources.predicates.translate import Unsupported

VERSION_OPTIONS: Final = frozenset({"versionasof", "timestampasof"})
SINCE: Final = "startingversion"
"""The first version whose added files are read, as Delta's own readers of changes call it."""
OPTIONS: Final = VERSION_OPTIONS | {SINCE}
"""What is read of ``options``; names are compared as Spark does, without regard to case."""

KNOWN_FEATURES: Final = frozenset(
    {
        "columnMapping",
        "deletionVectors",
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
        "variantShredding-preview",
        "variantType",
        "variantType-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
    }
)
STORE_OPTIONS: Final = {
    "anonymous": "AWS_SKIP_SIGNATURE",
    "region": "AWS_REGION",
    "role_arn": "AWS_ROLE_ARN",
    "session_name": "AWS_ROLE_SESSION_NAME",
}


def open_delta(
    path: str,
    options: Mapping[str, str],
    filesystem: Mapping[str, str],
    asked: Collection[str] = (),
) -> Snapshot | Unsupported:
    """Read the log of a Delta table; or tell why Arrow cannot read its files.

    ``options`` may name the version: ``versionAsOf``, a number, or ``timestampAsOf``, a day or a
    time. The bounds of the columns in ``asked`` are wanted, without regard to case.

    Raises:
        DatasetError: there is no such table or version, or its log is damaged.
        ConfigError: the version is no number, or the time is no time.
    """
    table = _load(path, options, filesystem)
    if isinstance(table, Unsupported):
        return table
    from deltalake.exceptions import DeltaError  # noqa: PLC0415 - an extra

    unknown = sorted(set(table.protocol().reader_features or ()) - KNOWN_FEATURES)
    if unknown:
        return Unsupported(f"the Delta table has {', '.join(unknown)}")
    since = chosen(options, {SINCE})
    try:
        whole = _snapshot(table, path, filesystem, asked)
        if since is None or isinstance(whole, Unsupported):
            return whole
        first = number_option(*since, "a version number")
        added = added_since(table, path, first, filesystem)

        def entries_at(version: int) -> tuple[ListedFile, ...]:
            try:
                table.load_as_version(version)
            except DeltaError as cause:
                text = f"version {version} of the Delta table {path!r} is gone"
                raise OnlyAsWholeError(text) from cause
            return listed_files(table, path, filesystem, {})

        return whole.of_files(added, entries_at)
    except DeltaError as cause:
        raise DatasetError(f"cannot read the Delta table {path!r}: {first_line(cause)}") from cause


def delta_schema(
    path: str, options: Mapping[str, str], filesystem: Mapping[str, str]
) -> pa.Schema | Unsupported:
    """The columns of a Delta table, without its files; errors as of `open_delta`."""
    table = _load(path, options, filesystem)
    return table if isinstance(table, Unsupported) else pa.schema(table.schema())


def table_id(path: str, filesystem: Mapping[str, str]) -> str:
    """The identity of a Delta table, which one that is made anew in its place has not.

    Empty without ``deltalake``; errors as of `open_delta`.
    """
    table = _load(path, {}, filesystem)
    return "" if isinstance(table, Unsupported) else str(table.metadata().id)


def _load(
    path: str, options: Mapping[str, str], filesystem: Mapping[str, str]
) -> Any | Unsupported:
    try:
        from deltalake import DeltaTable  # noqa: PLC0415 - an extra
        from deltalake.exceptions import (  # noqa: PLC0415
            DeltaError,
            TableNotFoundError,
        )
    except ImportError:
        return Unsupported("Delta tables are read with deltalake: pip install 'kldrift[delta]'")
    which = which_version(options)
    version = which if isinstance(which, int) else None
    try:
        table = DeltaTable(path, version=version, storage_options=storage_options(filesystem))
        if isinstance(which, datetime):
            table.load_as_version(which)
            _check_time(table, path, which, filesystem)
    except TableNotFoundError as cause:
        text = f"no Delta table at {path!r}; check path and format in the configuration"
        raise NoSuchFileError(text) from cause
    except (DeltaError, OSError) as cause:
        at = "" if version is None else f" at version {version}"
        raise DatasetError(
            f"cannot read the Delta table {path!r}{at}: {first_line(cause)}"
        ) from cause
    return table


def which_version(options: Mapping[str, str]) -> int | datetime | None:
    """The version that options ask for, by its number or as of a time; None for the newest."""
    option = chosen(options, VERSION_OPTIONS)
    if option is None:
        return None
    if option[0].lower() == "timestampasof":
        return time_option(*option)
    return number_option(*option, "a version number")


def _check_time(table: Any, path: str, at: datetime, filesystem: Mapping[str, str]) -> None:
    """Refuse a time before the first version, for which the log's reader gives the first one.

    A version's time is that of its file in the log.
    """
    configuration = table.metadata().configuration
    if configuration.get("delta.enableInCommitTimestamps") == "true":
        text = "keeps the times of its versions in them; name one with versionAsOf"
        raise DatasetError(f"the Delta table {path!r} {text}")
    log = f"{table.table_uri.rstrip('/')}/_delta_log/{table.version():020}.json"
    remote, place = located(log, filesystem)
    opened = pafs.LocalFileSystem() if remote is None else remote.open()
    info = opened.get_file_info(place)
    if not info.is_file or info.mtime_ns // 10**6 > at.timestamp() * 1000:
        raise DatasetError(f"the Delta table {path!r} has no version as of {at}")


def storage_options(filesystem: Mapping[str, str]) -> dict[str, str]:
    """The options of a filesystem under deltalake's names, from pyarrow's names."""
    scheme = filesystem.get("scheme", "https")
    told = {}
    for name, value in filesystem.items():
        if name == "endpoint_override":
            told["AWS_ENDPOINT_URL"] = value if "://" in value else f"{scheme}://{value}"
            told["AWS_ALLOW_HTTP"] = str(told["AWS_ENDPOINT_URL"].startswith("http:")).lower()
        elif name in STORE_OPTIONS:
            told[STORE_OPTIONS[name]] = value
    return told


def _snapshot(
    table: Any, path: str, filesystem: Mapping[str, str], asked: Collection[str]
) -> Snapshot | Unsupported:
    declared = json.loads(table.schema().to_json())["fields"]
    metadata = table.metadata()
    mode = metadata.configuration.get("delta.columnMapping.mode", "none")
    nested = [f for f in declared if isinstance(f["type"], dict)]
    structs = [f["name"] for f in nested if f["type"]["type"] == "struct"]
    if mode != "none" and structs:
        return Unsupported(f"column mapping renames the fields of the struct {structs[0]!r}")
    types = pa.schema(table.schema())
    # Spark's notes say which text columns do not compare byte by byte.
    notes = {SPARK_NOTES: json.dumps(declared)}
    schema = pa.schema([pa.field(f.name, f.type) for f in types], notes)
    partitions = pa.schema([schema.field(n) for n in metadata.partition_columns])
    notes_of = {f["name"]: f.get("metadata", {}) for f in declared}
    physical = {n: str(m.get("delta.columnMapping.physicalName", n)) for n, m in notes_of.items()}
    ids = None
    if mode == "id":
        ids = {n: int(m["delta.columnMapping.id"]) for n, m in notes_of.items()}
    columns = tuple(n for n in schema.names if n not in partitions.names)
    mapping = ColumnMapping(columns, physical if mode == "name" else None, ids)
    lower = {name.lower() for name in asked}
    inside = {n: physical[n] for n in columns if n.lower() in lower}
    entries = listed_files(table, path, filesystem, inside)
    what = f"Delta table, version {table.version()}"
    return Snapshot(what, entries, schema, partitions, mapping)


def added_since(table: Any, path: str, first: int, filesystem: Mapping[str, str]) -> dict[str, int]:
    """The files that some versions of a table added, and the version of each.

    ``first`` is the first of the versions, and ``table`` is at the last. A file that was written
    again without other rows, by compaction, says so in the log and is left out.

    Raises:
        OnlyAsWholeError: rows were deleted or written again, or the log of a version is gone.
    """
    if first > table.version() + 1:
        raise OnlyAsWholeError(
            f"the Delta table {path!r} is at version {table.version()}, and version {first - 1} "
            "was read before"
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
