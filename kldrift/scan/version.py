"""Which version of a dataset this is, told without reading its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import fs as pafs

from kldrift.config import Dataset
from kldrift.errors import DatasetError
from kldrift.scan.files import File, list_files


def version_of(dataset: Dataset) -> str | None:
    """A fingerprint of the files behind a dataset: where they are, their sizes and their times.

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
    for line in _lines(list_files(dataset.path)):
        digest.update(line.encode() + b"\0")
    return digest.hexdigest()[:32]


def _lines(files: Sequence[File]) -> Iterator[str]:
    for uri in dict.fromkeys(f.uri for f in files):
        paths = [f.path for f in files if f.uri == uri]
        try:
            if not uri:
                found = [(p, (s := Path(p).stat()).st_size, s.st_mtime_ns) for p in paths]
            else:
                filesystem, _ = pafs.FileSystem.from_uri(uri)
                infos = filesystem.get_file_info(paths)
                found = [(i.path, i.size, i.mtime_ns) for i in infos]
        except (pa.ArrowException, OSError) as cause:
            raise DatasetError(f"cannot look at {paths[0]!r}: {cause}") from cause
        for path, size, time in found:
            yield f"{uri}\t{path}\t{size}\t{time}"
