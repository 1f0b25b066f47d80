from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from kldrift.sources.program import forget_archives


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "code.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("first_of_archive.py", "VALUE = 1")
        opened.writestr("second_of_archive.py", "VALUE = 2")
    monkeypatch.syspath_prepend(str(path))
    yield path
    for name in ("first_of_archive", "second_of_archive"):
        sys.modules.pop(name, None)


def test_an_archive_is_not_read_again_when_caches_are_invalidated(archive: Path) -> None:
    importlib.import_module("first_of_archive")
    assert str(archive) in sys.path_importer_cache
    forget_archives()
    with patch("zipimport._read_directory", side_effect=AssertionError("read again")):
        importlib.invalidate_caches()


@pytest.mark.usefixtures("archive")
def test_what_was_not_imported_yet_is_still_found_in_the_archive() -> None:
    importlib.import_module("first_of_archive")
    forget_archives()
    assert importlib.import_module("second_of_archive").VALUE == 2


@pytest.mark.usefixtures("archive")
def test_importers_of_folders_stay() -> None:
    folders = {p: f for p, f in sys.path_importer_cache.items() if Path(p).is_dir()}
    forget_archives()
    assert folders
    assert folders.items() <= sys.path_importer_cache.items()
