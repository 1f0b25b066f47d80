"""Drift tables as Iceberg tables of a local folder, written and read by ``pyiceberg``."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from kldrift.errors import OutputError, first_line
from kldrift.tables.iceberg_log import IcebergLog, log_at, newest_metadata
from kldrift.tables.local import LocalStore, locked
from kldrift.tables.parquet import from_parquet
from kldrift.tables.store import Store
from kldrift.tables.table_store import (
    FILE,
    TRIES,
    TableStore,
    from_lake,
    has_unsigned,
    lake_schema,
    to_lake,
)
from kldrift.tables.values import no_rows

CATALOG: Final = "catalog.db"
"""The catalog of the tables: a file of SQLite, which makes a commit one that nobody shares."""
NAMESPACE: Final = "kldrift"
NEEDED: Final = ("pyiceberg", "sqlalchemy")
EMPTY: Final = "kldrift.empty."
"""Begins the table properties that name partitions without rows, of which there is no file."""


class IcebergStore(TableStore):
    """A folder of Iceberg tables; see `TableStore`.

    Raises:
        OutputError: the package is not there, or the folder is not a local one.
    """

    def __init__(self, folder: Store) -> None:
        super().__init__(folder)
        if not isinstance(folder, LocalStore):
            raise OutputError(
                f"{folder.location('')}: Iceberg tables need a catalog, and kldrift keeps one in "
                "local folders only; use output.format delta or parquet in an object store"
            )
        if any(find_spec(package) is None for package in NEEDED):
            raise OutputError(
                "output.format iceberg is written with pyiceberg: pip install 'kldrift[iceberg]'"
            )
        self._root = Path(folder.location("")).absolute()

    def _partitions(self, table: str) -> list[str]:
        log = self._state(table)
        if log is None:
            return []
        empty = (n.removeprefix(EMPTY) for n in log.properties if n.startswith(EMPTY))
        return [*log.files(), *empty]

    def _file(self, table: str, partition: str) -> str | None:
        log = self._state(table)
        paths = None if log is None else log.files(partition).get(partition)
        return str(paths[0]) if paths else None

    def _rows(
        self, table: str, partition: str, columns: Sequence[str] | None
    ) -> pa.NativeFile | None:
        log = self._state(table)
        if log is None:
            return None
        paths = log.files(partition).get(partition)
        if not paths:
            empty = EMPTY + partition in log.properties
            return from_lake(table, no_rows(lake_schema(table))) if empty else None
        try:
            if not log.plain:
                return from_lake(table, self._scanned(table, partition, columns))
            files = [pa.OSFile(str(path)) for path in paths]
            if len(files) == 1 and not has_unsigned(table):
                return files[0]
            rows = [from_parquet(file, columns, lake_schema(table)) for file in files]
            return from_lake(table, pa.concat_tables(rows))
        except (OSError, ValueError) as error:  # damaged, or gone: what that costs, a caller knows
            raise ValueError(f"not a Parquet file of kldrift: {first_line(error)}") from error

    def _scanned(self, table: str, partition: str, columns: Sequence[str] | None) -> pa.Table:
        """The rows of a partition that has deletes or renamed columns, by a scan."""
        from pyiceberg.expressions import EqualTo  # noqa: PLC0415 - an extra

        log = self._log(table)
        names = [f.name for f in log.schema().fields if columns is None or f.name in columns]
        return log.scan(EqualTo(FILE, partition), tuple(names)).to_arrow()

    def _state(self, table: str) -> IcebergLog | None:
        """The newest state of a table; None where there is no table."""
        try:
            newest = newest_metadata(self._root / CATALOG, NAMESPACE, table)
            return None if newest is None else log_at(newest)
        except (sqlite3.Error, OSError, ValueError, KeyError) as error:
            raise self._failed("read", table, error) from error

    @cached_property
    def _catalog(self) -> Any:
        """The catalog, for writing; created if missing."""
        from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415 - an extra

        self._root.mkdir(parents=True, exist_ok=True)
        file = self._root / CATALOG
        try:
            with locked(self._root):  # of two that find none, one makes its tables
                with closing(sqlite3.connect(file)) as database:
                    database.execute("PRAGMA schema_version")  # the catalog leaves damage open
                catalog = SqlCatalog(
                    NAMESPACE, uri=f"sqlite:///{file}", warehouse=self._root.as_uri()
                )
                weakref.finalize(self, catalog.close)
                catalog.create_namespace_if_not_exists(NAMESPACE)
        except Exception as error:  # of SQLAlchemy, which is not asked for by name
            raise self._failed("open", CATALOG, error) from error
        return catalog

    def _replace(self, table: str, partition: str, rows: bytes) -> None:
        from pyiceberg.exceptions import CommitFailedException  # noqa: PLC0415 - an extra
        from pyiceberg.expressions import EqualTo  # noqa: PLC0415 - an extra

        decoded = to_lake(table, rows)
        decoded = decoded.append_column(FILE, pa.repeat(partition, len(decoded)))
        for left in reversed(range(TRIES)):
            try:
                log = self._made(table)
                which, empty = EqualTo(FILE, partition), EMPTY + partition
                with log.transaction() as commit:
                    if any(True for _ in log.scan(row_filter=which).plan_files()):
                        commit.delete(which)
                    if len(decoded):
                        commit.append(decoded)
                    if empty in log.properties:
                        commit.remove_properties(empty)
                    if not len(decoded):
                        commit.set_properties({empty: "true"})
            except CommitFailedException as error:  # of another writer's commit
                if not left:
                    raise self._failed("write", table, error) from error
            except (OSError, ValueError) as error:
                raise self._failed("write", table, error) from error
            else:
                return

    def _log(self, table: str) -> Any:
        """The newest state of a table; None where there is none."""
        from pyiceberg.exceptions import NoSuchTableError  # noqa: PLC0415 - an extra

        try:
            return self._catalog.load_table((NAMESPACE, table))
        except NoSuchTableError:
            return None
        except (OSError, ValueError) as error:
            raise self._failed("read", table, error) from error

    def _made(self, table: str) -> Any:
        """A table with every column of its schema, created if missing."""
        log = self._log(table)
        schema = lake_schema(table)
        if log is None:
            log = self._catalog.create_table_if_not_exists(
                (NAMESPACE, table), schema, (self._root / table).as_uri()
            )
        if not log.spec().fields:
            with log.update_spec() as spec:
                spec.add_identity(FILE)
        there = {field.name for field in log.schema().fields}
        if any(name not in there for name in schema.names):  # added since the table was made
            with log.update_schema() as change:
                change.union_by_name(schema)
        return log
