"""Commands and YAML of the pages for users: each is one that this version takes."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from kldrift.cli.main import _parser
from kldrift.config import ModelShift, config_from_mapping, configured
from kldrift.config.yaml_text import parse_yaml

ROOT = Path(__file__).parents[3]
PAGES = {
    p.name: p.read_text("utf-8") for p in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
COMMANDS = [
    (page, command.partition("  #")[0].strip())
    for page, text in PAGES.items()
    for command in re.findall(
        r"^(?:    |\$ )?((?:kldrift|python -m|pip install|spark-submit) .*)$", text, re.MULTILINE
    )
    if not command.startswith("kldrift does")  # a sentence
]
BLOCKS = [
    (page, block)
    for page, text in PAGES.items()
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]
ONE_LINE = [
    (page, line)
    for page, text in PAGES.items()
    for line in re.findall(r"^    ((?:reference|alarms|time): \{.*\})$", text, re.MULTILINE)
]
STATED = {
    "monitor": "m",
    "reference": {"path": "reference.parquet"},
    "current": {"path": "current.parquet"},
    "time": {"column": "at", "window": "1d"},
    "output": {"path": "drift"},
}


def test_the_pages_have_commands_and_configurations():
    assert len(COMMANDS) > 20
    assert len(BLOCKS) > 10
    assert len(ONE_LINE) > 0


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda value: value[:60])
def test_a_command_is_taken_as_it_is_written(page, command):  # noqa: ARG001 - names the case
    name, *words = shlex.split(command)
    if name == "kldrift":
        _parser().parse_args(words)  # ends the process where it is not one
    elif name == "python":
        assert find_spec(words[1]) is not None
    elif name == "spark-submit":
        (job,) = (word for word in words if word.endswith(".py"))
        assert (ROOT / job).is_file()
    else:
        known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        (package,) = (word for word in words if word != "install")
        own, _, extras = package.removesuffix("]").partition("[")
        assert own == known["name"]
        assert set(filter(None, extras.split(","))) <= set(known["optional-dependencies"])


def test_the_readme_sets_up_by_two_commands_that_make_their_environment():
    asked = re.findall(r"^    make (\w+) ", PAGES["README.md"], re.MULTILINE)
    assert asked == ["demo", "test"]
    needs = dict(re.findall(r"^(\w+): (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert "setup" in needs["demo"].split()
    assert "lint" in needs["test"].split()
    assert "setup" in needs["lint"].split()


@pytest.mark.parametrize(("page", "block"), [*BLOCKS, *ONE_LINE], ids=lambda value: value[:60])
def test_a_configuration_is_taken_as_it_is_written(page, block):
    stated = parse_yaml(block, source=page)
    if "champion" in stated:
        assert configured(ModelShift, stated).monitor == stated["monitor"]
    elif "options" in stated:  # of a dataset
        config_from_mapping({**STATED, "current": {**STATED["current"], **stated}})
    else:
        config_from_mapping({**STATED, **stated})
