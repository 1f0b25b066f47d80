"""docs/segments.md: its example runs, and what it says of names and numbers is so."""

import doctest
import re
from pathlib import Path

from kldrift.binning.numeric_sketch import LIMIT
from kldrift.config import Scoring
from kldrift.execution.programs import MOST_BYTES
from kldrift.monitor.publish import MOST_SEGMENT_ROWS
from kldrift.profiles.rebinning import CHOSEN_ROWS

GUIDE = Path(__file__).parents[3] / "docs" / "segments.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_example_gives_what_it_shows():
    block = "\n".join(re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(block, {}, "example", str(GUIDE), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    assert len(test.examples) > 5


def test_the_numbers_are_those_of_the_code():
    for number in (
        f"at most ({Scoring().max_segments:,})",
        f"fewer than {CHOSEN_ROWS} rows",
        f"more than {LIMIT:,} values",
        f"one row in {LIMIT // 2:,}",
        f"the worst {MOST_SEGMENT_ROWS}\n",
        f"counted beyond {MOST_BYTES // 2**20} MB",
    ):
        assert number in TEXT
