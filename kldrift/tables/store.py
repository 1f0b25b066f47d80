"""Stores for output files: a local folder or an object store.

The seam is small because one promise is all that the tables need: ``put`` shows a file whole or
not at all, whatever happens to the writer.  A local file system keeps it by renaming, an object
store by showing an object only when its upload is complete.  A file system that does neither
through pyarrow (HDFS will not rename onto an existing file) is refused, not half supported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa
from pyarrow import fs

from kldrift.errors import NoSuchOutputError, StoreRefusedError, first_line
from kldrift.sources.filesystem import open_with_pyarrow
from kldrift.tables.local import LocalStore
from kldrift.tables.marker import DELTA, PARQUET, read_marker

OBJECT_STORES: Final = ("s3", "s3a", "s3n", "gs", "gcs", "abfs", "abfss")


class Store(Protocol):
    """A folder of files; names are relative and have ``/`` between parts."""

    def location(self, name: str) -> str:
        """Return the path or URI of a file for a reader."""

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none where there is no such folder."""

    def open(self, name: str, columns: Sequence[str] | None = None) -> pa.NativeFile | None:
        """Return a file of which parts can be read, or None where there is no such file.

        A format with a log may have to read the rows for it, and then finds damaged ones.

        Raises:
            OutputError: the file cannot be read.
            ValueError: it is damaged.
        """

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files in this order, each whole or not at all, over what was there."""

    def make_ready(self, folder: str) -> None:
        """Create a folder, check that it can be written, and remove leftovers of dead runs."""


def open_store(path: str) -> Store:
    """Return the store behind a local path or a URI, with its tables in the format that it has.

    Raises:
        OutputError: the URI is not one that can be written safely, or not understood; the folder
            is of a newer kldrift; what its format needs is not there.
    """
    folder = open_folder(path)
    marker = read_marker(folder)
    if marker is None or marker.tables == PARQUET:
        return folder
    if marker.tables == DELTA:
        from kldrift.tables.delta_store import DeltaStore  # noqa: PLC0415 - an extra

        return DeltaStore(folder, path)
    from kldrift.tables.iceberg_store import IcebergStore  # noqa: PLC0415 - an extra

    return IcebergStore(folder)


@contextmanager
def output_reached(key: str = "output.path") -> Iterator[None]:
    """Access the output for the first time: a refusal is then an error of the configuration.

    Raises:
        NoSuchOutputError: it refuses, or does not answer.
    """
    try:
        yield
    except StoreRefusedError as error:
        raise NoSuchOutputError(f"{key}: {error}") from error


def reach_store(path: str) -> Store:
    """Return the store of ``output.path``, as the first thing that a command does with it.

    Raises:
        NoSuchOutputError: there can be none, it refuses, or does not answer.
        OutputError: as of `open_store`.
    """
    with output_reached():
        return open_store(path)


def open_folder(path: str) -> Store:
    """Return the files behind a local path or a URI; nothing is touched yet."""
    scheme, separator, rest = path.partition(":")
    shown = _without_secrets(path)
    if scheme == "file" and rest.startswith("/"):
        return LocalStore(Path(_from_uri(shown, path)[1]))
    if not separator or not rest.startswith("//"):
        return LocalStore(Path(path))
    if scheme not in OBJECT_STORES:
        raise StoreRefusedError(
            f"{shown}: cannot write to {scheme!r} safely; "
            f"use a local path or one of {', '.join(OBJECT_STORES)}"
        )
    filesystem, root = _from_uri(shown, path)
    if not root.strip("/"):
        raise StoreRefusedError(f"{shown}: names no bucket or container to write to")
    return ObjectStore(filesystem, root, shown)


def _from_uri(shown: str, uri: str) -> tuple[fs.FileSystem, str]:
    try:
        return open_with_pyarrow(uri)
    except (OSError, pa.ArrowException) as error:
        raise StoreRefusedError(
            f"{shown}: cannot open this location: {first_line(error)}"
        ) from error


def _without_secrets(path: str) -> str:
    """Return a URI fit for a log: without ``user:password@`` and ``?secret=``."""
    if "://" not in path:
        return path
    return re.sub(r"//[^/@:]*:[^/@]*@", "//", path.partition("?")[0])


class ObjectStore:
    """A prefix of an object store; an object appears when its upload is complete."""

    def __init__(self, filesystem: fs.FileSystem, root: str, uri: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")
        self._uri = uri.rstrip("/")

    def location(self, name: str) -> str:
        """See `Store`."""
        return f"{self._uri}/{name}" if name else self._uri

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        selector = fs.FileSelector(self._path(folder), allow_not_found=True)
        try:
            infos = self._filesystem.get_file_info(selector)
        except OSError as error:
            raise self._failed("list", folder, error) from error
        # Some stores keep an empty object for the folder itself.
        return sorted(info.base_name for info in infos if info.base_name)

    def open(
        self,
        name: str,
        columns: Sequence[str] | None = None,  # noqa: ARG002 - a file has them all
    ) -> pa.NativeFile | None:
        """See `Store`."""
        try:
            return self._filesystem.open_input_file(self._path(name))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failed("read", name, error) from error

    def put(self, files: Mapping[str, bytes]) -> None:
        """See `Store`."""
        for name, data in files.items():
            try:
                # No parents to create: a store has no folders, and making one costs a request.
                with self._filesystem.open_output_stream(self._path(name)) as stream:
                    stream.write(data)
            except OSError as error:
                raise self._failed("write", name, error) from error

    def make_ready(self, folder: str) -> None:
        """Do nothing: a prefix needs no making, and the marker's ``put`` proves the rights."""

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _failed(self, what: str, name: str, error: OSError) -> StoreRefusedError:
        return StoreRefusedError(f"{self.location(name)}: cannot {what}: {first_line(error)}")
