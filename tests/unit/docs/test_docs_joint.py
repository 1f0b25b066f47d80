"""docs/joint.md: its example runs."""

import doctest
import re
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "joint.md"


def test_the_example_finds_a_change_of_dependence_alone():
    (block,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    test = doctest.DocTestParser().get_doctest(block, {}, "example", str(GUIDE), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
