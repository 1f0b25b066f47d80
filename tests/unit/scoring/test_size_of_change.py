"""Each metric of a change's size is judged by a test of its own, whatever the size of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from planted_drifts import CRITICAL, WARNING, planted

import kldrift
from kldrift.statistics.spikes import largest_spike, spike_above_p


@pytest.mark.parametrize("rows", [10_000, 100_000])
def test_planted_drifts_have_the_same_severity_at_any_size(rows: int) -> None:
    scores = kldrift.compare(*planted(rows)).scores.set_index("feature")
    assert set(scores.index[scores["severity"].isin(["warning", "critical"])]) == {
        *WARNING,
        *CRITICAL,
    }
    assert set(scores.index[scores["severity"] == "critical"]) >= {*CRITICAL}
    assert (scores.loc["up_0.1", "severity"], scores.loc["dies", "severity"]) == ("ok", "critical")


def test_planted_drifts_are_found_also_where_they_are_the_only_ones_among_fifty_features() -> None:
    before, now = planted(10_000, seed=18)
    for names, severities in ((WARNING, {"warning", "critical"}), (CRITICAL, {"critical"})):
        for name in names:  # an only one is found where its p-value is below a fiftieth of alpha
            alone = kldrift.compare(before[[name]], now[[name]], alpha=0.01 / 50)
            assert alone.scores["severity"][0] in severities, name


def test_a_small_shift_is_no_spike_however_many_rows_there_are() -> None:
    edges = scipy.stats.norm.ppf(np.arange(1, 128) / 128)
    q, p = (np.diff(scipy.stats.norm.cdf([-np.inf, *(edges - x), np.inf])) for x in (0, 0.1))
    rows = (np.round(side * 1e9).astype(np.int64)[None] for side in (p, q))
    assert largest_spike(*rows, np.ones((1, 128), bool), np.ones((1, 128), bool))[0] < 0.005


def test_a_new_price_beside_a_frequent_one_is_told_from_one_that_moved() -> None:
    usual = np.full((3, 101), 83)
    usual[:, 0] = 1_700
    now = usual.copy()
    now[:, 1] += 300
    now[1, 0] -= 300  # it moved
    now[2, 0] -= 200  # most of it did
    ranges, every = np.arange(101) > 0, np.ones((3, 101), dtype=bool)
    p_value = spike_above_p(now, usual, every, np.broadcast_to(ranges, (3, 101)), np.full(3, 0.01))
    assert p_value[0] < 0.01
    assert (p_value[1:] > 0.5).all()


def test_a_price_that_moves_a_little_is_no_spike_and_one_that_appears_is() -> None:
    rng = np.random.default_rng(0)
    prices, usual = np.round(rng.lognormal(3, 1, (2, 20_000)), 2), rng.random(20_000) < 0.03
    sides = [
        pd.DataFrame({"price": np.where(usual, x, prices[i])}) for i, x in enumerate((9.99, 9.95))
    ]
    scores = kldrift.compare(*sides).scores
    assert (scores["severity"][0], scores["bin_share_change"][0] < 0.01) == ("ok", True)
    sides[0]["price"] = prices[0]
    (row,) = kldrift.compare(*sides).scores.to_dict("records")
    assert (row["severity"], row["bin_share_change"]) == ("critical", pytest.approx(0.03, abs=5e-3))
    assert row["reason"].startswith("values from 9.")  # the narrow range, not a twentieth of all


@pytest.mark.parametrize("rows", [300, 20_000])
def test_a_flag_has_the_same_severity_whatever_its_type(rows: int) -> None:
    sides = [np.arange(rows) % 100 < share for share in (10, 20)]
    as_types = {"bool": bool, "int": int, "float32": np.float32, "float": float, "text": str}
    frames = [
        pd.DataFrame({name: side.astype(t) for name, t in as_types.items()}) for side in sides
    ]
    severities = kldrift.compare(*frames).scores["severity"]
    assert set(severities) == {"warning" if rows == 300 else "critical"}


def test_the_last_digit_of_a_double_is_no_tail() -> None:
    before = np.random.default_rng(0).choice([0.1, 0.2, 0.3], 10_000)
    scores = kldrift.compare(*(pd.DataFrame({"x": before + x}) for x in (0, 1e-16))).scores
    assert (scores["severity"][0], scores["tail_share_rise"][0]) == ("ok", 0.0)


SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "counts": lambda rng, n: 1.0 * rng.poisson(20, n),
    "prices": lambda rng, n: np.round(rng.lognormal(3, 1, n), 2),
    "half zeros": lambda rng, n: np.where(rng.random(n) < 0.5, 0, rng.exponential(size=n)),
}


@pytest.mark.parametrize("rows", [10_000, 100_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_many_rows_at_one_number_are_critical_at_any_size(shape: str, rows: int) -> None:
    rng, draw = np.random.default_rng(rows), SHAPES[shape]
    before = draw(rng, rows)
    middle = before[abs(before - before.mean()).argmin()]
    for value, name in ((middle, "known"), (middle + 0.371, "new")):
        for share in (0.03, 0.05):
            now = np.where(rng.random(rows) < share, value, draw(rng, rows))
            sides = (pd.DataFrame({name: side}) for side in (before, now))
            (row,) = kldrift.compare(*sides, alpha=0.01 / 50).scores.to_dict("records")
            # Of 900 rows at one count 3 % more are hardly above a point, one among fifty features.
            if (shape, share, name, rows) != ("counts", 0.03, "known", 10_000):
                assert row["severity"] == "critical", (name, share)


@pytest.mark.parametrize("mean", [3, 20])
def test_counts_that_are_all_larger_are_no_spike(mean: int) -> None:
    rng = np.random.default_rng(mean)
    before = 1.0 * rng.poisson(mean, 100_000)
    more = rng.random(100_000) < 0.3 * mean**0.5
    now = rng.poisson(mean, 100_000) + more
    frames = [pd.DataFrame({"x": side}) for side in (before, now)]
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert (row["severity"], row["bin_share_change"] < 0.01) == ("warning", True)


FEW_VALUES = {
    "counts of mean 0.3": lambda rng, n, by: rng.poisson(0.3 + by * 0.3**0.5, n),
    "counts of mean 1": lambda rng, n, by: rng.poisson(1 + by, n),
    "ratings to 5": lambda rng, n, by: np.digitize(rng.normal(by, 1, n), [-1.6, -1.3, -0.7, 0.2]),
    "ratings to 10": lambda rng, n, by: np.digitize(rng.normal(by, 1, n), np.linspace(-2, 1.5, 10)),
    "quantities": lambda rng, n, by: rng.geometric(1 / (2.5 + by * 1.94), n).clip(max=9),
}


@pytest.mark.parametrize("rows", [10_000, 100_000])
@pytest.mark.parametrize("numbers", FEW_VALUES)
def test_few_values_that_all_moved_are_judged_as_wide_numbers_are(numbers: str, rows: int) -> None:
    rng, draw = np.random.default_rng(rows), FEW_VALUES[numbers]
    before = pd.DataFrame({"x": draw(rng, rows, 0.0)})
    moved = {by: pd.DataFrame({"x": draw(rng, rows, by)}) for by in (0.1, 0.3, 0.5)}
    found = {
        by: kldrift.compare(before, now, alpha=0.01 / 50).scores["severity"][0]
        for by, now in moved.items()
    }
    assert found == {0.1: "ok", 0.3: "warning", 0.5: "critical"}


@pytest.mark.parametrize("numbers", FEW_VALUES)
def test_the_first_of_few_values_is_a_spike_where_the_others_do_not_say_so(numbers: str) -> None:
    rng, draw = np.random.default_rng(5), FEW_VALUES[numbers]
    before, now = (draw(rng, 100_000, 0.0) for _ in range(2))
    now = np.where(rng.random(100_000) < 0.15, before.min(), now)
    frames = (pd.DataFrame({"x": side}) for side in (before, now))
    (row,) = kldrift.compare(*frames, alpha=0.01 / 50).scores.to_dict("records")
    assert row["severity"] == "critical"
    assert row["reason"].startswith(f"the value {before.min()} rose from")


def test_a_rare_class_that_grows_is_found_by_its_share_although_kl_is_small() -> None:
    before, now = (
        pd.DataFrame({"label": np.where(np.arange(200_000) < rare, "fraud", "fine")})
        for rare in (200, 2_400)
    )
    limit = {"value_share_change": {"warning": 0.005}}
    (row,) = kldrift.compare(before, now, thresholds=limit).scores.to_dict("records")
    assert row["severity"] == "warning"
    assert row["value_share_change"] == pytest.approx(0.011)


def test_twice_as_many_nulls_are_found_although_they_are_few() -> None:
    before, now, quiet = (
        pd.DataFrame(
            {"x": np.where(np.arange(100_000) < nulls, np.nan, 1.0 * (np.arange(100_000) % 7))}
        )
        for nulls in (200, 600, 240)
    )
    (row,) = kldrift.compare(before, now).scores.to_dict("records")
    assert (row["severity"], row["null_share_ratio"]) == ("warning", 3.0)
    assert row["reason"].startswith("3 times as many nulls: from 0.2 % to 0.6 % of the rows;")
    (row,) = kldrift.compare(before, quiet).scores.to_dict("records")
    assert (row["severity"], row["null_share_ratio"]) == ("ok", 0.0)


def test_a_tail_is_judged_by_rows_beyond_it_and_says_which() -> None:
    scores = kldrift.compare(*planted(100_000)).scores.set_index("feature")
    reason = scores.loc["pay_top_3x", "reason"]
    assert "of the values are" in reason.split(";")[0]
    assert "or larger, and 0.1 % of the reference's" in reason.split(";")[0]
    assert scores.loc["pay_top_3x", "tail_share_rise"] == pytest.approx(0.009, abs=1e-3)


@pytest.mark.parametrize("shape", ["normal", "lognormal", "pareto"])
def test_tails_of_few_reference_rows_do_not_alarm_beside_many_current_ones(shape: str) -> None:
    rng, alarms = np.random.default_rng(1), 0
    draw = {
        "normal": rng.normal,
        "lognormal": rng.lognormal,
        "pareto": lambda **s: rng.pareto(2, **s),
    }
    for _ in range(5):
        sides = [pd.DataFrame(draw[shape](size=(n, 40))).add_prefix("x") for n in (150, 20_000)]
        limit = {"tail_share_rise": {"warning": 0.005}}
        found = kldrift.compare(*sides, thresholds=limit)
        alarms += int((found.scores["q_value"] < 0.01).sum())
    assert alarms <= 1  # 15 families of 40 tests, each at 1 %


def test_categories_that_exchanged_their_shares_are_said_to_have() -> None:
    scores = kldrift.compare(*planted(10_000)).scores.set_index("feature")
    assert "have exchanged their shares" in scores.loc["swapped", "reason"].split(";")[0]


def test_nulls_in_as_many_rows_of_several_features_are_named_together() -> None:
    rng = np.random.default_rng(0)
    before, now = (pd.DataFrame(rng.normal(size=(10_000, 6))).add_prefix("x") for _ in range(2))
    now.loc[:600, ["x1", "x2", "x3", "x4", "x5"]] = np.nan
    scores = kldrift.compare(before, now).scores.set_index("feature")
    assert scores.loc["x1", "reason"].startswith(
        "nulls rose from 0.0 % to 6.0 % of the rows, as many as in 'x2', 'x3', 'x4' and 1 more;"
    )


def test_a_value_that_lost_its_rows_to_nulls_is_said_to_have_more_nulls() -> None:
    """'1' fell by 10.2 points, and nulls rose by 10.0: a form that sends nulls lowered '1'."""
    sides = [(8_650, 850, 500), (7_630, 870, 1_500)]
    frames = [pd.DataFrame({"code": np.repeat(["1", "2", None], side)}) for side in sides]
    before, now = (one.assign(x=np.where(one["code"].isna(), np.nan, 1.5)) for one in frames)
    limits = {"value_share_change": {"warning": 0.005, "critical": 0.02}}
    scores = kldrift.compare(before, now, thresholds=limits).scores.set_index("feature")
    nulls = "3 times as many nulls: from 5.0 % to 15.0 % of the rows"
    assert scores.loc["code", "reason"].startswith(f"{nulls}, as many as in 'x'; ")


def test_the_share_of_nulls_and_of_names_never_seen_are_scores() -> None:
    before = pd.DataFrame({"name": ["a"] * 60 + ["b"] * 40})
    now = pd.DataFrame({"name": ["a"] * 60 + ["c"] * 30 + [None] * 10})
    (row,) = kldrift.compare(before, now).scores.to_dict("records")
    assert row["null_share_change"] == pytest.approx(0.1)
    cells = kldrift.compare(before, now).cells
    never = cells[cells["cell_kind"] == "never_seen"]
    assert never["label"].tolist() == ["'c'"]
    assert never["rows_current"].tolist() == [30]
    assert row["never_seen_current"] == pytest.approx(0.3)


def test_numbers_of_which_there_are_none_have_no_tail() -> None:
    before = pd.DataFrame({"x": np.full(500, np.nan), "y": np.arange(500) % 7})
    (row,) = (
        kldrift.compare(before, before).scores.set_index("feature").loc[["x"]].to_dict("records")
    )
    assert row["severity"] == "ok"
