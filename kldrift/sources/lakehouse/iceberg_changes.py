"""The files that were added to an Iceberg table between two snapshots, from its manifests.

A snapshot that only wrote files again (compaction) has no other rows, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kldrift.errors import OnlyAsWholeError
from kldrift.sources.lakehouse.iceberg_files import place_of


def added_since(table: Any, path: str, since: int, filesystem: Mapping[str, str]) -> dict[str, int]:
    """The files that the snapshots after one added, and the snapshot of each.

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
