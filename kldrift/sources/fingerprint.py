"""The version of a dataset, found without reading its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from kldrift.config import Dataset
from kldrift.errors import DatasetError, first_line
from kldrift.sources.dataframe.hybrid import HybridSource
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import TABLE_OPTIONS, open_table
from kldrift.sources.open import reason_for_spark
from kldrift.sources.parquet.files import File
from kldrift.sources.parquet.listing import list_files
from kldrift.sources.parquet.source import ArrowSource
from kldrift.sources.predicates.translate import Unsupported, steady


def version_of(dataset: Dataset, derived: Iterable[str] = ()) -> str | None:
    """A fingerprint of a dataset: its files, their sizes and their times, or a table's version.

    Returns:
        32 hexadecimal digits that change when a file is added, removed or written again; None
        where the same files may hold other rows tomorrow: for a table of the catalog or a query,
        and for a ``where`` or a derived feature that asks for the time, chance or another table.

    Raises:
        DatasetError: a path does not exist or holds no file.
    """
    expressions = (*derived, *([dataset.where] if dataset.where else []))
    if not dataset.path or not all(map(steady, expressions)):
        return None
    digest = hashlib.sha256()
    if dataset.format not in TABLE_OPTIONS:
        for line in _stamps(list_files(dataset.path, dataset.filesystem)):
            digest.update("\t".join(map(str, line)).encode() + b"\0")
    elif reason_for_spark(dataset, "auto"):
        return None
    else:
        table = open_table(dataset)
        if isinstance(table, Unsupported):
            return None
        # Data files are never written again: a version is what its log says.
        paths = [entry.file.path for entry in table.entries]  # in order
        digest.update(repr((table.what, str(table.schema), paths)).encode())
    return digest.hexdigest()[:32]


_Stamp = tuple[str, str, int | None, int | None]
"""The store of a file, its path, its size and its time."""


@dataclass(frozen=True)
class WatchedFiles:
    """The files of a dataset as they were when it was opened.

    ``side`` is for messages; the files of a table are known once it is open.
    """

    side: str
    files: tuple[File, ...] = ()
    stamps: tuple[_Stamp, ...] = ()

    def and_of_table(self, source: DatasetInfo) -> WatchedFiles:
        """Watch the local files of a table too: a log never writes one again, but a copy does."""
        opened = source.files if isinstance(source, HybridSource) else source
        if self.files or not isinstance(opened, ArrowSource):
            return self
        local = {p.file.path: p.file for p in opened.footers.pieces if p.file.remote is None}
        try:
            return replace(self, files=tuple(local.values()), stamps=tuple(_stamps(local.values())))
        except DatasetError:  # the task that reads it tells
            return self

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Check after a block that the files are unchanged, also where it failed: this may be why.

        Raises:
            DatasetError: one is another now; rows of two versions may have been counted together.
        """
        try:
            yield
        except Exception as error:
            try:
                self._check()
            except DatasetError as changed:
                raise changed from error
            raise
        self._check()

    def _check(self) -> None:
        for before, after in zip(self.stamps, _stamps(self.files), strict=True):
            if before != after:
                text = f"{before[1]!r} changed during the run; run it again when nothing writes"
                raise DatasetError(f"{self.side}: {text} there")


def watch(dataset: Dataset, side: str) -> WatchedFiles:
    """Note the sizes and times of a dataset's files, if they are visible from here."""
    if not dataset.path or dataset.format in TABLE_OPTIONS:
        return WatchedFiles(side)
    try:
        files = list_files(dataset.path, dataset.filesystem)
        return WatchedFiles(side, files, tuple(_stamps(files)))
    except DatasetError:  # whoever opens it tells, and Spark may know what is not known here
        return WatchedFiles(side)


def _stamps(files: Collection[File]) -> Iterator[_Stamp]:
    for remote in dict.fromkeys(f.remote for f in files):
        paths = [f.path for f in files if f.remote == remote]
        where = "" if remote is None else f"{remote.uri} {remote.options}"
        try:
            if remote is None:
                stamps = [(p, (s := Path(p).stat()).st_size, s.st_mtime_ns) for p in paths]
            else:
                infos = remote.open().get_file_info(paths)
                stamps = [(i.path, i.size, i.mtime_ns) for i in infos]
        except (pa.ArrowException, OSError) as cause:
            raise DatasetError(f"cannot access {paths[0]!r}: {first_line(cause)}") from cause
        for path, size, time in stamps:
            yield where, path, size, time
