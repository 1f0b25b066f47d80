"""The files behind paths, globs, folders and URIs."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs as pafs

from kldrift.errors import DatasetError, NoSuchFileError, first_line
from kldrift.sources.filesystem import QUERY, locate
from kldrift.sources.parquet.files import File

SPECIAL: Final = re.compile(r"[*?\[\]{}\\]")
"""What Spark does not take as it is in a path."""
OTHER_PLACEHOLDER: Final = re.compile(r"\{\{|\$[({]|%[YmdHj]|(?i:yyyy)|\bd[st]=?<|<\w+>")
"""How others write a time in a path."""
ABSENT: Final = "no such file or folder"
NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"


def list_files(
    paths: Sequence[str], filesystem: Mapping[str, str] | None = None
) -> tuple[File, ...]:
    """The Parquet files behind paths, globs and folders, in a fixed order.

    Files whose name begins with ``_`` or ``.`` are left out, as Spark does.

    Raises:
        DatasetError: a path does not exist, holds no file, or is a Delta table.
    """
    files: list[File] = []
    for path in paths:
        files.extend(_remote(path, filesystem or {}) if "://" in path else _local(path))
    once: dict[tuple[str, str], File] = {}
    for file in files:  # one that several paths lead to has the partitions below the outermost
        known = once.setdefault((str(file.remote or ""), file.path), file)
        if len(file.partition) > len(known.partition):
            once[str(file.remote or ""), file.path] = file
    return tuple(once[key] for key in sorted(once))


def named_by_folders(files: Iterable[File]) -> frozenset[str]:
    """The columns whose values are the names of folders."""
    return frozenset(name for file in files for name, _ in file.partition)


def local_roots(pattern: str) -> list[str]:
    """The files and folders that a local path means: itself if it is there, else what it matches.

    Braces are a part of a name, and so are brackets in the name of a folder that is there.
    """
    if Path(pattern).exists() or not glob.has_magic(pattern):
        return [pattern] if Path(pattern).exists() else []
    known = folder_of(pattern)
    asked = glob.escape(known) + pattern[len(known) :]
    return [r for r in sorted(glob.glob(asked, recursive=True)) if Path(r).exists()]  # noqa: PTH207


def folder_of(pattern: str) -> str:
    """The longest leading part of a local pattern that names an existing folder.

    Examples:
        >>> folder_of("/*/x"), folder_of("*.csv")
        ('/', '')
    """
    known = ""
    for part in re.findall("[^/]*/", pattern):
        if set("*?") & set(part) or not Path(known + part).exists():
            break
        known += part
    return known


def for_spark(path: str) -> list[str]:
    r"""A path escaped so that it means the same to Spark.

    Examples:
        >>> for_spark("s3://lake/*.csv"), for_spark("day=*/x.csv")
        (['s3://lake/*.csv'], ['day=*/x.csv'])
    """
    if "://" in path or not (set("[]{}\\") & set(path) or "**" in path or Path(path).exists()):
        return [path]
    return [SPECIAL.sub(r"\\\g<0>", root) for root in local_roots(path)] or [path]


def uri_of(file: File, paths: Sequence[str], filesystem: Mapping[str, str]) -> str:
    """The path of a file as Spark has to be given it: a URI where it was found below one."""
    for path in paths if file.remote is not None else ():
        fixed = _split(path)[0]
        remote, root = locate(fixed, filesystem)
        if remote == file.remote and file.path.startswith(root):
            return QUERY.split(fixed)[0] + file.path.removeprefix(root)
    return file.path


def _local(pattern: str) -> Iterator[File]:
    roots = local_roots(pattern)
    if not roots:
        raise NoSuchFileError(f"{pattern!r}: {ABSENT}; {_advice(pattern)}")
    any_file = False
    for root in map(Path, roots):
        if (root / "_delta_log").is_dir():  # its folder has files that are no longer part of it
            raise DatasetError(f"{str(root)!r} is a Delta table; state format: delta")
        inside = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        for path in inside:
            parts = path.relative_to(root).parts if path != root else (path.name,)
            if not any(_hidden(part) for part in parts):
                any_file = True
                yield File(str(path), None, _partition(parts[:-1]))
    if not any_file:
        raise NoSuchFileError(f"{pattern!r} holds no files; check the path in the configuration")


def _advice(pattern: str) -> str:
    """What to do about a path that leads to nothing."""
    if "{as_of" not in pattern and OTHER_PLACEHOLDER.search(pattern):
        return "the day of a run is written {as_of:%Y-%m-%d}"
    return "write / and not \\" if "\\" in pattern else "check the path in the configuration"


def _remote(uri: str, options: Mapping[str, str]) -> Iterator[File]:
    fixed, pattern = _split(uri)
    try:
        remote, root = locate(fixed, options)
        infos = _below(remote.open(), root)
    except (pa.ArrowException, OSError) as cause:
        raise DatasetError(f"cannot list {uri!r}: {first_line(cause)}") from cause
    matched = False
    any_file = False
    for info in infos:
        path = info.path.removeprefix(root).strip("/").split("/")
        if path == [""]:  # the root is a file
            path = []
        # As locally: what the pattern matches is a file, or a folder and everything below it.
        depths = range(len(path) + 1)
        depth = next((d for d in depths if _matches(path[:d], pattern)), None)
        if depth is None:
            continue
        matched = True
        below = path[depth:] or [info.base_name]
        if not any(_hidden(part) for part in below):
            any_file = True
            yield File(info.path, remote, _partition(below[:-1]))
    if not any_file:
        problem = "holds no files" if matched else ABSENT
        raise NoSuchFileError(f"{uri!r}: {problem}; check the path in the configuration")


def is_there(uri: str, options: Mapping[str, str]) -> bool:
    """Whether a URI, up to its first part with a wildcard, leads to anything."""
    fixed, pattern = _split(uri)
    try:
        remote, root = locate(fixed, options)
        filesystem = remote.open()
        if not pattern or pattern[0] == "**":
            return bool(filesystem.get_file_info(root).type != pafs.FileType.NotFound)
        beside = filesystem.get_file_info(pafs.FileSelector(root, allow_not_found=True))
        return any(fnmatchcase(info.base_name, pattern[0]) for info in beside)
    except (pa.ArrowException, OSError) as cause:
        raise DatasetError(f"cannot list {uri!r}: {first_line(cause)}") from cause


def _split(uri: str) -> tuple[str, list[str]]:
    """A URI up to its first part with a wildcard, and the parts from there on."""
    query = QUERY.search(uri)
    end = query.start() if query else len(uri)
    parts = uri[:end].split("/")
    fixed = next((i for i in range(3, len(parts)) if glob.has_magic(parts[i])), len(parts))
    return "/".join(parts[:fixed]).rstrip("/") + uri[end:], parts[fixed:]


def _below(filesystem: Any, root: str) -> list[Any]:
    """A file, or all files below a folder."""
    info = filesystem.get_file_info(root)
    if info.type == pafs.FileType.File:
        return [info]
    selector = pafs.FileSelector(root, recursive=True, allow_not_found=True)
    return [info for info in filesystem.get_file_info(selector) if info.is_file]


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path meets a pattern, part by part; ``**`` stands for any number of parts."""
    if not pattern or not path:
        return not path and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _matches(path, pattern[1:]) or _matches(path[1:], pattern)
    return fnmatchcase(path[0], pattern[0]) and _matches(path[1:], pattern[1:])


def _hidden(name: str) -> bool:
    return name.startswith((".", "_")) and "=" not in name


def _partition(folders: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return tuple((unquote(k), None if v == NULL_PARTITION else unquote(v)) for k, v in pairs)
