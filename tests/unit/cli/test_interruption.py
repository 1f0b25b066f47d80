"""What a command says when it was stopped, whatever else failed because of that."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys

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


EARLY = """
import runpy, signal, sys

class Stop:
    def find_spec(self, name, *_):
        if name == "kldrift.cli.options":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Stop())
runpy.run_module("kldrift", run_name="__main__")
"""


def test_ctrl_c_while_modules_are_imported_shows_no_traceback():
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")  # 130 to a shell


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
