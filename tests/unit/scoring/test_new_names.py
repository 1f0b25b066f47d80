"""One new name with many rows is found however many new names there are anyway."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.scoring.new_names import MostFrequentNew
from kldrift.statistics.shared_names import SharedNames

ROWS = 10_000
NAMES = np.array([f"v{i}" for i in range(20_000)], dtype=object)


def sides(share: float, seed: int = 0, current: int = ROWS) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    before, now = rng.choice(NAMES, ROWS), rng.choice(NAMES, current)
    now[rng.random(current) < share] = "brandnew"
    return pd.DataFrame({"x": before}), pd.DataFrame({"x": now})


@pytest.mark.parametrize(
    ("share", "severity"), [(0.0, "ok"), (0.01, "warning"), (0.05, "critical")]
)
@pytest.mark.parametrize("current", [ROWS, 100_000])
def test_a_new_name_among_many_new_ones_is_judged_by_its_share(share, severity, current):
    (found,) = kldrift.compare(*sides(share, current=current)).scores.to_dict("records")
    assert found["severity"] == severity
    if share:
        assert found["value_share_change"] == pytest.approx(share, rel=0.1)
        assert found["p_value"] < 1e-6
        assert found["reason"].startswith("'brandnew' is new, with ")


@pytest.mark.parametrize(("before", "now"), [(30, 300), (300, 300), (300, 30_000), (3_000, 3_000)])
@pytest.mark.parametrize("power", [0.0, 0.7, 1.5])
def test_quiet_names_are_ok_however_many_are_new(before, now, power):
    rng = np.random.default_rng(before + now)
    weights = np.arange(1.0, 5_001) ** -power
    both = (
        pd.DataFrame(
            {f"x{i}": rng.choice(NAMES[:5_000], n, p=weights / weights.sum()) for i in range(20)}
        )
        for n in (before, now)
    )
    keep = {f"x{i}": {"keep": True} for i in range(20)}
    found = kldrift.compare(*both, override=keep).scores
    assert {*found["severity"]} == {"ok"}


def test_a_name_of_one_reference_row_may_be_the_most_frequent_new_one():
    """Such rows stand for names that were never seen; of 100 rows its share may be anything."""
    x, n, m, once, names = (np.array([value]) for value in (300, 30_000, 100, 1, 50))
    none = np.zeros((1, 5))
    shared = SharedNames(none[:, 0], none[:, 0], x, none, none, n, m)
    new = MostFrequentNew(x, n, m, once, names, n, shared)
    assert new.above_p(np.array([0.005]), np.ones(1))[0] == 1.0


def test_a_new_name_is_the_most_frequent_of_no_more_than_fit_among_all_new_rows():
    x, n, once, names, unseen = (np.array([value]) for value in (88, 10_000, 1, 300, 600))
    none = np.zeros((1, 5))
    shared = SharedNames(none[:, 0], none[:, 0], x, none, none, n, n)
    few, many = (
        MostFrequentNew(x, n, n, once, names, together, shared).above_p(
            np.array([0.005]), np.ones(1)
        )[0]
        for together in (unseen, n)
    )
    assert few < 0.01 < many
    assert many == pytest.approx(few * 200 / 12)


def test_missing_values_that_are_left_out_are_no_rows_of_names():
    before, now = sides(0.05)
    now.loc[::2, "x"] = None
    shares = [
        kldrift.compare(before, now, missing=missing).scores["value_share_change"][0]
        for missing in ("cell", "exclude")
    ]
    assert shares[1] == pytest.approx(0.05, rel=0.1)
    assert shares[0] == pytest.approx(0.5, rel=0.1)


def compared(before: np.ndarray, now: np.ndarray) -> list[dict[str, object]]:
    sides = (pd.DataFrame({"x": side}) for side in (before, now))
    found = kldrift.compare(*sides, override={"x": {"keep": True}})
    return found.scores.to_dict("records")


def first_sentence(before: np.ndarray, now: np.ndarray) -> str:
    (found,) = kldrift.compare(
        *(pd.DataFrame({"x": side}) for side in (before, now)), override={"x": {"keep": True}}
    ).scores["reason"]
    return str(found).split(";")[0]


def test_that_all_names_are_new_is_said_also_where_most_were_to_be_expected():
    rng = np.random.default_rng(0)
    before, now = (np.array([f"{side}{i}" for i in rng.integers(0, 5_000, 1_000)]) for side in "on")
    said = first_sentence(before, now)
    assert said.startswith("nearly all values are new to the reference, and 8")
    assert " % of them were to be expected: 'n" in said


def test_of_more_names_than_are_known_the_new_ones_are_so_many_at_least():
    before, now = (np.array([f"{side}{i}" for i in range(70_000)]).repeat(2) for side in "on")
    said = first_sentence(before, now)
    assert said.startswith("at least 9")
    assert " % of the rows have values that the reference never had: 'n" in said


def test_half_of_names_of_about_a_row_gone_is_seen_by_rows_that_share_a_new_one():
    rng = np.random.default_rng(0)
    frames = (
        pd.DataFrame({f"x{i}": rng.choice(NAMES[:10_000:step], 8_000) for i in range(4)})
        for step in (1, 2)
    )
    assert "ok" not in {*kldrift.compare(*frames).scores["severity"]}


def test_fewer_different_names_are_said():
    rng = np.random.default_rng(3)
    before = rng.choice(NAMES, ROWS)
    now = np.where(rng.random(ROWS) < 0.8, rng.choice(NAMES[:1_500], ROWS), rng.choice(NAMES, ROWS))
    (said,) = kldrift.compare(*(pd.DataFrame({"x": x}) for x in (before, now))).scores["reason"]
    assert said.startswith(
        "fewer different names than before: rows share a new one 8.9 times as often "
    )


def test_a_known_name_is_not_new_where_no_rare_one_has_a_cell():
    before = np.array(["a"] * 500 + ["b"] * 500 + ["once"], dtype=object)
    (found,) = compared(before, np.array(["a"] * 450 + ["b"] * 450 + ["once"] * 100, dtype=object))
    assert found["severity"] == "critical"
    assert "is new" not in found["reason"]
