"""What a command says when it was stopped, whatever else failed because of that."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kldrift.cli.answer import guarded
from kldrift.errors import DatasetError, Terminated


def stopped(by, then):
    def command(_):
        try:
            raise by
        finally:  # Spark's process has got the signal too, and answers no more
            raise then

    return command


SITE = """
import os, signal, sys

when, number = os.environ["WHEN"], signal.Signals[os.environ["SENT"]]

class Modules:
    def find_spec(self, name, *_):
        if name == when:
            signal.raise_signal(number)

class Last:
    def __init__(self):
        self.send = signal.raise_signal  # modules are emptied before
    def __del__(self):
        if when == "deleted":
            self.send(number)

def calls(frame, *_):
    if frame.f_code.co_name == when:
        sys.setprofile(None)
        exec("signal.raise_signal(number)")  # a text, as dataclasses are: Python minds at its end

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Modules())
sys.setprofile(calls)
sys.last = Last()
"""


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("kldrift.cli.options", False),
        ("_parser", False),
        ("load_config", False),
        ("_failed", False),
        ("_shutdown", True),
        ("deleted", True),
    ],
)
@pytest.mark.parametrize(
    ("sent", "code", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")]
)
def test_a_signal_ends_a_command_with_its_code_and_one_line_whenever_it_comes(
    when, told, sent, code, word, tmp_path
):
    (tmp_path / "sitecustomize.py").write_text(SITE)
    done = subprocess.run(
        [sys.executable, "-m", "kldrift", "check", "none.yaml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "WHEN": when, "SENT": sent},
        check=False,
    )
    (line,) = done.stderr.splitlines()
    if told:
        assert (done.returncode, line.startswith("kldrift: error: none.yaml")) == (2, True)
    else:
        assert (done.returncode, line) == (code, f"kldrift: error: {word}")


@pytest.mark.parametrize(
    ("by", "code", "said"),
    [(Terminated(), 143, "terminated"), (KeyboardInterrupt(), 130, "interrupted")],
)
@pytest.mark.parametrize("then", [DatasetError("Spark failed"), RuntimeError("no answer")])
def test_what_fails_while_a_command_is_stopped_does_not_hide_that_it_was(
    by, code, said, then, capsys
):
    args = argparse.Namespace(json=False, debug=False)
    assert guarded(args, stopped(by, then)) == code
    assert capsys.readouterr().err == f"kldrift: error: {said}\n"
