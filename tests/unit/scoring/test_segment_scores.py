"""A segment's row is what comparing its rows alone gives, on the cells of the whole feature."""

from __future__ import annotations

import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kldrift.counting.grouped_counter import (
    SegmentCounter,
    SegmentProfiles,
    SegmentRows,
    check_room,
    merge_packed,
)
from strategies import quick, samples

import kldrift
from kldrift.config import Threshold, config_from_mapping
from kldrift.counting.counter import Counter
from kldrift.errors import ConfigError, DatasetError
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.programs import CountProgram
from kldrift.execution.progress import SILENT
from kldrift.monitor.plan import make_plan
from kldrift.monitor.stages import score_plan
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport
from kldrift.scoring.scores import Comparison, score
from kldrift.scoring.threshold import RANK, exceeded, exceeded_by
from kldrift.sources.table import TableSource

from test_counting import support_for  # isort: skip


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


def outcome_of(reference, current, segments=LISTS, **more):
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
    return score_plan(make_plan(config, *sources), MemoryEngine(*sources), SILENT)


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
    outcome = outcome_of(*SIDES)
    whole = {v.name: v.comparison for v in outcome.verdicts}
    assert {(s.feature, s.names[0].split("=")[0]) for s in outcome.segments} == {
        (name, first) for name in whole for first in ("group", "code")
    }
    features = {f.name: f for f in (p.feature for p in _pairs())}
    for s in outcome.segments:
        if not s.names[0].startswith("group"):
            continue
        assert len(s.names) == 5
        feature = features[s.feature]
        for i, name in enumerate(s.names):
            value = PLAIN.get(name, "a")
            comparison = whole[s.feature]
            now, before = (
                profiled(rows_of(side, ["group"], value)[s.feature], comparison.support, feature)
                for side in (SIDES[1], SIDES[0])
            )
            for found, alone in ((s.found.current[i], now), (s.found.reference[i], before)):
                np.testing.assert_array_equal(found.counts, alone.counts)
                mine, its = (p.moments.summary() for p in (found, alone))
                assert mine.mean == pytest.approx(its.mean, rel=1e-12, nan_ok=True)
                assert mine.m2 == pytest.approx(its.m2, rel=1e-12, nan_ok=True)
            alone = score([Comparison(now, before, comparison.scored)])
            for metric, values in alone.items():
                expected = pytest.approx(values[0], rel=1e-12, abs=1e-15, nan_ok=True)
                assert s.scores[metric][i] == expected, (s.feature, name, metric)


def profiled(column, support, feature):
    """A profile by the plain way; its moments about its own mean, which loses no digits."""
    counter = Counter(support, feature.reading)
    column = column.combine_chunks()
    counts, moments = counter.count(column)
    keys = counter.cells(column).keys
    if keys is not None and len(keys):
        moments = Moments.of(keys, float(np.mean(keys)))
    return Profile(support, counts, moments)


def _pairs():
    config = config_from_mapping(
        {
            "monitor": "m",
            "reference": {"sql": "r"},
            "current": {"sql": "c"},
            "output": {"path": "none"},
        }
    )
    return make_plan(config, *(TableSource(side) for side in SIDES)).pairs


@quick
@given(st.data(), samples)
def test_segments_and_the_rest_add_up_to_the_whole(data, sample):
    n = len(sample.column)
    numbers = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)), np.int64)
    counter = Counter(support_for(sample), sample.reading)
    found = SegmentCounter(counter.support, 3)
    for start in range(0, n, 17):
        piece = slice(start, start + 17)
        rows = SegmentRows(numbers[piece], 3)
        found.add(counter.cells(sample.column.slice(start, 17)), rows)
    profiles = found.profiles()
    rest, moments = counter.count(sample.column.filter(pa.array(numbers == 3)))
    counts, whole = counter.count(sample.column)
    np.testing.assert_array_equal(profiles.counts.sum(0) + rest, counts)
    for i in range(3):
        moments = moments + profiles[i].moments
    assert moments.rows == whole.rows
    if whole.rows:
        assert (moments.minimum, moments.maximum) == (whole.minimum, whole.maximum)
    if np.isfinite(whole.m2) and np.isfinite(moments.m2):
        width = whole.maximum - whole.minimum
        assert moments.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-12 * width)
        assert moments.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-12 * width**2)


def test_any_partitioning_gives_the_same_counts_and_what_travels_is_what_arrives():
    rng = np.random.default_rng(0)
    column = pa.array(rng.normal(size=9_000), mask=rng.random(9_000) < 0.2)
    numbers = rng.integers(0, 301, 9_000)
    support = support_for(_sample(column))
    counter = Counter(support, _sample(column).reading)

    def counted(order, cuts):
        found = []
        for part in np.split(order, cuts):
            one = SegmentCounter(support, 300)
            one.add(counter.cells(column.take(pa.array(part))), SegmentRows(numbers[part], 300))
            found.append(one.profiles().packed())
        return SegmentProfiles.unpacked(merge_packed(found), support)

    first = counted(np.arange(9_000), [])
    second = counted(rng.permutation(9_000), [0, 100, 8_000])
    np.testing.assert_array_equal(first.counts, second.counts)
    assert first.counts.dtype == np.int64
    for a, b in zip(first.moments.arrays, second.moments.arrays, strict=True):
        np.testing.assert_allclose(a + 1, b + 1, rtol=1e-12)
    with pytest.raises(zlib.error, match="incomplete"):
        SegmentProfiles.unpacked(first.packed()[:-5], support)


def _sample(column):
    from strategies import Sample

    from kldrift.features.keys import Reading

    return Sample(column, Reading.FLOAT)


def test_a_segment_of_all_rows_says_what_all_rows_say():
    sides = [side.append_column("all", pa.array(["x"] * side.num_rows)) for side in SIDES]
    result = kldrift.compare(*sides, exclude=["all"], segments=[["all"]])
    scores, cells = result.scores.drop(columns="q_value"), result.cells
    scores["reason"] = scores["reason"].str.replace(", q [^;]*", "", regex=True)
    key = ["feature"]
    for frame, order in ((scores, key), (cells, [*key, "cell"])):
        alone = frame[frame["segment"].isna()].sort_values(order)
        parts = frame[frame["segment"] == "all=x"].sort_values(order)
        assert len(alone) == len(parts) > 5
        left, right = (f.drop(columns="segment").reset_index(drop=True) for f in (alone, parts))
        pd.testing.assert_frame_equal(left, right, rtol=1e-12, atol=0, check_dtype=False)
    drifted = scores[scores["severity"] == "critical"]
    assert set(drifted["feature"]) == {"x"}
    assert drifted["reason"].str.contains("most moved").all()


limits = st.dictionaries(
    st.sampled_from(["kl", "js", "ks"]),
    st.tuples(st.none() | st.just(0.1), st.none() | st.just(0.2)).map(lambda t: Threshold(*t)),
)
figure = st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.3, float("nan")])


@quick
@given(st.lists(st.tuples(figure, figure, figure, figure), min_size=1), limits)
def test_many_verdicts_are_those_of_each(rows, thresholds):
    columns = np.array(rows).T
    scores = dict(zip(("kl", "js", "ks"), columns, strict=False))
    ranks, metrics = exceeded_by(scores, columns[3], thresholds, 0.12)
    for i, row in enumerate(rows):
        alone = {name: None if np.isnan(x) else x for name, x in zip(scores, row, strict=False)}
        severity, metric = exceeded(alone, None if np.isnan(row[3]) else row[3], thresholds, 0.12)
        assert ranks[i] == RANK[severity]
        assert (None if metrics[i] < 0 else list(thresholds)[metrics[i]]) == metric


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
            "1 rows, scoring.min_rows is 2",
        ),
        (
            {"a": TWO, "b": TWO},
            {"a": TWO, "b": [None] * 30},
            {"missing": "exclude"},
            "empty",
            "every value is missing on one side; scoring.missing is exclude",
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
    rows, scores = few({"big": many, "small": some}, {"big": many, "small": [x + 3 for x in some]})
    assert rows.loc["s=small", "severity"] == "critical"
    assert rows.loc["s=big", "severity"] == "ok"
    assert scores[scores["segment"].isna()]["severity"].tolist() == ["ok"]


def test_q_values_are_corrected_over_all_tests_of_the_run():
    from kldrift.statistics.significance import q_values

    scores = kldrift.compare(*SIDES, segments=LISTS).scores
    assert scores["segment"].notna().sum() > 100
    np.testing.assert_allclose(q_values(scores["p_value"].to_numpy(float)), scores["q_value"])


def test_rows_of_no_segment_are_said_and_all_counts_add_up():
    sides = [pa.table({"s": values, "x": [1.0, 2.0] * (len(values) // 2)}) for values in VALUES]
    outcome = outcome_of(*sides, segments=[["s"]], scoring={"max_segments": 2})
    said = {s.column: s.reason for s in outcome.skipped}
    assert said["segment s"] == (
        "24 reference rows and 20 current rows lie in values that are not among the 2 largest or "
        "that the reference never had"
    )
    (found,) = [s for s in outcome.segments if s.feature == "x"]
    assert found.names == ("s=0", "s=1")
    assert found.found.reference.rows.tolist() == [40, 30]
    everything = outcome_of(*sides, segments=[["s"]])
    assert [s.reason for s in everything.skipped] == [
        "10 current rows lie in values that the reference never had"
    ]
    same = outcome_of(sides[0], sides[0], segments=[["s"]])
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


def test_more_counts_than_a_task_has_room_for_are_refused():
    support = CategoricalSupport(tuple(map(str, range(998))))
    check_room([support] * 60, [1_000])
    with pytest.raises(DatasetError, match=r"2,000 segments times 60,000 cells.*916 MB.*lower"):
        check_room([support] * 60, [1_000, 1_000])


@pytest.mark.parametrize("most", [0, 255, 256, 70_000, 2**40], ids=str)
def test_counts_of_any_size_arrive_as_they_left(most):
    support = CategoricalSupport(("a", "b"))
    counts = np.array([[0, most, 1, 2], [3, 0, 0, most]])
    found = SegmentProfiles.unpacked(SegmentProfiles(support, counts).packed(), support)
    np.testing.assert_array_equal(found.counts, counts)
    assert found.moments is None


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
    left_out = ["q_value", "severity", "reason", "config_hash"]
    for before, after in ((alone.scores, parts.scores), (alone.cells, parts.cells)):
        names = [c for c in before.columns if c not in left_out]
        keys = [k for k in ("feature", "cell") if k in names]
        same = (
            f.loc[f["segment"].isna(), names].sort_values(keys).reset_index(drop=True)
            for f in (before, after)
        )
        pd.testing.assert_frame_equal(*same, rtol=1e-12, check_dtype=False)
