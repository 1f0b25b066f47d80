"""The command line: usage, errors, exit codes, what goes to which stream."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from job_sample import assert_job_checks_first

from kldrift import __version__
from kldrift.cli import main as cli
from kldrift.cli.main import Answer, guarded, main
from kldrift.cli.runs import answer_of, shown_progress
from kldrift.cli.terminal import Line
from kldrift.errors import ConfigError, DatasetError, OutputError

ROOT = Path(__file__).parents[3]
RUN = argparse.Namespace(json=False, debug=False)
JSON = argparse.Namespace(json=True, debug=False)
DEBUG = argparse.Namespace(json=False, debug=True)


def run(*arguments, **changes):
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, **changes},
    )


def test_help_imports_nothing_that_takes_seconds():
    heavy = "numpy", "pandas", "pyarrow", "pyspark", "scipy", "great_expectations", "rich"
    code = (
        "import sys\nfrom kldrift.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        f"finally:\n    print([m for m in {heavy} if m in sys.modules], file=sys.stderr)\n"
    )
    done = run("-c", code)
    assert done.returncode == 0
    assert done.stderr == "[]\n"
    for word in (
        "init",
        "check",
        "run",
        "backfill",
        "rescore",
        "backtest",
        "show",
        "dashboard",
        "exit codes:",
        "--version",
    ):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("command", "judges"),
    [
        *[(name, True) for name in ("run", "backfill", "rescore", "model-shift")],
        *[(name, False) for name in ("init", "check", "backtest", "show", "report", "dashboard")],
    ],
)
def test_the_help_of_a_command_has_the_exit_codes_that_it_ends_with(command, judges, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    assert ("  3  drift at or above --fail-on" in said) == judges == ("--fail-on {" in said)
    assert "  130, 143  stopped by Ctrl-C or SIGTERM" in said


def test_the_module_is_a_program_with_an_exit_code():
    done = run("-m", "kldrift", "run", "none.yaml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "kldrift: error: none.yaml: no such file; 'kldrift init' writes one\n"


def test_the_package_runs_as_the_command_does():
    done = subprocess.run(
        [sys.executable, "-m", "kldrift", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"kldrift {__version__}\n"


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"kldrift {__version__}\n"


WRONG = {
    "no command": ([], "the following arguments are required: COMMAND"),
    "an unknown command": (["runn"], "invalid choice: 'runn'"),
    "no configuration": (["run"], "the following arguments are required: CONFIG"),
    "an unknown option": (["check", "m.yaml", "--fail"], "unrecognized arguments: --fail"),
    "an unknown severity": (["run", "m.yaml", "--fail-on", "ok"], "invalid choice: 'ok'"),
    "a time that is none": (
        ["run", "m.yaml", "--as-of", "yesterday"],
        "expected an ISO 8601 time such as 2020-04-01T00:00:00Z, got 'yesterday'",
    ),
    "an option that a model shift has no use for": (
        ["model-shift", "m.yaml", "--refresh-reference"],
        "unrecognized arguments: --refresh-reference",
    ),
    "an option without a value": (
        ["init", "x", "--option", "header"],
        "expected KEY=VALUE, got 'header'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_exit_code_2(case, capsys):
    argv, expected = WRONG[case]
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        "--set a=b m.yaml age",
        "m.yaml --set a=b age",
        "m.yaml age --set a=b",
        "--set=a=b m.yaml age",
    ],
)
def test_options_stand_before_between_or_after_arguments(argv):
    args = cli._parser().parse_args(["show", *argv.split()])
    assert (args.config, args.feature, args.set) == ("m.yaml", "age", ["a=b"])
    dashed = cli._parser().parse_args(["show", "--set", "a=b", "--", "m.yaml", "-age"])
    assert (dashed.feature, dashed.set) == ("-age", ["a=b"])


@pytest.mark.parametrize("package", ["streamlit", "duckdb"])
def test_a_dashboard_without_its_packages_says_how_to_install_them(package, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # an import of it fails
    assert main(["dashboard", "m.yaml"]) == 2
    told = "the dashboard needs Streamlit and DuckDB: pip install 'kldrift[dashboard]'"
    assert capsys.readouterr() == ("", f"kldrift: error: {told}\n")


def test_a_dashboard_needs_a_configuration_and_a_port_that_is_free(tmp_path, capsys):
    pytest.importorskip("streamlit", reason="needs the extra dashboard")
    assert main(["dashboard", str(tmp_path / "none.yaml")]) == 2
    assert "no such file" in capsys.readouterr().err
    file = tmp_path / "m.yaml"
    file.write_text("monitor: m\nreference: {path: a}\ncurrent: {path: b}\noutput: {path: drift}\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["dashboard", str(file), "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1, port {port}: " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "check"])
def test_every_problem_of_a_configuration_is_a_line(command, tmp_path, capsys):
    path = tmp_path / "m.yaml"
    path.write_text(
        "monitor: m\nreference: {path: a}\ncurrent: {path: a}\noutput: {path: o}\nbins: 3\n"
    )
    assert main([command, str(path), "--set", "scan=3", "--set", "scoring.bins=1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second, third = err.splitlines()
    assert first.startswith(f"kldrift: error: {path}: bins: unknown key")
    assert second.startswith("kldrift: error: --set scan=3: scan: expected one of auto")
    assert third == "kldrift: error: --set scoring.bins=1: scoring.bins: expected 2 or more, got 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-04-01", datetime(2020, 4, 1, tzinfo=UTC)),
        ("2020-04-01T10:30:00", datetime(2020, 4, 1, 10, 30, tzinfo=UTC)),
        ("2020-04-01T10:30:00Z", datetime(2020, 4, 1, 10, 30, tzinfo=UTC)),
        ("2020-04-01T10:30:00+02:00", datetime(2020, 4, 1, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc(text, expected):
    parser = argparse.ArgumentParser()
    cli.add_run_options(parser)
    found = parser.parse_args(["--as-of", text]).as_of
    assert (found, found.utcoffset()) == (expected, expected.utcoffset())


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("a: wrong"), 2, "a: wrong"),
        (DatasetError("no such path: 'x\x1b[31m'"), 1, "no such path: 'x\\x1b[31m'"),
        (OutputError("full"), 1, "full"),
        (KeyError("x"), 1, "unexpected KeyError: 'x'; --debug shows where"),
        (
            ValueError("first\nsecond"),
            1,
            "unexpected ValueError: first; --debug shows where",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_one_line_and_an_exit_code(error, code, line, capsys):
    def fail(_):
        raise error

    assert guarded(RUN, fail) == code
    assert capsys.readouterr() == ("", f"kldrift: error: {line}\n")
    assert guarded(JSON, fail) == code
    out, err = capsys.readouterr()
    assert err == f"kldrift: error: {line}\n"
    assert json.loads(out)["exit_code"] == code
    assert guarded(DEBUG, fail) == code
    assert "Traceback" in capsys.readouterr().err


def test_an_answer_is_lines_or_one_json_object(capsys):
    answer = Answer(3, [Line("a"), Line("b")], {"c": None})
    assert guarded(RUN, lambda _: answer) == 3
    assert capsys.readouterr() == ("a\nb\n", "")

    def chatty(_):
        print("noise")
        return answer

    assert guarded(JSON, chatty) == 3
    assert capsys.readouterr() == ('{"c": null}\n', "noise\n")


def test_a_summary_that_is_no_strict_json_is_an_error(capsys):
    assert guarded(JSON, lambda _: Answer(0, (), {"a": float("nan")})) == 1
    assert json.loads(capsys.readouterr().out)["exit_code"] == 1


def test_a_terminal_without_the_letters_of_a_name_fails_nothing():
    code = (
        "import argparse\nfrom kldrift.cli.main import Answer, guarded\n"
        "from kldrift.cli.console import Line\n"
        "args = argparse.Namespace(json=False, debug=False)\n"
        "raise SystemExit(guarded(args, lambda _: Answer(4, [Line('größe')])))\n"
    )
    done = run("-c", code, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (4, "gr\\xf6\\xdfe\n", "")


def test_init_replaces_no_file_unless_told_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("kldrift.yaml").write_text("mine")
    assert main(["init", "data.parquet"]) == 2
    assert capsys.readouterr().err == (
        "kldrift: error: kldrift.yaml already exists; choose another file with -o, or use --force\n"
    )
    assert Path("kldrift.yaml").read_text() == "mine"


def test_progress_is_plain_lines_where_there_is_no_terminal(capsys):
    with shown_progress(quiet=False) as progress:
        progress.stage("counting")
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    with shown_progress(quiet=True) as progress:
        progress.stage("counting")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("code", "lines"), [(0, []), (3, ["exit code 3: drift"])])
def test_a_quiet_run_says_in_one_line_what_its_exit_code_means_unless_it_is_0(code, lines):
    result = SimpleNamespace(exit_code=code, summary=dict)
    told = [Line("critical: 2 features"), Line(f"exit code {code}: drift")]
    answer = answer_of(result, told, argparse.Namespace(quiet=True, json=False))
    assert [line.text for line in answer.lines] == lines
    loud = answer_of(result, told, argparse.Namespace(quiet=False, json=False))
    assert list(loud.lines) == told


def test_the_job_takes_the_options_of_run_and_checks_the_configuration_first():
    assert_job_checks_first([sys.executable])
