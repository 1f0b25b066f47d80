"""A local folder in which a file is replaced whole or not at all.

Each file is written under a name that no reader picks up, forced to disk and renamed over the old
one; POSIX makes the rename atomic.  The new files of one call are all on disk before the first
rename, and the renames happen under a lock, so that of two runs for one window one wins in every
table.  The lock is the kernel's and ends with its process: there is no lock file to clean up.

See docs/decisions/atomic-windows.md.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import pyarrow as pa

from kldrift.errors import OutputError, StoreRefusedError

log = logging.getLogger(__name__)

# Spark, pandas and Arrow skip a leading "."; DuckDB's *.parquet skips the ending.
TEMPORARY: Final = ".kldrift-*.tmp"
DEAD_AFTER_SECONDS: Final = 24 * 60 * 60
REFUSED: Final = frozenset(
    (errno.EACCES, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EPERM, errno.EROFS)
)
"""What is wrong with the place itself, and not with the moment, such as a full disk."""


class LocalStore:
    """A folder of the local file system, or of anything mounted as one; see `store.Store`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def location(self, name: str) -> str:
        """See `Store`."""
        return str(self._root / name)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        try:
            return sorted(path.name for path in (self._root / folder).iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed("list", folder, error) from error

    def open(
        self,
        name: str,
        columns: Sequence[str] | None = None,  # noqa: ARG002 - a file has them all
    ) -> pa.NativeFile | None:
        """See `Store`."""
        path = self._root / name
        try:
            return pa.OSFile(str(path))
        except OSError as error:
            if path.is_dir():
                raise ValueError("there is a folder where a file is expected") from error
            if path.is_symlink() and not path.exists():
                raise ValueError("a link that leads to no file") from error
            if isinstance(error, FileNotFoundError):
                return None
            raise self._failed("read", name, error) from error

    def put(self, files: Mapping[str, bytes]) -> None:
        """See `Store`; of two calls at once, one writes all its files after the other."""
        staged: dict[str, Path] = {}
        name = ""
        try:
            for name, data in files.items():
                folder = (self._root / name).parent
                folder.mkdir(parents=True, exist_ok=True)
                staged[name] = _temporary(folder)
                _write(staged[name], data)
            with locked(self._root):
                for name, temporary in staged.items():
                    _set_aside(self._root / name)
                    temporary.replace(self._root / name)
            for folder in {temporary.parent for temporary in staged.values()}:
                _sync(folder)
        except OSError as error:
            raise self._failed("write", name, error) from error
        finally:
            for temporary in staged.values():
                with suppress(OSError):  # what could not be written is what there is to say
                    temporary.unlink(missing_ok=True)

    def make_ready(self, folder: str) -> None:
        """See `Store`."""
        path = self._root / folder
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe = _temporary(path)
            probe.touch(exist_ok=False)
            probe.unlink()
        except OSError as error:
            raise self._failed("write to", folder, error) from error
        oldest = time.time() - DEAD_AFTER_SECONDS
        for left in path.glob(TEMPORARY):
            with suppress(FileNotFoundError):  # another run clears the same folder
                if left.stat().st_mtime < oldest:
                    left.unlink()

    def _failed(self, what: str, name: str, error: OSError) -> OutputError:
        kind = StoreRefusedError if error.errno in REFUSED else OutputError
        return kind(f"{self.location(name)}: cannot {what}: {error.strerror or error}")


def _temporary(folder: Path) -> Path:
    return folder / TEMPORARY.replace("*", uuid4().hex)


def _set_aside(path: Path) -> None:
    """Rename a folder that is in the way of a file, to a name that no reader picks up."""
    if path.is_dir() and not path.is_symlink():
        elsewhere = path.with_name(f".{path.name}.{uuid4().hex}")
        path.rename(elsewhere)
        log.warning("%s: was a folder where a file is expected; it is now %s", path, elsewhere)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder for a block, where its file system has locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems lock no folder; each table is then still replaced whole.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
