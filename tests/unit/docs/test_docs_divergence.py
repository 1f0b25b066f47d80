"""The guide to the divergences: every example runs, and nothing public is left out."""

import doctest
import re
from pathlib import Path

import pytest

from kldrift import divergence

GUIDE = Path(__file__).parents[3] / "docs" / "divergence.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_example_gives_what_it_shows():
    text = GUIDE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    session, report = {}, []
    for number, block in enumerate(blocks):
        test = parser.get_doctest(block, {}, f"block {number}", str(GUIDE), 0)
        assert test.examples, block  # a block without a prompt would show what nobody ran
        test.globs = session
        runner.run(test, out=report.append, clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    assert len(blocks) == text.count("```python")


@pytest.mark.parametrize("name", [n for n in divergence.__all__ if n.islower()])
def test_every_public_function_has_a_section_and_an_example(name):
    sections = GUIDE.read_text(encoding="utf-8").split("\n### ")[1:]
    (section,) = [s for s in sections if name in re.split(r"[,\s]+", s.split("\n", 1)[0])]
    assert any(name in block for block in BLOCK.findall(section))
