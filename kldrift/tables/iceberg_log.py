"""The snapshots and data files of an Iceberg table in a local folder, read once per commit.

The catalog's file, the metadata and the manifests say it. ``pyiceberg`` plans a scan for every
question, and brings SQLAlchemy, pandas and Arrow's datasets along, which take longer than all that
`kldrift show` does; of it only the reader of manifests is needed here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, unquote

from kldrift.tables.table_store import FILE

NOT_YET: Final = "no such table"
"""What SQLite says of a catalog in which nothing was written."""


@dataclass(frozen=True)
class IcebergLog:
    """The properties and data files of a table after one commit.

    If it is ``plain``, the rows are those of the files: none are deleted, and no column has another
    name than in its file.
    """

    manifests: tuple[Any, ...]
    properties: Mapping[str, str]
    plain: bool

    def files(self, partition: str | None = None) -> dict[str, list[Path]]:
        """The data files of each partition, or of one."""
        files: dict[str, list[Path]] = {}
        for manifest in self.manifests:
            if partition is None or _may_have(manifest, partition):
                for name, path in _files_of(manifest):
                    files.setdefault(name, []).append(path)
        return files


def newest_metadata(catalog: Path, namespace: str, table: str) -> str | None:
    """Where the newest metadata of a table is; None where there is no such table.

    Raises:
        sqlite3.Error: the catalog is damaged.
    """
    if not catalog.exists():
        return None
    asked = (
        "select metadata_location from iceberg_tables where (table_namespace, table_name) = (?, ?)"
    )
    # Not only for reading: the journal of a writer that was killed has to be rolled back.
    with closing(sqlite3.connect(f"file:{quote(str(catalog))}?mode=rw", uri=True)) as database:
        try:
            row = database.execute(asked, (namespace, table)).fetchone()
        except sqlite3.OperationalError as error:
            if NOT_YET in str(error):
                return None
            raise
    return None if row is None else str(row[0])


@lru_cache(maxsize=64)
def log_at(metadata: str) -> IcebergLog:
    """The state that a metadata file describes, which never changes.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is damaged.
    """
    from pyiceberg.manifest import read_manifest_list  # noqa: PLC0415 - an extra

    stated = json.loads(local_path(metadata).read_text(encoding="utf-8"))
    current = stated.get("current-snapshot-id")
    snapshots = [s for s in stated.get("snapshots", ()) if s["snapshot-id"] == current]
    names: dict[int, set[str]] = {}
    for field in (f for schema in stated["schemas"] for f in schema["fields"]):
        names.setdefault(field["id"], set()).add(field["name"])
    lists = (FILES.new_input(snapshot["manifest-list"]) for snapshot in snapshots)
    manifests = tuple(manifest for one in lists for manifest in read_manifest_list(one))
    by_file = {
        spec["spec-id"]
        for spec in stated["partition-specs"]
        if [(f["name"], f["transform"]) for f in spec["fields"]] == [(FILE, "identity")]
    }
    kept = tuple(m for m in manifests if not m.content and m.partition_spec_id in by_file)
    plain = len(kept) == len(manifests) and all(len(known) == 1 for known in names.values())
    return IcebergLog(kept, stated.get("properties", {}), plain)


def local_path(uri: str) -> Path:
    """The path of a file in this machine, which a table names as a URI."""
    return Path(unquote(uri).removeprefix("file://"))


@lru_cache(maxsize=4096)
def _files_of(manifest: Any) -> list[tuple[str, Path]]:
    """The data files of a manifest, each with its partition; a commit keeps most manifests."""
    entries = [entry.data_file for entry in manifest.fetch_manifest_entry(FILES)]
    return [(str(file.partition[0]), local_path(file.file_path)) for file in entries]


def _may_have(manifest: Any, partition: str) -> bool:
    """Whether a partition lies within the bounds of a manifest, where these are known."""
    bounds = manifest.partitions[0] if manifest.partitions else None
    if bounds is None or bounds.lower_bound is None or bounds.upper_bound is None:
        return True
    return bool(bounds.lower_bound <= partition.encode() <= bounds.upper_bound)


class _LocalFiles:
    """The part of a ``FileIO`` that pyiceberg's reader of manifests needs."""

    def new_input(self, location: str) -> _LocalFile:
        return _LocalFile(local_path(location))


@dataclass(frozen=True)
class _LocalFile:
    path: Path

    def open(self) -> BinaryIO:
        return self.path.open("rb")


FILES: Final[Any] = _LocalFiles()
