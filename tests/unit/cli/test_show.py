"""The last state in the terminal: from the tables, without Spark, at 80 columns, also in ASCII."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import daily_sample
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_run import config_of, run_in_memory

from kldrift.cli.blocks import PLAIN_HEIGHTS
from kldrift.cli.main import main
from kldrift.cli.show import state_lines
from kldrift.config import load_config
from kldrift.execution.progress import SILENT
from kldrift.monitor.record import Record
from kldrift.reporting.stored import write_report
from kldrift.tables import Window, write_run
from kldrift.tables.read import read_table


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show")
    config = config_of(str(folder / "drift"))
    run_in_memory(config)
    stated = {k: v for k, v in asdict(config).items() if v not in (None, (), {})}
    for side in ("reference", "current"):
        stated[side] = {"sql": side}
    stated["features"] = {"override": {"date": {"parts": ["whole"]}}}
    stated["expectations"] = False
    stated["joint"] = {"pair": {"features": ["floats", "few"]}}
    del stated["thresholds"], stated["spark"]
    file = folder / "m.yaml"
    file.write_text(json.dumps(stated))
    return file


def lines(path, capsys, *more):
    assert main(["show", str(path), *more]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_verdict_comes_first_and_then_the_worst_with_both_histograms(path, capsys):
    said = lines(path, capsys)
    assert said[0].startswith("critical: daily, as of 1 Mar 2024 00:00 UTC: ")
    then, now = (next(line for line in said if line.startswith(f"  {w}")) for w in ("then", "now"))
    assert len(then) == len(now)
    assert then != now
    assert all(len(line) <= 80 for line in said if "|" in line)


def test_one_feature_is_shown_with_its_cells_the_largest_contribution_first(path, capsys):
    said = lines(path, capsys, "floats")
    assert any(line.endswith("  floats") for line in said)
    head = next(
        i for i, line in enumerate(said) if line.split() == ["cell", "then", "now", "to", "kl"]
    )
    parts = [float(line.split()[-1]) for line in said[head + 1 : head + 5]]
    assert parts == sorted(parts, reverse=True)


def test_a_joint_group_is_shown_with_the_correlations_of_its_pairs(path, capsys):
    said = lines(path, capsys, "pair")
    (head,) = (at for at, line in enumerate(said) if line.startswith("  correlation of "))
    (pair,) = (line.split() for line in said[head + 1 :] if line.startswith("  floats × few "))
    assert all(-1 <= float(figure) <= 1 for figure in pair[3:5])
    assert all("100.0 %" not in line for line in said)


@pytest.mark.parametrize("other", [False, True], ids=["no Parquet", "another table"])
def test_cells_that_are_damaged_are_left_out_with_a_note(path, capsys, tmp_path, other):
    stated = json.loads(path.read_text())
    shutil.copytree(path.parent / "drift", tmp_path / "drift")
    stated["output"] = {"path": str(tmp_path / "drift")}
    file = tmp_path / "m.yaml"
    file.write_text(json.dumps(stated))
    for cells in (tmp_path / "drift" / "drift_cells").iterdir():
        cells.write_bytes(b"PAR1")
        if other:
            pq.write_table(pa.table({"x": [1]}), cells)
    for more in ((), ("floats",)):
        said = lines(file, capsys, *more)
        assert any(line.startswith("note: no distribution is shown: ") for line in said)
        assert not any(line.startswith("  then |") for line in said)


def test_a_last_window_that_is_damaged_is_said_and_the_one_before_it_shown(path, capsys, tmp_path):
    folder = tmp_path / "drift"
    shutil.copytree(path.parent / "drift", folder)
    file = tmp_path / "m.yaml"
    file.write_text(json.dumps({**json.loads(path.read_text()), "output": {"path": str(folder)}}))
    for table in ("drift_scores", "drift_cells"):
        (last,) = (folder / table).iterdir()
        shutil.copy(last, last.with_name(last.name.replace("20240301T000000Z", "20240302T000000Z")))
    (broken,) = (folder / "drift_scores").glob("*20240302*")
    broken.write_bytes(b"PAR1")
    first, *said = lines(file, capsys)
    assert first.startswith("the last window cannot be read: as of 2 Mar 2024 00:00: ")
    assert first.endswith("; run its window again; what follows is older: as of 1 Mar 2024 00:00")
    assert said == lines(path, capsys)
    assert lines(file, capsys, "floats")[0] == first
    assert "20240302" in json.loads(lines(file, capsys, "--json")[0])["damaged"]


def test_a_program_gets_the_same_as_json(path, capsys):
    (said,) = lines(path, capsys, "--json")
    found = json.loads(said)
    assert found["window"] == "20240301T000000Z"
    scores = read_table(str(path.parent / "drift"), "drift_scores")["severity"].to_pylist()
    assert found["severities"] == {s: scores.count(s) for s in found["severities"]}
    assert found["worst"][0]["severity"] == "critical"


def test_without_unicode_heights_are_plain_characters(path, monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["show", str(path)]) == 0
    out.seek(0)
    heights = [line.split("|")[1] for line in out.read().splitlines() if line.startswith("  now")]
    assert heights
    assert set("".join(heights)) <= set(PLAIN_HEIGHTS)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["float"], "the last window has no feature 'float'; did you mean 'floats'?"),
        (["--set", "monitor=other"], "no run of 'other' yet; kldrift run"),
    ],
)
def test_what_is_not_there_is_one_line(path, capsys, more, expected):
    assert main(["show", str(path), *more]) in (1, 2)
    assert expected in capsys.readouterr().err


def test_a_last_run_that_failed_is_told_first(path, tmp_path, capsys):
    stated = json.loads(path.read_text())
    copied = shutil.copytree(stated["output"]["path"], tmp_path / "drift")
    file = tmp_path / "m.yaml"
    file.write_text(json.dumps({**stated, "output": {"path": str(copied)}}))
    record = Record(load_config(file), Window(), datetime(2024, 3, 2, tzinfo=UTC), SILENT)
    row = record.any_row(exit_code=2, error="current.path: 'x?sig=abc': no such file")
    write_run(str(copied), row)
    said = lines(file, capsys)
    assert re.fullmatch(
        r"the last run failed: .*, exit code 2: current.path: 'x\?...': no such file; "
        "what follows is of an earlier run",
        said[0],
    )
    assert said[1:] == lines(path, capsys)
    assert main(["show", str(file), "--json"]) == 0
    assert "exit code 2" in json.loads(capsys.readouterr().out)["failed"]
    shutil.rmtree(copied / "drift_scores")
    assert main(["show", str(file)]) == 1
    told = capsys.readouterr().err
    assert "no window of 'daily' yet; the last run failed: " in told
    assert "no such file" in told


@pytest.mark.parametrize("more", [[], ["floats"], ["--json"]], ids=str)
def test_nothing_is_loaded_that_the_terminal_does_not_need(path, more):
    heavy = ("pandas", "pyspark", "great_expectations", "scipy", "jinja2", "altair", "sqlglot")
    args = ["show", str(path), *more]
    code = (
        "import sys\nfrom kldrift.cli.main import main\n"
        f"main({args!r})\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_looks_back_as_far_as_the_page_does(tmp_path):
    """A drift of 43 days began on its fourth in the terminal, on its first on the page."""

    def of_day(day: int) -> pa.Table:
        return pa.table({"x": np.random.default_rng(day).normal(2.0 * (day > 0), 1, 90)})

    config = daily_sample.config_of(tmp_path)
    daily_sample.run_days(config, range(44), of_day, dependents=False, reference_rows=of_day(0))
    found = [line.text for line in state_lines(config, None)[0]]
    since = "drifts since 2 Jan 2024, 43 windows in a row"
    assert any(line.endswith(since) for line in found)
    assert {len(line.split("|")[1]) for line in found if "| max" in line} == {40}
    assert since in Path(write_report(config, str(tmp_path / "r.html"))).read_text()
