"""Drift tables as Iceberg tables of a local folder, written and read by ``pyiceberg``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa

from kldrift.errors import OutputError, first_line
from kldrift.tables.local import LocalStore
from kldrift.tables.store import Store
from kldrift.tables.table_store import FILE, TRIES, TableStore, from_lake, lake_schema, to_lake

CATALOG: Final = "catalog.db"
"""The catalog of the tables: a file of SQLite, which makes a commit one that nobody shares."""
NAMESPACE: Final = "kldrift"
EMPTY: Final = "kldrift.empty."
"""Begins the table properties that name partitions without rows, of which there is no file."""


class IcebergStore(TableStore):
    """A folder of Iceberg tables; see `TableStore`.

    Args:
        folder: where the tables lie.

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
        try:
            from pyiceberg.catalog.sql import SqlCatalog  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise OutputError(
                "output.format iceberg is written with pyiceberg: pip install 'kldrift[iceberg]'"
            ) from error
        self._root = Path(folder.location("")).absolute()
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            self._catalog = SqlCatalog(
                NAMESPACE, uri=f"sqlite:///{self._root / CATALOG}", warehouse=self._root.as_uri()
            )
            self._catalog.create_namespace_if_not_exists(NAMESPACE)
        except Exception as error:  # of SQLAlchemy, which is not asked for by name
            raise self._failed("open", CATALOG, error) from error

    def _partitions(self, table: str) -> list[str]:
        log = self._log(table)
        if log is None:
            return []
        found = {str(task.file.partition[0]) for task in log.scan().plan_files()}
        return [*found, *(n.removeprefix(EMPTY) for n in log.properties if n.startswith(EMPTY))]

    def _file(self, table: str, partition: str) -> str | None:
        from pyiceberg.expressions import EqualTo  # noqa: PLC0415 - an extra

        log = self._log(table)
        if log is None:
            return None
        tasks = log.scan(row_filter=EqualTo(FILE, partition)).plan_files()
        return next((unquote(t.file.file_path).removeprefix("file://") for t in tasks), None)

    def _rows(
        self, table: str, partition: str, columns: Sequence[str] | None
    ) -> pa.NativeFile | None:
        from pyiceberg.expressions import EqualTo  # noqa: PLC0415 - an extra

        log = self._log(table)
        if log is None:
            return None
        try:
            names = [f.name for f in log.schema().fields if columns is None or f.name in columns]
            rows = log.scan(EqualTo(FILE, partition), tuple(names)).to_arrow()
        except (OSError, ValueError) as error:  # damaged, or gone: what that costs, a caller knows
            raise ValueError(f"no Parquet file of kldrift: {first_line(error)}") from error
        there = len(rows) or EMPTY + partition in log.properties
        return from_lake(table, rows) if there else None

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
        """A table that has every column of its schema, made if there is none."""
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
