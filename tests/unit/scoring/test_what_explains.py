"""What was done to a column is said where counts tell, and nothing where they do not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import kldrift

RNG = np.random.default_rng(5)
ROWS = 5_000


def amounts():
    return RNG.gamma(2, 30, ROWS)


DONE = {
    "a factor of 100": lambda x: 100 * x,
    "a factor of 0.001": lambda x: x / 1000,
    "the same values with a flipped sign": lambda x: -x,
    "1 / x": lambda x: 1 / x,
    "a factor of 60": lambda x: 60 * x,
    "a change of Fahrenheit to Celsius": lambda x: (x - 32) / 1.8,
    "the values are rounded to 100 now": lambda x: np.round(x / 100) * 100,
    "the values are rounded down to 100 now": lambda x: np.floor(x / 100) * 100,
    "values above 90 are 90 now": lambda x: np.minimum(x, 90),
    "values below 20 are 20 now": lambda x: np.maximum(x, 20),
    "0 in place of nulls": lambda x: np.where(RNG.random(ROWS) < 0.1, 0, x),
}


def _explained_share(reason, what):
    """How much of a change something explains, in percent; all of it where nothing is said."""
    if reason.startswith(f"{what};"):
        return 100.0
    _, named, rest = reason.partition(f"explained by {what}")
    assert named
    share = rest.partition(";")[0]
    return float(share.removeprefix(" (").removesuffix(" % of the change)") or 100)


@pytest.mark.parametrize("what", DONE)
def test_what_was_done_is_named(what):
    before = amounts()
    if "null" in what:
        before = np.where(RNG.random(ROWS) < 0.1, np.nan, before)
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": DONE[what](amounts())})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["severity"] != "ok"
    assert _explained_share(row["reason"], what) >= 90


def test_integers_in_another_unit_and_a_constant_are_named():
    before = pd.DataFrame({"n": RNG.poisson(300, ROWS), "c": RNG.normal(5, 1, ROWS)})
    now = pd.DataFrame({"n": 10 * RNG.poisson(300, ROWS), "c": RNG.normal(6, 1, ROWS)})
    reasons = kldrift.compare(before, now).scores.set_index("feature")["reason"]
    assert "explained by a factor of 10;" in reasons["n"]
    assert re.search(r"explained by adding about (0\.9\d?|1(\.0\d?)?);", reasons["c"])


@pytest.mark.parametrize("what", ["a factor of 10", "a factor of 0.001"])
def test_another_unit_is_named_although_many_numbers_are_zero(what):
    def paid():
        return np.where(RNG.random(ROWS) < 0.3, 0.0, np.round(amounts() / 10, 2))

    done = {**DONE, "a factor of 10": lambda x: 10 * x}
    frames = pd.DataFrame({"x": paid()}), pd.DataFrame({"x": done[what](paid())})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert f"explained by {what};" in row["reason"]


@pytest.mark.parametrize("filled", [0.006, 0.03])
def test_few_zeros_in_place_of_nulls_are_named(filled):
    x = np.where(RNG.random(20_000) < filled, np.nan, RNG.integers(1, 9, 20_000))
    frames = pd.DataFrame({"x": x}), pd.DataFrame({"x": np.nan_to_num(x)})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["severity"] != "ok"
    assert "explained by 0 in place of nulls" in row["reason"]


def test_numbers_between_the_steps_were_not_rounded():
    x = RNG.choice([-0.5, 0.0, 0.5], ROWS, p=[0.002, 0.008, 0.99])
    frames = pd.DataFrame({"x": x}), pd.DataFrame({"x": x + 0.035})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["severity"] == "critical"
    assert "rounding" not in row["reason"]


@pytest.mark.parametrize("change", ["power", "wider"])
def test_what_is_none_of_these_is_not_explained(change):
    x = amounts()
    now = {"power": x**1.3, "wider": 60 + 1.7 * (x - 60)}
    frames = pd.DataFrame({"x": amounts()}), pd.DataFrame({"x": now[change]})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["severity"] != "ok"
    assert "explained" not in row["reason"]


def test_what_was_done_to_numbers_explains_no_nulls():
    fee = RNG.choice([2.5, 0.0, -2.5], ROWS, p=[0.9, 0.09, 0.01])
    now = np.where(np.arange(ROWS) < 0.6 * ROWS, np.nan, 0.0)
    frames = pd.DataFrame({"fee": fee}), pd.DataFrame({"fee": now})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    share = (fee == 2.5).mean()
    assert row["reason"].startswith(f"the value 2.5 is gone: it had {share:.1%}".replace("%", " %"))
    assert "explained" not in row["reason"]
    few = np.where(np.arange(ROWS) < 0.08 * ROWS, np.nan, 100 * amounts())
    frames = pd.DataFrame({"x": amounts()}), pd.DataFrame({"x": few})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert 90 <= _explained_share(row["reason"], "a factor of 100") <= 96
    (row,) = kldrift.compare(*frames, missing="exclude").scores.to_dict("records")
    assert "explained by a factor of 100;" in row["reason"]


@pytest.mark.parametrize(("before", "now"), [(5, 3), (5, 7), (-5.0, 3.0)])
def test_another_constant_is_explained_by_its_difference_alone(before, now):
    frames = pd.DataFrame({"x": [before] * 100}), pd.DataFrame({"x": [now] * 100})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["severity"] == "critical"
    assert "1 / x" not in row["reason"]
    assert "rounding" not in row["reason"]


def test_categories_under_other_names_are_told_from_such_that_are_gone():
    def names(*words):
        return pd.DataFrame({"pay": RNG.choice(words, ROWS, p=[0.5, 0.3, 0.2])})

    before = names("card", "cash", "other")
    (row,) = kldrift.compare(before, names("CARD", "CASH", "other")).scores.to_dict("records")
    assert row["reason"].startswith("renamed: 'card' is now 'CARD' (")
    assert "'cash' is now 'CASH' (" in row["reason"].split(";")[0]
    (row,) = kldrift.compare(before, names("wallet", "cash", "card")).scores.to_dict("records")
    assert "renamed" not in row["reason"]


def test_whole_numbers_are_not_moved_by_fractions():
    before = RNG.integers(1, 7, ROWS)
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": before - (RNG.random(ROWS) < 0.2)})
    assert "explained" not in kldrift.compare(*frames).scores["reason"][0]
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": before + 2})
    reason = kldrift.compare(*frames).scores["reason"][0]
    assert reason.startswith("the same values, all larger by 2; js ")


def test_numbers_beyond_all_of_the_reference_are_not_their_inverses_for_that():
    before, now = RNG.uniform(0.02, 0.58, ROWS), RNG.uniform(0.6, 1, ROWS)
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": now})
    assert "1 / x" not in kldrift.compare(*frames).scores["reason"][0]


@pytest.mark.parametrize("values", ["amounts", "codes", "far from 0"])
def test_numbers_that_are_a_tenth_larger_are_told_from_such_that_a_constant_was_added_to(values):
    rng = np.random.default_rng(3)

    def drawn():
        if values == "codes":
            return rng.choice([1.0, 2, 3, 4], ROWS)
        return rng.gamma(9, 30, ROWS) if values == "amounts" else rng.normal(41.9, 0.04, ROWS)

    (row,) = kldrift.compare(
        *(pd.DataFrame({"x": x}) for x in (drawn(), 1.1 * drawn()))
    ).scores.to_dict("records")
    factor = (
        row["reason"]
        .split("explained by a factor of about ")[1]
        .partition(";")[0]
        .partition(" ")[0]
    )
    assert float(factor) == pytest.approx(1.1, abs=0.03)
    moved = drawn() + 0.4 * np.std(drawn())
    (row,) = kldrift.compare(*(pd.DataFrame({"x": x}) for x in (drawn(), moved))).scores.to_dict(
        "records"
    )
    added = {"codes": "", "amounts": "40", "far from 0": "0.015"}[values]
    if added:
        assert f"; explained by adding about {added};" in row["reason"]
    else:
        assert row["reason"].startswith("the same values, all larger by 0.45032; ")


def test_what_was_added_is_no_difference_of_means_that_may_be_chance():
    grid = np.rint(np.sort(RNG.lognormal(3, 1, 200)) * 100)
    shares = 1 / (1 + RNG.permutation(200))
    before, now = (RNG.choice(grid, 5_000, p=shares / shares.sum()) for _ in range(2))
    now[:2], before[:2] = grid[[0, -1]], grid[[0, -1]]
    frames = (pd.DataFrame({"x": x.astype(np.int64)}) for x in (before, now - 1))
    (reason,) = kldrift.compare(*frames).scores["reason"]
    assert reason.startswith("the same values, all smaller by 1; ")


def test_small_numbers_are_not_said_to_be_the_inverse_of_large_ones():
    before, now = (RNG.binomial(15, 0.6, 5_000) + 1.0 for _ in range(2))
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": now / 60})
    (reason,) = kldrift.compare(*frames).scores["reason"]
    assert "1 / x" not in reason


def test_inverses_of_the_smallest_doubles_explain_nothing():
    before, now = RNG.uniform(0.02, 0.58, ROWS), RNG.uniform(0.6, 1, ROWS)
    before[:3] = 5e-324
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": now})
    (reason,) = kldrift.compare(*frames).scores["reason"]
    assert "1 / x" not in reason


def test_a_few_nulls_that_are_a_spike_now_are_not_said_to_be_zeros():
    before = np.where(RNG.random(ROWS) < 0.02, np.nan, np.rint(RNG.normal(10, 20, ROWS)))
    now = np.where(RNG.random(ROWS) < 0.05, 39, before)
    (reason,) = kldrift.compare(pd.DataFrame({"x": before}), pd.DataFrame({"x": now})).scores[
        "reason"
    ]
    assert " rose from " in reason
    assert "0 in place of nulls" not in reason


def test_a_constant_is_not_told_of_numbers_that_follow_the_others():
    frames = (pd.DataFrame({"x": RNG.uniform(i, i + 1, ROWS)}) for i in (0, 1))
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["reason"].startswith("shifted up by 3.")
    assert "explained" not in row["reason"]


def test_whole_numbers_are_not_rounded_to_what_they_are_multiples_of():
    sides = (np.arange(50_000) < rows for rows in (30, 2_100))
    before, now = (pd.DataFrame({"cancelled": side.astype(int)}) for side in sides)
    (row,) = kldrift.compare(before, now).scores.to_dict("records")
    assert row["reason"].startswith("the value 1 rose from 0.06 % to 4.2 % of the rows;")
    assert "explained" not in row["reason"]


@pytest.mark.parametrize("step", [0.1, 0.01])
def test_decimals_are_rounded_however_their_doubles_are(step):
    """Three times 0.1 is a little more than 0.3, and 1.1 / 0.1 a little more than 11."""
    rng = np.random.default_rng(0)
    before, now = (np.round(rng.gamma(2, 3 * step, 20_000) / step, 1) * step for _ in range(2))
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": np.round(now / step) * step})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["reason"].startswith(f"the values are rounded to {step} now;")


@pytest.mark.parametrize(("rows", "said"), [(1_000, "5[0-9]"), (20_000, r"1\.2[456]")])
def test_a_factor_that_was_fitted_has_no_more_digits_than_are_sure(rows, said):
    rng, factor = np.random.default_rng(0), 55 if rows == 1_000 else 1.25
    before, now = (rng.lognormal(7, 0.4, rows) for _ in range(2))
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": factor * now})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert re.search(rf"explained by a factor of about ({said})[; ]", row["reason"])


@pytest.mark.parametrize(
    ("by", "rows", "said"),
    [(5, 3_000, "5 later"), (-7, 20_000, "7 earlier"), (12, 3_000, "12 later")],
)
def test_a_change_of_time_zone_is_named_by_its_hours(by, rows, said):
    rng = np.random.default_rng(0)
    weights = 2 + np.sin(np.arange(24) / 24 * 2 * np.pi) + (np.arange(24) == 8)
    days = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 28, 2 * rows), "D")
    hours = rng.choice(24, 2 * rows, p=weights / weights.sum())
    times = days + pd.to_timedelta(hours, "h")
    before = pd.DataFrame({"at": times[:rows]})
    now = pd.DataFrame({"at": times[rows:] + pd.Timedelta(hours=by)})
    scores = kldrift.compare(before, now, override={"at": {"parts": ["hour"]}}).scores
    (reason,) = scores["reason"]
    assert reason.startswith(f"all hours are {said} than in the reference; js ")


def test_other_hours_are_no_change_of_time_zone():
    rng = np.random.default_rng(0)
    weights = 2 + np.sin(np.arange(24) / 24 * 2 * np.pi)
    sides = []
    for w in (weights, np.where(np.arange(24) == 4, 4 * weights, weights)):
        at = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.choice(24, 5_000, p=w / w.sum()), "h")
        sides.append(pd.DataFrame({"at": at}))
    (row,) = kldrift.compare(*sides, override={"at": {"parts": ["hour"]}}).scores.to_dict("records")
    assert row["reason"].startswith("the value 4 rose from ")


def _reason(before, now, **options):
    frames = (pd.DataFrame({"x": x}) for x in (before, now))
    (row,) = kldrift.compare(*frames, **options).scores.to_dict("records")
    assert row["severity"] != "ok"
    return row["reason"]


LIMIT = {
    "the limit of detection halved": (
        lambda rng: np.maximum(np.round(rng.lognormal(0, 1, 30_000), 2), 0.5),
        lambda x: np.where(x == 0.5, 0.25, x),
    ),
    "a sentinel that is 0 now": (
        lambda rng: np.where(rng.random(30_000) < 0.07, -1, rng.integers(0, 500, 30_000)),
        lambda x: np.maximum(x, 0),
    ),
    "last year left out": (
        lambda rng: 2025 - np.minimum(rng.geometric(0.12, 30_000), 40),
        lambda x: x[x < 2024],
    ),
}


@pytest.mark.parametrize("what", LIMIT)
def test_one_value_that_moved_is_no_constant_or_factor_of_all(what):
    drawn, done = LIMIT[what]
    one, other = (np.random.default_rng([30_000, side, 0]) for side in (1, 2))
    reason = _reason(drawn(one), done(drawn(other)))
    assert "a factor" not in reason
    assert "adding" not in reason
    assert "subtracting" not in reason
    assert "the same values" not in reason


CUT = {
    "no values are below 18 now: 6.": lambda x: x[x >= 18],
    "no values are above 60 now: 8.": lambda x: x[x <= 60],
    "no values are below 18 or above 60 now: 15.": lambda x: x[(x >= 18) & (x <= 60)],
}


@pytest.mark.parametrize("what", CUT)
def test_rows_that_were_cut_off_at_an_end_are_said_first(what):
    def ages(seed):
        return np.clip(np.random.default_rng(seed).normal(41, 15, 40_000), 0, 99).astype(int)

    reason = _reason(ages(1), CUT[what](ages(2)), alpha=0.05)
    assert reason.startswith(what)
    assert "explained" not in reason


MIRRORED = {
    "6 - x": (lambda rng: rng.choice([1, 2, 3, 4, 5], 5_000, p=[0.1, 0.1, 0.2, 0.2, 0.4]), 6),
    "1 - x": (lambda rng: np.round(rng.beta(2, 5, 5_000), 3), 1),
    "100 - x": (lambda rng: 100 * rng.beta(2, 5, 5_000), 100),
    "2025 - x": (lambda rng: rng.choice(99, 5_000, p=np.arange(99) / 4851), 2025),
    "the same values with a flipped sign": (lambda rng: rng.normal(-50, 120, 5_000), 0),
}


@pytest.mark.parametrize("what", MIRRORED)
def test_a_scale_that_is_read_from_its_other_end_is_named(what):
    drawn, total = MIRRORED[what]
    reason = _reason(drawn(np.random.default_rng(1)), total - drawn(np.random.default_rng(2)))
    assert _explained_share(reason, what) == 100.0


@pytest.mark.parametrize("rows", [1_000, 5_000])
@pytest.mark.parametrize("factor", [10, 0.1])
def test_another_unit_is_a_shift_whichever_score_decided(factor, rows):
    for seed in range(4):
        before, now = np.random.default_rng(seed).exponential(3, (2, rows))
        now *= np.random.default_rng(seed).random(rows) < 0.5
        before *= np.random.default_rng(seed + 9).random(rows) < 0.5
        way = "up" if factor > 1 else "down"
        assert re.match(
            rf"shifted {way} by [\d.]+ standard deviations?: the mean \w+ from [\d.]+ to [\d.]+; "
            rf"explained by a factor of {factor:g}[ ;]",
            _reason(before, factor * now),
        )


def test_other_temperatures_are_not_read_from_the_other_end():
    """Of a bell around 0.3 and one around 0.7, ``1 - x`` leaves what their widths differ by."""
    before, now = (np.random.default_rng(seed).normal(size=5_000) for seed in (1, 2))
    cold, warm = (0.3 + 0.12 * before).clip(0, 1), (0.706 + 0.135 * now).clip(0, 1)
    reason = _reason(cold, warm)
    assert reason.startswith("shifted up by ")
    assert "1 - x" not in reason


def test_fewer_nulls_beside_numbers_that_moved_are_not_one_value_now():
    """Delays of flights of which fewer were cancelled: most of a range came about more often."""
    rng = np.random.default_rng(1)
    before, now = (np.rint(rng.normal(-3, spread, 50_000)) for spread in (5.0, 4.42))
    for delays, cancelled in ((before, 0.021), (now, 0.009)):
        delays[rng.random(50_000) < cancelled] = np.nan
    assert "in place of nulls" not in _reason(before, now)


def test_minus_signs_that_are_lost_are_named_and_not_where_all_numbers_are_others():
    one, other = np.random.default_rng(1), np.random.default_rng(2)
    lost = _reason(one.normal(12, 7, 20_000), abs(other.normal(12, 7, 20_000)))
    assert lost.startswith("the same values without minus signs;")
    elsewhere = _reason(one.uniform(-45, -35, 5_000), other.uniform(168, 178, 5_000))
    assert "explained" not in elsewhere


def test_kelvins_are_named():
    one, other = np.random.default_rng(1), np.random.default_rng(2)
    reason = _reason(one.normal(12, 7, 5_000), other.normal(12, 7, 5_000) + 273.15)
    assert "explained by a change of Celsius to kelvins;" in reason


def test_few_values_that_were_doubled_are_said_to_be_whatever_their_means_are():
    rng = np.random.default_rng(1)
    before, now = rng.choice([1, 2, 3, 4, 5], (2, 100_000), p=[0.05, 0.05, 0.15, 0.35, 0.4])
    before, now = sorted(
        (before, now), key=np.mean, reverse=True
    )  # so that the fitted factor is below 2
    assert "explained by a factor of about 2;" in _reason(before, 2 * now)


def test_few_rows_that_are_whole_numbers_now_are_said_to_be():
    before, now = np.random.default_rng(3).normal(20, 5, (2, 1_000)).round(1)
    reason = _reason(before, np.trunc(now))
    assert reason.startswith("the values are whole numbers now; ")


def test_halves_that_are_rounded_to_even_numbers_are_rounded():
    stars = [np.random.default_rng(seed).integers(2, 11, 5_000) / 2 for seed in (1, 2)]
    rounded = _reason(stars[0], np.round(stars[1]))
    assert rounded.startswith("the values are rounded to whole numbers now;")


def test_shares_next_to_0_are_rounded_down_as_all_others_are():
    shares = [np.random.default_rng(seed).beta(0.5, 0.5, 20_000) for seed in (1, 2)]
    reason = _reason(shares[0], np.floor(100 * shares[1]) / 100)
    assert reason.startswith("the values are rounded down to 0.01 now;")


@pytest.mark.parametrize(
    ("part", "later", "what"),
    [("hour", 3_600, "all hours are 1 later"), ("weekday", 86_400, "all days of the week are 1")],
)
def test_all_hours_of_an_office_moved_although_it_is_closed_at_night(part, later, what):
    def times(seed):
        rng = np.random.default_rng(seed)
        hours = np.clip(rng.normal(13, 2.5, 10_000), 8, 18)
        days = rng.choice(5, 10_000, p=[0.4, 0.2, 0.15, 0.15, 0.1])
        return pd.Timestamp("2025-03-03") + pd.to_timedelta(86_400 * days + 3_600 * hours, "s")

    moved = times(2) + pd.Timedelta(seconds=later)
    reason = _reason(times(1), moved, override={"x": {"parts": [part]}})
    assert reason.startswith(what)


@pytest.mark.parametrize(
    ("value", "named"), [(100, "100"), (-1, "-1"), (0, "0"), (100.37, "values from 100.")]
)
def test_any_value_in_place_of_nulls_is_named(value, named):
    def weights(seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(100, 15, 10_000)
        return np.where(rng.random(10_000) < 0.6, np.nan, x if value % 1 else np.round(x))

    reason = _reason(weights(1), np.nan_to_num(weights(2), nan=value))
    assert re.match(r"nulls fell from (59|60)\.\d % to 0\.0 % of the rows, with ", reason)
    assert f"with {named}" in reason
    assert f"explained by {named}" in reason


def test_several_values_in_place_of_nulls_are_not_called_one():
    rng = np.random.default_rng(3)
    x = np.where(rng.random(10_000) < 0.5, np.nan, rng.normal(100, 15, 10_000))
    filled = np.where(np.isnan(x), rng.uniform(-500, -1, 10_000), x)
    assert "in place of nulls" not in _reason(x, filled)


def test_times_that_moved_by_a_month_are_not_read_from_their_other_end():
    first, hour = 1_735_689_600_000, 3_600_000
    times = [first + np.random.default_rng(s).integers(0, 720 * hour, 10_000) for s in (1, 2)]
    assert " - x" not in _reason(times[0], times[1] + 720 * hour)


def test_zeros_that_are_left_out_are_no_floor():
    counts = [np.random.default_rng([10_000, s, 23]).poisson(0.3, 10_000) for s in (1, 2)]
    reason = _reason(counts[0], counts[1][counts[1] > 0])
    assert reason.startswith("the value 0 is gone: it had 7")
    assert "explained" not in reason


def test_an_inverted_flag_says_how_its_share_changed():
    flags = [(np.random.default_rng(seed).random(5_000) < 0.12).astype(int) for seed in (1, 2)]
    reason = _reason(flags[0], 1 - flags[1])
    assert reason.startswith("the value 1 rose from 1")
    assert "explained by 1 - x;" in reason


@pytest.mark.parametrize("factor", [100, 2, 0.01])
def test_a_factor_is_told_as_it_was_or_not_at_all(factor: float) -> None:
    told = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        for before, now in (rng.exponential(20, (2, 2_000)), rng.lognormal(3, 2, (2, 2_000))):
            frames = (pd.DataFrame({"x": x}) for x in (before, factor * now))
            reason = kldrift.compare(*frames).scores["reason"].fillna("")[0]
            said = re.search(r"a factor of (?:about )?([0-9.]+)", reason)
            told += [] if said is None else [float(said[1].rstrip("."))]
    assert len(told) >= 12
    assert told == pytest.approx([factor] * len(told), rel=0.1 if factor == 2 else 1e-6)


@pytest.mark.parametrize(("times", "share"), [(1_000, 0.33), (10, 0.5), (60, 0.2)])
@pytest.mark.parametrize("many", [True, False], ids=["amounts", "prices"])
def test_another_unit_of_a_part_of_the_rows_is_named(times, share, many):
    rng = np.random.default_rng(0)
    few = [4.99, 9.99, 19.99, 49.99]
    before, now = (rng.gamma(2, 30, 20_000) if many else rng.choice(few, 20_000) for _ in range(2))
    reason = _reason(before, np.where(rng.random(20_000) < share, times * now, now))
    said = re.search(r"explained by a factor of about ([\d,]+) for about (\d+) % of", reason)
    assert said is not None
    assert said[1] == f"{times:,}"
    assert int(said[2]) == pytest.approx(100 * share, abs=1.5)


@pytest.mark.parametrize("value", [0.0, 6_000.0, 9_999.0])
def test_many_rows_at_one_number_are_no_other_unit_of_a_part(value):
    rng = np.random.default_rng(0)
    before, now = rng.gamma(2, 30, (2, 20_000))
    assert "for about" not in _reason(before, np.where(rng.random(20_000) < 0.1, value, now))
