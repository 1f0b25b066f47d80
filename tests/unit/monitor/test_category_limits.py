"""Limits of one category: on the change of its share, or on the ratio of its shares."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import kldrift
from kldrift.config import config_from_mapping
from kldrift.errors import ConfigError
from kldrift.expectations.evidence import judge_row

KL = {"kl": {"warning": 0.1, "critical": 0.25}}
RATIO = {"fraud": {"share_ratio": {"warning": 2, "critical": 4}}}


def frame(rows, fraud, **columns):
    return pd.DataFrame({"class": np.repeat(["fine", "fraud"], [rows - fraud, fraud])} | columns)


def own(categories, **more):
    return {"class": {"categories": categories} | more}


def row(result, feature="class=fraud"):
    scores = result.scores
    return scores[(scores["feature"] == feature) & scores["segment"].isna()].iloc[0]


@pytest.mark.parametrize("made", [lambda x: x, pa.Table.from_pandas], ids=["pandas", "Arrow"])
def test_a_rare_class_that_becomes_five_times_as_frequent_alarms_where_kl_does_not(made):
    sides = made(frame(200_000, 200)), made(frame(200_000, 1_000))
    result = kldrift.compare(*sides, override=own(RATIO), thresholds=KL)
    assert (row(result)["severity"], row(result, "class")["severity"]) == ("critical", "ok")
    assert row(result)["metric"] == "share_ratio"
    assert row(result)["share_ratio"] == pytest.approx(5)
    assert row(result)["share_change"] == pytest.approx(0.004)
    assert row(result)[["threshold_warning", "threshold_critical"]].tolist() == [2, 4]
    assert row(result)["reason"].startswith("'fraud' rose from 0.1 % to 0.5 % of the rows; ")
    assert "fraud&#39; rose from" in result.to_html()


def test_a_share_that_falls_to_a_fifth_has_the_ratio_of_one_that_rises_to_five_times():
    result = kldrift.compare(frame(200_000, 1_000), frame(200_000, 200), override=own(RATIO))
    assert row(result)["share_ratio"] == pytest.approx(5)
    assert row(result)["severity"] == "critical"


def test_a_category_that_is_gone_has_a_finite_ratio():
    result = kldrift.compare(frame(20_000, 200), frame(20_000, 0), override=own(RATIO))
    assert row(result)["share_ratio"] == pytest.approx(400)
    assert row(result)["severity"] == "critical"


def test_a_limit_of_the_change_of_its_share_is_tested_against_the_limit():
    limit = own({"fraud": {"share_change": 0.01}})
    reached = kldrift.compare(frame(1_000, 100), frame(1_000, 112), override=limit)
    beyond = kldrift.compare(frame(100_000, 10_000), frame(100_000, 12_000), override=limit)
    assert (row(reached)["severity"], row(beyond)["severity"]) == ("ok", "critical")


def test_a_category_of_three_rows_among_thousands_of_names_has_a_cell_of_its_own():
    many = [f"v{i % 2_000}" for i in range(60_000)]
    before, now = (pd.DataFrame({"class": many + ["fraud"] * n}) for n in (3, 60))
    result = kldrift.compare(before, now, override=own(RATIO))
    assert row(result)["severity"] == "critical"
    cells = result.cells[result.cells["feature"] == "class"]
    assert cells[cells["label"] == "fraud"]["rows_current"].tolist() == [60]


@pytest.mark.parametrize(("missing", "ratio"), [("cell", 1.0), ("exclude", 2.0)])
def test_its_share_is_that_of_the_rows_that_are_scored(missing, ratio):
    before, now = frame(10_000, 1_000), frame(10_000, 1_000)
    now.loc[:4_999, "class"] = None  # all of them were "fine"
    result = kldrift.compare(before, now, override=own(RATIO), missing=missing)
    assert row(result)["share_ratio"] == pytest.approx(ratio)


def test_it_is_judged_in_each_segment_too():
    sites = {"site": np.tile(["a", "b"], 50_000)}
    sides = [frame(100_000, n, **sites) for n in (100, 1_000)]
    scores = kldrift.compare(*sides, override=own(RATIO), segments="site").scores
    mine = scores[scores["feature"] == "class=fraud"]
    assert set(mine["segment"].dropna()) == {"site=a", "site=b"}
    assert set(mine["severity"]) == {"critical"}


def test_great_expectations_judges_it_by_its_own_column():
    result = kldrift.compare(frame(200_000, 200), frame(200_000, 1_000), override=own(RATIO))
    judged = [
        judge_row(row(result).to_dict(), metric="share_ratio", threshold=limit, alpha=0.01)
        for limit in (2, 6)
    ]
    assert [found.outcome for found in judged] == ["drift", "within"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            own({"froud": {"share_ratio": 2}}),
            "features.override.class.categories: the reference has no 'froud'; "
            "did you mean 'fraud'?",
        ),
        (
            {"amount": {"categories": RATIO}},
            "features.override.amount.categories: expected a categorical feature, but double is "
            "numeric; set kind: categorical",
        ),
        (
            own({"fraud": {"share_ratio": 0.5}}),
            "configuration: features.override.class.categories.fraud.share_ratio.critical: "
            "expected a finite number, more than 1, got 0.5",
        ),
        (
            own({"fraud": {}}),
            "configuration: features.override.class.categories.fraud: "
            "expected share_change or share_ratio with warning or critical",
        ),
        (
            own({"fraud": {"share": 2}}),
            "configuration: features.override.class.categories.fraud.share: "
            "unknown key; did you mean 'share_ratio'?",
        ),
    ],
    ids=["not in the reference", "numbers", "ratio below 1", "no limit", "unknown limit"],
)
def test_what_cannot_be_a_limit_of_a_category_is_an_error_that_says_why(override, message):
    sides = [frame(1_000, n, amount=1.0) for n in (100, 110)]
    with pytest.raises(ConfigError) as caught:
        kldrift.compare(*sides, override=override)
    assert str(caught.value) == message


def test_a_monitor_that_states_no_categories_asks_what_it_asked_before():
    asked = {"monitor": "m", "reference": {"path": "a"}, "current": {"path": "b"}}
    asked |= {"output": {"path": "c"}}
    plain, stated = (
        config_from_mapping(asked | {"features": {"override": {"x": {"keep": True} | more}}})
        for more in ({}, {"categories": RATIO})
    )
    assert "categories" not in plain.asked()["features"]["override"]["x"]
    assert plain.config_hash != stated.config_hash
