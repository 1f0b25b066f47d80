"""What a model shift wrote, shown again from its tables: page, terminal, JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from shift_sample import START, ran

import kldrift
from kldrift.cli.console import shift_lines
from kldrift.cli.main import main
from kldrift.config import load_model_shift
from kldrift.errors import ConfigError, OutputError
from kldrift.execution.progress import SILENT
from kldrift.monitor.record import Record
from kldrift.shift.stored import stored_shift
from kldrift.tables import Window, prepare_output, write_run


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "models.yaml"
    stated = {
        "monitor": "models",
        "data": {"path": "judged.parquet"},
        "champion": "old",
        "challenger": "new",
        "time": {"column": "at", "window": "1d"},
        "output": {"path": "drift"},
        "expectations": False,
    }
    path.write_text(yaml.safe_dump(stated), encoding="utf-8")
    return path


def test_what_is_stored_is_the_result_of_the_run_in_all_of_its_windows(file):
    result = ran(file, [0.01, 0.01, 0.5])
    again = stored_shift(load_model_shift(file))
    assert again.to_html() == result.to_html()
    assert list(shift_lines(again, "critical")) == list(shift_lines(result, "critical"))
    assert json.loads(again.to_json()) == json.loads(result.to_json())
    assert again.changed_classes()["rows"].tolist() == [4]


def test_windows_are_told_apart_in_the_terminal_and_drawn_as_a_line_on_the_page(file, capsys):
    result = ran(file, [0.01, 0.01, 0.5])
    lines = [line.text for line in shift_lines(result, "critical")]
    assert "by window and segment: 1 of 3 scores drifted: 1 critical" in lines[0]
    assert "critical  all rows, from 3 Jan 2024" in lines
    assert "1 of 3 scores drifted" in result.to_html()
    health = dict(result._page().health)
    assert health["windows"] == "3, Mon 1 Jan 2024 to Wed 3 Jan 2024 (UTC)"
    assert health["windows and segments scored"] == "3 of 3"
    assert result.to_html().count("drifted in 1 of 3 windows") == 3
    assert main(["show", str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == lines[0]


def test_the_page_and_the_last_state_are_made_from_the_tables(file, capsys):
    ran(file, [0.5, 0.5])
    later = ran(file, [0.01], START + timedelta(days=9))  # another run replaces the first day
    place = kldrift.report(file)
    assert place == str(file.parent / "drift/report.html")
    assert "critical" in Path(place).read_text()
    assert main(["report", str(file), "-o", str(file.parent / "page.html")]) == 0
    assert (file.parent / "page.html").read_text() == Path(place).read_text()
    capsys.readouterr()
    assert main(["show", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["run_id"] != later.run["run_id"]  # the last window is of the first run
    assert said["severities"]["critical"] == 1


def test_a_run_that_failed_or_did_not_finish_is_told_first(file):
    result = ran(file, [0.01])
    config = load_model_shift(file)
    record = Record(config, Window(None, None), START + timedelta(days=1), SILENT)
    write_run(config.output.path, record.any_row(exit_code=1, error="no space left"))
    (note,) = stored_shift(config).notes
    assert note.startswith("the last run failed: ")
    assert "no space left; what follows is of an earlier run" in note
    assert note in [
        line.text.removeprefix("note: ") for line in shift_lines(stored_shift(config), "never")
    ]
    (file.parent / "drift/runs" / f"{result.run['run_id']}.parquet").unlink()
    assert "did not finish" in stored_shift(config).notes[-1]


def test_what_is_not_there_or_not_meant_is_one_line(file, capsys):
    config = load_model_shift(file)
    prepare_output(config.output.path)
    with pytest.raises(OutputError, match="no result of 'models' yet; kldrift model-shift runs it"):
        stored_shift(config)
    assert main(["show", str(file), "amount"]) == 2
    assert "a model shift has no features; leave out 'amount'" in capsys.readouterr().err
    monitor = {
        "monitor": "m",
        "reference": {"path": "a"},
        "current": {"path": "b"},
        "output": {"path": "o"},
    }
    for command in (["run"], ["check"], ["backfill", "--from", "2024-01-01", "--to", "2024-01-02"]):
        assert main([command[0], str(file), *command[1:]]) == 2
        said = capsys.readouterr().err.splitlines()
        assert [line.partition(": this ")[2] for line in said] == [
            "configures a model shift, not a monitor; kldrift model-shift runs it"
        ]
    with pytest.raises(
        ConfigError, match="this configures a monitor, not a model shift; kldrift run"
    ):
        kldrift.model_shift(monitor)
    with pytest.raises(ConfigError, match="fetures: unknown key"):
        kldrift.report(monitor | {"fetures": {}})
