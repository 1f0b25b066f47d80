"""The README is true: its Python and its commands run, in their order, in an empty folder."""

import re
import shlex
from pathlib import Path

import pytest

from kldrift.cli.main import main

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(python|console)\n(.*?)```", README, re.DOTALL)
EXIT_CODES = {"run": 3}


@pytest.mark.spark
def test_every_example_of_the_readme_runs(spark, tmp_path, monkeypatch):  # noqa: ARG001
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "README.md", "exec"), names)
        for command in re.findall(r"^\$ kldrift (.*)$", text, re.MULTILINE):
            arguments = shlex.split(command)
            assert main(arguments) == EXIT_CODES.get(arguments[0], 0), command
    assert [language for language, _ in BLOCKS].count("python") >= 3
