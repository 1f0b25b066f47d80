"""What a command says when it was stopped, whatever else failed because of that."""

from __future__ import annotations

import argparse

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
