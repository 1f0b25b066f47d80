"""The examples of docs/spark-functions.md give what they show."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from kldrift.spark.functions.formulas import FUNCTIONS

PAGE = Path(__file__).parents[3] / "docs" / "spark-functions.md"


@pytest.mark.spark
def test_the_examples_of_the_page_give_what_it_shows(spark):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    examples = doctest.DocTestParser().get_doctest(
        "\n".join(blocks), {"spark": spark}, PAGE.name, str(PAGE), 0
    )
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    failed, tried = runner.run(examples, out=report.append)
    assert failed == 0, "".join(report)
    assert tried >= 10


def test_the_page_lists_every_function_with_its_arguments():
    listed = {}
    for names, arguments in re.findall(r"^\| (`.*?) \| `(.*?)` \|", PAGE.read_text(), re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            listed[name] = re.findall(r"(\w+)(?:=\w+)?", re.sub(r"=\w+", "", arguments))
    assert listed == {name: list(f.arguments) for name, f in FUNCTIONS.items()}
