"""Drift tables as Delta tables, written and read by the package ``deltalake``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from kldrift.errors import OutputError
from kldrift.sources.filesystem import AS_IN_PYARROW
from kldrift.sources.lakehouse.delta import storage_options
from kldrift.tables.parquet import from_parquet, to_parquet
from kldrift.tables.store import Store
from kldrift.tables.table_store import (
    ENDING,
    FILE,
    TRIES,
    TableStore,
    from_lake,
    has_unsigned,
    lake_schema,
    to_lake,
)


class DeltaStore(TableStore):
    """A folder of Delta tables; see `TableStore`.

    A file of rows is written as it is among Parquet files; the commit says which partition it is.
    ``path`` is as it was configured, with the options in the query of a URI.

    Raises:
        OutputError: the package is not there.
    """

    def __init__(self, folder: Store, path: str) -> None:
        super().__init__(folder)
        try:
            import deltalake  # noqa: F401, PLC0415 - an extra
        except ImportError as error:
            raise OutputError(
                "output.format delta is written with deltalake: pip install 'kldrift[delta]'"
            ) from error
        scheme, _, rest = path.partition("://")
        place, _, query = rest.partition("?")
        remote = rest and scheme != "file"
        self._uri = (
            f"{AS_IN_PYARROW.get(scheme, scheme)}://{place}".rstrip("/")
            if remote
            else str(Path(folder.location("")).absolute())
        )
        self._storage = storage_options(dict(parse_qsl(query))) if remote else {}
        self._tables: dict[str, Any] = {}
        self._listed: dict[str, tuple[int, dict[str, list[str]]]] = {}

    def _partitions(self, table: str) -> list[str]:
        return list(self._files(table))

    def _file(self, table: str, partition: str) -> str | None:
        paths = self._files(table).get(partition)
        return self._folder.location(f"{table}/{paths[0]}") if paths else None

    def _rows(
        self,
        table: str,
        partition: str,
        columns: Sequence[str] | None,  # noqa: ARG002 - a file has them all
    ) -> pa.NativeFile | None:
        paths = self._files(table).get(partition, [])
        files = [self._folder.open(f"{table}/{path}") for path in paths]
        there = [file for file in files if file is not None]
        if len(there) != len(files):  # replaced and cleared since the log was read
            where = self.location(table)
            raise OutputError(f"{where}: changed while it was read; try again")
        if not there:
            return None
        if len(there) == 1 and not has_unsigned(table):
            return there[0]
        return from_lake(table, pa.concat_tables([from_parquet(file) for file in there]))

    def _replace(self, table: str, partition: str, rows: bytes) -> None:
        from deltalake.exceptions import CommitFailedError, DeltaError  # noqa: PLC0415 - an extra
        from deltalake.transaction import AddAction  # noqa: PLC0415 - an extra

        data = to_parquet(to_lake(table, rows)) if has_unsigned(table) else rows
        name = f"{partition}.{uuid4().hex}{ENDING}"
        self._folder.put({f"{table}/{name}": data})
        stats = json.dumps({"numRecords": pq.read_metadata(pa.BufferReader(data)).num_rows})
        milliseconds = int(time.time() * 1000)
        added = AddAction(
            name, len(data), {FILE: partition}, milliseconds, data_change=True, stats=stats
        )
        for left in reversed(range(TRIES)):
            try:
                log = self._made(table)
                log.create_write_transaction(
                    [added],
                    mode="overwrite",
                    schema=log.schema(),
                    partition_by=[FILE],
                    partition_filters=[(FILE, "=", partition)],
                )
            except CommitFailedError as error:  # of another writer's commit
                if not left:
                    raise self._failed("write", table, error) from error
                self._tables.pop(table, None)
            except (DeltaError, OSError) as error:
                raise self._failed("write", table, error) from error
            else:
                return

    def _files(self, table: str) -> dict[str, list[str]]:
        """The files of each partition."""
        log = self._log(table)
        if log is None:
            return {}
        listed, files = self._listed.get(table, (-1, {}))
        version = log.version()  # before the list: a thread may bring a newer one
        if version != listed:
            added = pa.table(log.get_add_actions(flatten=True))
            names = (added["path"].to_pylist(), added[f"partition.{FILE}"].to_pylist())
            files = {}
            for path, partition in zip(*names, strict=True):
                files.setdefault(partition, []).append(unquote(path))
            self._listed[table] = version, files
        return files

    def _log(self, table: str) -> Any:
        """The newest state of a table; None where there is none."""
        from deltalake import DeltaTable  # noqa: PLC0415 - an extra
        from deltalake.exceptions import DeltaError, TableNotFoundError  # noqa: PLC0415 - an extra

        try:
            if table in self._tables:
                self._tables[table].update_incremental()
            else:
                uri = f"{self._uri}/{table}"
                self._tables[table] = DeltaTable(uri, storage_options=self._storage)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise self._failed("read", table, error) from error
        return self._tables[table]

    def _made(self, table: str) -> Any:
        """A table with every column of its schema, created if missing."""
        from deltalake import DeltaTable, Schema  # noqa: PLC0415 - an extra

        schema = lake_schema(table)
        log = self._log(table)
        if log is None:
            log = self._tables[table] = DeltaTable.create(
                f"{self._uri}/{table}",
                schema,
                mode="ignore",
                partition_by=[FILE],
                storage_options=self._storage,
            )
        there = {field.name for field in log.schema().fields}
        new = [f for f in Schema.from_arrow(schema).fields if f.name not in there]
        if new:  # added since the table was made
            log.alter.add_columns(new)
        return log
