"""Each metric of a change's size is judged by a test of its own, whatever the size of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kldrift

LIMITS = {
    "js": {"warning": 0.004, "critical": 0.02},
    "value_share_change": {"warning": 0.005, "critical": 0.02},
    "bin_share_change": {"warning": 0.0125},
    "null_share_change": {"warning": 0.005, "critical": 0.02},
    "wasserstein_std": {"warning": 0.1},
}


def planted(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A reference and a current dataset of features named after what was done to them."""
    rng = np.random.default_rng(0)
    before, now = {}, {}

    def add(name: str, x: np.ndarray, y: np.ndarray) -> None:
        before[name], now[name] = x, y

    def normal() -> np.ndarray:
        return rng.normal(size=n)

    add("quiet", normal(), normal())
    add("up_0.1", normal(), normal() + 0.1)
    add("up_0.3", normal(), normal() + 0.3)
    add("up_0.5", normal(), normal() + 0.5)
    add("wider_1.2", normal(), normal() * 1.2)
    add("wider_1.5", normal(), normal() * 1.5)
    add("nulls_1", normal(), np.where(np.arange(n) < n // 100, np.nan, normal()))
    add("nulls_5", normal(), np.where(np.arange(n) < n // 20, np.nan, normal()))
    add("spike_3", normal(), np.where(np.arange(n) < 3 * n // 100, 0.123, normal()))
    add("dies", *(np.where(rng.random(n) < share, -1.0, normal()) for share in (0.92, 1.0)))

    def names(shares: list[float]) -> np.ndarray:
        return rng.choice(list("abcdefg")[: len(shares)], n, p=shares)

    usual = [0.4, 0.25, 0.15, 0.1, 0.1]
    add("names_quiet", names(usual), names(usual))
    for name, new in (("new_1", 0.01), ("new_5", 0.05)):
        add(name, names(usual), names([*(np.array(usual) * (1 - new)), new]))
    add("lost_10", names(usual), names([0.44, 0.28, 0.17, 0.11, 0.0]))
    add("swapped", names(usual), names([0.4, 0.15, 0.25, 0.1, 0.1]))
    for i in range(50 - len(before)):
        add(f"noise_{i}", normal(), normal())
    return pd.DataFrame(before), pd.DataFrame(now)


CRITICAL = {"up_0.5", "wider_1.5", "new_5", "lost_10", "nulls_5", "dies"}
ALARMS = {"up_0.3", "wider_1.2", "new_1", "nulls_1", "spike_3", "swapped", *CRITICAL}


@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_planted_drifts_have_the_same_severity_at_any_size(rows: int) -> None:
    scores = kldrift.compare(*planted(rows), thresholds=LIMITS).scores.set_index("feature")
    assert set(scores.index[scores["severity"].isin(["warning", "critical"])]) == ALARMS
    assert set(scores.index[scores["severity"] == "critical"]) >= CRITICAL
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
