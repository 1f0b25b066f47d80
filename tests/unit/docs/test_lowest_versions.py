"""The lowest versions that the project asks for are those that the oldest Spark is tested with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOWEST = {
    name.replace("-", "_"): version
    for name, version in (
        re.match(r"([\w.-]+)>=([\d.]+)", d).groups() for d in PROJECT["dependencies"]
    )
}
TESTED = dict(
    re.findall(r"^(\S+)==(\S+)$", (ROOT / "tests/matrix/3.5.txt").read_text("utf-8"), re.M)
)
OF_TEST_TOOLS = {"jinja2", "markupsafe"}
"""What flask and moto, which only tests use, ask for in newer versions."""


def test_every_package_says_its_lowest_version():
    assert len(LOWEST) == len(PROJECT["dependencies"])
    assert LOWEST.keys() > OF_TEST_TOOLS


@pytest.mark.parametrize("name", sorted(LOWEST.keys() - OF_TEST_TOOLS))
def test_the_lowest_version_is_tested(name):
    lowest = LOWEST[name].split(".")
    assert TESTED[name].split(".")[: len(lowest)] == lowest
