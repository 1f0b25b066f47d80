"""Each metric of a change's size is judged by a test of its own, whatever the size of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from planted_drifts import CRITICAL, WARNING, planted

import kldrift


@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_planted_drifts_have_the_same_severity_at_any_size(rows: int) -> None:
    scores = kldrift.compare(*planted(rows)).scores.set_index("feature")
    assert set(scores.index[scores["severity"].isin(["warning", "critical"])]) == {
        *WARNING,
        *CRITICAL,
    }
    assert set(scores.index[scores["severity"] == "critical"]) >= {*CRITICAL}
    assert (scores.loc["up_0.1", "severity"], scores.loc["dies", "severity"]) == ("ok", "critical")


def test_a_rare_class_that_grows_is_found_by_its_share_although_kl_is_small() -> None:
    before, now = (
        pd.DataFrame({"label": np.where(np.arange(200_000) < rare, "fraud", "fine")})
        for rare in (200, 2_400)
    )
    limit = {"value_share_change": {"warning": 0.005}}
    (row,) = kldrift.compare(before, now, thresholds=limit).scores.to_dict("records")
    assert row["severity"] == "warning"
    assert row["value_share_change"] == pytest.approx(0.011)


def test_the_share_of_nulls_and_of_names_never_seen_are_scores() -> None:
    before = pd.DataFrame({"name": ["a"] * 60 + ["b"] * 40})
    now = pd.DataFrame({"name": ["a"] * 60 + ["c"] * 30 + [None] * 10})
    (row,) = kldrift.compare(before, now).scores.to_dict("records")
    assert row["null_share_change"] == pytest.approx(0.1)
    assert row["never_seen_current"] == pytest.approx(0.3)
