"""A divergence is added by one name in one dict: scores, tables and configuration follow."""

from __future__ import annotations

import json
import subprocess
import sys

from kldrift.divergences import DIVERGENCES
from kldrift.scoring.metrics import (
    CELL_METRICS,
    METRICS,
    NUMERIC_ONLY,
    ORDERED_METRICS,
    SHARE_METRICS,
    TAIL_METRIC,
)
from kldrift.tables.schema import DRIFT_SCORES

ADDED = """
import json
import sys
import types
import numpy as np
import pyarrow as pa
from kldrift.divergences import DIVERGENCES, Divergence

# A file of the package, and its names in the dict.
added = sys.modules["kldrift.divergence.added"] = types.ModuleType("added")
added.euclidean = lambda p, q: np.sqrt(np.square(p - q).sum(-1))
added.between = lambda p, q, positions: np.abs(((p - q) * positions).sum(-1))
DIVERGENCES["euclidean"] = Divergence("euclidean", "added:euclidean", symmetric=True)
DIVERGENCES["between"] = Divergence(
    "between",
    "added:between",
    symmetric=True,
    ordinal=True,
    positions=True,
    unit="unit of the feature",
)

import kldrift
from kldrift.config import METRICS
from kldrift.tables.schema import DRIFT_SCORES

sides = [
    pa.table({"x": [1, 2] * 200, "t": ["a", "b"] * 200}),
    pa.table({"x": [1, 2, 2, 2] * 100, "t": ["a", "b"] * 200}),
]
limits = {"euclidean": {"critical": 0.1}, "between": {"warning": 0.1}}
scores = kldrift.compare(*sides, thresholds=limits, pseudocount=0).scores.set_index("feature")
cells = [scores[m].astype(object).where(scores[m].notna(), None) for m in limits]
print(json.dumps({
    "euclidean": cells[0].to_dict(),
    "between": cells[1].to_dict(),
    "reason": scores.loc["x", "reason"],
    "severity": scores["severity"].to_dict(),
    "unit": DRIFT_SCORES.field("between").metadata[b"unit"].decode(),
    "metrics": [m for m in METRICS if m in limits],
}))
"""


def test_a_divergence_that_is_added_to_the_dict_is_scored_stored_and_judged():
    done = subprocess.run(
        [sys.executable, "-c", ADDED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["euclidean"] == {"x": 0.125**0.5, "t": 0.0}
    assert found["between"] == {"x": 0.25, "t": None}  # categories have no order
    assert "; euclidean 0.354 is above critical 0.1, q " in found["reason"]
    assert found["severity"] == {"x": "critical", "t": "ok"}
    assert found["unit"] == "unit of the feature"
    assert found["metrics"] == ["euclidean", "between"]


def test_names_of_scores_are_those_of_the_divergences_that_are_scored():
    scored = [name for name, d in DIVERGENCES.items() if d.scored]
    assert sorted((*CELL_METRICS, *ORDERED_METRICS)) == sorted(scored)
    own = ("wasserstein_std", *SHARE_METRICS, TAIL_METRIC, "gaussian_kl")
    assert (*scored, *own) == METRICS
    assert set(METRICS) <= set(DRIFT_SCORES.names)
    assert {name for name, d in DIVERGENCES.items() if d.ordinal and d.scored} < set(NUMERIC_ONLY)


def test_what_few_divergences_need_is_not_imported_for_all():
    code = "import sys, kldrift.scoring.scores as _; print('scipy.optimize' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
