"""What a scheduler is told of a run."""

from __future__ import annotations

import pyarrow as pa
import pytest

from kldrift.config import config_from_mapping
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.scoring.exit_code import exit_code_of
from kldrift.scoring.threshold import Severity
from kldrift.sources.table import TableSource

MANY = ["a", "b"] * 100


def code(reference, current, fail_on="critical"):
    """The exit code of a comparison by the column ``s``."""
    config = config_from_mapping(
        {
            "monitor": "m",
            "reference": {"sql": "r"},
            "current": {"sql": "c"},
            "features": {"exclude": ["s"]},
            "segments": [["s"]],
            "output": {"path": "none"},
        }
    )
    sources = [TableSource(pa.table(side)) for side in (reference, current)]
    _, verdicts = compare_plan(make_plan(config, *sources), MemoryEngine(*sources), SILENT)
    severities = set(verdicts.severities())
    return exit_code_of(severities, unscored=verdicts.unscored, fail_on=fail_on)


def rows(**segments):
    """Values of ``x`` by segment."""
    return {
        "s": [name for name, values in segments.items() for _ in values],
        "x": [x for values in segments.values() for x in values],
    }


@pytest.mark.parametrize(
    ("severities", "unscored", "fail_on", "expected"),
    [
        ({"ok"}, False, "warning", 0),
        ({"ok", "warning"}, False, "warning", 3),
        ({"ok", "warning"}, False, "critical", 0),
        ({"critical"}, True, "critical", 3),
        ({"critical"}, False, "never", 0),
        ({"critical", "unscored"}, True, "never", 4),
        ({"unscored"}, False, "critical", 0),
        (set(), False, "critical", 0),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_drift_comes_before_what_could_not_be_scored(severities, unscored, fail_on, expected):
    found = {Severity(name) for name in severities}
    assert exit_code_of(found, unscored=unscored, fail_on=fail_on) == expected


def test_drift_in_one_segment_fails_a_run_and_a_segment_without_rows_does_not():
    reference = rows(p=MANY * 10, q=MANY)
    assert code(reference, rows(p=MANY * 10, q=["a"] * 200)) == 3
    assert code(reference, rows(p=MANY * 10, q=["a"] * 200), fail_on="never") == 0
    assert code(reference, rows(p=MANY * 10)) == 0


def test_a_feature_that_is_gone_fails_a_run_and_a_new_one_does_not():
    reference = rows(p=MANY)
    assert code({**reference, "y": MANY}, reference) == 4
    assert code(reference, {**reference, "y": MANY}) == 0


def test_a_run_in_which_nothing_was_scored_is_told_from_one_without_drift():
    own = [f"id {i}" for i in range(200)]  # its only feature is skipped once the data is seen
    assert code({"s": MANY, "x": own}, {"s": MANY, "x": own}) == 4
    assert code({"s": MANY, "x": MANY}, {"s": MANY, "x": MANY}) == 0
