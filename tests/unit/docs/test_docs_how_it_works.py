"""docs/how-it-works.md: its examples run, and give what they show."""

import doctest
import re
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "how-it-works.md"


def test_the_examples_give_what_they_show():
    blocks = re.findall(r"^```python\n(>>>.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    runner = doctest.DocTestRunner()
    report: list[str] = []
    for i, block in enumerate(blocks):
        test = doctest.DocTestParser().get_doctest(block, {}, f"example {i}", str(GUIDE), 0)
        runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
