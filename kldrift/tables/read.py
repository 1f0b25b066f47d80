"""Reads tables back; programs of users read the Parquet files themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from kldrift.errors import OutputError, first_line
from kldrift.profiles.joint_profile import JointProfile
from kldrift.profiles.profile import Profile
from kldrift.tables.layout import is_ours, reference_file, supports_file, window_file
from kldrift.tables.parquet import from_parquet
from kldrift.tables.prepare import check_marker
from kldrift.tables.read_profiles import read_profiles
from kldrift.tables.schema import SUPPORTS, TABLES
from kldrift.tables.store import Store, open_store
from kldrift.tables.supports import FOR_READERS, Supports, read_supports
from kldrift.tables.window import Window


def read_table(path: str, name: str) -> pa.Table:
    """Read all rows of one table, file by file in the order of their names.

    Args:
        path: the output folder, as in `prepare_output`.
        name: a table's name.

    Returns:
        A table of exactly the schema; empty where nothing has been written yet.

    Raises:
        OutputError: a file cannot be read, or a newer kldrift wrote the tables.
        ValueError: there is no table of this name.
    """
    if name not in TABLES:
        raise ValueError(f"no table {name!r}; the tables are {', '.join(TABLES)}")
    schema = TABLES[name]
    store = open_store(path)
    check_marker(store)
    parts = [schema.empty_table()]
    for file in store.names(name):
        data = store.read(f"{name}/{file}") if is_ours(name, file) else None
        if data is None:  # not ours, or deleted since it was listed
            continue
        try:
            parts.append(from_parquet(data).cast(schema))
        except (pa.ArrowException, ValueError) as error:
            raise OutputError(
                f"{store.location(f'{name}/{file}')}: not a table of this kldrift: "
                f"{first_line(error)}; delete it and run its window again"
            ) from error
    return pa.concat_tables(parts)


def stored_key(store: Store, monitor: str, reference_id: str) -> str | None:
    """The key of what a stored reference was made from; None if it has none.

    Raises:
        OutputError: the file cannot be read.
        ValueError: it is not there, or damaged.
    """
    with _opened(store, supports_file(monitor, reference_id)) as file:
        first, *others = from_parquet(file, ["reference_key"])["reference_key"].to_pylist() or [
            None
        ]
    return first if isinstance(first, str) and all(key == first for key in others) else None


def stored_supports(store: Store, monitor: str, reference_id: str) -> Supports:
    """The stored supports of a reference.

    Raises:
        OutputError: the file cannot be read.
        ValueError: it is not there, or damaged.
    """
    columns = [name for name in SUPPORTS.names if name not in FOR_READERS]
    with _opened(store, supports_file(monitor, reference_id)) as file:
        return read_supports(from_parquet(file, columns))


def stored_profiles(
    store: Store, monitor: str, supports: Supports, window: Window | None = None
) -> tuple[dict[str, Profile], dict[str, JointProfile]]:
    """The profiles of a monitor's features and joint groups, by name.

    Args:
        store: the output folder.
        monitor: the monitor.
        supports: what the reference decided.
        window: a window of the current dataset; by default the reference.

    Raises:
        OutputError: the file cannot be read.
        ValueError: it is not there, damaged, or of another reference.
    """
    if window is None:
        name = reference_file(monitor, supports.reference_id)
    else:
        name = window_file("profiles", monitor, window)
    with _opened(store, name) as file:
        return read_profiles(from_parquet(file), supports)


@contextmanager
def _opened(store: Store, name: str) -> Iterator[pa.NativeFile]:
    file = store.open(name)
    if file is None:
        raise ValueError(f"{store.location(name)} is not there")
    with file:
        yield file
