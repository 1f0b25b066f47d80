"""Delta tables without JARs: the log is read by the package ``deltalake``, the files by the tasks.

The log gives the files of one version, the typed values of partitions, and deletion vectors; the
version is settled when the run is planned, so both passes over a reference read the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from kldrift.errors import ConfigError, DatasetError
from kldrift.scan.files import File, pack
from kldrift.scan.filesystem import locate
from kldrift.scan.predicate import Unsupported
from kldrift.scan.table import Snapshot

OPTIONS: Final = frozenset({"versionasof"})
"""What is read of ``options``; names are compared as Spark does, without regard to case."""

KNOWN_FEATURES: Final = frozenset(
    {
        "columnMapping",
        "deletionVectors",
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
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
SPARK_NOTES: Final = b"org.apache.spark.sql.parquet.row.metadata"


def open_delta(
    path: str, options: Mapping[str, str], filesystem: Mapping[str, str]
) -> Snapshot | Unsupported:
    """Read the log of a Delta table.

    Args:
        path: the table's folder.
        options: ``versionAsOf``, a number; by default the newest version is read.
        filesystem: how to open the store of its files, as the configuration has it.

    Returns:
        The table's files; or why Arrow cannot read them.

    Raises:
        DatasetError: there is no such table or version, or its log is damaged.
        ConfigError: the version is no number.
    """
    try:
        from deltalake import DeltaTable  # noqa: PLC0415 - an extra
        from deltalake.exceptions import (  # noqa: PLC0415
            DeltaError,
            TableNotFoundError,
        )
    except ImportError:
        return Unsupported("Delta tables are read with deltalake: pip install 'kldrift[delta]'")
    version = _version(options)
    try:
        table = DeltaTable(path, version=version, storage_options=_storage(filesystem))
    except TableNotFoundError as cause:
        text = f"no Delta table at {path!r}; check the path in the configuration"
        raise DatasetError(text) from cause
    except (DeltaError, OSError) as cause:
        at = "" if version is None else f" at version {version}"
        raise DatasetError(
            f"cannot read the Delta table {path!r}{at}: {_first_line(cause)}"
        ) from cause
    unknown = sorted(set(table.protocol().reader_features or ()) - KNOWN_FEATURES)
    if unknown:
        return Unsupported(f"the Delta table has {', '.join(unknown)}")
    try:
        return _snapshot(table, path, filesystem)
    except DeltaError as cause:
        raise DatasetError(f"cannot read the Delta table {path!r}: {_first_line(cause)}") from cause


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _version(options: Mapping[str, str]) -> int | None:
    for name, value in options.items():
        if name.lower() in OPTIONS:
            if not value.isdecimal():
                raise ConfigError(f"options.{name}: expected a version number, got {value!r}")
            return int(value)
    return None


def _storage(filesystem: Mapping[str, str]) -> dict[str, str]:
    """What deltalake is told of a store, from what pyarrow is."""
    scheme = filesystem.get("scheme", "https")
    told = {}
    for name, value in filesystem.items():
        if name == "endpoint_override":
            told["AWS_ENDPOINT_URL"] = value if "://" in value else f"{scheme}://{value}"
            told["AWS_ALLOW_HTTP"] = str(told["AWS_ENDPOINT_URL"].startswith("http:")).lower()
        elif name in STORE_OPTIONS:
            told[STORE_OPTIONS[name]] = value
    return told


def _snapshot(table: Any, path: str, filesystem: Mapping[str, str]) -> Snapshot | Unsupported:
    declared = json.loads(table.schema().to_json())["fields"]
    metadata = table.metadata()
    mode = metadata.configuration.get("delta.columnMapping.mode", "none")
    structs = [f["name"] for f in declared if _type_name(f) == "struct"]
    if mode != "none" and structs:
        return Unsupported(f"column mapping renames the fields of the struct {structs[0]!r}")
    types = pa.schema(table.schema())
    # Spark's notes say which text columns do not compare byte by byte.
    notes = {SPARK_NOTES: json.dumps(declared)}
    schema = pa.schema([pa.field(f.name, f.type) for f in types], notes)
    partitions = pa.schema([schema.field(n) for n in metadata.partition_columns])
    mapping = {f["name"]: f.get("metadata", {}) for f in declared}
    names, ids = None, None
    if mode == "name":
        names = {n: str(m["delta.columnMapping.physicalName"]) for n, m in mapping.items()}
    elif mode == "id":
        ids = {n: int(m["delta.columnMapping.id"]) for n, m in mapping.items()}
    what = f"Delta table, version {table.version()}"
    return Snapshot(what, _files(table, path, filesystem), schema, partitions, names, ids)


def _type_name(field: Mapping[str, Any]) -> str:
    kind = field["type"]
    return str(kind["type"] if isinstance(kind, dict) else kind)


def _files(table: Any, path: str, filesystem: Mapping[str, str]) -> tuple[File, ...]:
    actions = pa.table(table.get_add_actions())
    wanted = [n for n in ("path", "partition") if n in actions.column_names]
    features = table.protocol().reader_features or ()
    deleted = _deleted(table) if "deletionVectors" in features else {}
    root = table.table_uri.rstrip("/")
    files = []
    unseen = set(deleted)
    for action in actions.select(wanted).to_pylist():
        written = action["path"]
        uri = written if "://" in written or written.startswith("file:") else f"{root}/{written}"
        unseen.discard(uri)
        partition = tuple((action.get("partition") or {}).items())
        store, place = None, unquote(uri)
        if uri.startswith("file:"):
            place = place.removeprefix("file://").removeprefix("file:")
        else:
            store, place = locate(place, filesystem)
        files.append(File(place, store, partition, (), deleted.get(uri, b"")))
    if unseen:  # never count rows that are deleted
        raise DatasetError(f"the Delta table {path!r} deletes rows of {min(unseen)!r}, not listed")
    return tuple(sorted(files, key=lambda f: f.path))


def _deleted(table: Any) -> dict[str, bytes]:
    """Which rows are deleted, by the file's URI."""
    found = {}
    for batch in pa.RecordBatchReader.from_stream(table.deletion_vectors()):
        for uri, kept in zip(batch["filepath"].to_pylist(), batch["selection_vector"], strict=True):
            found[uri] = pack(~kept.values.to_numpy(zero_copy_only=False).astype(np.bool_))
    return found
