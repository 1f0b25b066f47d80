"""Joint groups in a comparison: the same numbers as numpy on all rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from joint_sample import complete_vectors, table

import kldrift
from kldrift.divergence import multivariate_gaussian_kl
from kldrift.errors import ConfigError
from kldrift.reporting.blocks import MOST_CELLS, Parts, blocks_of
from kldrift.reporting.causes import drifted
from kldrift.reporting.json_values import records


@pytest.fixture(scope="module")
def sides():
    return table(0), table(1, mix=0.6)


NO_PARTS = Parts([], {}, [])


def test_memory_gives_the_numbers_of_numpy_for_vectors(sides):
    row = kldrift.compare(*sides).scores.set_index("feature").loc["embedding"]
    assert row["kind"] == "joint"
    assert row["missing_reference"] == 3
    stats = []
    for side in sides:
        vectors = complete_vectors(side)
        stats += [vectors.mean(0), vectors.var(0)]
    assert row["kl"] == pytest.approx(multivariate_gaussian_kl(*stats[2:], *stats[:2]), rel=1e-9)


def test_the_pairs_of_a_group_leave_nothing_out(sides):
    row = records(kldrift.compare(*sides).scores.query("feature == 'embedding'"))[0]
    cells = [{"label": f"x{i}", "contribution": 0.5 if i else -3.0} for i in range(MOST_CELLS + 4)]
    shown = blocks_of(row, cells, NO_PARTS, "")[0]
    assert shown.rows[0][:2] == ("x0", "-3")
    assert len(shown.rows) == MOST_CELLS
    assert shown.rest == "and 4 others, +2 nats"
    assert not blocks_of(row, cells[:8], NO_PARTS, "")[0].rest


def test_lists_of_many_lengths_are_no_vectors():
    rng = np.random.default_rng(0)
    lists = [rng.random(rng.integers(0, 30)).tolist() for _ in range(500)]
    made = pa.table({"prices": pa.array(lists, pa.list_(pa.float64()))})
    assert list(kldrift.compare(made, made).scores["feature"]) == ["size(prices)"]


def test_a_comparison_takes_groups_by_name(sides):
    found = kldrift.compare(*sides, joint={"few": ["x1", "x2"]})
    same = kldrift.compare(*sides, joint={"few": {"features": ["x1", "x2"], "ridge": 0}})
    kl = found.scores.set_index("feature")["kl"]
    assert found.scores.set_index("feature")["kind"]["few"] == "joint"
    assert same.scores.set_index("feature")["kl"]["few"] == kl["few"]


def test_a_group_that_cannot_be_judged_is_not_ok():
    before, now = np.random.default_rng(0).normal(size=(2, 5000, 3))
    now[17, 2] = 1e4
    sides = [pa.table(dict(zip("abc", x.T, strict=True))) for x in (before, now)]
    found = kldrift.compare(*sides, joint={"all": ["a", "b", "c"]})
    row = found.scores.set_index("feature").loc["all"]
    assert (row["severity"], row["status"]) == ("unscored", "too_few_rows")
    assert "nats come from c, whose spread" in row["reason"]
    assert np.isnan(row["kl"])
    assert "all" not in set(found.cells["feature"])


def test_a_group_with_a_heavy_tail_alarms_where_others_moved():
    before, now = np.random.default_rng(0).normal(size=(2, 5000, 3))
    before[:, 2], now[:, 2] = np.exp(3 * before[:, 2]), np.exp(3 * now[:, 2])
    now[:, 1] = 0.8 * now[:, 0] + 0.6 * now[:, 1]
    sides = [pa.table(dict(zip("abc", x.T, strict=True))) for x in (before, now)]
    found = kldrift.compare(*sides, joint={"all": ["a", "b", "c"]})
    row = found.scores.set_index("feature").loc["all"]
    assert row["severity"] == "critical"
    assert row["reason"].startswith(
        "a and b go together differently: correlation -0.01 -> 0.80; kl"
    )


def test_a_heavy_tail_is_not_said_to_have_changed_and_a_constant_is_named():
    before, now = np.random.default_rng(0).normal(size=(2, 5000, 4))
    now[:, 1] += 0.7
    now[17, 2] = 1e4
    before[:, 3], now[:, 3] = 1.0, 2.0
    sides = [pa.table(dict(zip("abcd", x.T, strict=True))) for x in (before, now)]
    found = kldrift.compare(*sides, joint={"all": ["a", "b", "c"], "flat": ["a", "d"]})
    reasons = found.scores.set_index("feature")["reason"]
    assert reasons["all"].startswith("b changed, and hardly how the features go together; kl")
    assert " that may be chance, b 0.2" in reasons["all"]
    assert reasons["flat"].startswith("d changed, and hardly how the features go together; kl")


def test_a_group_of_which_one_member_changed_says_so():
    before, now = np.random.default_rng(0).normal(size=(2, 5000, 5))
    now[:, 0] += 0.7
    sides = [pa.table(dict(zip("abcde", x.T, strict=True))) for x in (before, now)]
    row = kldrift.compare(*sides, joint={"all": [*"abcde"]}).scores.set_index("feature").loc["all"]
    assert row["reason"].startswith("a changed, and hardly how the features go together; kl")


def test_the_order_of_rows_changes_a_group_by_rounding_alone():
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=(2, 40_000, 3)) @ (np.eye(3) + np.tri(3, 3, -1))
    scores = []
    for order in (slice(None), rng.permutation(40_000)):
        sides = [pa.table(dict(zip("abc", x[order].T, strict=True))) for x in (before, now + 0.2)]
        found = kldrift.compare(*sides, joint={"all": ["a", "b", "c"]}).scores
        scores.append(found.set_index("feature"))
    for column in ("kl", "gaussian_kl_mean", "p_value"):
        one, other = (s[column]["all"] for s in scores)
        assert one == pytest.approx(other, rel=1e-9)
    exact = [s.drop(index="all")["kl"].sort_index().to_list() for s in scores]
    assert exact[0] == exact[1]


@pytest.mark.parametrize("empty", ["reference", "current"])
def test_a_side_without_rows_is_empty_for_groups_and_vectors_too(sides, empty):
    both = dict(zip(("reference", "current"), sides, strict=True))
    both[empty] = both[empty].slice(0, 0)
    numbers = [f.name for f in sides[0].schema if pa.types.is_floating(f.type)][:2]
    scores = kldrift.compare(**both, joint={"together": numbers}).scores
    assert set(scores["status"]) == {"empty"}
    assert "together" in set(scores["feature"])


def test_what_a_heavy_tail_adds_makes_no_alarm_of_a_change_below_the_limit():
    names = [f"x{i}" for i in range(5)]
    severities = []
    for seed in range(1000, 1010):
        rng = np.random.default_rng(seed)
        sides = [rng.normal(size=(rows, 5)) for rows in (20_000, 1_000)]
        for side in sides:
            side[:, 0] = rng.standard_cauchy(len(side))
        sides[1][:, 1] += 0.3 * sides[1][:, 4]  # no chance, and 0.04 nats
        before, now = (pd.DataFrame(side, columns=names) for side in sides)
        found = kldrift.compare(before, now, joint={"all": names}).scores
        severities += found.loc[found["feature"] == "all", "severity"].tolist()
    assert {*severities} <= {"ok", "unscored"}


def test_an_alarm_beside_a_heavy_tail_says_what_is_above_the_limit():
    names = [f"x{i}" for i in range(5)]
    rng = np.random.default_rng(3)
    sides = [rng.normal(size=(2_000, 5)) for _ in range(2)]
    for side in sides:
        side[:, 0] = rng.standard_cauchy(len(side))
    sides[1][:, 1:4] += 0.3
    before, now = (pd.DataFrame(side, columns=names) for side in sides)
    found = kldrift.compare(before, now, joint={"all": names}).scores
    (row,) = found[found["feature"] == "all"].to_dict("records")
    assert row["severity"] == "warning"
    assert " is above warning 0.1, q < 1e-12, without " in row["reason"]
    assert " nats that may be chance;" in row["reason"]
    assert "also above critical" not in row["reason"]
    assert row["kl"] > 0.25
    assert row["q_critical"] == 1  # by which an expectation of the critical limit holds


def _group(before, now, **options):
    sides = [pa.table({f"x{i}": x for i, x in enumerate(side.T)}) for side in (before, now)]
    members = sides[0].column_names
    found = kldrift.compare(*sides, joint={"all": members}, **options).scores
    return found.set_index("feature").loc["all"]


def test_a_member_that_is_the_same_value_on_both_sides_hides_no_other():
    before, now = np.random.default_rng(1).normal(size=(2, 3_000, 3))
    alone = _group(before[:, :2], np.add(now[:, :2], [0, 1]))
    before[:, 2] = now[:, 2] = 0.1
    row = _group(before, np.add(now, [0, 1, 0]))
    assert row["severity"] == "critical"
    assert row["kl"] == pytest.approx(alone["kl"], rel=1e-9)
    vectors = [pa.table({"v": list(side)}) for side in (before, np.add(now, [0, 1, 0]))]
    of_vectors = kldrift.compare(*vectors).scores.set_index("feature").loc["v"]
    assert of_vectors["severity"] == "critical"
    assert of_vectors["reason"].startswith("v[1] changed")


@pytest.mark.parametrize("of_vectors", [False, True])
def test_a_member_that_is_one_value_on_a_side_is_judged_as_others_are(of_vectors):
    """A constant that became another one was an error."""
    some, others = np.random.default_rng(0).normal(size=(2, 3_000, 2))
    for before, now in ((0, None), (None, 0), (3, 4), (0.1, None)):
        sides = [some.copy(), others.copy()]
        for rows, value in zip(sides, (before, now), strict=True):
            rows[:, 0] = rows[:, 0] if value is None else value
        row = _group(*sides)
        if of_vectors:
            tables = [pa.table({"v": list(side)}) for side in sides]
            row = kldrift.compare(*tables).scores.set_index("feature").loc["v"]
        assert row["severity"] == "critical"
        name = "v[0]" if of_vectors else "x0"
        assert row["reason"].startswith(f"{name} changed, and hardly how the features go together")


def test_a_constant_that_a_few_rows_left_is_not_said_to_have_changed():
    before, now = np.random.default_rng(0).normal(size=(2, 3_000, 2))
    before[:, 0], now[:, 0] = 3, 3
    now[17, 0] = 4
    assert _group(before, now)["status"] == "too_few_rows"


@pytest.mark.parametrize(("rows", "segment"), [(slice(None), None), (slice(0, 2500), "of=DE")])
def test_a_group_of_which_a_member_moved_much_is_one_cause_with_it(rows, segment):
    before, now = np.random.default_rng(0).normal(10, 1, size=(2, 5000, 3))
    for side in (before, now):
        side[:, 1] += side[:, 0]
    now[rows, 1] *= 100
    of = ["DE"] * 2500 + ["FR"] * 2500
    sides = [
        pa.table({"of": of, **dict(zip("abc", x.T, strict=True))}).take(
            np.random.default_rng(1).permutation(5000)
        )
        for x in (before, now)
    ]
    found = kldrift.compare(*sides, joint={"all": [*"abc"]}, segments=[["of"]])
    scores = found.scores[found.scores["segment"].isna()].set_index("feature")
    assert scores["reason"]["all"].startswith(
        "b changed, and "
        + ("hardly how the features" if segment is None else "how it goes together with a: corr")
    )
    cause, *others = drifted(pa.Table.from_pandas(found.scores)).causes
    assert (cause.features, others) == (("b", "all"), [])
    assert cause.what.endswith("explained by a factor of 100; with it the joint group all")
    assert (f"in {segment}, the only one of 2" in cause.what) == (segment is not None)


@pytest.mark.parametrize("far", [0.6, 3])
def test_a_group_is_a_cause_of_its_own_where_others_go_together_differently(far):
    before, now = np.random.default_rng(0).normal(size=(2, 5000, 3))
    now[:, 1] = 0.9 * now[:, 0] + 0.4 * now[:, 1]
    now[:, 2] += far
    sides = [pa.table(dict(zip("abc", x.T, strict=True))) for x in (before, now)]
    found = kldrift.compare(*sides, joint={"all": ["a", "b", "c"]}).scores
    reason = found.set_index("feature")["reason"]["all"]
    assert reason.startswith("a and b go together differently" + ", and c changed" * (far > 1))
    causes = drifted(pa.Table.from_pandas(found)).causes
    assert {cause.features for cause in causes} == {("all",), ("c",)}


def test_a_group_that_is_worse_than_the_member_it_moved_with_leads_their_cause():
    before, now = np.random.default_rng(0).normal(size=(2, 5000, 3))
    for side in (before, now):
        side[:, 1] += side[:, 0]
    now[:, 1] += 2
    sides = [pa.table(dict(zip("abc", x.T, strict=True))) for x in (before, now)]
    config = {"joint": {"all": [*"abc"]}, "thresholds": {"js": {"warning": 0.004}}}
    (cause,) = drifted(pa.Table.from_pandas(kldrift.compare(*sides, **config).scores)).causes
    assert cause.features == ("all", "b")
    assert cause.what.startswith("b: shifted up by 1.")
    assert cause.what.endswith("; with it the joint group all")


def test_a_column_that_is_no_feature_says_why_it_is_in_no_joint_group():
    data = pa.table({"a": [1, 2] * 30, "at": pa.array([0, 1] * 30, pa.timestamp("s"))})
    told = (
        r"^joint.all.features: 'at' is no feature: timestamps always move; ask for .*hour, weekday"
    )
    with pytest.raises(ConfigError, match=told):
        kldrift.compare(data, data, joint={"all": ["a", "at"]})


def test_correlations_that_differ_by_chance_are_not_said_to_of_many_pairs():
    rng = np.random.default_rng(0)
    before, now = (pd.DataFrame(rng.normal(size=(2_000, 50))).add_prefix("x") for _ in range(2))
    now.iloc[:, :5] += 0.3
    (reason,) = kldrift.compare(before, now, joint={"g": [*before.columns]}).scores.query(
        "feature == 'g'"
    )["reason"]
    assert reason.startswith("several features changed, each by itself; ")
