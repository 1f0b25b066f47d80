"""Writes files of a Great Expectations folder atomically, and finds unreadable ones.

GX opens a file and writes into it, so that a kill or a full disk leaves a part of it, on which
every later run would fail.
"""

from __future__ import annotations

import builtins
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from kldrift.errors import NoSuchOutputError, OutputError

PROJECT: Final = "great_expectations.yml"
VARIABLES: Final = "uncommitted/config_variables.yml"
OURS: Final = ("expectations", "validation_definitions", "checkpoints")
"""The folders in which one file is a monitor's."""
NEW: Final = ".new-"
"""What the name of a folder begins with in which a new one is made."""
RESULTS: Final = "uncommitted/validations"
STORE: Final = ".ge_store_backend_id"
STORE_ID: Final = re.compile(rb"store_backend_id = [0-9a-f-]{36}\s*")
_NEEDED: Final = frozenset({"config_version", "stores", "validation_results_store_name"})
_held: Final[list[Path]] = []


@contextmanager
def written_whole(root: Path) -> Iterator[None]:
    """Let GX replace files below a folder whole, or not at all."""
    _held.append(root.absolute())
    try:
        yield
    finally:
        _held.remove(root.absolute())


def open_whole(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
    """``open`` for the modules of GX; below a folder that is held, a file is written whole."""
    below = "w" in mode and any(Path(file).absolute().is_relative_to(root) for root in _held)
    if below:
        return _whole(Path(file), mode, **kwargs)
    return builtins.open(file, mode, *args, **kwargs)  # noqa: PTH123 - what GX calls


@contextmanager
def _whole(file: Path, mode: str, **kwargs: Any) -> Iterator[Any]:
    staged = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with staged.open(mode, **kwargs) as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        staged.replace(file)
    except OSError as error:
        error.filename = error.filename or str(file)  # a full disk is told without a name
        raise
    finally:
        with suppress(OSError):  # what could not be written is what there is to say
            staged.unlink(missing_ok=True)


def unreadable(root: Path, name: str) -> list[Path]:
    """The files of a monitor that cannot be read and have to be made again."""
    if root.exists() and not root.is_dir():
        raise NoSuchOutputError(f"{root}: expectations.path is a file; state a folder")
    above = next(p for p in (root, *root.parents) if p.exists())
    if not os.access(above, os.W_OK):
        raise NoSuchOutputError(f"{root}: expectations.path cannot be written")
    unread = [f for f in (root / PROJECT, root / VARIABLES) if f.exists() and _blank(f)]
    ids = (root / folder / STORE for folder in (*OURS, RESULTS))
    unread += [file for file in ids if file.exists() and not STORE_ID.fullmatch(file.read_bytes())]
    for folder in OURS:
        for file in sorted((root / folder).rglob("*.json")):
            try:
                whole = isinstance(json.loads(file.read_bytes()), dict)
            except ValueError:
                whole = False
            if whole:
                continue
            if file != root / folder / f"{name}.json":
                raise OutputError(f"{file}: cannot be read; repair or delete it")
            unread.append(file)
    return unread


def _blank(file: Path) -> bool:
    """Whether a file of the project is empty; variables may also have comments only."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - adds a filter of warnings to the process
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    if not file.read_bytes().strip():
        return True
    project = file.name == PROJECT
    try:
        read = YAML(typ="safe", pure=True).load(file)
    except (YAMLError, UnicodeDecodeError):
        read = ()
    if read is None and not project:
        return True
    if not isinstance(read, dict) or (project and not read.keys() >= _NEEDED):
        raise OutputError(f"{file}: cannot be read; repair it, or delete it to create it again")
    return False


def remove_unreadable(root: Path, name: str) -> None:
    """Remove a monitor's own unreadable files, so that they are made again.

    And what a run that was killed has left: a file or a folder that was not in its place yet.
    """
    files = unreadable(root, name)
    for new in root.glob(f"{NEW}*"):
        shutil.rmtree(new, ignore_errors=True)
    for pattern in ("", "uncommitted/**/", *(f"{folder}/" for folder in OURS)):
        for staged in root.glob(f"{pattern}.*.[0-9]*-[0-9]*.tmp"):  # as `_whole` names them
            staged.unlink(missing_ok=True)
    for file in files:
        file.unlink()
    if any(file.parent.name == "expectations" for file in files):  # which it refers to
        (root / "validation_definitions" / f"{name}.json").unlink(missing_ok=True)
