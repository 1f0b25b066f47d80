"""The file that marks an output folder as kldrift's, and names the format of its tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from kldrift.errors import OutputError, StoreRefusedError, first_line
from kldrift.tables.layout import MARKER
from kldrift.tables.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from kldrift.tables.store import Store

MARKER_FORMAT: Final = "kldrift tables"
PARQUET: Final = "parquet"
DELTA: Final = "delta"
ICEBERG: Final = "iceberg"
TABLE_FORMATS: Final = (PARQUET, DELTA, ICEBERG)


class Marker(NamedTuple):
    """The contents of the marker of an output folder."""

    schema_version: int = SCHEMA_VERSION
    tables: str = PARQUET

    def to_bytes(self) -> bytes:
        """The marker's file; Parquet is not named, as before there was anything else."""
        marker = {"format": MARKER_FORMAT} | self._asdict()
        if self.tables == PARQUET:
            del marker["tables"]
        return json.dumps(marker).encode() + b"\n"


def read_marker(store: Store) -> Marker | None:
    """Read the marker of a folder; None for a folder without one."""
    where = store.location(MARKER)
    try:
        file = store.open(MARKER)
        if file is None:
            return None
        with file:
            stated = json.loads(file.read())
    except OSError as error:
        raise StoreRefusedError(f"{where}: cannot read: {first_line(error)}") from error
    except ValueError as error:
        raise OutputError(f"{where}: not the marker that kldrift writes: {error}") from error
    if not isinstance(stated, dict) or stated.get("format") != MARKER_FORMAT:
        raise OutputError(f"{where}: expected the format {MARKER_FORMAT!r}, got {stated!r}")
    version, tables = stated.get("schema_version"), stated.get("tables", PARQUET)
    if not isinstance(version, int):
        raise OutputError(f"{where}: expected schema_version to be a number, got {version!r}")
    newer = "upgrade kldrift or set output.path to another folder"
    if version > SCHEMA_VERSION:
        raise OutputError(
            f"{where}: the tables have schema_version {version}, this kldrift knows "
            f"{SCHEMA_VERSION}; {newer}"
        )
    if tables not in TABLE_FORMATS:
        raise OutputError(
            f"{where}: the tables are of the format {tables!r}, this kldrift knows "
            f"{', '.join(TABLE_FORMATS)}; {newer}"
        )
    return Marker(version, tables)
