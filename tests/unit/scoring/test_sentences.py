"""The first sentence of a reason says what happened; values are written as values."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.profiles.cells import CellKind
from kldrift.scoring.change import Change
from kldrift.scoring.sentences import cell_sentence, sentence

RNG = np.random.default_rng(0)
N = 6_000
BELL = RNG.normal(50, 10, N)
NAMES = RNG.choice(["a", "b", "c"], N, p=[0.5, 0.4, 0.1])
KINDS = {
    "shift": (BELL, RNG.normal(55, 10, N), "shifted up by 0.51 standard deviations"),
    "spread": (BELL, RNG.normal(50, 17, N), "spread 1.7 times as wide"),
    "wider, and a little higher": (BELL, RNG.normal(52, 20, N), "spread 2 times as wide;"),
    "narrow": (BELL, RNG.normal(50, 5, N), "spread narrowed to 50"),
    "a value": (
        np.arange(N) % 4 + 1,
        np.array([1, 2, 4])[np.arange(N) % 3],
        "the value 3 is gone: it had 25.0 % of the rows",
    ),
    "nulls where a category went": (
        np.array(["n", "n", "n", "n", "n", "n", "n", "n", "n", "y", None])[np.arange(N) % 11],
        np.array(["y", None])[np.arange(N) % 2],
        "'n' is gone: it had 81.8 %",
    ),
    "nulls": (BELL, np.where(np.arange(N) < 600, np.nan, BELL), "nulls rose from 0.0 % to 10.0 %"),
    "fewer nulls": (np.where(np.arange(N) < 600, np.nan, BELL), BELL, "nulls fell from 10.0 %"),
    "flag": (
        np.arange(N) % 10 // 9,
        np.arange(N) % 3 // 2,
        "the value 1 rose from 10.0 % to 33.3 % of the rows",
    ),
    "mean": (BELL, BELL * 10, "shifted up by 45 standard deviations: the mean rose from 49.9"),
    "smallest whole number": (
        np.arange(N) % 6 + 1,
        np.where(np.arange(N) % 12 == 5, 0, np.arange(N) % 6 + 1),
        "8.3 % of the values are below 1, the reference's smallest: the smallest is 0 now",
    ),
    "large whole numbers": (
        17_031_000_000 + np.arange(N) % 900,
        17_031_000_000 + np.where(np.arange(N) % 900 < 450, np.arange(N) % 900, 449),
        "values above 17031000449 are 17031000449 now;",
    ),
    "dead": (BELL, np.full(N, -200.0), "now one single value: "),
    "dead at a new name": (NAMES, np.full(N, "unknown"), "now one single value: 'unknown';"),
    "dead at a new name beside nulls": (
        NAMES,
        np.array(["unknown", None])[np.arange(N) % 2],
        "now one single value: 'unknown', beside 50.0 % nulls;",
    ),
    "another constant": (
        np.full(N, "eur"),
        np.full(N, "usd"),
        "all values are 'usd' now, and all were 'eur';",
    ),
    "dead decimals": (
        [Decimal(f"{x:.2f}") for x in BELL],
        [Decimal("0.00")] * N,
        "now one single value: 0.00;",
    ),
    "lost": (
        NAMES,
        np.where(NAMES == "c", np.where(np.arange(N) % 2, "a", "b"), NAMES),
        "'c' is gone: it had ",
    ),
    "merged": (
        NAMES,
        np.where(NAMES == "c", "a", NAMES),
        "'c' is gone, and 'a' rose by as much, from 50.0 % to 60.1 % of the rows;",
    ),
    "sentinel": (
        BELL,
        np.where(np.arange(N) < 360, -999.0, BELL),
        "6.0 % of the values are below ",
    ),
    "few numbers": (
        np.arange(N) % 12 + 1.0,
        np.where(np.arange(N) < 360, 99.5, np.arange(N) % 12 + 1),
        "6.0 % of the values are above 12, the reference's largest: the largest is 99.5 now;",
    ),
    "other unit": (np.arange(N) % 3 / 4, np.arange(N) % 3 * 25.0, "shifted up by 121 standard dev"),
    "renamed": (
        np.array(["one", "two", "six"])[np.arange(N) % 3],
        np.array(["ONE", "TWO", "SIX"])[np.arange(N) % 3],
        "renamed: 'one' is now 'ONE' (33.3 %), 'six' is now 'SIX' (33.3 %), 'two' is now 'TWO'",
    ),
    "may be renamed": (
        np.array(["one", "two", "six"])[np.arange(N) % 3],
        np.array(["uno", "dos", "sei"])[np.arange(N) % 3],
        "nearly all values are new to the reference: ",
    ),
    "wallet": (
        NAMES,
        np.where(np.arange(N) < 1_986, "wallet", NAMES),
        "33.1 % of the rows have values that the reference never had: 'wallet' 33.1 %",
    ),
    "beyond": (
        np.zeros(N),
        np.where(np.arange(N) < 5_000, 2.5, 0.0),
        "83.3 % of the values are above 0, the reference's largest",
    ),
    "both constant": (np.zeros(N), np.full(N, 2.5), "all values are 2.5 now, and all were 0;"),
    "values in place of nulls": (
        np.full(N, np.nan),
        BELL,
        "values are there, where 100.0 % were null before;",
    ),
    "of numbers whose squares are no doubles": (
        BELL * 1e-300,
        (BELL + 10) * 1e-300,
        "values from ",
    ),
    "both ends": (
        np.arange(N) % 11 + 8,
        (np.arange(N) % 13 + 19) % 24,
        "61.5 % of the values are below 8, the reference's smallest: the smallest is 0 now;",
    ),
    "larger, but for values far out": (
        np.append(BELL[:-2], [90_000, 90_000]),
        BELL + 6,
        "most values are larger: the median rose from 4",
    ),
    "by share": (
        RNG.choice(["a", "b", "c"], N, p=[0.52, 0.47, 0.01]),
        RNG.choice(["a", "b", "c"], N, p=[0.42, 0.53, 0.05]),
        "'a' fell from 5",
    ),
    "constant beside nulls": (
        np.where(np.arange(N) % 50 == 0, np.nan, np.arange(N) % 3),
        np.where(np.arange(N) % 50 == 0, np.nan, 1.0),
        "now one single value: 1, beside 2.0 % nulls;",
    ),
    "nulls by name": (
        np.where(np.arange(N) % 4 == 0, None, NAMES),
        np.where(np.arange(N) % 4 == 0, "unknown", NAMES),
        "renamed: null is now 'unknown' (25.0 %);",
    ),
    "a name for nulls": (
        np.where(np.arange(N) % 4 == 0, "unknown", NAMES),
        np.where(np.arange(N) % 4 == 0, None, NAMES),
        "nulls rose from 0.0 % to 25.0 % of the rows, and 'unknown' is gone: it had 25.0 %;",
    ),
    "one number more often": (
        np.where(np.arange(N) < 600, 20.0, BELL),
        np.where(np.arange(N) < 1_800, 20.0, BELL),
        "the value 20 rose from 10.0 % to 30.0 % of the rows;",
    ),
    "beside zero": (
        np.round(np.where(np.arange(N) < 60, 0.0, np.abs(BELL - 50)), 3),
        np.round(np.where(np.arange(N) < 1_500, 0.0, np.abs(BELL - 50)), 3),
        "the value 0 rose from 1.0 % to 25.0 % of the rows;",
    ),
    "a code of many digits": (
        17_031_010_100.0 + np.arange(N) % 1000,
        np.where(np.arange(N) < 600, 0.0, 17_031_010_100.0 + np.arange(N) % 1000),
        "10.0 % of the values are below 17031010100, the reference's smallest: the smallest is 0",
    ),
    "all new": (
        [f"n{i % 500}" for i in range(N)],
        [f"m{i % 500}" for i in range(N)],
        "nearly all values are new to the reference: 'm0' 0.2 %, 'm1' 0.2 %, 'm10' 0.2 %"
        " and 497 more",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_change_has_its_sentence(kind):
    before, now, expected = KINDS[kind]
    (row,) = kldrift.compare(pd.DataFrame({"x": before}), pd.DataFrame({"x": now})).scores.to_dict(
        "records"
    )
    assert row["severity"] == "critical"
    assert row["reason"].startswith(expected)
    assert "rounding" not in row["reason"]


def test_nulls_are_said_where_another_share_changed_by_as_much():
    before = np.where(np.arange(N) % 100 == 0, None, "n")
    now = np.where(np.arange(N) % 10 == 0, None, "n")
    now[1::500] = "y"
    (reason,) = kldrift.compare(pd.DataFrame({"x": before}), pd.DataFrame({"x": now})).scores.reason
    assert reason.startswith("10 times as many nulls: from 1.0 % to 10.0 % of the rows;")


def test_numbers_that_are_a_little_wider_are_said_to_be():
    rng = np.random.default_rng(9)
    sides = (pd.DataFrame({"x": rng.normal(50, std, 10_000)}) for std in (10, 11.8))
    (reason,) = kldrift.compare(*sides).scores["reason"]
    assert reason.startswith("spread 1.2 times as wide;")


@pytest.mark.parametrize("lost", ["true", "false"])
def test_a_change_by_chance_of_a_large_share_is_not_told_before_new_nulls(lost):
    flags = np.arange(10_000) % 2 == 0
    now = np.where(np.arange(10_000) % 91 == 0, None, flags)
    now[np.flatnonzero(flags == (lost == "true"))[1::45]] = lost == "false"  # may be chance
    (row,) = kldrift.compare(pd.DataFrame({"x": flags}), pd.DataFrame({"x": now})).scores.to_dict(
        "records"
    )
    assert row["metric"] == "value_share_change"
    assert row["reason"].startswith("nulls rose from 0.0 % to ")


@pytest.mark.parametrize("kind", [int, float])
def test_a_tail_beyond_the_largest_value_begins_above_it(kind):
    before = RNG.integers(0, 60, 20_000)
    now = np.where(np.arange(20_000) % 200 == 0, 61, before)
    frames = (pd.DataFrame({"x": x.astype(kind)}) for x in (before, now))
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["metric"] == "tail_share_rise"
    assert row["reason"].startswith(
        "0.5 % of the values are above 59, the reference's largest: the largest is 61 now;"
    )


def test_one_value_far_out_is_no_shift():
    spike = BELL.copy()
    spike[0] = 1e9
    spike[1:400] = 50.0
    (row,) = kldrift.compare(pd.DataFrame({"x": BELL}), pd.DataFrame({"x": spike})).scores.to_dict(
        "records"
    )
    assert "shifted" not in row["reason"]


@pytest.mark.parametrize(
    ("largest", "shown"),
    [
        (49, "above 49, the reference's largest"),
        (Decimal("49.50"), "above 49.50, the reference's largest"),
        (dt.date(2024, 3, 1), "above 2024-03-01, the reference's largest"),
        (49.5, "above 49.5, the reference's largest"),
    ],
    ids=lambda value: str(value)[:5],
)
def test_the_largest_value_is_shown_and_not_the_edge_behind_it(largest, shown):
    one = type(largest)
    step = dt.timedelta(days=1) if one is dt.date else one(1)
    values = [largest - step * i for i in range(300) for _ in range(20)]
    frames = pd.DataFrame({"x": values}), pd.DataFrame({"x": [v + step * 300 for v in values]})
    whole = {"override": {"x": {"parts": ["whole"]}}} if one is dt.date else {}
    (row,) = kldrift.compare(*frames, **whole).scores.to_dict("records")
    assert shown in row["reason"]


def test_unsigned_numbers_are_written_as_they_are_and_large_ones_not_taken_for_one():
    before = (np.arange(N) % 50).astype(np.uint64)
    large = before + np.uint64(2**63)
    last = np.full(N, 2**64 - 1, np.uint64)
    for now, first in (
        (np.where(np.arange(N) % 10 == 0, 77, before), "10.0 % of the values are above 49, the "),
        (np.full(N, 77), "now one single value: 77;"),
        (large, "all values are above 49, the reference's largest;"),
    ):
        sides = (pd.DataFrame({"x": x.astype(np.uint64)}) for x in (before, now))
        (reason,) = kldrift.compare(*sides).scores["reason"]
        assert reason.startswith(first)
        assert "the largest is" not in reason or "the largest is 77 now;" in reason
    (reason,) = kldrift.compare(pd.DataFrame({"x": large}), pd.DataFrame({"x": last})).scores[
        "reason"
    ]
    assert reason.startswith("all values are above 9223372036854775857, the reference's largest;")


@pytest.mark.parametrize(
    ("largest", "shown"),
    [(253_069.107209846, "253069.1"), (40_669.9953558838, "40669.995"), (0.99999991, "0.9999999")],
)
def test_the_largest_value_has_no_more_digits_than_tell_it_from_a_whole_number(largest, shown):
    now = np.where(np.arange(N) % 10 == 0, largest, np.arange(N) % 997 / 1_997)
    (reason,) = kldrift.compare(
        pd.DataFrame({"x": np.arange(N) % 997 / 1_997}), pd.DataFrame({"x": now})
    ).scores["reason"]
    assert f": the largest is {shown} now;" in reason


def test_times_that_shift_have_means_that_are_times():
    days = pd.Timestamp("2024-01-24T12:00:00") + pd.to_timedelta(BELL, unit="h")
    frames = (pd.DataFrame({"at": days + pd.Timedelta(hours=late)}) for late in (0, 5))
    reason = kldrift.compare(*frames, override={"at": {"parts": ["whole"]}}).scores["reason"][0]
    assert ": the mean rose from 2024-01-26T13:5" in reason
    ranges = reason.split("moved most: ")[1]
    assert re.search(r"2024-\d\d-\d\dT\d\d:\d\d:\d\d to 2024-", ranges)
    assert "." not in ranges.split(" (")[0]


def test_times_of_day_are_told_by_the_clock_in_reasons_and_cells():
    seconds = np.clip(600 * BELL + 10_000, 0, 80_000).astype(int)
    at = (pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds + by, unit="s") for by in (0, 5_400))
    result = kldrift.compare(*(pd.DataFrame({"t": moment.time}) for moment in at))
    reason = result.scores["reason"][0]
    assert re.search(r"the mean rose from 1\d:\d\d:\d\d to 1\d:\d\d:\d\d; ", reason)
    assert "explained by adding" not in reason
    cells = result.cells
    assert (
        cells["label"][cells["cell_kind"] == "bin"]
        .str.fullmatch(r"\d\d:\d\d:\d\d to \d\d:\d\d:\d\d")
        .all()
    )


def test_cells_of_days_are_named_in_the_table_as_in_the_reason():
    days = pd.Timestamp("2024-01-24") + pd.to_timedelta((BELL * 20).round(), unit="D")
    frames = (pd.DataFrame({"d": (days + pd.Timedelta(days=by)).date}) for by in (0, 900))
    result = kldrift.compare(*frames, override={"d": {"parts": ["whole"]}})
    cells = result.cells.set_index("cell_kind")["label"]
    assert re.fullmatch(r"2\d{3}-\d\d-\d\d to 2\d{3}-\d\d-\d\d", cells["bin"].iloc[-1])
    last = cells["overflow"]
    assert last.endswith(", the reference's largest")
    assert last in result.scores["reason"][0]


def test_a_range_wider_than_the_largest_double_is_told_without_a_warning():
    then = 1e308 * np.linspace(-1.7, 1.69, 500)
    now = np.append(then, np.full(100, 1.79e308))
    found = kldrift.compare(*(pd.DataFrame({"x": x}) for x in (then, now)))
    assert "of the values are above 1.69e+308, the reference's largest" in found.scores["reason"][0]


def test_small_bounds_of_a_wide_range_are_no_zeros():
    then = 10 ** np.linspace(-3, 6, 4000)
    reason = kldrift.compare(pd.DataFrame({"x": then}), pd.DataFrame({"x": then[2000:]})).scores[
        "reason"
    ][0]
    assert re.search(r"0\.00\d+ to 0\.0\d+", reason), reason
    assert " 0 to 0." not in reason


def test_hours_have_no_mean_that_moves():
    late = (
        pd.Timestamp("2024-01-01") + pd.to_timedelta((BELL / 5 + h) % 24, unit="h")
        for h in (14, 17)
    )
    frames = (pd.DataFrame({"at": at}) for at in late)
    (row,) = kldrift.compare(*frames, override={"at": {"parts": ["hour"]}}).scores.to_dict(
        "records"
    )
    assert row["severity"] == "critical"
    assert "shifted" not in row["reason"]
    assert row["reason"].startswith("all hours are 3 later than in the reference;")


def test_days_of_the_week_have_names():
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(days=i % 7) for i in range(7_000)]
    late = [d if d.weekday() != 2 else d + dt.timedelta(days=3) for d in days]
    result = kldrift.compare(
        pd.DataFrame({"at": days}),
        pd.DataFrame({"at": late}),
        override={"at": {"parts": ["weekday"]}},
    )
    reason = result.scores["reason"][0]
    assert "Wednesday" in reason
    assert "Saturday" in reason


def test_a_few_values_far_out_are_said_where_they_move_the_mean_alone():
    change = Change(
        CellKind.UNDERFLOW,
        "below 0.1, the reference's smallest",
        0.0,
        0.04,
        shift=-200.0,
        spread=900.0,
        ks=0.11,
        ends=(0.05, -0.06),
        medians=("0.53", "0.45"),
        farthest="-999",
    )
    assert sentence(change) == (
        "4.0 % of the values are below 0.1, the reference's smallest: the smallest is -999 now"
    )


def test_values_far_out_that_are_dates_are_said_as_dates():
    days = np.datetime64("2024-01-01") + np.random.default_rng(0).integers(0, 200, 2_000)
    late = np.where(np.arange(200) < 1, np.datetime64("2037-09-09"), days[:200])
    sides = (pd.DataFrame({"d": pd.Series(x).dt.date}) for x in (days, late))
    found = kldrift.compare(*sides, override={"d": {"parts": ["whole"]}}).scores
    assert found["severity"].tolist() == ["ok"]
    assert found["reason"][0].startswith("the values are from 2024-01-0"), found["reason"][0]
    assert (
        " to 2037-09-09, and from 2024-01-01 to 2024-07-18 in the reference; few"
        in found["reason"][0]
    )


@pytest.mark.parametrize("kind", ["number", "text", "flag"])
def test_that_a_column_has_one_value_left_is_said_below_all_limits_too(kind):
    usual, other = {"number": (-1.0, 3.5), "text": ("unknown", "y"), "flag": (False, True)}[kind]
    before = pd.DataFrame({"x": np.where(np.arange(20_000) < 80, other, usual)})
    found = kldrift.compare(before, pd.DataFrame({"x": [usual] * 20_000})).scores
    assert found["severity"].tolist() == ["ok"]
    assert found["reason"][0].startswith("now one single value: ")
    few = kldrift.compare(before, pd.DataFrame({"x": [usual] * 200})).scores
    assert pd.isna(few["reason"][0])  # which may be chance


@pytest.mark.parametrize("kind", ["text", "number"])
def test_one_value_that_is_left_is_said_beside_many_nulls(kind):
    values = [*"abcdefg"] if kind == "text" else [1, 2, 3, 4, 5, 6, 7]
    before = np.array([*values, None], dtype=object)[np.minimum(np.arange(4_000) % 50, 7)]
    now = np.where(np.arange(4_000) % 50 < 7, values[0], None)
    frames = (pd.DataFrame({"x": x}) for x in (before, now))
    (reason,) = kldrift.compare(*frames).scores["reason"]
    assert reason.startswith(f"now one single value: {values[0]!r}, beside 86.0 % nulls;")


@pytest.mark.parametrize("change", [str.upper, "{} ".format, " {}".format])
def test_many_names_that_are_written_another_way_are_renamed(change):
    names = np.array([f"{end} {i}" for end in ("north", "west north") for i in range(60)])
    rng, shares = np.random.default_rng(0), 1 / np.arange(2, 122)
    before, now = (rng.choice(names, 10_000, p=shares / shares.sum()) for _ in range(2))
    now = [change(name) for name in now]
    (reason,) = kldrift.compare(pd.DataFrame({"x": before}), pd.DataFrame({"x": now})).scores.reason
    assert reason.startswith(f"renamed: 'north 0' is now {change('north 0')!r} (")
    assert " more;" in reason


def test_a_rare_name_with_many_rows_is_named_whatever_decided():
    rng, days = np.random.default_rng(0), np.array([f"day {i}" for i in range(365)])
    shares = np.where(np.arange(365) < 345, 20.0, 10.0)
    before, now = (rng.choice(days, 10_000, p=shares / shares.sum()) for _ in range(2))
    now[:1_000] = "day 360"
    (row,) = kldrift.compare(pd.DataFrame({"x": before}), pd.DataFrame({"x": now})).scores.to_dict(
        "records"
    )
    assert "; js " in row["reason"]
    assert row["reason"].startswith("'day 360' rose from 0.1")


WHOLE = {
    "codes": ([200, 301, 404, 500], 1, "the same values, all larger by 1;"),
    "counts": ([1, 2, 3, 5, 8, 13], -1, "the same values, all smaller by 1;"),
    "amounts": (
        5 * np.random.default_rng(0).integers(9, 9_000, 99),
        1,
        "nearly all values are new",
    ),
    "cents": ([999, 1_999, 2_999, 4_999, 9_999], -1, ""),
    "thousands": ([1_000, 2_000, 5_000, 40_000], 4, ""),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_numbers_that_all_move_by_one_are_told_so_or_are_no_others_on_a_wide_grid(kind):
    values, step, said = WHOLE[kind]
    rng = np.random.default_rng(3)
    before, now = (rng.choice(values, 4_000) for _ in range(2))
    frames = pd.DataFrame({"x": before}), pd.DataFrame({"x": now + step})
    (row,) = kldrift.compare(*frames).scores.to_dict("records")
    assert row["severity"] == ("critical" if said else "ok")
    assert not said or row["reason"].startswith(said)


def test_whole_numbers_with_another_sign_are_the_same_ones():
    x = np.where(np.arange(N) % 4 == 0, 50, 0)
    frames = pd.DataFrame({"x": x}), pd.DataFrame({"x": -x})
    assert (
        kldrift.compare(*frames)
        .scores.reason[0]
        .startswith("the same values with a flipped sign; ")
    )


def test_names_that_are_written_another_way_are_renamed_in_segments_too_and_beside_rare_ones():
    rng, shares = np.random.default_rng(1), 1 / np.arange(2, 82)
    names = np.array([f"city {i}" for i in range(80)])
    before, now = (
        pd.DataFrame(
            {"x": rng.choice(names, 2_000, p=shares / shares.sum()), "of": ["a", "b"] * 1_000}
        )
        for _ in range(2)
    )
    scores = kldrift.compare(before, now.assign(x=now["x"].str.upper()), segments=[["of"]]).scores
    reasons = scores[scores["feature"] == "x"]["reason"].tolist()
    assert reasons[0].startswith("renamed: 'city 0' is now 'CITY 0' (")
    for reason in reasons[1:]:
        assert reason.startswith("renamed: 'city 0' is now 'CITY 0', 'city 1' is now 'CITY 1', ")
        assert "nan" not in reason


def test_nearly_all_values_are_new_where_rare_ones_are_nearly_gone_and_new_ones_are_usual():
    before = [f"a{i}" for i in range(130)] * 2 + [f"once {i}" for i in range(270)]
    now = [f"b{i}" for i in range(195)] * 2 + [f"a{i}" for i in range(8)]
    (reason,) = kldrift.compare(pd.DataFrame({"x": before}), pd.DataFrame({"x": now})).scores.reason
    usual = "nearly all values are new to the reference, and 50.9 % of them were to be expected: "
    assert reason.startswith(usual)


@pytest.mark.parametrize(
    ("now", "said"),
    [(0.08, "rose from 1.0 % to 8.0 % of the rows"), (0, "are gone: they had 1.0 % of the rows")],
)
def test_cells_that_were_frozen_before_may_have_rows_beyond_them_in_the_reference(now, said):
    beyond = "above 50, the reference's largest"
    assert cell_sentence(CellKind.OVERFLOW, beyond, 0.01, now) == f"values {beyond}, {said}"


@pytest.mark.parametrize(
    ("second", "more"),
    [
        (("'b'", 0.01, 0.034), {}),
        (("'b'", 0.0, 0.024), {}),
        (("'b'", 0.0, 0.024), {"unseen": [("b", 0.024)], "lost": [("'a'", 0.024)]}),
    ],
    ids=["merged", "exchanged", "renamed"],
)
def test_two_names_that_changed_by_as_much_by_chance_are_not_told_together(second, more):
    alone = Change(CellKind.CATEGORY, "'a'", 0.024, 0.0, second=second, **more, moved=0.024)
    assert "is gone: it had" not in sentence(alone)
    assert sentence(replace(alone, moved=0.4)) == "'a' is gone: it had 2.4 % of the rows"


def _reason(before, now, **options):
    frames = (pd.DataFrame({"x": x}) for x in (before, now))
    (row,) = kldrift.compare(*frames, **options).scores.to_dict("records")
    assert row["severity"] in {"warning", "critical"}
    return row["reason"]


def test_the_smallest_value_is_named_and_not_the_end_of_what_is_close_to_it():
    def amounts(seed):  # most of the smallest one, which is the limit of detection
        return np.maximum(np.round(np.random.default_rng(seed).lognormal(0, 1, 20_000), 2), 0.5)

    reason = _reason(amounts(1), np.where(amounts(2) == 0.5, 0.25, amounts(2)))
    assert "of the values are below 0.5, the reference's smallest: the smallest is 0.25" in reason


def test_a_largest_value_just_below_1_is_not_written_as_1():
    shares = [np.random.default_rng(seed).beta(0.5, 0.5, 20_000) for seed in (1, 2)]
    reason = _reason(shares[0], np.ceil(10 * shares[1]) / 10)
    assert " are above 0.99" in reason
    assert "the largest is 1 now" in reason


def test_days_beyond_those_of_the_reference_have_names():
    def days(last):
        return pd.to_datetime(["2025-03-03"] * 2_000) + pd.to_timedelta(
            np.arange(2_000) % last, "D"
        )

    reason = _reason(days(5), days(7), override={"x": {"parts": ["weekday"]}})
    assert reason.startswith("28.5 % of the values are after Friday, the reference's last;")


def test_a_deviation_that_few_values_make_is_no_spread_of_the_rows():
    rng = np.random.default_rng(4)
    before = np.append(rng.standard_cauchy(20_000), [1e6, -1e6])
    reason = _reason(before, 2 * rng.standard_cauchy(20_000))
    assert reason.startswith("more values lie far out on both sides, by 2")
    reason = _reason(before[:-2], np.append(2 * before[:-2], 1e7))  # wider by that one value
    assert reason.startswith("more values lie far out on both sides, by 2")
    assert "narrowed" not in reason


def test_the_value_that_changed_is_named_and_not_the_range_around_it():
    def sensor(seed, stuck):
        rng = np.random.default_rng(seed)
        x = np.round(rng.normal(20, 5, 20_000), 1)
        return np.where(rng.random(20_000) < stuck, -999.0, x)

    assert _reason(sensor(1, 0.04), sensor(2, 0.09)).startswith("the value -999 rose from ")


def test_names_that_are_gone_are_at_least_those_that_surely_are():
    names = np.char.add("sku-", np.arange(800).astype(str))
    rng = np.random.default_rng(5)
    before, now = rng.integers(0, 800, 30_000), 2 * rng.integers(0, 400, 15_000)
    reason = _reason(names[before], names[now])
    assert re.match(r"at least 3\d\d of 800 names are gone: ", reason)
    few = _reason(names[before], names[now // 2])
    assert re.match(r"(at least )?[34]\d\d of 800 names are gone: ", few)


def test_several_numbers_that_are_gone_are_counted_and_a_gone_one_is_told_beside_nulls() -> None:
    rng = np.random.default_rng(0)
    code, amount, when = (
        rng.integers(100, 140, 5_000),
        rng.exponential(9, 5_000),
        rng.integers(0, 7, 5_000),
    )
    zero = np.where(rng.random(5_000) < 0.3, 0.0, amount)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(when, unit="D")
    before = pd.DataFrame({"code": code, "zero": zero, "day": days})
    now = pd.DataFrame(
        {
            "code": code // 2 * 2,
            "zero": np.where(zero == 0, np.nan, zero),
            "day": days.where(when < 5, days - pd.Timedelta(days=2)),
        }
    )
    found = kldrift.compare(before, now, override={"day": {"parts": ["weekday"]}}).scores
    assert "rounding" not in found.set_index("feature")["reason"]["code"]  # to what they are
    first = found.set_index("feature")["reason"].str.split(";").str[0]
    assert re.match(
        "20 of 40 values are gone: 1.., 1.., 1.. and 17 more; they", first["code"] + "; they"
    )
    assert first["zero"].endswith("% of the rows, and the value 0 is gone: it had 28.2 %")
    assert first["weekday(day)"].startswith("2 of 7 values are gone: S")


def test_a_median_is_not_said_to_fall_to_a_larger_value() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(40.7, 0.05, (2, 20_000))
    frames = [pd.DataFrame({"x": x}) for x in (before, np.floor(now * 100) / 100)]
    (reason,) = kldrift.compare(*frames).scores["reason"]
    told = re.search(r"the median fell from ([0-9.]+) to ([0-9.]+)[;]", reason)
    assert told is None or float(told[1]) > float(told[2])


def test_rows_beyond_an_end_are_told_where_a_reference_of_windows_has_hardly_any_there() -> None:
    below = "below -11.1, the reference's smallest"
    change = Change(
        CellKind.UNDERFLOW, below, 5e-5, 0.39, shift=-7.5, spread=3, ks=0.39, farthest="-99"
    )
    assert sentence(change) == (
        f"values {below}, rose from 0.005 % to 39.0 % of the rows: the smallest is -99 now"
    )


def test_a_number_that_is_gone_is_said_to_be_beside_what_has_its_rows() -> None:
    rng = np.random.default_rng(0)
    prices = [np.round(rng.lognormal(3, 0.5, 20_000), 2) for _ in range(2)]
    usual = rng.random(20_000) < 0.12
    sides = [
        np.where(usual, x, y + (y == 19.99)) for x, y in zip((19.99, 20.0), prices, strict=True)
    ]
    stars = [rng.choice([1, 2, 3, 4, 5], 20_000, p=[0.3, 0.3, 0.1, 0.2, 0.1]) for _ in range(2)]
    stars[1][stars[1] == 3] = 4
    before, now = (
        pd.DataFrame({"price": x, "stars": y}) for x, y in zip(sides, stars, strict=True)
    )
    reason = kldrift.compare(before, now).scores.set_index("feature")["reason"]
    assert reason["price"].startswith("the value 19.99 is gone, and values from 19.99 to 2")
    assert reason["stars"].startswith("the value 3 is gone, and the value 4 rose by as much, from")


@pytest.mark.parametrize("moved", [[19.99], [0.99, 4.99, 9.99, 19.99, 49.99, 99.99]])
def test_a_price_that_moved_a_little_is_no_drift_but_said(moved):
    rng, prices = np.random.default_rng(0), [0.99, 4.99, 9.99, 19.99, 49.99, 99.99]
    before, now = rng.choice(prices, (2, 5_000), p=[0.2, 0.1, 0.1, 0.3, 0.2, 0.1])
    now = np.where(np.isin(now, moved), (now + 0.01).round(2), now)
    (row,) = kldrift.compare(
        pd.DataFrame({"price": before}), pd.DataFrame({"price": now})
    ).scores.to_dict("records")
    others = " and others" * (len(moved) > 1)
    said = f" of the rows are no longer at 19.99{others} but right beside, "
    assert row["severity"] == "ok"
    assert row["reason"].endswith(f"{said}which is judged as the same value")


SPELT = {
    "case": (str.upper, "'BERLIN'"),
    "spaces": (lambda name: f"{name} ", "'Berlin '"),
    "accents apart": (lambda name: unicodedata.normalize("NFD", name), "'Ko\\u0308ln'"),
}


@pytest.mark.parametrize("spelling", SPELT)
def test_rows_with_known_names_in_another_spelling_are_said_to_have_these(spelling):
    rng, (change, named) = np.random.default_rng(1), SPELT[spelling]
    before, now = rng.choice(["Berlin", "K\u00f6ln", "Lübeck", "Ulm"], (2, 5_000))
    part = rng.random(5_000) < 0.2
    if spelling == "accents apart":
        part &= np.isin(now, ["K\u00f6ln", "Lübeck"])
    frames = [pd.DataFrame({"x": before}), pd.DataFrame({"x": now})]
    frames[1].loc[part, "x"] = frames[1].loc[part, "x"].map(change)
    (reason,) = kldrift.compare(*frames).scores["reason"]
    assert re.match(r"[\d.]+ % of the rows have known values in another spelling: '", reason)
    assert named in reason.partition(";")[0]


def test_codes_that_lost_their_zeros_are_renamed_also_where_each_is_rare():
    codes = np.array([f"{code:05}" for code in range(1_000, 99_000, 997)])
    before, now = np.random.default_rng(5).choice(codes, (2, 10_000))
    frames = (pd.DataFrame({"zip": x}) for x in (before, [code.lstrip("0") for code in now]))
    (reason,) = kldrift.compare(*frames).scores["reason"]
    assert re.match(r"renamed: '0(\d{4})' is now '\1' .* and 7 more; ", reason)


@pytest.mark.parametrize("rows", [1_000, 50_000])
def test_infinite_values_are_named_and_one_far_out_is_not_a_shift_of_all(rows):
    rng = np.random.default_rng(rows)
    before, now, moved = rng.normal(size=(3, rows))
    frames = (
        pd.DataFrame({"infinite": before, "far out": before}),
        pd.DataFrame(
            {
                "infinite": np.where(rng.random(rows) < 0.04, np.inf, now),
                "far out": np.where(np.arange(rows) == 0, 1e3 * rows, moved + 0.5),
            }
        ),
    )
    reasons = kldrift.compare(*frames).scores.set_index("feature")["reason"]
    assert reasons["infinite"].startswith("+infinity is new, with ")
    assert reasons["far out"].startswith("most values are larger: the median rose from ")
