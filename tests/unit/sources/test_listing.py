"""What local paths mean, without Spark."""

from __future__ import annotations

import pytest

from kldrift.cli.days_in_paths import sides_of
from kldrift.sources.parquet.listing import list_files

FOLDERS = ("d[x]", "dx", "e[1]/f[2]", "e[1]/f2", "{x}", "w*", "wx")


@pytest.fixture
def tree(tmp_path):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.parquet").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("d[x]/*.parquet", ["d[x]"]),
        ("d[x]", ["d[x]"]),
        ("d[xy]/*.parquet", ["dx"]),
        ("e[1]/f[2]/*.parquet", ["e[1]/f[2]"]),
        ("e[1]/f[23]/*", ["e[1]/f2"]),
        ("e[1]/f*/*", ["e[1]/f2", "e[1]/f[2]"]),
        ("{x}/*", ["{x}"]),
        ("w*/*", ["w*", "wx"]),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_brackets_are_a_part_of_the_name_of_a_folder_that_is_there(
    tree, monkeypatch, path, folders, relative
):
    monkeypatch.chdir(tree)
    found = list_files([path if relative else f"{tree}/{path}"])
    expected = [f"{folder}/a.parquet" for folder in folders]
    assert [f.path.removeprefix(f"{tree}/") for f in found] == sorted(expected)


def test_init_finds_the_days_in_a_folder_with_brackets(tmp_path):
    for day in ("2024-01-01", "2024-01-02"):
        folder = tmp_path / "d[x]" / day
        folder.mkdir(parents=True)
        (folder / "a.parquet").touch()
        (folder / "b.parquet").touch()
    sides = sides_of(f"{tmp_path}/d[x]/*/*.parquet", None, None)
    assert sides.current == [f"{tmp_path}/d[x]/2024-01-02/*.parquet"]
    assert sides.reference == [f"{tmp_path}/d[x]/2024-01-01/*.parquet"]
