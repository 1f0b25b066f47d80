"""The version of a dataset, found without reading its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import SEEK_END
from pathlib import Path
from typing import Final

import pyarrow as pa

from kldrift.config import Dataset
from kldrift.errors import DatasetError, first_line, first_names
from kldrift.sources.dataframe.hybrid import HybridSource
from kldrift.sources.dataset import DatasetInfo
from kldrift.sources.lakehouse.open import TABLE_OPTIONS, open_table
from kldrift.sources.open import reason_for_spark
from kldrift.sources.parquet.files import File, Piece
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


FEWEST_ROWS: Final = 20
"""What smaller files have in common may be chance."""
MOST_ALIKE: Final = 100
"""Files of one shape whose footers are read once more."""


def files_twice(**sides: DatasetInfo) -> tuple[str, ...]:
    """Notes on the local files of both sides that are there under two names.

    Footers tell: they have the size and the bounds of every column in every row group.
    """
    notes = []
    for side, source in sides.items():
        opened = source.files if isinstance(source, HybridSource) else source
        pairs = _alike(opened.footers.pieces) if isinstance(opened, ArrowSource) else []
        texts = [f"{path!r} looks like {first!r} once more" for path, first in pairs]
        notes += [f"{side}: {first_names(texts, 1)}, so that rows count twice"] if texts else []
    return tuple(notes)


def _alike(pieces: Iterable[Piece]) -> list[tuple[str, str]]:
    """The paths of local files that have the footer of one before them, and that one's."""
    shapes: dict[File, list[tuple[int, int]]] = {}
    for piece in pieces:
        if piece.file.remote is None:
            shapes.setdefault(piece.file, []).append((piece.rows or 0, piece.size))
    alike: dict[object, list[str]] = {}
    for file, shape in shapes.items():
        if sum(rows for rows, _ in shape) >= FEWEST_ROWS:
            alike.setdefault((file.partition, file.deleted, *shape), []).append(file.path)
    known: dict[tuple[object, bytes], str] = {}
    return [
        (path, first)
        for shape, paths in alike.items()
        for path in paths[: MOST_ALIKE if len(paths) > 1 else 0]
        if (first := known.setdefault((shape, _footer_of(path)), path)) != path
    ]


def _footer_of(path: str) -> bytes:
    with Path(path).open("rb") as file:
        end = file.seek(-8, SEEK_END)
        file.seek(end - int.from_bytes(file.read(4), "little"))
        return file.read()


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
