"""docs/report.md: its examples run, and what it says of numbers is so."""

import doctest
import re
import shutil
from pathlib import Path

import pytest
from tables_sample import write_two_days

from kldrift.reporting.order import STATED
from kldrift.reporting.page import DRAWN
from kldrift.reporting.past import MOST_WINDOWS

GUIDE = Path(__file__).parents[3] / "docs" / "report.md"
TEXT = GUIDE.read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the tables of a monitor called orders."""
    monkeypatch.chdir(tmp_path)
    drift = write_two_days(tmp_path / "drift")
    for file in [*drift.rglob("nyc_taxi--2*")]:
        shutil.move(file, file.with_name(file.name.replace("nyc_taxi", "orders")))


def test_the_examples_give_what_they_show(folder):  # noqa: ARG001
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        test = doctest.DocTestParser().get_doctest(block, names, "example", str(GUIDE), 0)
        told: list[str] = []
        runner = doctest.DocTestRunner()
        runner.run(test, out=told.append, clear_globs=False)
        assert runner.summarize(verbose=False).failed == 0, "".join(told)
        names = test.globs
    assert Path("report.html").read_text().startswith("<!doctype html>")
    assert Path("orders.html").exists()


def test_the_numbers_and_the_order_are_those_of_the_code():
    words = " ".join(TEXT.split())
    for said in (
        f"in up to {MOST_WINDOWS} windows",
        f"rows after the first {DRAWN}",
        STATED,
    ):
        assert said in words
