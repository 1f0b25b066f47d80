"""Which version of a dataset this is, told without reading its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.scan.files import File
from kldrift.scan.listing import list_files
from kldrift.scan.open import TABLE_OPTIONS, open_table, why_frame
from kldrift.scan.predicate import Unsupported


def version_of(dataset: Dataset) -> str | None:
    """A fingerprint of a dataset: its files, their sizes and their times, or a table's version.

    Args:
        dataset: its configuration.

    Returns:
        32 hexadecimal digits that change when a file is added, removed or written again; None for
        a table of the catalog or a query, whose version cannot be known without reading it.

    Raises:
        DatasetError: a path does not exist or holds no file.
    """
    if not dataset.path:
        return None
    digest = hashlib.sha256()
    if dataset.format not in TABLE_OPTIONS:
        for line in _lines(list_files(dataset.path, dataset.filesystem)):
            digest.update(line.encode() + b"\0")
    elif why_frame(dataset, "auto"):
        return None
    else:
        table = open_table(dataset)
        if isinstance(table, Unsupported):
            return None
        # Data files are never written again: a version is what its log says.
        paths = sorted(file.path for file in table.files)
        digest.update(repr((table.what, str(table.schema), paths)).encode())
    return digest.hexdigest()[:32]


def _lines(files: Sequence[File]) -> Iterator[str]:
    for store in dict.fromkeys(f.store for f in files):
        paths = [f.path for f in files if f.store == store]
        try:
            if store is None:
                found = [(p, (s := Path(p).stat()).st_size, s.st_mtime_ns) for p in paths]
            else:
                infos = store.open().get_file_info(paths)
                found = [(i.path, i.size, i.mtime_ns) for i in infos]
        except (pa.ArrowException, OSError) as cause:
            raise DatasetError(f"cannot look at {paths[0]!r}: {cause}") from cause
        for path, size, time in found:
            yield f"{store or ''}\t{path}\t{size}\t{time}"
