"""Iceberg tables, and row deletes written by hand: pyiceberg reads them and writes none."""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from kldrift.config import config_from_mapping


class DeleteManifestWriter(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


def delete_positions(table: Table, data_file: str, positions: Sequence[int]) -> Path:
    """Add a snapshot that deletes rows of a data file by position; give its metadata file."""
    rows = pa.table({"file_path": [data_file] * len(positions), "pos": list(positions)})
    return _delete(table, rows, DataFileContent.POSITION_DELETES, None)


def delete_equal(table: Table, rows: pa.Table, field_ids: list[int]) -> Path:
    """Add a snapshot that deletes the rows that equal some values."""
    return _delete(table, rows, DataFileContent.EQUALITY_DELETES, field_ids)


def _delete(table: Table, rows: pa.Table, content: DataFileContent, ids: list[int] | None) -> Path:
    folder = Path(table.metadata_location.removeprefix("file://")).parent
    deletes = folder.parent / "data" / "deletes.parquet"
    pq.write_table(rows, deletes)
    io = PyArrowFileIO()
    before = table.current_snapshot()
    assert before is not None
    number, sequence = before.snapshot_id + 1, table.metadata.last_sequence_number + 1
    data_file = DataFile.from_args(
        content=content,
        file_path=f"file://{deletes}",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=rows.num_rows,
        file_size_in_bytes=deletes.stat().st_size,
        equality_ids=ids,
    )
    data_file.spec_id = 0
    output = io.new_output(f"file://{folder}/deletes.avro")
    with DeleteManifestWriter(table.spec(), table.schema(), output, number, "null") as writer:
        entry: Any = ManifestEntry.from_args(
            status=ManifestEntryStatus.ADDED, snapshot_id=number, data_file=data_file
        )
        writer.add_entry(entry)
    manifest = writer.to_manifest_file()
    listed = io.new_output(f"file://{folder}/snap-deletes.avro")
    with write_manifest_list(2, listed, number, before.snapshot_id, sequence, "null") as lister:
        lister.add_manifests([*before.manifests(io), manifest])
    metadata = json.loads(Path(table.metadata_location.removeprefix("file://")).read_text())
    snapshot = {
        **metadata["snapshots"][-1],
        "snapshot-id": number,
        "parent-snapshot-id": before.snapshot_id,
        "sequence-number": sequence,
        "manifest-list": f"file://{folder}/snap-deletes.avro",
    }
    metadata["snapshots"].append(snapshot)
    metadata |= {"current-snapshot-id": number, "last-sequence-number": sequence}
    metadata["refs"] = {"main": {"snapshot-id": number, "type": "branch"}}
    path = folder / "00099-deletes.metadata.json"
    path.write_text(json.dumps(metadata))
    return path


def make(catalog: SqlCatalog, rows: pa.Table, name: str = "t") -> Table:
    table = catalog.create_table(f"ns.{name}", schema=rows.schema)
    table.append(rows)
    return table


def sql_catalog(name: str, **properties: str) -> SqlCatalog:
    """A catalog in a database, which is closed with it."""
    found = SqlCatalog(name, **properties)
    weakref.finalize(found, found.engine.dispose)
    return found


def open_catalog(folder: Path) -> SqlCatalog:
    """A catalog with one namespace, whose tables lie in a folder."""
    found = sql_catalog("lake", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}")
    found.create_namespace("ns")
    return found


def rows(n: int) -> pa.Table:
    return pa.table({"n": pa.array(range(n), pa.int32()), "s": ["abc"[i % 3] for i in range(n)]})


def config(path: object, output: object = "unused", **more: object):
    mapping = {
        "monitor": "ice",
        "reference": {"path": str(path), "format": "iceberg", **more},
        "current": {"path": str(path), "format": "iceberg"},
        "output": {"path": str(output)},
        "expectations": False,
    }
    return config_from_mapping(mapping)
