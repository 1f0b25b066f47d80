"""Comparing data in memory: the numbers of the definition, for pandas and Arrow alike."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from all_types import all_types
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick

from kldrift import compare
from kldrift.config import Scoring, Significance
from kldrift.errors import ConfigError, DatasetError
from kldrift.tables.schema import DRIFT_CELLS, DRIFT_SCORES

REFERENCE = pd.DataFrame({"x": [1] * 5 + [2] + [3] * 4})
CURRENT = pd.DataFrame({"x": [1, 1, 2, 2, 3]})


def kl(reference: Any, current: Any, **how: Any) -> float:
    return float(compare(reference, current, **how).scores["kl"][0])


def test_three_values_give_the_kl_that_pencil_and_paper_give():
    # Current 2, 2, 1 of 5 and reference 5, 1, 4 of 10 rows of 1, 2, 3.
    by_hand = 0.4 * math.log(0.4 / 0.5) + 0.4 * math.log(0.4 / 0.1) + 0.2 * math.log(0.2 / 0.4)
    found = compare(REFERENCE, CURRENT, pseudocount=0).scores.iloc[0]
    assert found["kl"] == pytest.approx(by_hand, rel=1e-12)
    assert round(found["kl"], 4) == 0.3266
    assert round(found["kl"] / math.log(2), 4) == 0.4712  # bits
    assert (found["n_reference"], found["n_current"], found["cells"]) == (10, 5, 3)


@quick
@given(*[st.lists(st.sampled_from("abcd"), min_size=2, max_size=40)] * 2)
def test_kl_is_its_definition_on_smoothed_shares(reference, current):
    # Values of 20 rows have cells of their own, whatever the number of rows.
    reference, current = reference * 20, current * 20
    frames = (pd.DataFrame({"x": side}) for side in (reference, current))
    seen = sorted({*reference, *current})
    # Values that the reference has never seen share one cell.
    cells = [[v] for v in seen if v in reference] + [[v for v in seen if v not in reference]]
    cells = [cell for cell in cells if cell]
    p, q = (
        [(sum(map(side.count, cell)) + 0.5) / (len(side) + 0.5 * len(cells)) for cell in cells]
        for side in (current, reference)
    )
    exact = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert kl(*frames, max_categories=10) == pytest.approx(exact, abs=1e-12)


def test_the_pseudocount_is_in_the_row_and_keeps_kl_finite():
    unseen = pd.DataFrame({"x": [4, 4]})
    found = compare(REFERENCE, unseen).scores.iloc[0]
    assert found["pseudocount"] == 0.5
    assert np.isfinite(found["kl"])
    without = compare(REFERENCE, unseen, pseudocount=0).scores.iloc[0]
    assert without["status"] == "error"
    assert without["severity"] == "unscored"


def test_equal_data_of_every_type_have_no_drift_in_whatever_order():
    table = all_types()
    rows = np.random.default_rng(1).permutation(table.num_rows)
    parts = {"override": {c: {"parts": ["whole"]} for c in ("date", "instant", "clock")}}
    scores = compare(table, table.take(pa.array(rows)), **parts).scores
    assert set(scores["severity"]) == {"ok"}
    assert scores["kl"].abs().max() < 1e-12
    assert scores["gaussian_kl"].dropna().abs().max() < 1e-12


def test_the_order_of_the_rows_and_the_chunks_changes_no_bit():
    reference, current = all_types(seed=0), all_types(seed=1)
    expected = compare(reference, current)
    rng = np.random.default_rng(2)
    shuffled = [t.take(pa.array(rng.permutation(t.num_rows))) for t in (reference, current)]
    chunked = [pa.concat_tables([t.slice(0, 7), t.slice(7, 0), t.slice(7)]) for t in shuffled]
    again = compare(*chunked)
    pd.testing.assert_frame_equal(again.scores, expected.scores, check_exact=True)
    pd.testing.assert_frame_equal(again.cells, expected.cells, check_exact=True)


@pytest.mark.parametrize(
    "convert",
    [
        lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
        lambda frame: pa.RecordBatch.from_pandas(frame, preserve_index=False),
        lambda frame: frame.set_index(frame.index + 10),
        lambda frame: frame.convert_dtypes(),
    ],
    ids=["table", "batch", "index", "nullable types"],
)
def test_pandas_and_arrow_give_the_same_numbers(convert):
    rng = np.random.default_rng(0)
    frames = [
        pd.DataFrame(
            {
                "number": rng.normal(shift, 1, 500),
                "few": rng.integers(0, 5, 500),
                "text": rng.choice(["a", "b", None], 500),
                "flag": rng.random(500) < 0.5,
                "category": pd.Categorical(rng.choice(["u", "v"], 500), ["u", "v", "w"]),
            }
        )
        for shift in (0, 0.3)
    ]
    expected = compare(*frames).scores
    again = compare(*map(convert, frames)).scores
    pd.testing.assert_frame_equal(again, expected, check_exact=True)


def test_the_tables_have_the_documented_columns_and_cells_add_up():
    found = compare(all_types(seed=0), all_types(seed=1))
    assert list(found.scores) == DRIFT_SCORES.names
    assert list(found.cells) == DRIFT_CELLS.names
    scored = found.scores[found.scores["kl"].notna()].set_index("feature")
    by_feature = found.cells.groupby("feature")
    np.testing.assert_allclose(
        by_feature["contribution"].sum(), scored["kl"].sort_index(), atol=1e-12
    )
    assert (by_feature["rows_current"].sum() == 400).all()
    assert (by_feature["rows_reference"].sum() == 400).all()
    assert (by_feature.size() == scored["cells"].sort_index()).all()


def test_rows_beyond_one_batch_are_counted_too():
    table = pa.table({"x": np.arange(300_000) % 3})
    assert compare(table, table).scores["n_current"][0] == 300_000


def test_nan_is_no_null_in_arrow_and_is_one_in_pandas():
    values = {"x": [1.0, 1.0, math.nan, math.nan]}
    arrow = compare(pa.table(values), pa.table(values))
    assert set(arrow.cells["cell_kind"]) == {"value", "nan"}
    pandas = compare(pd.DataFrame(values), pd.DataFrame(values))
    assert set(pandas.cells["cell_kind"]) == {"value", "null"}


def test_options_are_those_of_the_configuration():
    reference, current = ({"x": [1, 2] * 50, "y": side} for side in (["a"] * 100, ["b"] * 100))
    found = compare(
        pa.table(reference),
        pa.table(current),
        include=["y"],
        override={"y": {"thresholds": {"js": {"warning": 0.1}}}},
        thresholds={"kl": {"critical": 1e9}},
        alpha=0.001,
    ).scores
    assert found[["feature", "severity"]].to_numpy().tolist() == [["y", "warning"]]
    assert "js 0.6" in found["reason"][0]
    assert found[["metric", "threshold_warning"]].to_numpy().tolist() == [["js", 0.1]]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"bin": 5}, "unknown option 'bin'; did you mean 'bins'"),
        ({"exclud": "x"}, "unknown option 'exclud'; did you mean 'exclude'"),
        ({"bins": 1}, "scoring.bins: expected 2 or more, got 1"),
        ({"include": ["z"]}, "features.include: no column or feature is called 'z'"),
        ({"exclude": ["x"]}, "no feature is left to compare"),
        ({"include": 5}, "features.include: expected a list of text, got 5"),
        ({"override": "x"}, "features.override: expected a mapping of keys, got 'x'"),
        ({"joint": ["x"]}, "joint: expected a mapping of keys, got a list"),
        ({"segments": 5}, "segments: expected a list of lists of columns"),
        ({"thresholds": "high"}, "thresholds: expected a mapping of keys, got 'high'"),
        ({"alpha": 2}, "significance.alpha"),
        ({"thresholds": {"kll": {"warning": 1}}}, "thresholds.kll: unknown key; did you mean 'kl'"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_by_name(how, message):
    with pytest.raises(ConfigError, match=message):
        compare(REFERENCE, CURRENT, **how)


PEOPLE = pd.DataFrame({"age": [1, 2] * 50, "a": [1, 2] * 50, "site": ["n", "s"] * 50})


@pytest.mark.parametrize(
    ("how", "same"),
    [
        ({"include": "age"}, {"include": ["age"]}),
        ({"exclude": "age"}, {"exclude": ["age"]}),
        ({"exclude": pd.Index(["age", "a"])}, {"exclude": ["age", "a"]}),
        ({"segments": "site"}, {"segments": [["site"]]}),
        ({"segments": ["site", "a"]}, {"segments": [["site"], ["a"]]}),
        ({"override": {"day": {"parts": "whole"}}}, {"override": {"day": {"parts": ["whole"]}}}),
        ({"thresholds": 0.2}, {"thresholds": {"kl": {"critical": 0.2}}}),
        ({"thresholds": {"js": 0.2}}, {"thresholds": {"js": {"critical": 0.2}}}),
        (
            {"override": {"age": {"thresholds": 0.2}}},
            {"override": {"age": {"thresholds": {"kl": {"critical": 0.2, "warning": None}}}}},
        ),
    ],
    ids=str,
)
def test_a_text_is_one_name_and_a_number_is_critical(how, same):
    people = PEOPLE.assign(day=pd.Timestamp("2026-01-01"))
    found, expected = (compare(people, people, **options).scores for options in (how, same))
    pd.testing.assert_frame_equal(found, expected)


def test_a_text_is_one_name_of_a_joint_group_too():
    vectors = pa.table({"embedding": [[float(i), float(i * i % 7)] for i in range(100)]})
    scores = compare(vectors, vectors, joint={"meaning": "embedding"}).scores
    assert "meaning" in set(scores["feature"])


def test_the_options_that_the_signature_names_have_the_defaults_of_the_configuration():
    options = dict(compare.__kwdefaults__)
    assert options.pop("stored_bins") is None
    known = {field.name: field.default for field in fields(Scoring) if field.name in options}
    assert {name: options[name] for name in known} == known
    assert {field.name for field in fields(Scoring)} == {*known, "stored_bins"}
    assert options["alpha"] == Significance().alpha


def test_a_name_is_a_name_whatever_stands_in_the_environment(monkeypatch):
    monkeypatch.setenv("HOME_TOWN", "a")
    named = PEOPLE.rename(columns={"age": "${HOME_TOWN}"})
    scores = compare(named, named, exclude=["${HOME_TOWN}"]).scores
    assert list(scores["feature"]) == ["a", "site"]


def test_what_was_not_compared_is_said_with_the_reason():
    data = pa.table(
        {"x": [1, 2] * 50, "raw": [b"a", b"b"] * 50, "id": [f"k{i}" for i in range(100)]}
    )
    site = pa.array(["n"] * 100)
    found = compare(data, data.append_column("site", site), exclude=["raw"], segments="x")
    assert dict(found.skipped).keys() >= {"raw", "id"}
    assert "excluded" in dict(found.skipped)["raw"]
    assert "<bdi>id</bdi>: " in found.to_html()
    assert found.notes == []


def test_a_comparison_of_few_columns_or_none_says_so():
    data = pa.table(
        {"x": [1, 2] * 50, "raw": [b"a", b"b"] * 50, "id": [f"k{i}" for i in range(100)]}
    )
    few = "only 1 of 3 columns were compared: the rest is skipped"
    assert compare(data, data).notes == [few]
    assert few in compare(data, data).to_html()
    assert compare(data, data, min_rows=500).notes == ["no feature was scored", few]
    assert compare(data, data, exclude=["raw", "id"]).notes == []


@pytest.mark.parametrize("convert", [int, float])
def test_whole_numbers_that_are_all_different_are_compared_as_others_are(convert):
    """Balances were left out as identifiers, and the same as floats were critical."""
    balances = np.random.default_rng(0).permutation(200_000)[:500].astype(convert)
    sides = (pa.table({"balance": balances * by}) for by in (1, 40))
    (row,) = compare(*sides).scores.to_dict("records")
    assert row["severity"] == "critical"
    assert "explained by a factor of about 40" in row["reason"]


TWICE = pa.table([[1, 2] * 9, ["a", "b"] * 9, [1, 2] * 9], names=["x", "x", "y"])


@pytest.mark.parametrize(
    ("convert", "name"),
    [
        (lambda t: t, "x"),
        (lambda t: t.to_batches()[0], "x"),
        (lambda t: t.to_pandas(), "x"),
        (lambda t: t.to_pandas().set_axis([1, "1", "y"], axis="columns"), "1"),
    ],
    ids=["table", "batch", "frame", "frame with numbers for names"],
)
def test_a_name_that_occurs_twice_is_a_status_and_the_rest_is_judged(convert, name):
    other = pa.table({name: [1, 2] * 9, "y": [1, 2] * 9})
    found = compare(convert(TWICE), convert(other) if name == "x" else other.to_pandas())
    rows = found.scores.set_index("feature")
    assert rows["status"].to_dict() == {name: "error", "y": "ok"}
    assert rows.loc[name, "severity"] == "unscored"
    assert rows.loc[name, "reason"].startswith(f"2 columns called '{name}' in the reference; ren")
    assert compare(convert(TWICE), convert(TWICE), exclude=name).scores["feature"].tolist() == ["y"]
    group = compare(convert(TWICE), convert(TWICE), joint={"g": [name, "y"]}).scores
    assert group.set_index("feature").loc["g", "status"] == "error"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            pd.DataFrame({"x": [1, "a"]}),
            r"current: column 'x' \(object\) has no type in Arrow: Could",
        ),
        (pd.DataFrame({"y": [1], "x": [1j]}), r"current: column 'x' \(complex128\) has no type"),
        (pd.DataFrame({"x": pd.arrays.SparseArray([0, 1])}), "current: column 'x' .*Sparse"),
    ],
    ids=["mixed", "complex", "sparse"],
)
def test_data_that_has_no_place_in_arrow_is_refused_by_side_and_column(data, message):
    with pytest.raises(DatasetError, match=message):
        compare(REFERENCE, data)


def test_a_column_that_arrow_lacks_may_be_excluded():
    data = pd.DataFrame({"x": [1.0, 2.0], "y": [1j, 2j], "z": [1, "a"]})
    assert compare(data, data, exclude=["y", "z"]).scores["feature"].tolist() == ["x"]
    with pytest.raises(DatasetError, match="column 'z'"):
        compare(data, data, exclude="y")


def test_tables_of_other_libraries_that_give_themselves_to_arrow_are_compared():
    class Stream:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"x": [1, 2, 3]}).__arrow_c_stream__(requested_schema)

    assert compare(Stream(), Stream()).scores["feature"].tolist() == ["x"]
    with pytest.raises(TypeError, match="got Series"):
        compare(REFERENCE["x"], REFERENCE["x"])


def test_an_error_of_arrow_while_counting_is_one_of_the_data(monkeypatch):
    def fail(*_: Any) -> Any:
        raise pa.ArrowInvalid("offsets are not\nin order")

    monkeypatch.setattr("kldrift.monitor.compare.compare_plan", fail)
    with pytest.raises(DatasetError, match=r"the data cannot be compared: offsets are not$"):
        compare(REFERENCE, CURRENT)


def test_other_data_is_refused():
    with pytest.raises(TypeError, match="Arrow tables or Spark DataFrames, got dict"):
        compare({"x": [1]}, {"x": [1]})
    with pytest.raises(TypeError, match="need Spark DataFrames"):
        compare(REFERENCE, CURRENT, derived={"y": "x + 1"})


def test_a_misspelt_exclusion_is_noted_and_one_of_a_column_that_came_and_went_is_not():
    rows = pd.DataFrame({"age": range(50), "income": range(50)})
    found = compare(rows, rows.copy(), exclude=["agee", "latitude", "tmp_*"])
    (note,) = [n for n in found.notes if "exclude" in n]
    assert note == "features.exclude: no column or feature is called 'agee'; did you mean 'age'?"


def test_where_nothing_is_on_both_sides_each_column_is_a_row():
    twice = pd.DataFrame([[1, 2]] * 50, columns=["x", "x"])
    one, other = pd.DataFrame({"x": range(50)}), pd.DataFrame({"y": range(50)})
    retyped = one.assign(x=pd.Timestamp("2024-01-01"))
    for sides, expected in (
        ((one, other), {"x": "missing_feature", "y": "new_feature"}),
        ((one, retyped), {"x": "type_changed"}),
        ((one, pd.DataFrame()), {"x": "missing_feature"}),
        ((pd.DataFrame(), one), {"x": "new_feature"}),
        ((twice, twice), {"x": "error"}),
    ):
        result = compare(*sides)
        assert dict(zip(result.scores["feature"], result.scores["status"], strict=True)) == expected
        assert result.severity == "unscored"
        assert result.notes == ["no feature was scored"]
        assert "no feature was scored" in result.to_html()
    assert "2 columns called 'x' in the reference" in result.scores["reason"][0]


@pytest.mark.parametrize("left", [{"include": ["x"], "exclude": ["x"]}, {"exclude": "*"}])
def test_where_nothing_is_asked_for_it_is_said_why(left):
    one = pd.DataFrame({"x": range(50)})
    with pytest.raises(ConfigError, match=r"no feature is left to compare.*x: excluded"):
        compare(one, one, **left)


class GivesItself:
    """A frame of a library that has a type which Arrow lacks, as polars has whole numbers of 128
    bits."""

    def __init__(self, table):
        self.columns = table.column_names
        self.dtypes = [str(kind) for kind in table.schema.types]
        self.table = table

    def __getitem__(self, names):
        return GivesItself(self.table.select(names))

    def __arrow_c_stream__(self, requested_schema=None):
        if "decimal256(40, 0)" in self.dtypes:
            raise pa.ArrowInvalid("Invalid or unsupported format string: '_128'")
        return self.table.__arrow_c_stream__(requested_schema)


def test_a_column_that_a_library_cannot_give_to_arrow_is_named():
    wide = pa.array([1, 2]).cast(pa.decimal256(40, 0))
    frame = GivesItself(pa.table({"a": [1, 2], "b": wide}))
    said = r"reference: column 'b' \(decimal256.*\) has no type in Arrow: .*; convert or exclude it"
    with pytest.raises(DatasetError, match=said):
        compare(frame, frame)
    assert len(compare(frame[["a"]], frame[["a"]]).scores) == 1


def test_columns_that_were_swapped_are_named_and_others_are_not() -> None:
    rng = np.random.default_rng(0)

    def drawn() -> pd.DataFrame:
        return pd.DataFrame(
            {
                "lat": rng.normal(40.7, 0.05, 3_000),
                "lon": rng.normal(-73.9, 0.07, 3_000),
                "first": rng.choice(["Ann", "Bob", "Cid"], 3_000, p=[0.5, 0.3, 0.2]),
                "last": rng.choice([f"L{i}" for i in range(60)], 3_000),
                "paid": rng.lognormal(0, 1, 3_000),
                "due": rng.lognormal(1, 1, 3_000),
            }
        )

    before, now, moved = drawn(), drawn(), drawn()
    swapped = {"lat": "lon", "lon": "lat", "first": "last", "last": "first"}
    names = now.rename(columns=swapped)
    rows = compare(before, names).scores.set_index("feature")["reason"].str.split("; ").str[0]
    for pair in (("lat", "lon"), ("first", "last")):
        said = "{!r} and {!r} look swapped: each has the values that the other had".format(*pair)
        assert [*rows[[*pair]]] == [said, said]
    assert rows.str.contains("swapped").sum() == 4
    moved["paid"] *= np.e  # as 'due' was, which is as it was
    assert not compare(before, moved).scores["reason"].str.contains("swapped").any()


def test_columns_that_were_swapped_in_one_segment_are_one_cause_that_names_it() -> None:
    rng = np.random.default_rng(0)
    before, now = (
        pd.DataFrame(
            {
                "humidity": rng.normal(45, 8, 6_000),
                "pressure": rng.normal(60, 9, 6_000),
                "plant": rng.choice(["Graz", "Lyon", "Porto"], 6_000),
            }
        )
        for _ in range(2)
    )
    mine = now["plant"] == "Porto"
    now.loc[mine, ["humidity", "pressure"]] = now.loc[mine, ["pressure", "humidity"]].to_numpy()
    result = compare(before, now, segments=[["plant"]])
    said = "'humidity' and 'pressure' look swapped: each has the values that the other had"
    reasons = result.scores.set_index(["segment", "feature"])["reason"]["plant=Porto"]
    assert all(reasons[f].startswith(f"{said}; ") for f in ("humidity", "pressure"))
    where = "in plant=Porto, the only one of 3 segments that drifted; "
    assert {where + said} <= {card.cause.what for card in result._page().cards}


def test_a_dataset_of_which_every_row_is_there_twice_is_noted():
    rng = np.random.default_rng(3)
    before, now = (pd.DataFrame({"x": rng.normal(size=2_000)}) for _ in range(2))
    twice = pd.concat([now, now])
    said = "every row may be there 2 times: all counts of the current dataset are multiples of 2"
    assert [n for n in compare(before, twice).notes if n.startswith(said)]
    # As one more row tells, or the reference has the same.
    for sides in ((before, now), (before, pd.concat([twice, now[:1]])), (twice, twice)):
        assert not any("there 2 times" in note for note in compare(*sides).notes)


def test_names_of_a_reference_of_which_every_row_is_there_twice_are_noted():
    rng = np.random.default_rng(3)
    before, now = (
        pd.DataFrame({"x": [f"v{i}" for i in rng.integers(0, 3_000, 5_000)]}) for _ in range(2)
    )
    twice = pd.concat([before, before])
    said = (
        "'x': every row of the reference may be there 2 times, as all counts are multiples of 2; "
    )
    for current in (now, pd.concat([now, now])):
        assert [n for n in compare(twice, current).notes if n.startswith(said)]
    for reference in (before, pd.concat([twice, before[:1]])):
        assert not any(n.startswith("'x'") for n in compare(reference, now).notes)
