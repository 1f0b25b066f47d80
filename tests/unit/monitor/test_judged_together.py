"""Windows that are judged together get the verdicts that each would get alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from kldrift.config import config_from_mapping
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.findings import count_current
from kldrift.monitor.judging import judge_findings, judged_together
from kldrift.monitor.plan import make_plan
from kldrift.monitor.rows import cell_parts, score_table
from kldrift.monitor.stages import read_reference
from kldrift.sources.table import TableSource
from kldrift.tables import Window
from kldrift.tables.stamp import Stamp

STAMP = Stamp("run", "monitor", Window(None, None), "reference", "hash")


def batch(rng, n, shift=0.0, names="abc", without=()):
    site = rng.choice(["north", "south"], n)
    made = {
        "site": site,
        "x": rng.normal(0, 1, n) + shift * (site == "north"),
        "y": rng.integers(0, 40, n),
        "name": rng.choice(list(names), n),
    }
    return pa.table({name: values for name, values in made.items() if name not in without})


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    config = config_from_mapping(
        {
            "monitor": "m",
            "reference": {"sql": "r"},
            "current": {"sql": "c"},
            "output": {"path": "out"},
            "segments": [["site"]],
            "joint": {"both": {"features": ["x", "y"]}},
            "thresholds": {"kl": {"warning": 0.01, "critical": 0.1}, "js": {"critical": 0.02}},
        }
    )
    first = TableSource(batch(rng, 4_000))
    plan = make_plan(config, first, first)
    reference = read_reference(plan, MemoryEngine(first, first), SILENT)
    days = [batch(rng, 3_000), batch(rng, 500, 0.8), batch(rng, 2_000, names="abxyz")]
    days += [batch(rng, 1_000, 2.0, without=("y",)), batch(rng, 0)]
    out = []
    for day in days:
        now = TableSource(day)
        own = make_plan(config, first, now)
        out.append((own, count_current(own, reference, MemoryEngine(first, now), SILENT)))
    return out


def tables(plan, findings):
    verdicts, known = (
        judge_findings(plan, findings),
        findings.by_limits and findings.by_limits.cells,
    )
    return score_table(verdicts, STAMP), pa.concat_tables(cell_parts(verdicts, STAMP, known))


@pytest.mark.parametrize("most", [1, 2**22])
def test_windows_get_the_same_rows_together_as_alone(found, most):
    alone = [tables(*one) for one in found]
    together = [tables(*one) for one in judged_together(found, most)]
    assert together == alone
    severities = {s for scores, _ in alone for s in scores["severity"].to_pylist()}
    assert severities == {"ok", "warning", "critical", "unscored"}


def test_each_window_is_corrected_for_its_own_tests(found):
    first, second = (f.by_limits for _, f in judged_together(found[:2]))
    (_, alone), *_ = judged_together(found[1:2])
    assert second.verdicts.q_values.smallest.tolist() == pytest.approx(
        alone.by_limits.verdicts.q_values.smallest.tolist(), nan_ok=True, rel=0
    )
    assert len(first.verdicts) == len(second.verdicts)
