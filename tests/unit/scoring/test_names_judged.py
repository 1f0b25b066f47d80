"""Verdicts on names of a few rows each: quiet ones are ok, and names that are gone are not."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import kldrift

COLUMNS = 20


def columns(rng: np.random.Generator, names: np.ndarray, rows: int) -> pd.DataFrame:
    return pd.DataFrame({f"x{i}": rng.choice(names, rows) for i in range(COLUMNS)})


def names(many: int) -> np.ndarray:
    return np.array([f"v{i}" for i in range(many)], dtype=object)


@pytest.mark.parametrize(
    ("many", "now", "before"),
    [
        (300, 10_000, 10_000),
        (400, 10_000, 10_000),
        (400, 50_000, 10_000),
        (40, 1_000, 1_000),
        (1_000, 10_000, 10_000),
        (1_000, 1_000, 1_000),
        (300, 1_000, 1_000),
        (100, 300, 300),
        (5_000, 3_000, 10_000),
    ],
)
def test_quiet_columns_of_flat_names_are_ok(many, now, before):
    rng = np.random.default_rng(0)
    sides = columns(rng, names(many), before), columns(rng, names(many), now)
    assert {*kldrift.compare(*sides).scores["severity"]} == {"ok"}


@pytest.mark.parametrize(
    ("many", "rows"),
    [(400, 10_000), (300, 10_000), (40, 1_000), (1_000, 10_000), (300, 1_000), (100, 300)],
)
def test_half_of_the_names_gone_is_critical(many, rows):
    rng = np.random.default_rng(1)
    sides = columns(rng, names(many), rows), columns(rng, names(many)[::2], rows)
    assert {*kldrift.compare(*sides).scores["severity"]} == {"critical"}


def test_half_of_400_names_of_25_rows_gone_is_critical():
    before = pd.DataFrame({"x": names(400).repeat(25)})
    now = pd.DataFrame({"x": names(400)[::2].repeat(50)})
    assert kldrift.compare(before, now).scores["severity"].tolist() == ["critical"]


def test_a_tenth_of_the_names_gone_is_a_warning_at_least():
    rng = np.random.default_rng(2)
    sides = columns(rng, names(400), 10_000), columns(rng, names(400)[40:], 10_000)
    assert {*kldrift.compare(*sides).scores["severity"]} <= {"warning", "critical"}


def test_a_tenth_of_300_names_of_three_rows_gone_is_mostly_seen():
    rng = np.random.default_rng(2)
    sides = columns(rng, names(300), 1_000), columns(rng, names(300)[30:], 1_000)
    flagged = kldrift.compare(*sides).scores["severity"] != "ok"
    assert flagged.sum() >= 15


@pytest.mark.parametrize(("many", "rows"), [(1_000, 300), (1_000, 1_000), (100, 300)])
def test_names_that_are_all_others_now_are_critical(many, rows):
    rng = np.random.default_rng(4)
    others = np.array([f"w{i}" for i in range(many)], dtype=object)
    keep = {f"x{i}": {"keep": True} for i in range(COLUMNS)}
    sides = columns(rng, names(many), rows), columns(rng, others, rows)
    assert {*kldrift.compare(*sides, override=keep).scores["severity"]} == {"critical"}


def test_names_without_a_scored_cell_are_compared_all_the_same():
    x = pd.DataFrame({"x": names(200).repeat(10)})
    assert kldrift.compare(x, x).scores["status"].tolist() == ["ok"]


def test_rare_names_that_are_gone_in_one_segment_are_seen_there():
    rng = np.random.default_rng(5)
    before, now = (
        pd.DataFrame({"x": rng.choice(names(500), 6_000), "part": rng.choice(["a", "b"], 6_000)})
        for _ in range(2)
    )
    now = now[~(now["x"].isin(names(500)[::2]) & (now["part"] == "b"))]
    found = kldrift.compare(before, now, segments=["part"], exclude=["part"]).scores
    severity = dict(zip(found["segment"], found["severity"], strict=True))
    assert (severity["part=a"], severity["part=b"]) == ("ok", "critical")


def test_names_are_judged_in_segments_as_well():
    rng = np.random.default_rng(3)
    sides = (columns(rng, names(400), 20_000) for _ in range(2))
    before, now = (side.assign(part=rng.choice(["a", "b"], len(side))) for side in sides)
    found = kldrift.compare(before, now, segments=["part"]).scores
    assert {*found.loc[found["feature"] != "part", "severity"]} == {"ok"}
    now = now[~(now["x0"].isin(names(400)[::2]) & (now["part"] == "b"))]
    found = kldrift.compare(before, now, segments=["part"]).scores
    gone = found[(found["feature"] == "x0") & found["segment"].astype(str).str.contains("b")]
    assert gone["severity"].tolist() == ["critical"]


def reason(before: np.ndarray, now: np.ndarray) -> str:
    sides = (pd.DataFrame({"x": side}) for side in (before, now))
    (found,) = kldrift.compare(*sides).scores["reason"]
    return str(found)


def test_names_that_are_gone_are_counted():
    said = reason(names(400).repeat(25), names(400)[::2].repeat(50))
    assert said.startswith(
        "200 of 400 names are gone: 'v1', 'v101', 'v103' and 197 more; they had 50.0 % of the rows;"
    )


def test_of_names_without_a_cell_none_is_counted():
    rng = np.random.default_rng(1)
    said = reason(rng.choice(names(400), 10_000), rng.choice(names(400)[::2], 10_000))
    assert " names with several rows are gone: 'v" in said or " names are gone: 'v" in said
    assert said.split(" of ")[0].isdigit()


def test_of_very_many_names_a_sample_is_looked_at_that_does_not_follow_their_order():
    names_in_order = np.array([f"v{i:05d}" for i in range(5_000)], dtype=object)
    before, now = names_in_order.repeat(10), names_in_order[:2_500].repeat(20)
    (found,) = kldrift.compare(*(pd.DataFrame({"x": x}) for x in (before, now))).scores.to_dict(
        "records"
    )
    assert found["severity"] == "critical"
    assert found["value_share_change"] == pytest.approx(0.5, abs=0.1)
    assert " of a sample of 255 names are gone: 'v0" in found["reason"]
    assert "; such names had about 5" in found["reason"]


def test_names_of_ten_rows_whose_rows_other_known_names_have_now_are_gone():
    rng = np.random.default_rng(0)
    before, now = rng.integers(0, 5_000, (2, 50_000))
    now = np.where(now < 1_500, rng.integers(1_500, 5_000, len(now)), now)
    sides = (pd.DataFrame({"x": names(5_000)[side]}) for side in (before, now))
    found = kldrift.compare(*sides).scores
    assert found["severity"].tolist() == ["critical"]
    assert found["value_share_change"][0] == pytest.approx(0.3, abs=0.08)


def test_rare_names_that_are_gone_are_counted_with_those_that_chance_leaves_out():
    rng = np.random.default_rng(1)
    said = reason(rng.choice(names(300), 1_000), rng.choice(names(300)[::2], 1_000))
    first = said.split(";")[0]
    assert " of 245 names with several rows are gone: 'v" in first
    assert "may be chance; value_share_change" in said
    said = reason(names(30).repeat(10), names(15).repeat(20))
    assert said.startswith(
        "15 of 30 names are gone: 'v15', 'v16', 'v17' and 12 more; they had 50.0 % of the rows;"
    )


def test_names_that_a_few_rows_leave_out_by_chance_are_not_gone():
    rng = np.random.default_rng(1)
    few = np.append(rng.choice(names(100), 200), ["v7"] * 200)
    assert "gone" not in reason(names(100).repeat(100), few).split(";")[0]


def test_one_name_that_is_gone_is_said_as_before():
    before, now = names(5).repeat(200), names(4).repeat(250)
    assert reason(before, now).startswith("'v4' is gone: it had 20.0 % of the rows")


def on_a_tenth(rng: np.random.Generator, many: int, rows: int) -> np.ndarray:
    """Names of which a tenth has 30 % of the rows more."""
    drawn = rng.integers(0, many, rows)
    return names(many)[np.where(rng.random(rows) < 0.3, drawn // 10 * 10, drawn)]


@pytest.mark.parametrize(("many", "rows"), [(1_000, 10_000), (2_000, 20_000)])
def test_rows_that_move_among_known_rare_names_are_seen(many, rows):
    rng = np.random.default_rng(6)
    sides = rng.choice(names(many), rows), on_a_tenth(rng, many, rows)
    (found,) = kldrift.compare(*(pd.DataFrame({"x": x}) for x in sides)).scores.to_dict("records")
    assert found["severity"] in {"warning", "critical"}
    assert 0.02 < found["value_share_change"] < 0.3
    first = found["reason"].split(";")[0]
    assert first.startswith("some rare names have more rows and others fewer: 'v")


@pytest.mark.parametrize("name", ["v7", "v8", "v9"])
def test_a_known_rare_name_that_many_rows_have_now_is_said(name):
    rng = np.random.default_rng(7)
    before, now = rng.choice(names(250), (2, 2_000))
    now[rng.random(2_000) < 0.06] = name
    (found,) = kldrift.compare(*(pd.DataFrame({"x": x}) for x in (before, now))).scores.to_dict(
        "records"
    )
    assert found["severity"] == "critical"
    assert found["reason"].startswith(f"{name!r} rose from 0.")


def of_a_sketch(many: int, rows: int, now: slice) -> pd.DataFrame:
    """Scores of five columns of more names than a sketch keeps, of which some are left."""
    rng = np.random.default_rng(8)
    every, left = names(many), names(many)[now]
    sides = (
        pd.DataFrame({f"x{i}": rng.choice(some, rows) for i in range(5)}) for some in (every, left)
    )
    return kldrift.compare(*sides).scores


def test_half_of_more_names_than_a_sketch_keeps_gone_is_critical():
    found = of_a_sketch(20_000, 100_000, np.s_[::2])
    assert {*found["severity"]} == {"critical"}
    assert found["value_share_change"].mean() == pytest.approx(0.45, abs=0.1)
    assert found["reason"].str.contains(" of a sample of 255 names are gone: 'v").all()


def test_more_names_than_a_sketch_keeps_are_quiet_when_they_are():
    assert {*of_a_sketch(20_000, 100_000, np.s_[:])["severity"]} == {"ok"}


def test_new_names_that_were_to_be_expected_are_told_from_those_that_are_more():
    weights = 1 / np.arange(1, 10_001) ** 0.6

    def names(seed, new):
        rng = np.random.default_rng(seed)
        drawn = rng.choice(10_000, 30_000, p=weights / weights.sum()).astype(str)
        return np.where(rng.random(30_000) < new, np.char.add("new-", drawn), drawn)

    frames = (pd.DataFrame({"x": x}) for x in (names(1, 0), names(2, 0.3)))
    reason = kldrift.compare(*frames).scores["reason"][0]
    assert re.match(r"3\d\.\d % of the rows have values that the reference never had, and ", reason)
    assert re.search(r"never had, and [4-9]\.\d % were to be expected: 'new-", reason)


def test_a_sentence_is_about_the_category_whose_share_moved_most() -> None:
    shares = {"bread": 0.45, "milk": 0.35, "salt": 0.17, "rum": 0.03}
    before = np.repeat([*shares], [round(20_000 * share) for share in shares.values()])
    gains = {"bread": 0.031, "milk": 0.0, "salt": -0.0032, "rum": -0.0278}
    rows = [round(20_000 * (share + gains[name])) for name, share in shares.items()]
    (row,) = kldrift.compare(
        pd.DataFrame({"x": before}),
        pd.DataFrame({"x": np.repeat([*shares], rows)}),
        thresholds={"value_share_change": {"warning": 0.005, "critical": 0.02}},
    ).scores.to_dict("records")
    assert row["value_share_change"] == pytest.approx(0.031)
    assert row["reason"].startswith("'bread' rose from 45.0 % to 48.1 % of the rows;")
