"""Every command ends with 2 and one line where the output of its configuration cannot be."""

from __future__ import annotations

import pytest
from object_store import BUCKET, object_store

from kldrift.cli import main as command_line
from kldrift.errors import ConfigError, OutputError
from kldrift.reporting.views import put_page
from kldrift.sources.filesystem import open_with_pyarrow
from kldrift.tables.store import reach_store

COMMANDS = {
    "run": ["--quiet"],
    "check": [],
    "show": [],
    "report": [],
    "rescore": ["--quiet"],
    "backtest": [],
    "backfill": ["--from", "2026-01-01", "--to", "2026-01-02", "--quiet"],
    "dashboard": [],
}


def config_in(folder, output):
    (folder / "data.csv").write_text("a\n1\n2\n", encoding="utf-8")
    (folder / "file").touch()
    file = folder / "m.yaml"
    file.write_text(
        "monitor: m\nreference: {path: data.csv, format: csv}\n"
        "current: {path: data.csv, format: csv}\ntime: {column: t, window: 1d}\n"
        f"output: {{path: '{output}'}}\n",
        encoding="utf-8",
    )
    return file


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("hdfs://nobody:1/drift", "hdfs://nobody:1/drift: cannot write to 'hdfs' safely; use"),
        ("s3://", "s3://: names no bucket or container to write to"),
        ("file/drift", "file/drift/_kldrift.json: cannot read: Not a directory"),
    ],
)
@pytest.mark.parametrize("command", [*COMMANDS])
def test_the_command_ends_with_2_and_one_line(tmp_path, capsys, command, output, why):
    asked = [command, str(config_in(tmp_path, output)), *COMMANDS[command]]
    assert command_line.main(asked) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("kldrift: error: output.path: ")
    assert why.split(": ", 1)[0] in line
    assert why.rsplit(": ", 1)[1] in line


def test_a_page_or_chart_that_cannot_be_written_is_wrong_usage(tmp_path, capsys):
    (tmp_path / "data.csv").write_text("a\n1\n2\n", encoding="utf-8")
    (tmp_path / "file").touch()
    asked = ["init", str(tmp_path / "data.csv"), "-o", str(tmp_path / "file" / "m.yaml")]
    assert command_line.main(asked) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err


def test_a_full_disk_is_no_wrong_configuration(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(OutputError, match="No space left") as caught:
        reach_store(str(tmp_path)).make_ready("")
    assert not isinstance(caught.value, ConfigError)


@pytest.mark.parametrize("stated", ["{path: 's3://bucket/gx'}", "{path: 'file:/tmp/gx'}", "true"])
def test_a_project_of_great_expectations_is_in_a_local_folder(tmp_path, capsys, stated):
    place = "file:///tmp/none/drift" if stated == "true" else "drift"
    file = config_in(tmp_path, place)
    file.write_text(file.read_text() + f"expectations: {stated}\n")
    assert command_line.main(["check", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "expectations.path: '" in line
    assert line.endswith(
        "is no local folder, which Great Expectations needs for its project; "
        "state one, or expectations: false"
    )


def test_a_page_is_written_to_a_uri_with_a_query(tmp_path):
    with object_store() as options:
        query = "&".join(f"{key}={value}" for key, value in options.items())
        place = f"s3://{BUCKET}/pages/report.html?{query}"
        assert put_page(place, "<p>") == place
        with open_with_pyarrow(place)[0].open_input_file(f"{BUCKET}/pages/report.html") as page:
            assert page.read() == b"<p>"
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/report\.html: cannot write: File exists"):
        put_page(str(tmp_path / "file" / "report.html"), "<p>")
