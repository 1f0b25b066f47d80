"""A segment's row is what comparing its rows alone gives, on the cells of the whole feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from profile_sample import one_group

import kldrift
from kldrift.config import config_from_mapping
from kldrift.counting.counter import Counter
from kldrift.errors import ConfigError
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.programs import CountProgram
from kldrift.execution.progress import SILENT
from kldrift.features.keys import number_keys
from kldrift.monitor.judging import compare_plan
from kldrift.monitor.plan import make_plan
from kldrift.profiles.moments import Moments
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scores import score
from kldrift.sources.table import TableSource


def table(rows, seed, *, moved=0.0):
    """Features of every kind, and two columns to part the rows by."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b, c", "null", ""], rows, p=[0.5, 0.3, 0.1, 0.1])
    x = rng.normal(1e6 * (group == "a"), 1.0) + moved * (group == "b, c")
    odd = np.where(rng.random(rows) < 0.1, rng.choice([np.nan, np.inf, -np.inf], rows), x)
    return pa.table(
        {
            "group": pa.array(group, mask=rng.random(rows) < 0.1),
            "code": pa.array(rng.integers(0, 3, rows), mask=rng.random(rows) < 0.05),
            "x": x,
            "odd": pa.array(odd, mask=rng.random(rows) < 0.1),
            "count": pa.array(rng.poisson(3, rows), mask=rng.random(rows) < 0.1),
            "cents": pa.array(rng.integers(0, 10**5, rows))
            .cast(pa.decimal128(21, 2))
            .cast(pa.decimal128(9, 2)),
            "kind": pa.array(rng.choice(list("pqrs"), rows), mask=rng.random(rows) < 0.1),
        }
    )


SIDES = table(5_000, 0), table(4_000, 1, moved=2.0)
LISTS = [["group"], ["code", "group"]]


def compared(reference, current, segments=LISTS, **more):
    """What the scans of two tables found, and the verdicts."""
    mapping = {
        "monitor": "m",
        "reference": {"sql": "r"},
        "current": {"sql": "c"},
        "segments": segments,
        "output": {"path": "none"},
        "expectations": False,
    }
    config = config_from_mapping(mapping | more)
    sources = TableSource(reference), TableSource(current)
    return compare_plan(make_plan(config, *sources), MemoryEngine(*sources), SILENT)


def rows_of(side, columns, name):
    """The rows of a segment, found without numbers and dictionaries."""
    parts = dict(zip(columns, name.split("|"), strict=True))
    keep = pa.array([True] * side.num_rows)
    for column, value in parts.items():
        here = side[column].combine_chunks()
        text = here.cast(pa.string())
        mine = pc.is_null(here) if value == "<null>" else pc.equal(text, value).fill_null(False)
        keep = pc.and_(keep, mine)
    return side.filter(keep)


PLAIN = {'group="b, c"': "b, c", 'group="null"': "null", 'group=""': "", "group=null": "<null>"}


def test_a_row_is_the_comparison_of_the_rows_of_its_segment():
    findings, verdicts = compared(*SIDES)
    first = [str(name).split("=")[0] for name in verdicts.segment]
    names = [verdicts.subjects[i].name for i in verdicts.of]
    assert set(zip(names, first, strict=True)) == {
        (p.feature.name, list_) for p in findings.pairs for list_ in ("None", "group", "code")
    }
    assert first.count("group") == 5 * len(findings.pairs)
    for i in [i for i, list_ in enumerate(first) if list_ == "group"]:
        feature = findings.pairs[verdicts.of[i]].feature
        comparison = findings.comparisons[verdicts.of[i]]
        segment, group = verdicts.segment[i], [verdicts.group[i]]
        value = PLAIN.get(segment, "a")
        now, before = (
            profiled(rows_of(side, ["group"], value)[feature.name], comparison.support, feature)
            for side in (SIDES[1], SIDES[0])
        )
        sides = comparison.current.take(group), comparison.reference.take(group)
        for found, alone in zip(sides, (now, before), strict=True):
            np.testing.assert_array_equal(found.counts, alone.counts)
            if alone.moments is not None:
                mine, its = (p.moments.summary() for p in (found, alone))
                assert mine.mean == pytest.approx(its.mean, rel=1e-12, nan_ok=True)
                assert mine.m2 == pytest.approx(its.m2, rel=1e-12, nan_ok=True)
        alone = score([Comparison(now, before, comparison.rebinning)])
        for metric, values in alone.items():
            expected = pytest.approx(values[0], rel=1e-12, abs=1e-15, nan_ok=True)
            assert verdicts.scores[metric][i] == expected, (feature.name, segment, metric)


def profiled(column, support, feature):
    """A profile by the plain way; its moments about its own mean, which loses no digits."""
    counter = Counter(support, feature.key_type)
    column = column.combine_chunks()
    counts, sums = counter.count(column)
    if isinstance(support, CategoricalSupport):
        return one_group(support, counts)
    keys = number_keys(column, feature.key_type)
    keys = keys[np.isfinite(keys)]
    moments = Moments.of(keys, float(np.mean(keys))) if len(keys) else Moments.stacked([sums])
    return one_group(support, counts, moments)


def test_a_segment_of_all_rows_says_what_all_rows_say():
    sides = [side.append_column("all", pa.array(["x"] * side.num_rows)) for side in SIDES]
    result = kldrift.compare(*sides, exclude=["all"], segments=[["all"]])
    scores, cells = result.scores.drop(columns=["q_value", "q_critical"]), result.cells
    scores["reason"] = scores["reason"].str.replace(", q [^;]*", "", regex=True)
    key = ["feature"]
    for frame, order in ((scores, key), (cells, [*key, "cell"])):
        alone = frame[frame["segment"].isna()].sort_values(order)
        parts = frame[frame["segment"] == "all=x"].sort_values(order)
        assert len(alone) == len(parts) > 5
        left, right = (f.drop(columns="segment").reset_index(drop=True) for f in (alone, parts))
        pd.testing.assert_frame_equal(left, right, rtol=1e-12, atol=0, check_dtype=False)
    drifted = scores[scores["severity"].isin(["warning", "critical"])]
    assert set(drifted["feature"]) == {"odd", "x"}
    assert drifted["reason"].str.contains("moved most").all()


def few(reference, current, **more):
    """Scores of the feature ``x`` by the column ``s``, by segment."""
    frames = [
        pd.DataFrame(
            [(s, x) for s, values in side.items() for x in values], columns=["s", "x"]
        ).astype({"s": object})
        for side in (reference, current)
    ]
    scores = kldrift.compare(*frames, exclude=["s"], segments=[["s"]], **more).scores
    return scores[scores["segment"].notna()].set_index("segment"), scores


TWO = ["p"] * 30 + ["q"] * 30


@pytest.mark.parametrize(
    ("reference", "current", "more", "status", "reason"),
    [
        ({"a": TWO, "b": TWO}, {"a": TWO}, {}, "empty", "no rows in the current dataset"),
        (
            {"a": TWO, "b": ["p", "q"] * 9 + ["p"]},
            {"a": TWO, "b": TWO},
            {},
            "too_few_rows",
            "19 reference rows, at least 20 are needed",
        ),
        (
            {"a": TWO, "b": TWO},
            {"a": TWO, "b": ["p"]},
            {},
            "too_few_rows",
            "1 row, scoring.min_rows is 2",
        ),
        (
            {"a": TWO, "b": TWO},
            {"a": TWO, "b": [None] * 30},
            {"missing": "exclude"},
            "empty",
            "every value is missing in the current dataset; scoring.missing is exclude",
        ),
        (
            {"a": TWO, "b": ["p"] * 20},
            {"a": TWO, "b": ["p"] * 9},
            {},
            "constant",
            "one and the same value on both sides",
        ),
        (
            {"a": TWO, "b": ["p"] * 20},
            {"a": TWO, "b": ["q"] * 9},
            {"pseudocount": 0},
            "error",
            "kl is infinite: the current dataset has rows where the reference has none; "
            "set scoring.pseudocount above 0",
        ),
    ],
    ids=["vanished", "few in the reference", "few", "missing", "constant", "infinite"],
)
def test_a_segment_that_has_no_score_says_why(reference, current, more, status, reason):
    rows, _ = few(reference, current, **more)
    assert rows.loc["s=b", ["status", "reason"]].tolist() == [status, reason]
    assert rows.loc["s=a", "status"] == "ok"
    if status == "constant":
        assert rows.loc["s=b", ["severity", "kl"]].tolist() == ["ok", 0.0]
    else:
        assert rows.loc["s=b", "severity"] == "unscored"
        assert pd.isna(rows.loc["s=b", "kl"])


def test_a_feature_of_another_type_is_scored_in_no_segment():
    reference = pa.table({"s": ["a"] * 40, "x": list(range(20)) * 2, "y": ["p", "q"] * 20})
    current = pa.table({"s": ["a"] * 40, "x": ["u", "v"] * 20, "y": ["p", "q"] * 20})
    scores = kldrift.compare(reference, current, exclude=["s"], segments=[["s"]]).scores
    of_x = scores[scores["feature"] == "x"]
    assert set(of_x["status"]) == {"type_changed"}
    assert len(of_x) == 2


def test_drift_in_one_segment_is_found_where_all_rows_hide_it():
    rng = np.random.default_rng(0)
    many, some = rng.normal(size=20_000).tolist(), rng.normal(size=300).tolist()
    rows, scores = few(
        {"big": many, "small": some}, {"big": many, "small": [x + 1.5 for x in some]}
    )
    assert rows.loc["s=small", "severity"] == "critical"
    assert rows.loc["s=big", "severity"] == "ok"
    assert scores[scores["segment"].isna()]["severity"].tolist() == ["ok"]


def test_q_values_are_corrected_over_all_tests_of_the_run():
    from kldrift.statistics.significance import q_values

    alone = {"significance": {"correction": "none"}}
    _, corrected = compared(*SIDES, segments=LISTS)
    _, single = compared(*SIDES, segments=LISTS, **alone)
    assert (~corrected.whole).sum() > 100
    for level in ("smallest", "critical"):
        p_values, found = (getattr(v.q_values, level) for v in (single, corrected))
        assert (p_values < 0.01).sum() > 5
        np.testing.assert_allclose(q_values(p_values), found)


def test_rows_of_no_segment_are_said_and_all_counts_add_up():
    sides = [pa.table({"s": values, "x": [1.0, 2.0] * (len(values) // 2)}) for values in VALUES]
    findings, verdicts = compared(*sides, segments=[["s"]], scoring={"max_segments": 2})
    said = {s.column: s.reason for s in findings.skipped}
    assert said["segment s"] == (
        "24 reference rows and 20 current rows lie in values that are not among the 2 largest or "
        "that the reference never had"
    )
    of_x = [verdicts.subjects[i].name == "x" for i in verdicts.of]
    assert verdicts.segment[of_x].tolist() == [None, "s=0", "s=1"]
    assert verdicts.sizes["n_reference"][of_x].tolist() == [94, 40, 30]
    everything, _ = compared(*sides, segments=[["s"]])
    assert [s.reason for s in everything.skipped] == [
        "10 current rows lie in values that the reference never had"
    ]
    same, _ = compared(sides[0], sides[0], segments=[["s"]])
    assert same.skipped == ()


VALUES = (
    [0] * 40 + [1] * 30 + [2] * 24,
    [0] * 40 + [1] * 30 + [2] * 10 + [7] * 10,
)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["grop"], r"segments\[0\]\[0\]: the reference has no column 'grop'; did you mean 'group'"),
        (["x", "only"], r"segments\[0\]\[1\]: the current dataset has no column 'only'"),
        (["list"], r"segments\[0\]\[0\]: expected a column of plain values, got 'list' of type"),
    ],
    ids=["misspelled", "in one dataset only", "lists"],
)
def test_a_column_that_cannot_part_the_rows_is_an_error(columns, message):
    sides = [side.append_column("list", pa.array([[1]] * side.num_rows)) for side in SIDES]
    sides[0] = sides[0].append_column("only", pa.array([1] * sides[0].num_rows))
    with pytest.raises(ConfigError, match=message):
        kldrift.compare(*sides, segments=[columns])


def test_chunks_batches_and_kinds_of_input_do_not_matter(monkeypatch):
    reference, current = SIDES
    chunked = pa.concat_tables([reference.slice(0, 7), reference.slice(7)])
    frames = [side.to_pandas().assign(cents=lambda f: f["cents"].astype(float)) for side in SIDES]
    first = kldrift.compare(reference, current, segments=LISTS).scores
    second = kldrift.compare(chunked, current, segments=LISTS).scores
    monkeypatch.setattr(CountProgram, "batch_rows", 999)
    batches = kldrift.compare(reference, current, segments=LISTS).scores
    pd.testing.assert_frame_equal(first, batches, rtol=1e-12)
    third = kldrift.compare(*frames, include=["x", "kind"], segments=[["group"]]).scores
    pd.testing.assert_frame_equal(first, second)
    both = third.merge(first, on=["feature", "segment"])
    assert len(both) == 12
    np.testing.assert_allclose(both["kl_x"], both["kl_y"], rtol=1e-12)


def test_segments_change_nothing_of_all_rows():
    alone = kldrift.compare(*SIDES)
    parts = kldrift.compare(*SIDES, segments=LISTS)
    corrected = ["q_value", "q_critical"]  # over more tests
    left_out = [*corrected, "severity", "reason", "config_hash", "reference_id"]
    for before, after in ((alone.scores, parts.scores), (alone.cells, parts.cells)):
        names = [c for c in before.columns if c not in left_out]
        keys = [k for k in ("feature", "cell") if k in names]
        same = (
            f.loc[f["segment"].isna(), names].sort_values(keys).reset_index(drop=True)
            for f in (before, after)
        )
        pd.testing.assert_frame_equal(*same, check_exact=True, check_dtype=False)
